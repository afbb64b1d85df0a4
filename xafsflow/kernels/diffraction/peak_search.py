"""The highest peaks of patterns: where they are and how high, for lists of peaks."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Numbers
from xafsflow.kernels.diffraction.prepared_pattern import (
    DEPTHS,
    WINDOWS,
    background,
    half_window,
    means,
    noise_of_means,
)
from xafsflow.kernels.jit import kernel

FACTOR = 4  # points in a mean, for the background
SMOOTH = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0
# Sigma of a smoothed point, in sigma of a mean of FACTOR points.
SMOOTHED = np.sqrt(FACTOR * (SMOOTH**2).sum())
LEAST = 5.0  # sigma of a smoothed point: 50 patterns of noise alone had 19 peaks above 4
REACH = (
    0.15  # degrees to each side in which a peak is the highest point; K alpha 2 is nearer up to 55 degrees
)


def peaks(
    two_theta: Floats, counts: Numbers, most: int = 20, *, window: float = 3.0
) -> tuple[Doubles, Doubles]:
    """Positions and heights of the highest peaks of each pattern, the highest first.

    The background is that of `prepared`. A peak is the highest point within 0.15 degrees of a pattern that is smoothed over
    five points, five sigma of its noise or more. A parabola through it and two points beside it gives position and height.

    Parameters
    ----------
    two_theta
        `(point,)` in degrees, evenly spaced.
    counts
        `(sample, point)`; NaN where nothing was measured.
    most
        Peaks kept of a pattern.
    window
        Degrees, as in `prepared`.

    Returns
    -------
    ndarray, ndarray
        `(sample, most)` positions in degrees, NaN where there are fewer peaks, and heights relative to the highest, 0 where
        there are fewer.

    Examples
    --------
    >>> angle = np.linspace(10, 90, 4001)
    >>> pattern = 50 + 400 * np.exp(-(((angle - 40.003) / 0.2) ** 2)) + 100 * np.exp(-(((angle - 60) / 0.2) ** 2))
    >>> place, height = peaks(angle, pattern[None], 3)
    >>> place.round(3), height.round(2)
    (array([[40.003, 60.   ,    nan]]), array([[1.  , 0.25, 0.  ]]))
    """
    rows = np.ascontiguousarray(counts, np.float32)
    step = float(two_theta[-1] - two_theta[0]) / max(1, len(two_theta) - 1)
    reach = max(2, round(REACH / abs(step)))
    place, height = highest_peaks(rows, half_window(two_theta, window, FACTOR), reach, most)
    return float(two_theta[0]) + step * place, height


@kernel
def highest_peaks(counts: Numbers, half: int, reach: int, most: int) -> tuple[Doubles, Doubles]:
    """`peaks` with positions in points."""
    place, height = np.full((len(counts), most), np.nan), np.zeros((len(counts), most))
    side = max(1, reach // 3)
    lift = np.interp(np.log(2.0 * half + 1.0), WINDOWS, DEPTHS)
    for s in range(len(counts)):
        above, sigma = smoothed_excess(counts[s], half, lift)
        found, n_found = np.empty((2, above.size)), 0
        for i in range(side, above.size - side):
            if above[i] > LEAST * sigma[i] and _is_highest(above, i, reach):
                before, after = above[i - side], above[i + side]
                bend = before - 2.0 * above[i] + after
                if bend < 0.0:  # False beside a gap, too
                    shift = 0.5 * (before - after) / bend
                    found[0, n_found] = i + side * shift
                    found[1, n_found] = above[i] - 0.25 * (before - after) * shift
                    n_found += 1
        order = np.argsort(-found[1, :n_found], kind="mergesort")
        for k in range(min(most, n_found)):
            place[s, k] = found[0, order[k]]
            height[s, k] = found[1, order[k]] / found[1, order[0]]
    return place, height


@kernel
def smoothed_excess(row: Numbers, half: int, lift: float) -> tuple[Doubles, Doubles]:
    """What smoothed points have above the background, and their sigma; NaN within two points of a gap and at the ends."""
    values = means(row, FACTOR)
    ground = background(values, half)
    spread = noise_of_means(values, ground, lift)
    above, sigma = np.full(row.size, np.nan), np.full(row.size, np.nan)
    middle = 0.5 * (FACTOR - 1)
    for i in range(2, row.size - 2):
        at = min(max((i - middle) / FACTOR, 0.0), ground.size - 1.0)
        low = min(int(at), ground.size - 2)
        part = at - low
        value = 0.0
        for k in range(5):
            value += SMOOTH[k] * row[i + k - 2]
        level = ground[low] + part * (ground[low + 1] - ground[low])
        above[i] = value - level - lift * spread[low]
        sigma[i] = SMOOTHED * spread[low]
    return above, sigma


@kernel
def _is_highest(values: Doubles, at: int, reach: int) -> bool:
    """Whether a value is the highest within `reach` points, the first of equal ones."""
    for k in range(max(0, at - reach), min(values.size, at + reach + 1)):
        if values[k] > values[at] or (values[k] == values[at] and k < at):
            return False
    return True
