"""Kernels over neighboring pixels: mean, dead pixels, spikes, significance of the edge.

Blocks come with a halo of NaN or of real neighbors.
"""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Int32s, Mask, Numbers, Singles
from xafsflow.kernels.images.box_sums import box_sums, inverse_rows, scale_rows
from xafsflow.kernels.jit import kernel

# Standard deviation of normal noise over the median of its magnitude.
NORMAL = 1.4826


@kernel
def box_mean(values: Floats, keep: Mask, center: Mask, half: int, inside: bool = False) -> Singles:
    """Mean over the `(2 half + 1)^2` neighbors that are kept and finite, energy by energy.

    Parameters
    ----------
    values
        `(energy, y, x)` float32.
    keep
        `(y, x)`, True where a pixel may enter a mean.
    center
        `(y, x)`, True where a mean is wanted; NaN comes back elsewhere, and where no neighbor is finite.
    half
        1 or more.
    inside
        Leave the outermost `half` pixels out of the result, which is cheaper than to cut them off.

    Returns
    -------
    ndarray
        `(energy, y, x)`; the outermost `half` pixels are means over what is there.
    """
    if half < 1:
        raise ValueError("half is below 1")
    n_energy, n_y, n_x = values.shape
    # Zeros on all sides make of an image one long row, whose sums need not ask where the image ends.
    pad, cut = (0, half) if inside else (half, 0)
    width = n_x + 2 * pad
    padded = np.zeros((n_y + 2 * pad) * width, np.float32)
    along = np.empty(padded.size - 2 * half, np.float32)
    sums = np.empty(along.size - 2 * half * width, np.float32)
    ones = np.ones((n_y, n_x), np.float32)
    wanted = center[cut : n_y - cut, cut : n_x - cut]
    out = np.empty((n_energy, n_y - 2 * cut, n_x - 2 * cut), np.float32)
    usual, special = np.empty(wanted.shape, np.float32), np.empty(wanted.shape, np.float32)
    usual_count = box_sums(ones, keep, half, pad, padded, along, sums)
    inverse_rows(sums, width, wanted, usual)
    for e in range(n_energy):
        weight = usual
        if box_sums(values[e], keep, half, pad, padded, along, sums) < usual_count:
            # Some pixels are missing at this energy only: their neighbors count others here.
            present, counts = np.where(np.isfinite(values[e]), ones, ones * np.nan), np.empty_like(sums)
            box_sums(present.astype(np.float32), keep, half, pad, padded, along, counts)
            inverse_rows(counts, width, wanted, special)
            weight = special
        scale_rows(sums, width, weight, out[e])
    return out


@kernel
def count_at_least(counts: Numbers, limit: float) -> Int32s:
    """At how many energies of `(energy, y, x)` the counts reach a limit: `(y, x)` int32."""
    n_energy, n_y, n_x = counts.shape
    found = np.zeros((n_y, n_x), np.int32)
    for e in range(n_energy):
        for y in range(n_y):
            row, out = counts[e, y], found[y]
            for x in range(n_x):
                out[x] += 1 if row[x] >= limit else 0
    return found


@kernel
def mean_over_energy(counts: Numbers) -> Singles:
    """Mean of `(energy, y, x)` over energy: `(y, x)` float32."""
    n_energy, n_y, n_x = counts.shape
    total = np.zeros((n_y, n_x), np.float64)
    for e in range(n_energy):
        for y in range(n_y):
            row, out = counts[e, y], total[y]
            for x in range(n_x):
                out[x] += row[x]
    return (total / n_energy).astype(np.float32)


@kernel
def despike(energy: Doubles, values: Floats, threshold: float) -> tuple[Floats, Int32s]:
    """Replace single points far off the line between their energy neighbors by that line.

    With `d_i = v_i - line(v_{i-1}, v_{i+1})`, a spike has `|d_i|` above `threshold` times the noise, which is
    1.4826 times the median of `|d|` over the spectrum. A spike of height d_i alone makes `d_{i-1}` and
    `d_{i+1}` what it weighs in their lines, with a minus; what is left of them must be below a third of
    `|d_i|`, and the next ones, which it does not touch, below 0.4 of it. An edge or a white line bends over
    several points, and leaves half or more. Points beside a NaN, and the first and last, stay.

    Parameters
    ----------
    energy
        `(energy,)`, eV, increasing.
    values
        `(energy, y, x)` float32.
    threshold
        In standard deviations of a bend.

    Returns
    -------
    values, spikes
        A new `(energy, y, x)`, and how many points were replaced, `(y, x)` int32.
    """
    n_energy, n_y, n_x = values.shape
    out = values.copy()
    spikes = np.zeros((n_y, n_x), np.int32)
    share = np.zeros(n_energy, np.float32)
    for e in range(1, n_energy - 1):
        share[e] = (energy[e] - energy[e - 1]) / (energy[e + 1] - energy[e - 1])
    # Two rows more at each end spare the question of where the spectrum ends.
    bend = np.zeros((n_energy + 4, n_x), np.float32)
    height = np.zeros((n_energy, n_x), np.float32)
    limit = np.float32(threshold * NORMAL)
    for y in range(n_y):
        for e in range(1, n_energy - 1):
            _bend_row(values[e - 1, y], values[e, y], values[e + 1, y], share[e], bend[e + 2])
        for e in range(1, n_energy - 1):
            after = np.float32(1) - share[e + 1] if e < n_energy - 2 else np.float32(0)
            _height_row(bend, e + 2, share[e - 1], after, height[e])
        found = _spiky(bend[3 : n_energy + 1], height, limit)
        for x in np.flatnonzero(found):
            most = limit * _median_size(bend[3 : n_energy + 1, x])
            for e in range(1, n_energy - 1):
                if height[e, x] > most:
                    step = values[e + 1, y, x] - values[e - 1, y, x]
                    out[e, y, x] = values[e - 1, y, x] + share[e] * step
                    spikes[y, x] += 1
    return out, spikes


@kernel
def _bend_row(before: Singles, here: Singles, after: Singles, share: np.float32, out: Singles) -> None:
    for x in range(out.size):
        out[x] = here[x] - before[x] - share * (after[x] - before[x])


@kernel
def _height_row(bend: Singles, e: int, left: np.float32, right: np.float32, out: Singles) -> None:
    """Magnitude of the bends at `e` that a spike there explains, else zero; NaN compares as False."""
    far_left, near_left, here = bend[e - 2], bend[e - 1], bend[e]
    near_right, far_right = bend[e + 1], bend[e + 2]
    three, wide = np.float32(3), np.float32(2.5)
    for x in range(out.size):
        size = abs(here[x])
        alone = (size > three * abs(near_left[x] + left * here[x])) & (
            size > three * abs(near_right[x] + right * here[x])
        )
        quiet = (size > wide * abs(far_left[x])) & (size > wide * abs(far_right[x]))
        out[x] = size if alone & quiet else np.float32(0)


@kernel
def _spiky(bend: Singles, height: Singles, limit: np.float32) -> Mask:
    """True where the greatest height may be more than `limit` times the median bend.

    Then half of the bends, or more, are less than that height over `limit`: counting is faster than a median.
    """
    n_x = bend.shape[1]
    top = np.zeros(n_x, np.float32)
    low, finite = np.zeros(n_x, np.int32), np.zeros(n_x, np.int32)
    for e in range(height.shape[0]):
        row = height[e]
        for x in range(n_x):
            top[x] = row[x] if row[x] > top[x] else top[x]
    for e in range(bend.shape[0]):
        row = bend[e]
        for x in range(n_x):
            low[x] += np.int32(limit * abs(row[x]) < top[x])
            finite[x] += np.int32(row[x] == row[x])
    return 2 * low >= np.maximum(finite, 1)


@kernel
def _median_size(bend: Singles) -> np.float32:
    size = np.abs(bend)
    return np.float32(np.median(size[np.isfinite(size)]))


@kernel
def edge_significance(mu: Floats, weights: Doubles, bend: Mask) -> Singles:
    """The step of the edge over its standard error, `(y, x)`; NaN where an energy that is used is NaN.

    Parameters
    ----------
    mu
        `(energy, y, x)`.
    weights
        `(energy,)` float64, so that `sum(weights mu)` is the step.
    bend
        `(energy,)`, True where the spectrum is smooth enough for its bends to be noise.
    """
    n_energy, n_y, n_x = mu.shape
    out = np.empty((n_y, n_x), np.float32)
    spread = np.sqrt(np.sum(weights**2))
    step, square = np.empty(n_x), np.empty(n_x)
    for y in range(n_y):
        step[:] = 0.0
        square[:] = 0.0
        n_bends = 0
        for e in range(n_energy):
            row, w = mu[e, y], weights[e]
            if w != 0.0:
                for x in range(n_x):
                    step[x] += w * row[x]
            if 0 < e < n_energy - 1 and bend[e]:
                n_bends += 1
                before, after = mu[e - 1, y], mu[e + 1, y]
                for x in range(n_x):
                    d = row[x] - 0.5 * (before[x] + after[x])
                    square[x] += d * d
        for x in range(n_x):
            # A bend holds the noise of three points, with weights 1, 1/2 and 1/2: 1.5 times the variance.
            out[y, x] = step[x] / (spread * np.sqrt(square[x] / (1.5 * max(n_bends, 1))))
    return out
