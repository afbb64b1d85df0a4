"""Where the edge is: e0, eV, of every spectrum of a block `(energy, ...)`, as `(...)` float64."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.kernels.array_types import Doubles, Floats, Indices
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.spectra.lorentzian_smoothing import smoother
from xafsflow.kernels.spectra.normalization_projection import project
from xafsflow.kernels.spectra.pixel_groups import (
    as_pixels,
    gap_groups,
    gather,
    grouped,
)

FEWEST = 14  # with fewer energies nothing is left between the points that the second search ignores
REACH = 75  # points on both sides of the first guess that the second search looks at
TILE = 128  # pixels whose derivatives stay in cache; 32 takes twice the time
STRIP = 512  # pixels whose last finite points stay in the first level cache


def find_e0(energy: ArrayLike, mu: ArrayLike) -> Doubles:
    """The edge as Larch's `find_e0` (version 2026.3.1) finds it: the energy with the largest derivative.

    The derivative is `gradient(mu) / gradient(energy)`, scaled to 0 to 1 without 2 % of the points, at least
    3, at both ends. A point counts if it and both its neighbors are above 0.60 (0.30 among up to 20 points;
    halved up to twice if fewer than 3 are, then all count). A second search among 75 points on both sides of
    the first answer (anywhere, if that is among the first 5 % of the points) takes a derivative smoothed by a
    Lorentzian, half as wide as a small energy step and e0/25000 together.

    Parameters
    ----------
    energy
        `(energy,)`, eV, increasing; 14 or more.
    mu
        `(energy, ...)`, absorbance.

    Returns
    -------
    ndarray
        `(...)`, eV; NaN for a spectrum with fewer than 14 finite energies.

    Raises
    ------
    InputError
        Energies that do not increase, do not fit to the block, or are fewer than 14.

    Examples
    --------
    >>> energy = np.arange(7050, 7200, 1.0)
    >>> float(find_e0(energy, np.arctan((energy - 7112) / 2)))
    7112.0
    """
    grid, pixels = as_pixels(energy, mu, FEWEST)
    e0 = np.full(pixels.shape[1], np.nan)
    for points, members in gap_groups(pixels, np.arange(len(e0))):
        if len(points) < FEWEST:
            continue
        part = pixels if points.size * members.size == pixels.size else gather(pixels, points, members)
        # Larch leaves out the last energy in both searches.
        first = first_guess(grid[points][:-1], part[:-1], _ignored(len(points) - 1))
        for same in grouped(np.arange(len(members)), first):
            e0[members[same]] = _refined(grid[points], part, same, int(first[same[0]]))
    return e0.reshape(np.shape(mu)[1:])


def e0_largest_derivative(energy: ArrayLike, mu: ArrayLike) -> Doubles:
    """The energy at which the central difference `(mu[i+1] - mu[i-1]) / (E[i+1] - E[i-1])` is largest.

    The lower one of equals; the first and last energy are left out, and so is an energy that is not finite
    or stands beside one. NaN where nothing is left. Smooth `mu` before, if it is noisy.

    Raises
    ------
    InputError
        Energies that do not increase, do not fit to the block, or are fewer than 3.

    Examples
    --------
    >>> float(e0_largest_derivative([1, 2, 3, 4, 5], [0.0, 0.0, 0.1, 0.9, 1.0]))
    3.0
    """
    grid, pixels = as_pixels(energy, mu, 3)
    return largest_difference(grid, pixels).reshape(np.shape(mu)[1:])


def e0_half_step(energy: ArrayLike, norm: ArrayLike, level: float = 0.5) -> Doubles:
    """Where the normalized spectrum crosses half of the step, as in PF_ImagingXAFS.

    The mean of two crossings, each interpolated linearly: the first above `level` on the way up in energy,
    and the first below it on the way down from the highest. They are the same unless noise crosses more than
    once.

    Parameters
    ----------
    norm
        `(energy, ...)`, normalized.
    level
        The height of the crossing.

    Returns
    -------
    ndarray
        `(...)`, eV; NaN where the spectrum does not cross from below.

    Raises
    ------
    InputError
        Energies that do not increase or do not fit to the block.

    Examples
    --------
    >>> float(e0_half_step([1, 2, 3, 4], [0.0, 0.25, 0.75, 1.0]))
    2.5
    """
    grid, pixels = as_pixels(energy, norm)
    return crossings(grid, pixels, level).reshape(np.shape(norm)[1:])


def _ignored(points: int) -> int:
    return max(3, int(points * 0.02))


def _small_step(energy: Doubles) -> float:
    """Larch's mean of the ten smallest energy steps but the smallest 1 %; NaN for fewer than 100 points."""
    skip = int(0.01 * len(energy))
    if skip == 0:
        return np.nan
    steps = np.sort(np.diff(energy[:-1][skip:-skip]))
    return float(steps[skip : skip + 10].mean())


def _refined(energy: Doubles, values: Floats, pixels: Indices, first: int) -> Doubles:
    """The second search, for pixels with the same first answer."""
    n = len(energy)
    start, stop, center = max(3, first - REACH), min(first + REACH, n - 3), energy[first]
    if first < 0.05 * n:
        start, stop, center = max(3, first - 20), n - 3, energy.mean()
    # Python's min(1.0, NaN) is 1.0, and Larch relies on it.
    steps = (max(0.01, min(1.0, step)) for step in (_small_step(energy[:-1]), center / 25000.0))
    window = energy[start : stop - 1]
    weights = _smoothed_slope(window.tobytes(), 0.5 * sum(steps))
    part = gather(values, np.arange(start, stop - 1), pixels)
    found = second_guess(part, weights, _ignored(len(window)))
    return np.where(found < 1, energy[start + 2], window[found])


@lru_cache(maxsize=128)  # 180 kB each; the same few serve all blocks
def _smoothed_slope(energy: bytes, step: float) -> Doubles:
    """The matrix that takes a spectrum to its smoothed derivative; `energy` are the bytes of float64."""
    grid = np.frombuffer(energy)
    low, high = (step * int(end / step) for end in (grid[0] - 5 * step, grid[-1] + 5 * step))
    points = min(1 + int(abs(high - low + step * 0.1) / step), 50 * len(grid))
    return smoother(grid, np.linspace(low, high, points))


@kernel
def first_guess(energy: Doubles, values: Floats, ignored: int) -> Indices:
    """The index of the steepest point of each pixel, by the rules of `find_e0`."""
    n, pixels = values.shape
    found = np.empty(pixels, np.int64)
    slope = np.empty((n, TILE))
    for start in range(0, pixels, TILE):
        size = min(TILE, pixels - start)
        for i in range(n):
            low, high = max(0, i - 1), min(n - 1, i + 1)
            per_energy = 1 / (energy[high] - energy[low])
            before, after = values[low, start : start + size], values[high, start : start + size]
            for x in range(size):
                slope[i, x] = (np.float64(after[x]) - np.float64(before[x])) * per_energy
        steepest(slope[:, :size], ignored, found[start : start + size])
    return found


@kernel
def second_guess(values: Floats, weights: Doubles, ignored: int) -> Indices:
    """As `first_guess`, for the derivative `weights @ values`."""
    pixels = values.shape[1]
    found = np.empty(pixels, np.int64)
    gaps = np.empty(TILE, values.dtype)
    for start in range(0, pixels, TILE):
        size = min(TILE, pixels - start)
        slope = project(values, slice(start, start + size), weights, gaps[:size])
        steepest(slope, ignored, found[start : start + size])
    return found


@kernel
def steepest(slope: Doubles, ignored: int, found: Indices) -> None:
    """The row of the largest slope whose neighbors are steep, too; 0 where there is none."""
    n, pixels = slope.shape
    low, high = np.empty(pixels), np.empty(pixels)
    limit, best = np.empty(pixels), np.empty(pixels)
    for x in range(pixels):
        low[x], high[x], found[x] = np.inf, -np.inf, 0
    for i in range(ignored, n - ignored):
        for x in range(pixels):
            low[x] = min(low[x], slope[i, x])
            high[x] = max(high[x], slope[i, x])
    for x in range(pixels):
        high[x] = max(1e-10, high[x] - low[x])
        best[x] = low[x]
    _limits(slope, low, high, limit)
    for i in range(ignored, min(n - ignored, n - 2) + 1):
        before, here, after = slope[i - 1], slope[i], slope[i + 1]
        for x in range(pixels):
            steep = (here[x] > limit[x]) & (before[x] > limit[x]) & (after[x] > limit[x])
            better = steep & (here[x] > best[x])
            best[x] = here[x] if better else best[x]
            found[x] = i if better else found[x]


@kernel
def _limits(slope: Doubles, low: Doubles, width: Doubles, limit: Doubles) -> None:
    """Above which slope a point is steep: a share of the range that leaves 3 points or more."""
    n, pixels = slope.shape
    share = 0.60 if n > 20 else 0.30
    count = np.zeros((3, pixels), np.int64)
    for i in range(n):
        for x in range(pixels):
            relative = slope[i, x] - low[x]
            count[0, x] += relative > share * width[x]
            count[1, x] += relative > share / 2 * width[x]
            count[2, x] += relative > share / 4 * width[x]
    for x in range(pixels):
        if count[0, x] >= 3:
            limit[x] = low[x] + share * width[x]
        elif count[1, x] > 3:  # with exactly 3 Larch halves again
            limit[x] = low[x] + share / 2 * width[x]
        elif count[2, x] >= 3:
            limit[x] = low[x] + share / 4 * width[x]
        else:
            limit[x] = -np.inf


@kernel
def largest_difference(energy: Doubles, values: Floats) -> Doubles:
    """`e0_largest_derivative` for `(energy, pixel)`."""
    n, pixels = values.shape
    best, found = np.empty(pixels), np.empty(pixels)
    for x in range(pixels):
        best[x], found[x] = -np.inf, np.nan
    for i in range(1, n - 1):
        before, here, after = values[i - 1], values[i], values[i + 1]
        per_energy = 1 / (energy[i + 1] - energy[i - 1])
        for x in range(pixels):
            slope = (np.float64(after[x]) - np.float64(before[x])) * per_energy
            # A slope over NaN is not larger; a point that is NaN itself has a finite one.
            better = (slope > best[x]) & np.isfinite(here[x]) & np.isfinite(slope)
            best[x] = slope if better else best[x]
            found[x] = energy[i] if better else found[x]
    return found


@kernel
def crossings(energy: Doubles, values: Floats, level: float) -> Doubles:
    """The mean of the lowest and the highest crossing from below of each pixel."""
    n, pixels = values.shape
    lowest, highest = np.full(pixels, np.nan), np.full(pixels, np.nan)
    at, value = np.empty(STRIP), np.empty(STRIP)
    for start in range(0, pixels, STRIP):
        part = slice(start, min(start + STRIP, pixels))
        at[:], value[:] = np.nan, np.nan
        for i in range(n):
            row = values[i, part]
            # Most energies lie where no spectrum crosses.
            if _crosses(row, level, value):
                _cross(row, energy[i], level, at, value, lowest[part], highest[part])
            for x in range(row.size):
                good = np.isfinite(row[x])
                at[x] = energy[i] if good else at[x]
                value[x] = np.float64(row[x]) if good else value[x]
    for x in range(pixels):
        lowest[x] = 0.5 * (lowest[x] + highest[x])
    return lowest


@kernel
def _crosses(row: Floats, level: float, value: Doubles) -> np.bool_:
    """Whether a pixel rises over the level since its last finite value."""
    count = np.int64(0)
    for x in range(row.size):
        before, after = value[x], np.float64(row[x])
        rises = ((before <= level) & (level < after)) | ((before < level) & (level <= after))
        count += np.int64(1) if rises else np.int64(0)
    return count > 0


@kernel
def _cross(
    row: Floats,
    energy: float,
    level: float,
    at: Doubles,
    value: Doubles,
    lowest: Doubles,
    highest: Doubles,
) -> None:
    for x in range(row.size):
        after = np.float64(row[x])
        if np.isfinite(after) and (value[x] <= level < after or value[x] < level <= after):
            highest[x] = at[x] + (energy - at[x]) * (level - value[x]) / (after - value[x])
            lowest[x] = highest[x] if np.isnan(lowest[x]) else lowest[x]
