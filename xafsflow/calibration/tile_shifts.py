"""From the mean spectra of tiles to an energy shift over the field, with its error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr

from xafsflow.calibration.tile_spectra import TILES, Tiles
from xafsflow.errors import ComputationError, InputError
from xafsflow.kernels.array_types import Doubles, Indices, Mask, Singles
from xafsflow.kernels.images import field_surface as surface
from xafsflow.kernels.spectra import single_spectrum as spectra
from xafsflow.kernels.spectra.energy_shift_fit import (
    DEGREE,
    Curves,
    ShiftFit,
    Spectra,
    fit_shifts,
    with_other_curves,
)
from xafsflow.step_table import Span
from xafsflow.vocabulary import nearest

# Energies to fit by default, eV relative to the edge.
SPAN: Span = (-100.0, 200.0)
# eV between the used energies and the ends of the standards, so that a shift does not leave them.
MARGIN = 6.0
# eV below and above the edge where the flanks begin that give a pixel's step.
FLANKS = (-15.0, 20.0)
# eV on either side of the edge from which a standard's step and noise are read.
REACH = 80.0
# Energies that a fit needs beyond its own parameters.
SPARE = 4
# Where the search starts besides the rough place of the edge, eV.
STARTS = (0.0, -3.0, 3.0)


@dataclass(frozen=True, eq=False)
class Standards:
    """Spectra of known energies as functions.

    `curves` through cubic splines, `lines` straight between the points; known from `low` to `high`, eV; of each
    standard the place of its `edges` (half of the rise), eV, the edge `step`, and the `alignment` error, eV, that its
    own noise brings.
    """

    names: list[str]
    curves: Curves
    lines: Curves
    low: float
    high: float
    edges: Doubles
    step: Doubles
    alignment: Doubles

    @property
    def e0(self) -> float:
        """The mean of the edges, eV."""
        return float(self.edges.mean())

    def misfit(self, fit: ShiftFit) -> float:
        """What a fit leaves unexplained in the typical spectrum, as a share of the edge step."""
        return float(np.median(fit.misfit / np.abs(fit.amplitude @ self.step)))

    def own_error(self, fit: ShiftFit) -> float:
        """The shift of all that the standards' own noise brings, each by its share in the edge, eV."""
        share = fit.amplitude.mean(axis=0) * self.step
        return float(np.sqrt(((share / share.sum()) ** 2 * self.alignment**2).sum()))

    def inside(self, energy: Doubles, span: Span) -> Mask:
        """Which of the scan's energies to use: inside of the span about e0, and well inside of the standards.

        Raises
        ------
        InputError
            Too few are left.
        """
        low, high = (-np.inf if span[0] is None else span[0]), (np.inf if span[1] is None else span[1])
        found = (energy >= self.e0 + low) & (energy <= self.e0 + high)
        found &= (energy >= self.low + MARGIN) & (energy <= self.high - MARGIN)
        wanted = DEGREE + 2 + len(self.names) + 1 + SPARE
        edge = found & (np.abs(energy - self.e0) <= 10)
        if found.sum() < wanted or edge.sum() < 3:
            raise InputError(
                f"{found.sum()} energies that the standard covers, {edge.sum()} of them within 10 eV of {self.e0:.1f} eV",
                f"{wanted} or more, 3 of them at the edge",
                "scan more energies, widen the span, or check that the standard is of the scan's element",
            )
        return found


def standards(library: xr.Dataset, names: Sequence[str] | None) -> Standards:
    """Cubic splines through spectra of a library.

    Raises
    ------
    InputError
        A name that the library does not have.
    """
    from scipy.interpolate import CubicSpline

    known = [str(name) for name in library.spectrum.values]
    wanted = known if names is None else list(names)
    for name in wanted:
        if name not in known:
            raise InputError(
                f"the standard {name!r}{nearest(name, known)}",
                f"one of {', '.join(known)}",
                "add it to the references",
            )
    rows = [known.index(name) for name in wanted]
    points = [_points(library.energy.values[row], library.mu.values[row]) for row in rows]
    splines = [CubicSpline(energy, mu, extrapolate=False) for energy, mu in points]

    def curves(energy: Doubles, order: int) -> Doubles:
        return np.stack([spline(energy, order) for spline in splines])

    def lines(energy: Doubles, order: int) -> Doubles:
        # The derivative serves to find the way only, and the spline's is smooth.
        return curves(energy, 1) if order else np.stack([np.interp(energy, e, mu) for e, mu in points])

    edges, steps, alignment = [], [], []
    for (energy, mu), spline in zip(points, splines, strict=True):
        near = _near_edge(energy, mu)
        own, height = energy[near], mu[near]
        edges.append(spectra.half_rise(own, height))
        low, high = spectra.levels(own, height)
        steps.append(high - low)
        noise = spectra.point_noise(own, height)
        alignment.append(spectra.alignment_error(own, height, spline(own, 1), noise))
    return Standards(
        names=wanted,
        curves=curves,
        lines=lines,
        low=max(energy[0] for energy, _ in points),
        high=min(energy[-1] for energy, _ in points),
        edges=np.array(edges),
        step=np.array(steps),
        alignment=np.array(alignment),
    )


def _points(energy: Doubles, mu: Doubles) -> tuple[Doubles, Doubles]:
    good = np.isfinite(energy) & np.isfinite(mu)
    return energy[good].astype(float), mu[good].astype(float)


def _near_edge(energy: Doubles, mu: Doubles) -> Indices:
    """The points of a long spectrum within `REACH` of its steepest rise."""
    even = np.arange(energy[0], energy[-1], 2.0)
    top = even[int(np.argmax(np.diff(np.interp(even, energy, mu))))] + 1.0
    return np.flatnonzero(np.abs(energy - top) <= REACH)


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
    whole = Spectra(tiles.energy, mean[None], variance[None], known.curves)
    fits, failure = [], None
    for start in STARTS:
        try:
            fits.append(fit_alone(whole, np.ones((1, 1)), np.array([first + start])))
        except ComputationError as error:
            failure = error
    if not fits and failure is not None:
        raise failure
    return min(fits, key=lambda one: float(one.misfit[0]))


def fit_tiles(tiles: Tiles, known: Standards) -> ShiftFit:
    """The shift of every tile on its own.

    Raises
    ------
    ComputationError
        The fit does not settle.
    """
    count = len(tiles.mu)
    start = float(rough_fit(tiles, known).shift[0])
    return fit_alone(spectra_of(tiles, known), np.eye(count), np.full(count, start))


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
    own = spectra_of(tiles, known)
    free = fit_alone(own, np.eye(count), np.full(count, start))
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
