"""Distances between a pixel's features and the spectrum of its class."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices, Integers, Singles
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.spectra.absorbance import log_of_row

METRICS = ("euclidean", "manhattan", "jensen_shannon", "cosine")
# Nothing to float32 beside a share of one; where both shares are zero, their ratio is one.
TINY = np.float32(1e-30)
# Pixels side by side: the sums of each run over the features in their order, and vector instructions take several pixels.
STRIP = 256


@kernel
def distances(features: Singles, class_index: Integers, spectra: Singles) -> Singles:
    """Four distances of each pixel to its class, in the order of `METRICS`.

    With f the features and c the class spectrum: `sqrt(sum((f-c)^2))`; `sum(|f-c|)`; the Jensen-Shannon
    distance `sqrt((sum(p ln(p/m)) + sum(q ln(q/m)))/2)`, `m = (p+q)/2`, natural logarithm; `1 -
    f.c/(|f||c|)`. Features may be negative, distributions not: p and q are f and c less the smallest value
    of both, divided by their sums.

    Parameters
    ----------
    features
        `(feature, y, x)` float32.
    class_index
        `(y, x)`, -1 for none.
    spectra
        `(class, feature)` float32.

    Returns
    -------
    ndarray
        `(4, y, x)` float32; NaN where there is no class, a feature is NaN, or the distance is not defined: a
        zero spectrum has no angle, and one that is constant and nowhere above the other no distribution.
    """
    n_features, n_y, n_x = features.shape
    values, classes = features.reshape(n_features, n_y * n_x), class_index.reshape(n_y * n_x)
    out = np.empty((4, n_y * n_x), np.float32)
    class_low = np.empty(len(spectra), np.float32)
    for c in range(len(spectra)):
        class_low[c] = spectra[c].min()
    table = np.ascontiguousarray(spectra.T)
    centers, lowest = np.empty((n_features, STRIP), np.float32), np.empty(STRIP, np.float32)
    own, sums, rows = np.empty(STRIP, np.int64), np.empty((5, STRIP)), np.empty((5, STRIP), np.float32)
    for begin in range(0, classes.size, STRIP):
        part = slice(begin, min(begin + STRIP, classes.size))
        size = part.stop - part.start
        for x in range(size):
            own[x] = max(0, classes[begin + x])
        for f in range(n_features):
            _take(table[f], own[:size], centers[f, :size])
        _vector_distances(values, part, centers, sums, out)
        _least(values, part, class_low, own, lowest)
        _jensen_shannon(values, part, centers, lowest, sums, rows, out[2, part])
        for x in range(part.start, part.stop):
            if classes[x] < 0:
                out[:, x] = np.float32(np.nan)
    return out.reshape(4, n_y, n_x)


@kernel
def _take(row: Singles, places: Indices, out: Singles) -> None:
    for x in range(out.size):
        out[x] = row[places[x]]


@kernel
def _least(values: Singles, part: slice, class_low: Singles, own: Indices, lowest: Singles) -> None:
    """The least feature of each pixel, NaN left out, or of its class."""
    low = lowest[: part.stop - part.start]
    low[:] = np.inf
    for f in range(len(values)):
        row = values[f, part]
        for x in range(low.size):
            low[x] = row[x] if row[x] < low[x] else low[x]
    for x in range(low.size):
        low[x] = min(low[x], class_low[own[x]])


@kernel
def _vector_distances(values: Singles, part: slice, centers: Singles, sums: Doubles, out: Singles) -> None:
    """Euclidean, Manhattan and cosine; in float64, as the cosine of like spectra is one but for little."""
    n = part.stop - part.start
    squares, steps, dot, size, length = sums[0, :n], sums[1, :n], sums[2, :n], sums[3, :n], sums[4, :n]
    sums[:] = 0.0
    for f in range(len(values)):
        row, center = values[f, part], centers[f, :n]
        for x in range(n):
            a, b = np.float64(row[x]), np.float64(center[x])
            squares[x] += (a - b) * (a - b)
            steps[x] += abs(a - b)
            dot[x] += a * b
            size[x] += a * a
            length[x] += b * b
    for x in range(n):
        out[0, part.start + x] = np.sqrt(squares[x])
        out[1, part.start + x] = steps[x]
        out[3, part.start + x] = 1.0 - dot[x] / np.sqrt(size[x] * length[x])


@kernel
def _jensen_shannon(
    values: Singles,
    part: slice,
    centers: Singles,
    lowest: Singles,
    sums: Doubles,
    rows: Singles,
    out: Singles,
) -> None:
    """With p = m (1 + u) and q = m (1 - u), a sum of `m ((1 + u) ln(1 + u) + (1 - u) ln(1 - u))`.

    It is even in u, of the order of u^2, while its two terms are of the order of u. What rounding does to them
    cancels where the sum of 1 + u and 1 - u is exactly 2.
    """
    n = out.size
    p_sum, q_sum, total = sums[0, :n], sums[1, :n], sums[2, :n]
    sums[:3] = 0.0
    for f in range(len(values)):
        row, center = values[f, part], centers[f, :n]
        for x in range(n):
            p_sum[x] += row[x] - lowest[x]
            q_sum[x] += center[x] - lowest[x]
    scales = np.empty((2, n), np.float32)
    for x in range(n):
        scales[0, x], scales[1, x] = np.float32(0.5 / p_sum[x]), np.float32(0.5 / q_sum[x])
    for f in range(len(values)):
        _add_divergence(values[f, part], centers[f, :n], lowest, scales[0], scales[1], rows, total)
    for x in range(n):
        known = (0.0 < p_sum[x] < np.inf) & (0.0 < q_sum[x] < np.inf)
        out[x] = np.sqrt(max(0.0, 0.5 * total[x])) if known else np.nan


@kernel
def _add_divergence(
    first: Singles,
    second: Singles,
    lowest: Singles,
    p_scale: Singles,
    q_scale: Singles,
    rows: Singles,
    total: Doubles,
) -> None:
    """Add the term of one feature."""
    n = total.size
    middle, above, below, above_log, below_log = (
        rows[0, :n],
        rows[1, :n],
        rows[2, :n],
        rows[3, :n],
        rows[4, :n],
    )
    for x in range(n):
        a, b = (first[x] - lowest[x]) * p_scale[x] + TINY, (second[x] - lowest[x]) * q_scale[x] + TINY
        middle[x] = a + b
        above[x] = np.float32(1) + abs(a - b) / (a + b)
    # In a loop of its own: beside the sum, the compiler would make 1 - u of it again.
    for x in range(n):
        below[x] = np.float32(2) - above[x]
    log_of_row(above, above_log)
    log_of_row(below, below_log)
    for x in range(n):
        total[x] += middle[x] * (above[x] * above_log[x] + below[x] * below_log[x])
