"""What a convolution looks at, as rows of a table: its sums are then a product of matrices."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Singles
from xafsflow.kernels.jit import kernel


@kernel
def lifted_windows(values: Singles, scale: Singles, offset: Singles, taps: int, stride: int) -> Singles:
    """Windows around places of `max(0, scale values + offset)`, at every `stride`th place; zeros stand beyond the ends.

    Parameters
    ----------
    values
        `(sample, place, channel)`.
    scale, offset
        `(channel,)`.
    taps
        Places in a window, an odd number.
    stride
        Places from one window to the next.

    Returns
    -------
    ndarray
        `(sample, window, tap * channel)`.

    Examples
    --------
    >>> values = np.array([[[1.0], [-2.0], [4.0]]], "f4")
    >>> lifted_windows(values, np.full(1, 2.0, "f4"), np.ones(1, "f4"), 3, 2)[0].tolist()
    [[0.0, 3.0, 0.0], [0.0, 9.0, 0.0]]
    """
    samples, length, channels = values.shape
    half, width = taps // 2, taps * channels
    count = (length + stride - 1) // stride
    out = np.empty((samples, count, width), np.float32)
    padded = np.zeros((length + 2 * half) * channels, np.float32)
    for s in range(samples):
        for x in range(length):
            # Parts, whose places are counted from 0: the compiler then need not look for negative ones.
            line, into = values[s, x], padded[(x + half) * channels : (x + half + 1) * channels]
            for c in range(channels):
                into[c] = max(np.float32(0.0), line[c] * scale[c] + offset[c])
        for x in range(count):
            row, part = out[s, x], padded[x * stride * channels : x * stride * channels + width]
            for j in range(width):
                row[j] = part[j]
    return out
