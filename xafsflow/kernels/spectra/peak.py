"""The highest point of a spectrum within a window."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Singles
from xafsflow.kernels.jit import kernel


@kernel
def highest_point(
    norm: Floats, e0: Doubles, energy: Doubles, low: float, high: float
) -> tuple[Singles, Doubles]:
    """Height and energy of the maximum between `e0 + low` and `e0 + high`.

    The parabola through the highest point and its two neighbors gives both; at the end of the window, and beside a NaN,
    the point itself does.

    Parameters
    ----------
    norm
        `(energy, y, x)`.
    e0
        `(y, x)`, eV.
    energy
        `(energy,)`, eV.

    Returns
    -------
    height, place
        float32 and float64 `(y, x)`; NaN where the window holds no finite point.
    """
    n, n_y, n_x = norm.shape
    height = np.full((n_y, n_x), np.nan, np.float32)
    place = np.full((n_y, n_x), np.nan, np.float64)
    for y in range(n_y):
        for x in range(n_x):
            first, last = e0[y, x] + low, e0[y, x] + high
            best = -1
            for i in range(n):
                inside = first <= energy[i] <= last and np.isfinite(norm[i, y, x])
                if inside and (best < 0 or norm[i, y, x] > norm[best, y, x]):
                    best = i
            if best < 0:
                continue
            height[y, x], place[y, x] = norm[best, y, x], energy[best]
            if 0 < best < n - 1 and first <= energy[best - 1] and energy[best + 1] <= last:
                before, after = energy[best - 1] - energy[best], energy[best + 1] - energy[best]
                left, right = norm[best - 1, y, x] - norm[best, y, x], norm[best + 1, y, x] - norm[best, y, x]
                curve = (right / after - left / before) / (after - before)
                slope = left / before - curve * before
                if curve < 0:
                    height[y, x] = norm[best, y, x] - slope * slope / (4 * curve)
                    place[y, x] = energy[best] - slope / (2 * curve)
    return height, place
