"""From the mean spectra of tiles to an energy shift over the field, with its error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.contract import Span
from xafsflow.errors import ComputationError, InputError
from xafsflow.kernels import standard as spectra, surface
from xafsflow.kernels.shiftfit import DEGREE, Curves, ShiftFit, Spectra, fit_shifts, with_other_curves
from xafsflow.learn.tiles import Tiles
from xafsflow.names import nearest

Doubles = NDArray[np.float64]
# eV between the used energies and the ends of the standards, so that a shift does not leave them.
MARGIN = 6.0
# eV below and above the edge where the flanks begin that tell a pixel's step.
FLANKS = (-15.0, 20.0)
# Energies that a fit needs beyond its own parameters.
SPARE = 4
# Where the search starts besides the rough place of the edge, eV.
STARTS = (0.0, -3.0, 3.0)


@dataclass(frozen=True, eq=False)
class Standards:
    """Spectra of known energies as functions, with what is known of each: `e0`, noise of a point, alignment error, eV."""

    names: list[str]
    curves: Curves
    lines: Curves
    low: float
    high: float
    e0: float
    noise: Doubles
    alignment: Doubles

    def inside(self, energy: Doubles, span: Span) -> NDArray[np.bool_]:
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
                f"{found.sum()} energies that the standard covers, {edge.sum()} of them within 10 eV of its edge at {self.e0:.1f} eV",
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
            raise InputError(f"the standard {name!r}{nearest(name, known)}", f"one of {', '.join(known)}", "add it to the references")
    rows = [known.index(name) for name in wanted]
    points = [_points(library.energy.values[row], library.mu.values[row]) for row in rows]
    splines = [CubicSpline(energy, mu, extrapolate=False) for energy, mu in points]

    def curves(energy: Doubles, order: int) -> Doubles:
        return np.stack([spline(energy, order) for spline in splines])

    def lines(energy: Doubles, order: int) -> Doubles:
        # The derivative serves to find the way only, and the spline's is smooth.
        return curves(energy, 1) if order else np.stack([np.interp(energy, e, mu) for e, mu in points])

    edges = [spectra.half_rise(*_around(energy, mu)) for energy, mu in points]
    noise, alignment = [], []
    for (energy, mu), spline, e0 in zip(points, splines, edges, strict=True):
        near = np.abs(energy - e0) <= 60
        noise.append(spectra.point_noise(energy[near], mu[near]))
        alignment.append(spectra.alignment_error(energy[near], mu[near], spline(energy[near], 1), noise[-1]))
    return Standards(
        names=wanted,
        curves=curves,
        lines=lines,
        low=max(energy[0] for energy, _ in points),
        high=min(energy[-1] for energy, _ in points),
        e0=float(np.mean(edges)),
        noise=np.array(noise),
        alignment=np.array(alignment),
    )


def _points(energy: Doubles, mu: Doubles) -> tuple[Doubles, Doubles]:
    good = np.isfinite(energy) & np.isfinite(mu)
    return energy[good].astype(float), mu[good].astype(float)


def _around(energy: Doubles, mu: Doubles, reach: float = 80.0) -> tuple[Doubles, Doubles]:
    """The part of a long spectrum around its steepest rise, where its first and last fifth lie beside the edge."""
    smooth = np.interp(np.arange(energy[0], energy[-1], 2.0), energy, mu)
    top = energy[0] + 2.0 * float(np.argmax(np.diff(smooth))) + 1.0
    near = np.abs(energy - top) <= reach
    return energy[near], mu[near]


@dataclass(frozen=True, eq=False)
class Field:
    """The shift over a field: a surface, and what it was made from."""

    tiles: Tiles
    free: ShiftFit
    order: int
    scores: tuple[float, ...]
    fit: ShiftFit
    covariance: Doubles
    systematic: float

    @property
    def coefficients(self) -> Doubles:
        """Of the surface's terms, eV."""
        return self.fit.parameters

    @property
    def misfit(self) -> float:
        """What the model leaves unexplained in the typical tile, as a share of the edge step."""
        return float(np.median(self.fit.misfit / np.abs(self.fit.amplitude.sum(axis=1))))

    def maps(self) -> tuple[Any, Any]:
        """`energy_shift` and `energy_shift_error`, float32 `(y, x)`, eV."""
        shift, error = surface.evaluate(self.fit.parameters, self.covariance, self.tiles.shape)
        return shift, np.sqrt(error**2 + np.float32(self.systematic) ** 2)


def rough_shift(tiles: Tiles, known: Standards) -> float:
    """The shift of the field's mean spectrum, eV: where the search for all tiles starts.

    Raises
    ------
    InputError, ComputationError
        No edge, or none that the standard explains.
    """
    mean = np.average(tiles.mu, axis=0, weights=tiles.count)[None]
    model = known.curves(tiles.energy, 0).mean(axis=0)
    first = spectra.half_rise(tiles.energy, model) - spectra.half_rise(tiles.energy, mean[0])
    whole = Spectra(tiles.energy, mean, 1 + np.exp(np.clip(mean, -20, 20)), known.curves)
    fits, failures = [], []
    for start in STARTS:
        try:
            fits.append(fit_shifts(whole, np.ones((1, 1)), np.array([first + start])))
        except ComputationError as error:
            failures.append(error)
    if not fits:
        raise failures[0]
    best = min(fits, key=lambda one: float(one.misfit[0]))
    return float(best.shift[0])


def fit_field(tiles: Tiles, known: Standards, order: int | None) -> Field:
    """Shifts of the tiles on their own, then all of them on one surface.

    Parameters
    ----------
    order
        Of the surface; None: by cross-validation.

    Raises
    ------
    InputError, ComputationError
        The tiles do not hold the standards, or are too few for the order.
    """
    count = len(tiles.mu)
    own = Spectra(tiles.energy, tiles.mu, tiles.variance, known.curves)
    free = fit_shifts(own, np.eye(count), np.full(count, rough_shift(tiles, known)))
    largest = surface.LARGEST_ORDER if order is None else order
    if order is not None and order and 3 * len(surface.terms(order)) > count:
        raise InputError(
            f"a surface of order {order} through {count} tiles",
            f"{3 * len(surface.terms(order))} tiles or more",
            "choose smaller tiles or a lower order",
        )
    choice = surface.choose_order(tiles.v, tiles.u, free.shift, free.own_error, largest)
    chosen = choice.order if order is None else order
    columns = surface.basis(tiles.v, tiles.u, chosen)
    start = surface.fit(columns, free.shift, free.own_error)[0]
    shared = replace(own, spread=_spread(tiles, start, chosen), weight=choice.weight)
    fit = fit_shifts(shared, columns, start)
    # What a standard does between its points is not known; straight lines are the other extreme.
    between = with_other_curves(replace(shared, curves=known.lines), columns, fit)
    left = (free.shift - fit.shift) / free.own_error
    degrees = max(1.0, float(choice.weight.sum()) - len(start))
    scale = max(1.0, float((choice.weight * left**2).sum()) / degrees) if count > len(start) else 1.0
    # Each standard's own noise moves the shift of all by its share in the edge.
    share = fit.amplitude.mean(axis=0) / fit.amplitude.mean(axis=0).sum()
    systematic = float(np.sqrt((share**2 * known.alignment**2).sum()))
    covariance = fit.covariance * scale + np.outer(between, between)
    return Field(tiles, free, chosen, choice.scores, fit, covariance, systematic)


def _spread(tiles: Tiles, coefficients: Doubles, order: int) -> Doubles:
    """Variance of the shift within the tiles: they are small, and the surface is a plane there."""
    total = np.zeros(len(tiles.v))
    for place, (size, parts) in enumerate(zip(tiles.shape, tiles.grid, strict=True)):
        half = 1.0 / parts
        step = np.array([half, 0.0]) if place == 0 else np.array([0.0, half])
        ends = [surface.basis(tiles.v + s * step[0], tiles.u + s * step[1], order) @ coefficients for s in (-1, 1)]
        # The pixels of a side lie evenly between the ends.
        total += (ends[1] - ends[0]) ** 2 / 12 * (1 - (parts / size) ** 2)
    return total
