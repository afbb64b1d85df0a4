"""Pixels that do not answer as their neighbors do: found, and their spectra replaced."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Floats, Mask, Singles
from xafsflow.kernels.jit import kernel


@kernel
def fill_pixels(values: Floats, bad: Mask, half: int, rim: int = 0) -> tuple[Floats, Mask]:
    """Replace the spectra of bad pixels by the mean of their nearest good neighbors.

    Parameters
    ----------
    values
        `(energy, y, x)`.
    bad
        `(y, x)`, True where a spectrum is to be replaced.
    half
        How many pixels away a good neighbor may be; of square rings around the pixel, the first that holds a
        good one counts. What is NaN in a good one at some energy is left out there.
    rim
        The outermost pixels lend their spectra only and are left out of the results.

    Returns
    -------
    values, filled
        A new `(energy, y, x)`, and `(y, x)` True where the new spectrum is finite at all energies. Without a
        good neighbor it is NaN.
    """
    n_energy, n_y, n_x = values.shape
    out = values[:, rim : n_y - rim, rim : n_x - rim].copy()
    filled = np.zeros(out.shape[1:], np.bool_)
    for y in range(rim, n_y - rim):
        for x in range(rim, n_x - rim):
            if not bad[y, x]:
                continue
            ring = _nearest_ring(bad, y, x, half)
            filled[y - rim, x - rim] = ring > 0
            for e in range(n_energy):
                mean = _ring_mean(values[e], bad, y, x, ring)
                out[e, y - rim, x - rim] = mean
                filled[y - rim, x - rim] &= np.isfinite(mean)
    return out, filled


@kernel
def _nearest_ring(bad: Mask, y: int, x: int, half: int) -> int:
    for ring in range(1, half + 1):
        for i in range(max(0, y - ring), min(bad.shape[0], y + ring + 1)):
            for j in range(max(0, x - ring), min(bad.shape[1], x + ring + 1)):
                if not bad[i, j]:
                    return ring
    return 0


@kernel
def _ring_mean(image: Floats, bad: Mask, y: int, x: int, ring: int) -> np.float32:
    total, count = 0.0, 0
    if ring > 0:
        for i in range(max(0, y - ring), min(bad.shape[0], y + ring + 1)):
            for j in range(max(0, x - ring), min(bad.shape[1], x + ring + 1)):
                if not bad[i, j] and np.isfinite(image[i, j]):
                    total += image[i, j]
                    count += 1
    return np.float32(total / count) if count > 0 else np.float32(np.nan)


@kernel
def off_their_neighbors(flat: Singles, dark: Singles, half: int, tolerance: float) -> Mask:
    """Pixels whose light, `flat - dark`, or dark leaves the median of its neighbors by more than a share of their light.

    Where the least and the largest of the neighbors rule that out, no median is taken, which is nearly everywhere; the
    result is the same.

    Parameters
    ----------
    flat, dark
        `(y, x)` float32, counts.
    half
        Neighbors within so many pixels count, those that are finite, the pixel itself left out.
    tolerance
        Share of the median light of the neighbors.

    Returns
    -------
    ndarray
        bool, without the outermost `half` pixels.
    """
    n_y, n_x = flat.shape
    light = flat - dark
    bounds = (*_bounds(light, half), *_bounds(dark, half))
    found = np.zeros((n_y - 2 * half, n_x - 2 * half), np.bool_)
    near, share = np.empty((2 * half + 1) ** 2, np.float32), np.float32(tolerance)
    for y in range(found.shape[0]):
        for x in range(found.shape[1]):
            own, own_dark = light[y + half, x + half], dark[y + half, x + half]
            # Rounding stays well inside of a thousandth.
            room = np.float32(0.999) * share * bounds[0][y, x]
            if (
                own - bounds[0][y, x] <= room
                and bounds[1][y, x] - own <= room
                and own_dark - bounds[2][y, x] <= room
                and bounds[3][y, x] - own_dark <= room
            ):
                continue
            typical = _median_near(light, y + half, x + half, half, near)
            typical_dark = _median_near(dark, y + half, x + half, half, near)
            off = np.abs(own - typical) > share * typical
            off |= np.abs(own_dark - typical_dark) > share * typical
            found[y, x] = off and typical > 0
    return found


@kernel
def _bounds(image: Singles, half: int) -> tuple[Singles, Singles]:
    """The least and the largest finite value within `half` of each pixel but the outermost ones, `(y, x)`."""
    n_y, n_x = image.shape
    along = np.empty((2, n_y, n_x - 2 * half), np.float32)
    finite = np.empty((2, n_x), np.float32)
    for y in range(n_y):
        for x in range(n_x):
            good = abs(image[y, x]) < np.float32(np.inf)
            finite[0, x] = image[y, x] if good else np.float32(np.inf)
            finite[1, x] = image[y, x] if good else np.float32(-np.inf)
        along[0, y], along[1, y] = np.float32(np.inf), np.float32(-np.inf)
        for k in range(2 * half + 1):
            _widen(finite[0, k : n_x - 2 * half + k], finite[1, k:], along[0, y], along[1, y])
    low = np.full((n_y - 2 * half, n_x - 2 * half), np.float32(np.inf))
    high = np.full(low.shape, np.float32(-np.inf))
    for y in range(n_y - 2 * half):
        for k in range(2 * half + 1):
            _widen(along[0, y + k], along[1, y + k], low[y], high[y])
    return low, high


@kernel
def _widen(least: Singles, most: Singles, low: Singles, high: Singles) -> None:
    """Take further bounds into those of a row; a loop without neighbors in it, which vectorizes."""
    for x in range(low.size):
        low[x] = least[x] if least[x] < low[x] else low[x]
        high[x] = most[x] if most[x] > high[x] else high[x]


@kernel
def _median_near(image: Singles, y: int, x: int, half: int, near: Singles) -> np.float32:
    """Median of the finite neighbors of a pixel, NaN where there is none."""
    n = 0
    for i in range(y - half, y + half + 1):
        for j in range(x - half, x + half + 1):
            if np.isfinite(image[i, j]) and (i != y or j != x):
                near[n] = image[i, j]
                n += 1
    return np.float32(np.median(near[:n])) if n > 0 else np.float32(np.nan)
