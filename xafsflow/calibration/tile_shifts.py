"""From the mean spectra of tiles to an energy shift over the field, with its error."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from xafsflow.calibration.standard_spectra import Standards
from xafsflow.calibration.tile_spectra import TILES, Tiles
from xafsflow.errors import ComputationError, InputError
from xafsflow.kernels.array_types import Doubles, Singles
from xafsflow.kernels.images import field_surface as surface
from xafsflow.kernels.spectra import single_spectrum as spectra
from xafsflow.kernels.spectra.energy_shift_fit import (
    ShiftFit,
    Spectra,
    fit_shifts,
    with_other_curves,
)

# Where the search starts besides the rough place of the edge, eV.
STARTS = (0.0, -3.0, 3.0)
# eV^2, and standard errors, from which on a resolution counts as another one; it needs so many tiles, and eV between them.
DULLER, CLEAR = 0.004, 5.0
FEWEST, UNEVEN = 8, 0.5


@dataclass(frozen=True, eq=False)
class Field:
    """The shift over a field: a surface, and what it was made from.

    `free`: every tile on its own; `fit`: all on the surface of an `order`, with cross-validation `scores` by order;
    `covariance` of its coefficients with all that is known of their error but a shift of all, `systematic`, eV.
    """

    tiles: Tiles
    known: Standards
    free: ShiftFit
    order: int
    scores: tuple[float, ...]
    fit: ShiftFit
    covariance: Doubles
    systematic: float

    @property
    def misfit(self) -> float:
        """What the model leaves unexplained in the typical tile, as a share of the edge step."""
        return self.known.misfit(self.fit)

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
    """Tiles and standards as a fit wants them."""
    return Spectra(tiles.energy, tiles.mu, tiles.variance, known.curves)


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
    whole = Spectra(tiles.energy, mean[None], variance[None], known.curves, resolution=len(known.names) == 1)
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
    """The shift of every tile on its own, and what was fitted: with the images' resolution where it is not the standard's.

    To fit it costs certainty, so it is left out where it is not clear. In a mixture it cannot be told from composition.

    Raises
    ------
    ComputationError
        The fit does not settle.
    """
    count = len(tiles.mu)
    own, shift = spectra_of(tiles, known), np.full(count, start)
    if len(known.names) == 1:
        # In an even field the flux can do what a resolution does, and a fit of both need not end.
        with suppress(ComputationError):
            other = replace(own, resolution=True)
            fit = fit_alone(other, np.eye(count), shift)
            if _is_clear(fit, tiles):
                return other, fit
            shift = fit.shift
    return own, fit_alone(own, np.eye(count), shift)


def _is_clear(fit: ShiftFit, tiles: Tiles) -> bool:
    """Whether tiles are duller or sharper than the standard beyond what the shift within them makes of them.

    Where their shifts hardly differ, the flux takes up all that the shape of the standard leaves.
    """
    if len(fit.shift) < FEWEST or np.ptp(fit.shift) < UNEVEN:
        return False
    plane = surface.fit(surface.basis(tiles.v, tiles.u, 1), fit.shift, fit.own_error)[0]
    duller = fit.duller - _spread(tiles, plane, 1) / 2
    typical = float(np.median(duller))
    scatter = 1.4826 * float(np.median(np.abs(duller - typical)))
    return abs(typical) > max(DULLER, CLEAR * scatter / np.sqrt(len(duller)))


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
    between = with_other_curves(replace(shared, curves=known.lines), columns, fit)
    # The tiles on their own again, now that the shifts within them are known.
    free = fit_alone(replace(shared, weight=1.0), np.eye(count), fit.shift)
    covariance = (
        fit.covariance + np.outer(between, between) + _more_scatter(free, fit, columns, choice.weight)
    )
    return Field(tiles, known, free, chosen, choice.scores, fit, covariance, known.own_error(fit))


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
