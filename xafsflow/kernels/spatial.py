"""Kernels over neighboring pixels: mean, dead pixels, spikes. Blocks come with a halo of NaN or of real neighbors."""

from __future__ import annotations

from typing import Any

import numpy as np

from xafsflow.kernels.jit import kernel


@kernel
def box_mean(values: Any, keep: Any, center: Any, half: int) -> Any:
    """Mean over the `(2 half + 1)^2` neighbors that are kept and finite, energy by energy.

    Parameters
    ----------
    values
        `(energy, y, x)`.
    keep
        `(y, x)`, True where a pixel may enter a mean.
    center
        `(y, x)`, True where a mean is wanted; NaN comes back elsewhere, and where no neighbor is finite.

    Returns
    -------
    ndarray
        `(energy, y, x)`; the outermost `half` pixels are means over what is there.
    """
    n_energy, n_y, n_x = values.shape
    out = np.empty(values.shape, np.float32)
    # Padding by zeros on all sides spares the inner loops the question of where the image ends.
    value = np.zeros(n_x + 2 * half, np.float32)
    weight = np.zeros(n_x + 2 * half, np.float32)
    total = np.zeros((n_y + 2 * half, n_x), np.float32)
    count = np.zeros((n_y + 2 * half, n_x), np.float32)
    number = np.zeros(n_x, np.float32)
    for e in range(n_energy):
        for y in range(n_y):
            _finite_row(values[e, y], keep[y], value[half : half + n_x], weight[half : half + n_x])
            _sum_along(value, half, total[y + half])
            _sum_along(weight, half, count[y + half])
        for y in range(n_y):
            _sum_across(total, y, half, out[e, y])
            _sum_across(count, y, half, number)
            _divide_row(out[e, y], number, center[y])
    return out


@kernel
def _finite_row(row: Any, kept: Any, value: Any, weight: Any) -> None:
    zero, one = np.float32(0), np.float32(1)
    for x in range(row.size):
        # v - v is zero for finite v only.
        good = kept[x] & (row[x] - row[x] == zero)
        value[x] = row[x] if good else zero
        weight[x] = one if good else zero


@kernel
def _divide_row(row: Any, number: Any, center: Any) -> None:
    for x in range(row.size):
        mean = row[x] / number[x]
        good = center[x] & (number[x] > np.float32(0))
        row[x] = mean if good else np.float32(np.nan)


# Three terms a pass, then two: a pass over a row for each term of the window costs twice the time.
@kernel
def _sum_along(padded: Any, half: int, out: Any) -> None:
    n = out.size
    _add_three(padded[0:n], padded[1 : 1 + n], padded[2 : 2 + n], out)
    for k in range(3, 2 * half + 1, 2):
        _add_three(out, padded[k : k + n], padded[k + 1 : k + 1 + n], out)


@kernel
def _sum_across(padded: Any, y: int, half: int, out: Any) -> None:
    _add_three(padded[y], padded[y + 1], padded[y + 2], out)
    for k in range(3, 2 * half + 1, 2):
        _add_three(out, padded[y + k], padded[y + k + 1], out)


@kernel
def _add_three(first: Any, second: Any, third: Any, out: Any) -> None:
    for x in range(out.size):
        out[x] = first[x] + second[x] + third[x]


@kernel
def fill_pixels(values: Any, bad: Any, half: int) -> tuple[Any, Any]:
    """Replace the spectra of bad pixels by the mean of their good neighbors within `half`, the nearest ring that has any.

    Returns
    -------
    values, filled
        A new `(energy, y, x)`, and `(y, x)` True where a spectrum was replaced. A bad pixel without a good neighbor is NaN.
    """
    n_energy, n_y, n_x = values.shape
    out = values.copy()
    filled = np.zeros((n_y, n_x), np.bool_)
    for y in range(n_y):
        for x in range(n_x):
            if not bad[y, x]:
                continue
            ring = _nearest_ring(bad, y, x, half)
            filled[y, x] = ring > 0
            for e in range(n_energy):
                out[e, y, x] = _ring_mean(values[e], bad, y, x, ring)
    return out, filled


@kernel
def _nearest_ring(bad: Any, y: int, x: int, half: int) -> int:
    for ring in range(1, half + 1):
        for i in range(max(0, y - ring), min(bad.shape[0], y + ring + 1)):
            for j in range(max(0, x - ring), min(bad.shape[1], x + ring + 1)):
                if not bad[i, j]:
                    return ring
    return 0


@kernel
def _ring_mean(image: Any, bad: Any, y: int, x: int, ring: int) -> Any:
    total, count = 0.0, 0
    if ring > 0:
        for i in range(max(0, y - ring), min(bad.shape[0], y + ring + 1)):
            for j in range(max(0, x - ring), min(bad.shape[1], x + ring + 1)):
                if not bad[i, j] and np.isfinite(image[i, j]):
                    total += image[i, j]
                    count += 1
    return np.float32(total / count) if count > 0 else np.float32(np.nan)


@kernel
def local_median(image: Any, half: int) -> Any:
    """Median of the finite neighbors within `half` of each pixel of `(y, x)`, the pixel itself left out."""
    n_y, n_x = image.shape
    out = np.full((n_y, n_x), np.nan, np.float32)
    near = np.empty((2 * half + 1) ** 2, np.float32)
    for y in range(n_y):
        for x in range(n_x):
            n = 0
            for i in range(max(0, y - half), min(n_y, y + half + 1)):
                for j in range(max(0, x - half), min(n_x, x + half + 1)):
                    if np.isfinite(image[i, j]) and (i != y or j != x):
                        near[n] = image[i, j]
                        n += 1
            if n > 0:
                out[y, x] = np.median(near[:n])
    return out


@kernel
def count_at_least(counts: Any, limit: float) -> Any:
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
def mean_over_energy(counts: Any) -> Any:
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
def despike(energy: Any, values: Any, threshold: float) -> tuple[Any, Any]:
    """Replace single points far off the line between their energy neighbors by that line.

    With `d_i = v_i - line(v_{i-1}, v_{i+1})`, a spike has `|d_i|` above `threshold` times the noise, which is 1.4826
    times the median of `|d|` over the spectrum, and above 2.5 times `|d|` of both neighbors' neighbors: a spike leaves
    minus half of itself on each side, whereas an edge or a white line bends over several points.

    Returns
    -------
    values, spikes
        A new `(energy, y, x)`, and how many points were replaced, `(y, x)` int32.
    """
    n_energy, n_y, n_x = values.shape
    out = values.copy()
    spikes = np.zeros((n_y, n_x), np.int32)
    bend = np.zeros(n_energy, np.float64)
    for y in range(n_y):
        for x in range(n_x):
            for e in range(1, n_energy - 1):
                share = (energy[e] - energy[e - 1]) / (energy[e + 1] - energy[e - 1])
                line = values[e - 1, y, x] + share * (values[e + 1, y, x] - values[e - 1, y, x])
                bend[e] = abs(values[e, y, x] - line)
            noise = 1.4826 * np.median(bend[1 : n_energy - 1])
            for e in range(1, n_energy - 1):
                before = bend[e - 2] if e > 2 else 0.0
                after = bend[e + 2] if e < n_energy - 3 else 0.0
                beside = max(bend[e - 1] if e > 1 else 0.0, bend[e + 1] if e < n_energy - 2 else 0.0)
                if (
                    bend[e] > threshold * noise
                    and bend[e] > 2.5 * max(before, after)
                    and bend[e] > 1.5 * beside
                ):
                    share = (energy[e] - energy[e - 1]) / (energy[e + 1] - energy[e - 1])
                    out[e, y, x] = values[e - 1, y, x] + share * (values[e + 1, y, x] - values[e - 1, y, x])
                    spikes[y, x] += 1
    return out, spikes


@kernel
def edge_significance(mu: Any, weights: Any, bend: Any) -> Any:
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
