"""From the mean spectra of tiles to an energy shift over the field, with its error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from xafsflow.calibration.standard_spectra import Standards
from xafsflow.calibration.tile_spectra import TILES, Tiles
from xafsflow.errors import ComputationError, InputError
from xafsflow.findings.calibrate_findings import Broadening
from xafsflow.kernels.array_types import Doubles, Singles
from xafsflow.kernels.images import field_surface as surface
from xafsflow.kernels.spectra import single_spectrum as spectra
from xafsflow.kernels.spectra.energy_shift_fit import (
    ShiftFit,
    fit_shifts,
    with_other_curves,
)
from xafsflow.kernels.spectra.shift_model import Spectra

# Where the search starts besides the rough place of the edge, eV.
STARTS = (0.0, -3.0, 3.0)


@dataclass(frozen=True, eq=False)
class Field:
    """The shift over a field: a surface, and what it was made from.

    `free`: every tile on its own; `fit`: all on the surface of an `order`, with cross-validation `scores` by order;
    `covariance` of its coefficients with all that is known of their error but a shift of all, `systematic`, eV;
    `blur_error` of the fit's `blur`, eV^2.
    """

    tiles: Tiles
    known: Standards
    free: ShiftFit
    order: int
    scores: tuple[float, ...]
    fit: ShiftFit
    covariance: Doubles
    systematic: float
    blur_error: float

    @property
    def misfit(self) -> float:
        """What the model leaves unexplained in the typical tile, as a share of the edge step."""
        return self.known.misfit(self.fit)

    @property
    def broadening(self) -> Broadening:
        """The images' resolution against the standard's."""
        return self.known.broadening(self.fit, self.blur_error)

    @property
    def noise(self) -> float:
        """The part of the error that falls with the number of pixels, eV, root mean square over the field."""
        coarse = surface.evaluate(self.fit.parameters, self.fit.covariance, (TILES, TILES))[1]
        return float(np.sqrt(np.mean(coarse**2)))

    @cached_property
    def maps(self) -> tuple[Singles, Singles]:
        """`energy_shift` and `energy_shift_error`, float32 `(y, x)`, eV."""
        shift, error = surface.evaluate(self.fit.parameters, self.covariance, self.tiles.shape)
        return shift, np.sqrt(error**2 + np.float32(self.systematic) ** 2)


def spectra_of(tiles: Tiles, known: Standards) -> Spectra:
    """Tiles and standards as a fit wants them; in a mixture a resolution cannot be told from composition."""
    seen = known.seen if len(known.names) == 1 else None
    return Spectra(tiles.energy, tiles.mu, tiles.variance, known.curves, seen=seen)


def fit_alone(spectra: Spectra, basis: Doubles, start: Doubles) -> ShiftFit:
    """`fit_shifts` on one thread: for matrices this small, threads that wait for a busy core take 30 times as long."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        return fit_shifts(spectra, basis, start)


def rough_fit(tiles: Tiles, known: Standards) -> ShiftFit:
    """The shift of the field's mean spectrum: where the search for all tiles starts.

    Raises
    ------
    ComputationError
        No start leads to a fit.
    """
    mean = np.average(tiles.mu, axis=0, weights=tiles.count)
    model = known.curves(tiles.energy, 0).mean(axis=0)
    first = spectra.half_rise(tiles.energy, model) - spectra.half_rise(tiles.energy, mean)
    variance = 1 + np.exp(np.clip(mean, -20, 20))
    seen = known.seen if len(known.names) == 1 else None
    whole = Spectra(tiles.energy, mean[None], variance[None], known.curves, seen=seen)
    fits, failure = [], None
    for start in STARTS:
        try:
            fits.append(fit_alone(whole, np.ones((1, 1)), np.array([first + start])))
        except ComputationError as error:
            failure = error
    if not fits and failure is not None:
        raise failure
    return min(fits, key=lambda one: float(one.misfit[0]))


def fit_tiles(tiles: Tiles, known: Standards, start: float) -> tuple[Spectra, ShiftFit]:
    """The shift of every tile on its own, and what was fitted: the tiles, with the spread of the shift within them.

    Raises
    ------
    ComputationError
        The fit does not settle.
    """
    count = len(tiles.mu)
    own = spectra_of(tiles, known)
    fit = fit_alone(own, np.eye(count), np.full(count, start))
    plane = surface.fit(surface.basis(tiles.v, tiles.u, 1), fit.shift, fit.own_error)[0]
    return replace(own, spread=_spread(tiles, plane, 1), blur=fit.blur), fit


def fit_field(tiles: Tiles, known: Standards, start: float, order: int | None) -> Field:
    """Shifts of the tiles on their own, then all of them on one surface.

    Parameters
    ----------
    start
        The shift of all tiles, roughly, eV.
    order
        Of the surface; None: by cross-validation.

    Raises
    ------
    InputError
        Too few tiles for the order.
    ComputationError
        The fit does not settle.
    """
    count = len(tiles.mu)
    own, free = fit_tiles(tiles, known, start)
    largest = surface.LARGEST_ORDER if order is None else order
    if order is not None and order and 3 * len(surface.terms(order)) > count:
        raise InputError(
            f"a surface of order {order} through {count} tiles",
            f"{3 * len(surface.terms(order))} tiles or more",
            "choose smaller tiles or a lower order",
        )
    choice = surface.choose_order(tiles.v, tiles.u, free.shift, free.own_error, tiles.half, largest)
    chosen = choice.order if order is None else order
    columns = surface.tile_basis(tiles.v, tiles.u, chosen, tiles.half)
    smooth = surface.fit(columns, free.shift, free.own_error)[0]
    shared = replace(own, spread=_spread(tiles, smooth, chosen), weight=choice.weight)
    fit = fit_alone(shared, columns, smooth)
    # What a standard does between its points is not known; straight lines are the other extreme.
    lines = replace(shared, curves=known.lines(0.0), seen=None if shared.seen is None else known.lines)
    between = with_other_curves(lines, columns, fit)
    # The tiles on their own again, now that the shifts within them are known.
    free = fit_alone(replace(shared, weight=1.0, blur=fit.blur), np.eye(count), fit.shift)
    apart = np.outer(between, between)[: len(smooth), : len(smooth)]
    covariance = fit.covariance + apart + _more_scatter(free, fit, columns, choice.weight)
    blur_error = float(np.hypot(fit.blur_error, between[len(smooth) :].sum()))
    return Field(tiles, known, free, chosen, choice.scores, fit, covariance, known.own_error(fit), blur_error)


def _more_scatter(free: ShiftFit, fit: ShiftFit, columns: Doubles, weight: Doubles) -> Doubles:
    """What the coefficients' covariance lacks where the tiles scatter about the surface by more than their own errors."""
    count, terms = columns.shape
    if count <= terms:
        return np.zeros((terms, terms))
    left = (free.shift - fit.shift) / free.own_error
    scale = float((weight * left**2).sum() / max(1.0, weight.sum() - terms))
    rows = columns * np.sqrt(weight)[:, None] / free.own_error[:, None]
    return np.asarray(max(0.0, scale - 1.0) * np.linalg.inv(rows.T @ rows))


def _spread(tiles: Tiles, coefficients: Doubles, order: int) -> Doubles:
    """Variance of the shift within the tiles: they are small, and the surface is nearly a plane there."""
    total = np.zeros(len(tiles.v))
    for half in ((tiles.half[0], 0.0), (0.0, tiles.half[1])):
        low = surface.basis(tiles.v - half[0], tiles.u - half[1], order) @ coefficients
        high = surface.basis(tiles.v + half[0], tiles.u + half[1], order) @ coefficients
        total += (high - low) ** 2 / 12
    return total
