"""Where the spectra of a library begin, end and have their edge; and their values on another axis, each moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.io.readers.libraries.library_arrays import FEWEST, Part
from xafsflow.kernels.array_types import Doubles, Floats, Integers, Singles
from xafsflow.kernels.spectra.edge_energy import FEWEST as FEWEST_FOR_EDGE
from xafsflow.kernels.spectra.edge_energy import find_e0

STRIP = 256  # spectra whose spline stays in cache
ROUNDS = 3  # in which an edge comes to lie in the middle of its points


@dataclass(frozen=True)
class Extent:
    """First and last energy of each spectrum, and its edge (NaN where not asked for), eV; each `(sample,)`."""

    first: Doubles
    last: Doubles
    edge: Doubles

    def with_edges(self, edge: Doubles) -> Extent:
        """The same with other edges."""
        return replace(self, edge=edge)


def extents(part: Part, *, edges: bool) -> Extent:
    """Look through all spectra of a part, block by block.

    Raises
    ------
    InputError
        A spectrum with a gap, too few points, or energies that do not rise; names the first.
    """
    tables = [_table(np.asarray(mu), energy, edges) for _, mu, energy in _blocks(part)]
    first, last, edge, wrong = np.concatenate(tables, axis=1)
    if wrong.any():
        at = int(np.argmax(wrong > 0))
        raise InputError(
            f"sample {at} of {part.place} with a gap, fewer than {FEWEST} points, or energies that do not rise"
            + (f" (and {int((wrong > 0).sum()) - 1} more)" if (wrong > 0).sum() > 1 else ""),
            "finite values at rising energies, missing ones at the ends only",
            "leave out or mend these spectra",
        )
    return Extent(first, last, edge)


def _table(mu: Floats, energy: Floats, with_edges: bool) -> Doubles:
    """First, last, edge, and 1 where something is wrong: `(4, sample)`."""
    samples = len(mu)
    good = np.isfinite(mu) & np.isfinite(energy)
    points = good.sum(axis=1)
    begin, end = good.argmax(axis=1), good.shape[1] - good[:, ::-1].argmax(axis=1)
    axis = np.broadcast_to(energy, mu.shape)
    number = np.arange(samples)
    rises = (np.diff(axis, axis=1) > 0) | ~(good[:, 1:] & good[:, :-1])
    wrong = (points < FEWEST) | (end - begin != points) | ~rises.all(axis=1)
    first, last = axis[number, begin], axis[number, end - 1]
    edge = edges(energy, mu) if with_edges and not wrong.any() else np.full(samples, np.nan)
    return np.array([first, last, edge, wrong], np.float64)


def edges(energy: Floats, mu: Floats) -> Doubles:
    """The edge of each spectrum, eV, as Larch's `find_e0` finds it, between the points.

    `find_e0` gives the point with the largest derivative, and so jumps by a whole point where a spectrum is moved by part of
    one. The top of the parabola through the derivative there and at both neighbors lies at most a point away and moves
    with the spectrum.

    Parameters
    ----------
    energy
        `(point,)`, or `(sample, point)` where each has its own.
    mu
        `(sample, point)`; NaN at the ends.

    Examples
    --------
    >>> energy = np.arange(7080.0, 7180.0)
    >>> edges(energy, np.tanh((energy[None] - np.array([[7110.3], [7121.6]])) / 4)).round(2)
    array([7110.29, 7121.61])
    """
    if energy.ndim == 1 and np.isfinite(mu).all():
        if len(energy) < FEWEST_FOR_EDGE:
            return np.full(len(mu), np.nan)
        found = find_e0(energy, np.ascontiguousarray(mu.T))
        return _between_points(np.asarray(energy, np.float64), mu, found)
    axis, result = np.broadcast_to(energy, mu.shape), np.full(len(mu), np.nan)
    for row in range(len(mu)):
        good = np.isfinite(mu[row]) & np.isfinite(axis[row])
        if good.sum() >= FEWEST_FOR_EDGE:
            result[row] = edges(axis[row, good], mu[row : row + 1, good])[0]
    return result


def _between_points(energy: Doubles, mu: Floats, e0: Doubles) -> Doubles:
    place = np.clip(np.searchsorted(energy, e0), 1, len(energy) - 2)
    row = np.arange(len(mu))
    slope = np.gradient(mu.astype(np.float64), energy, axis=1)
    (x0, x1, x2), (y0, y1, y2) = (
        [(a[place + k] if a.ndim == 1 else a[row, place + k]) for k in (-1, 0, 1)] for a in (energy, slope)
    )
    left, right = (y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1)
    bend = (right - left) / (x2 - x0)
    with np.errstate(divide="ignore", invalid="ignore"):
        top = 0.5 * (x0 + x1) - left / (2 * bend)
    return np.where(bend < 0, np.clip(top, x0, x2), e0)


def edges_within(part: Part, rows: Integers, low: float, high: float) -> Doubles:
    """Where some spectra of a part are steepest between two energies, eV, `(rows,)`, between the points as `edges`."""
    result = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        mu = np.asarray(part.data["mu"].data[row], np.float64)
        energy = np.asarray(part.energy[row] if part.own_axes else part.energy, np.float64)
        good = np.isfinite(mu) & np.isfinite(energy)
        energy, mu = energy[good], mu[good]
        near = (energy >= low) & (energy <= high)
        if near.any():
            steep = np.where(near, np.gradient(mu, energy), -np.inf)
            result[place] = _between_points(energy, mu[None], energy[[int(np.argmax(steep))]])[0]
    return result


def step_at_edges(part: Part, edge: Doubles) -> float:
    """The largest distance, eV, of two energies around the edge of a spectrum of a part."""
    largest = 0.0
    for here, _, energy in _blocks(part):
        axis = np.broadcast_to(energy, (here.stop - here.start, energy.shape[-1]))
        row = np.arange(len(axis))
        below = (axis < edge[here, None]).sum(axis=1)
        place = np.clip(below, 1, np.isfinite(axis).sum(axis=1) - 1)
        largest = max(largest, float((axis[row, place] - axis[row, place - 1]).max()))
    return largest


def edges_at_step(part: Part, edge: Doubles, step: float) -> Doubles:
    """Edges `(sample,)` found again, eV, on five points around each that are `step` apart and begin alike.

    By how much the top of a parabola misses the steepest point depends on the points: by their distance, and by where the
    edge lies between two of them. Where spectra have different axes, that would tell one axis from another.
    """
    points = step * np.arange(-2.0, 3.0)
    result = np.array(edge)
    for here, mu, energy in _blocks(part):
        rows = np.asarray(mu)
        for _ in range(ROUNDS):
            near = rows_on_grid(rows, energy, -result[here], points).astype(np.float64)
            result[here] += _between_points(points, near, np.zeros(len(rows)))
    return result


def _blocks(part: Part) -> Iterator[tuple[slice, Any, Floats]]:
    """Some samples of a part at a time: their places, their spectra, lazy where the part is, and their energies."""
    mu = part.data["mu"].data
    sizes = mu.chunks[0] if hasattr(mu, "chunks") else (len(mu),)
    for low, high in pairwise((0, *np.cumsum(sizes))):
        here = slice(int(low), int(high))
        yield here, mu[here], np.asarray(part.energy[here] if part.own_axes else part.energy)


def rows_on_grid(mu: Floats, energy: Floats, shift: Doubles, grid: Doubles) -> Singles:
    """Spectra at `grid - shift` on their own energies, by a cubic spline (not-a-knot); at their ends, their last value.

    Parameters
    ----------
    mu
        `(sample, point)`; NaN at the ends.
    energy
        `(point,)` or `(sample, point)`, eV.
    shift
        `(sample,)`, eV.
    grid
        `(energy,)`, eV; each spectrum covers it to 1e-6 eV.

    Returns
    -------
    ndarray
        `(sample, energy)`, float32.

    Examples
    --------
    >>> rows_on_grid(np.arange(6.0)[None] ** 2, np.arange(6.0), np.array([0.5]), np.array([2.5, 3.5]))
    array([[4., 9.]], dtype=float32)
    """
    result = np.empty((len(mu), len(grid)), np.float32)
    if energy.ndim == 1 and np.isfinite(mu).all():
        axis = np.asarray(energy, np.float64)
        for start in range(0, len(mu), STRIP):
            part = slice(start, start + STRIP)
            result[part] = _by_one_axis(mu[part], axis, shift[part], grid)
        return result
    axis = np.broadcast_to(energy, mu.shape)
    for row in range(len(mu)):
        good = np.isfinite(mu[row]) & np.isfinite(axis[row])
        one = slice(row, row + 1)
        result[one] = _by_one_axis(mu[one, good], axis[row, good].astype(np.float64), shift[one], grid)
    return result


def _by_one_axis(mu: Floats, energy: Doubles, shift: Doubles, grid: Doubles) -> Singles:
    from scipy.interpolate import CubicSpline

    factors: NDArray[Any] = CubicSpline(energy, mu, axis=1).c  # (power, interval, sample)
    place = np.clip(grid - shift[:, None], energy[0], energy[-1])
    interval = np.clip(np.searchsorted(energy, place, side="right") - 1, 0, len(energy) - 2)
    row = np.arange(len(mu))[:, None]
    along = place - energy[interval]
    value = factors[0, interval, row]
    for power in range(1, 4):
        value = value * along + factors[power, interval, row]
    return np.asarray(value, np.float32)
