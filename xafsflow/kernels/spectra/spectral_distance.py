"""Distances between a pixel's features and the spectrum of its class."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Integers, Singles
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.spectra.absorbance import log_of_row

METRICS = ("euclidean", "manhattan", "jensen_shannon", "cosine")
# Nothing to float32 beside a share of one; where both shares are zero, their ratio is one.
TINY = np.float32(1e-30)
# Pixels taken out of a block together: a cache line holds as many of one feature.
TILE = 16


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
    out = np.full((4, n_y, n_x), np.nan, np.float32)
    pixels = np.empty((TILE, n_features), np.float32)
    low = np.empty(TILE, np.float32)
    work = np.empty((5, n_features), np.float32)
    class_low = np.empty(len(spectra), np.float32)
    for c in range(len(spectra)):
        class_low[c] = spectra[c].min()
    for y in range(n_y):
        for first in range(0, n_x, TILE):
            size = min(TILE, n_x - first)
            _take_pixels(features, y, first, size, pixels, low)
            for k in range(size):
                x = first + k
                c = class_index[y, x]
                if c >= 0:
                    spectrum, lowest = spectra[c], min(low[k], class_low[c])
                    out[0, y, x], out[1, y, x], out[3, y, x] = _vector_distances(pixels[k], spectrum)
                    out[2, y, x] = _jensen_shannon(pixels[k], spectrum, lowest, work)
    return out


@kernel
def _take_pixels(features: Singles, y: int, first: int, size: int, pixels: Singles, low: Singles) -> None:
    """Pixels of a row, each in one piece of memory, and the least feature of each, NaN left out."""
    low[:] = np.inf
    for f in range(features.shape[0]):
        row = features[f, y]
        for k in range(size):
            value = row[first + k]
            pixels[k, f] = value
            low[k] = value if value < low[k] else low[k]


@kernel
def _vector_distances(first: Singles, second: Singles) -> tuple[float, float, float]:
    """Euclidean, Manhattan and cosine; in float64, as the cosine of like spectra is one but for little."""
    squares, steps, dot, size, length = 0.0, 0.0, 0.0, 0.0, 0.0
    for f in range(first.size):
        a, b = np.float64(first[f]), np.float64(second[f])
        squares += (a - b) * (a - b)
        steps += abs(a - b)
        dot += a * b
        size += a * a
        length += b * b
    return np.sqrt(squares), steps, 1.0 - dot / np.sqrt(size * length)


@kernel
def _jensen_shannon(first: Singles, second: Singles, lowest: np.float32, work: Singles) -> float:
    """With p = m (1 + u) and q = m (1 - u), a sum of `m ((1 + u) ln(1 + u) + (1 - u) ln(1 - u))`.

    It is even in u, of the order of u^2, while its two terms are of the order of u. What rounding does to them
    cancels where the sum of 1 + u and 1 - u is exactly 2.
    """
    middle, above, below, above_log, below_log = work[0], work[1], work[2], work[3], work[4]
    p_sum, q_sum = 0.0, 0.0
    for f in range(first.size):
        p_sum += first[f] - lowest
        q_sum += second[f] - lowest
    if not (0.0 < p_sum < np.inf and 0.0 < q_sum < np.inf):
        return np.nan
    p_scale, q_scale = np.float32(0.5 / p_sum), np.float32(0.5 / q_sum)
    for f in range(first.size):
        a, b = (first[f] - lowest) * p_scale + TINY, (second[f] - lowest) * q_scale + TINY
        middle[f] = a + b
        above[f] = np.float32(1) + abs(a - b) / (a + b)
    # In a loop of its own: beside the sum, the compiler would make 1 - u of it again.
    for f in range(first.size):
        below[f] = np.float32(2) - above[f]
    log_of_row(above, above_log)
    log_of_row(below, below_log)
    total = 0.0
    for f in range(first.size):
        total += middle[f] * (above[f] * above_log[f] + below[f] * below_log[f])
    return np.sqrt(max(0.0, 0.5 * total))
