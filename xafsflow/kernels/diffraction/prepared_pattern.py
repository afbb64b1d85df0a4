"""Patterns as networks take them: background taken off, noise clipped, square root, maximum one.

The background is a morphological opening, the largest function below the pattern without maxima narrower than a window,
smoothed. It is found on means of a few points, whose noise is less. Noise pulls it down by a known number of sigma.
"""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Numbers, Singles
from xafsflow.kernels.jit import kernel

# How far below its mean the smoothed opening of white noise runs, in sigma, by the points of the window: 200,000 points
# of numpy's normal deviates through scipy.ndimage.grey_opening and uniform_filter1d.
WINDOWS = np.log(np.array([5.0, 9.0, 13.0, 19.0, 25.0, 39.0, 59.0, 79.0, 121.0, 201.0]))
DEPTHS = np.array([0.746, 1.052, 1.242, 1.434, 1.564, 1.761, 1.941, 2.070, 2.247, 2.427])
# The third difference x0 - 3 x1 + 3 x2 - x3 of white noise has sqrt(1 + 9 + 9 + 1) sigma. Two neighbors are averaged, since
# single ones are often zero below one count a point; this part of them is below SIZE of their sigma (4 million of numpy's
# normal deviates). The lower part of them has little of peaks. Of means, since points may have been interpolated: of a
# pattern that was brought from steps of .043 to .02 degrees those of points tell an eighth of the noise.
LOWER, SIZE = 0.3, 0.4556
# What the mean of a point and its neighbors does not exceed, in sigma of that mean, is taken for noise. For made patterns
# with noise the cosine with those without is .93, where a point that is clipped by itself gives .89: peaks have neighbors.
CLIP = 2.5
NOTHING = 5.0  # sigma: a pattern whose highest point is below has no peaks


def half_window(two_theta: Floats, window: float, factor: int) -> int:
    """Half the window of the opening, in means of `factor` points; 2 or more.

    Examples
    --------
    >>> half_window(np.linspace(10, 90, 4001), 3.0, 4)
    19
    """
    step = float(two_theta[-1] - two_theta[0]) / max(1, len(two_theta) - 1)
    return max(2, round(0.5 * window / (abs(step) * factor)))


def angles_of_means(two_theta: Floats, factor: int = 4) -> Doubles:
    """Two theta `(point // factor,)` of the points of a prepared pattern, in degrees.

    Examples
    --------
    >>> angles_of_means(np.arange(9.0), 4)
    array([1.5, 5.5])
    """
    n = len(two_theta) // factor
    return np.asarray(two_theta[: n * factor], np.float64).reshape(n, factor).mean(axis=1)


def prepared(two_theta: Floats, counts: Numbers, factor: int = 4, *, window: float = 3.0) -> Singles:
    """Square roots of what stands above background and noise, the highest point being one.

    In this order: means of `factor` points; less the background, an opening smoothed by a running mean, both over
    `window`; zero where the mean of a value and its two neighbors is below 2.5 sigma of its noise; square root; divided
    by the largest. Sigma is that of the means' third differences, which have little of peaks, and goes with the root of
    the background. Means come first, not last as in J. Am. Chem. Soc. 146, 8098 (2024): a weak peak stands out of their
    noise. A pattern that nowhere exceeds five sigma is all zeros.

    Parameters
    ----------
    two_theta
        `(point,)` in degrees, evenly spaced.
    counts
        `(sample, point)` in any unit; NaN where nothing was measured.
    factor
        Points in a mean.
    window
        Degrees; what is narrower is a peak.

    Returns
    -------
    ndarray
        `(sample, point // factor)` float32 from 0 to 1; 0 where nothing was measured.

    Examples
    --------
    >>> angle = np.linspace(10, 90, 4001)
    >>> peaks = 400 * np.exp(-(((angle - 40) / 0.2) ** 2)) + 100 * np.exp(-(((angle - 60) / 0.2) ** 2))
    >>> root = prepared(angle, (500 - angle + peaks)[None])
    >>> root.shape, root.max(), root[0, 600:650].max().round(2)
    ((1, 1000), np.float32(1.0), np.float32(0.5))
    """
    rows = np.ascontiguousarray(counts, np.float32)
    return prepare_rows(rows, half_window(two_theta, window, factor), factor)


@kernel
def prepare_rows(counts: Numbers, half: int, factor: int) -> Singles:
    """`prepared` with half the window in means of `factor` points."""
    n = counts.shape[1] // factor
    out = np.zeros((len(counts), n), np.float32)
    lift = np.interp(np.log(2.0 * half + 1.0), WINDOWS, DEPTHS)
    for s in range(len(counts)):
        above, sigma = excess(counts[s], half, factor, lift)
        highest, clear = 0.0, False
        for j in range(n):
            total, count = 0.0, 0
            for k in range(max(0, j - 1), min(n, j + 2)):
                if np.isfinite(above[k]):
                    total, count = total + above[k], count + 1
            # NaN compares as False, where nothing was measured.
            if above[j] > 0.0 and total > CLIP * sigma[j] * np.sqrt(count):
                out[s, j] = 1.0
                highest = max(highest, above[j])
                clear = clear or above[j] > NOTHING * sigma[j]
        for j in range(n):
            if out[s, j] > 0.0:
                out[s, j] = np.sqrt(above[j] / highest) if clear else 0.0
    return out


@kernel
def excess(row: Numbers, half: int, factor: int, lift: float) -> tuple[Doubles, Doubles]:
    """What the means of `factor` points have above the background, and the sigma of each; NaN where not measured.

    `lift` is how many sigma the background runs too low.
    """
    values = means(row, factor)
    ground = background(values, half)
    sigma = noise_of_means(values, ground, lift)
    return values - ground - lift * sigma, sigma


@kernel
def means(row: Numbers, factor: int) -> Doubles:
    """Means of `factor` points each, over the finite ones; NaN where there is none."""
    out = np.empty(row.size // factor)
    for j in range(out.size):
        total, count = 0.0, 0
        for i in range(j * factor, (j + 1) * factor):
            if np.isfinite(row[i]):
                total += row[i]
                count += 1
        out[j] = total / count if count else np.nan
    return out


@kernel
def background(values: Doubles, half: int) -> Doubles:
    """The opening over `2 half + 1` points, smoothed by a running mean of as many; NaN where the values are.

    Beyond its ends a pattern is continued by a point reflection, which keeps a slope as it is.
    """
    n = values.size
    first, last = ends(values)
    if first > last:
        return np.full(n, np.nan)
    size = 2 * half + 1
    opened = opening(continued(values, first, last, 2 * half, 4), half)
    long = continued(opened, 0, opened.size - 1, half, 1)
    inside = continued(values, first, last, half, 1)
    sums, counts = np.zeros(long.size + 1), np.zeros(long.size + 1)
    for k in range(long.size):
        there = np.isfinite(inside[k])
        sums[k + 1] = sums[k] + (long[k] if there else 0.0)
        counts[k + 1] = counts[k] + (1.0 if there else 0.0)
    out = np.full(n, np.nan)
    for j in range(first, last + 1):
        if np.isfinite(values[j]):
            k = j - first
            out[j] = (sums[k + size] - sums[k]) / (counts[k + size] - counts[k])
    return out


@kernel
def ends(values: Doubles) -> tuple[int, int]:
    """The first and the last finite point; the last is before the first where there is none."""
    first, last = 0, values.size - 1
    while first <= last and not np.isfinite(values[first]):
        first += 1
    while last >= first and not np.isfinite(values[last]):
        last -= 1
    return first, last


@kernel
def continued(values: Doubles, first: int, last: int, by: int, anchor: int) -> Doubles:
    """Points `first` to `last` with `by` more at each end, reflected at the mean of the outermost `anchor` points."""
    n = last - first + 1
    out = np.full(n + 2 * by, np.nan)
    out[by : by + n] = values[first : last + 1]
    low, high, count = 0.0, 0.0, 0
    for k in range(min(anchor, n)):
        if np.isfinite(values[first + k]) and np.isfinite(values[last - k]):
            low, high, count = low + values[first + k], high + values[last - k], count + 1
    for k in range(1, min(by, n - anchor) + 1):
        out[by - k] = 2.0 * low / count - values[first + anchor - 1 + k]
        out[by + n - 1 + k] = 2.0 * high / count - values[last - anchor + 1 - k]
    return out


@kernel
def opening(values: Doubles, half: int) -> Doubles:
    """The morphological opening with a flat window of `2 half + 1` points, without the `2 half` outermost at each end.

    The maximum in a window of the minima in windows, NaN left out; three comparisons a point for each, whatever the
    window: M. van Herk, Pattern Recognit. Lett. 13, 517 (1992).
    """
    eroded = least_in_windows(values, half)
    for k in range(eroded.size):
        eroded[k] = -eroded[k] if eroded[k] < np.inf else np.nan
    opened = least_in_windows(eroded, half)
    for k in range(opened.size):
        opened[k] = -opened[k]
    return opened


@kernel
def least_in_windows(values: Doubles, half: int) -> Doubles:
    """The least of each `2 half + 1` points in a row, infinite where all are NaN; `2 half` fewer points."""
    size, n = 2 * half + 1, values.size
    before, after = np.empty(n), np.empty(n)
    for begin in range(0, n, size):
        end = min(begin + size, n)
        least = np.inf
        for k in range(begin, end):
            # NaN is not less.
            least = values[k] if values[k] < least else least
            before[k] = least
        least = np.inf
        for k in range(end - 1, begin - 1, -1):
            least = values[k] if values[k] < least else least
            after[k] = least
    out = np.empty(max(0, n - 2 * half))
    for k in range(out.size):
        out[k] = min(after[k], before[k + size - 1])
    return out


@kernel
def noise_of_means(values: Doubles, ground: Doubles, lift: float) -> Doubles:
    """Sigma of means: of their third differences, going with the root of the background.

    So is the noise of counts. The background is `ground`, which is `lift` sigma too low; where it is near zero, half its
    mean size counts, for noise of other origin.
    """
    n = ground.size
    usual = usual_noise(values)
    level, size, count = np.empty(n), 0.0, 0
    for j in range(n):
        level[j] = ground[j] + lift * usual
        if np.isfinite(level[j]):
            size += abs(level[j])
            count += 1
    least = 0.5 * size / count if count and size > 0.0 else 1.0
    total = 0.0
    for j in range(n):
        there = np.isfinite(level[j])
        level[j] = np.sqrt(max(least, level[j])) if there else np.nan
        total += level[j] if there else 0.0
    if total > 0.0:
        level *= usual * count / total
    return level


@kernel
def usual_noise(values: Doubles) -> float:
    """The sigma of means over a whole pattern; 0 where too little was measured."""
    found, m = np.zeros(max(0, values.size - 4)), 0
    for i in range(found.size):
        first = (values[i] - values[i + 3]) - 3.0 * (values[i + 1] - values[i + 2])
        second = (values[i + 1] - values[i + 4]) - 3.0 * (values[i + 2] - values[i + 3])
        bend = 0.5 * (abs(first) + abs(second))
        if np.isfinite(bend):
            found[m] = bend
            m += 1
    return np.quantile(found[:m], LOWER) / (SIZE * np.sqrt(20.0)) if m else 0.0
