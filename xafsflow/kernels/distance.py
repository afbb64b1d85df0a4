"""Distances between a pixel's features and the spectrum of its class."""

from __future__ import annotations

from typing import Any

import numpy as np

from xafsflow.kernels.absorb import log_of_row
from xafsflow.kernels.jit import kernel

METRICS = ("euclidean", "manhattan", "jensen_shannon", "cosine")
# Below it p ln p is zero in float32; the logarithm wants positive numbers.
TINY = np.float32(1e-30)


@kernel
def distances(features: Any, class_index: Any, spectra: Any) -> Any:
    """Four distances of each pixel to its class: `(4, y, x)` in the order of `METRICS`, NaN where there is no class.

    With f the features and c the class spectrum: `sqrt(sum((f-c)^2))`; `sum(|f-c|)`; the Jensen-Shannon distance
    `sqrt((sum(p ln(p/m)) + sum(q ln(q/m)))/2)`, `m = (p+q)/2`, natural logarithm; `1 - f.c/(|f||c|)`. Features may be
    negative, distributions not: p and q are f and c less the smallest value of both, divided by their sums.

    Parameters
    ----------
    features
        `(feature, y, x)` float32.
    class_index
        `(y, x)`, -1 for none.
    spectra
        `(class, feature)` float32.
    """
    n_features, n_y, n_x = features.shape
    out = np.full((4, n_y, n_x), np.nan, np.float32)
    pixel = np.empty(n_features, np.float32)
    work = np.empty((3, n_features), np.float32)
    for y in range(n_y):
        for x in range(n_x):
            if class_index[y, x] < 0:
                continue
            for f in range(n_features):
                pixel[f] = features[f, y, x]
            spectrum = spectra[class_index[y, x]]
            squares, steps, dot, size, length = 0.0, 0.0, 0.0, 0.0, 0.0
            for f in range(n_features):
                apart = pixel[f] - spectrum[f]
                squares += apart * apart
                steps += abs(apart)
                dot += pixel[f] * spectrum[f]
                size += pixel[f] * pixel[f]
                length += spectrum[f] * spectrum[f]
            out[0, y, x] = np.sqrt(squares)
            out[1, y, x] = steps
            out[2, y, x] = _jensen_shannon(pixel, spectrum, work)
            out[3, y, x] = 1.0 - dot / np.sqrt(size * length)
    return out


@kernel
def _jensen_shannon(first: Any, second: Any, work: Any) -> Any:
    n = first.size
    p, q, logs = work[0], work[1], work[2]
    lowest = min(first.min(), second.min())
    p_sum, q_sum = np.float32(0), np.float32(0)
    for f in range(n):
        p_sum += first[f] - lowest
        q_sum += second[f] - lowest
    total = 0.0
    for f in range(n):
        p[f] = (first[f] - lowest) / p_sum + TINY
        q[f] = (second[f] - lowest) / q_sum + TINY
    total += _entropy(p, logs) + _entropy(q, logs)
    for f in range(n):
        p[f] = np.float32(0.5) * (p[f] + q[f])
    total -= 2.0 * _entropy(p, logs)
    return np.sqrt(max(0.0, 0.5 * total))


@kernel
def _entropy(p: Any, logs: Any) -> float:
    """`sum(p ln p)`."""
    log_of_row(p, logs)
    total = 0.0
    for f in range(p.size):
        total += p[f] * logs[f]
    return total
