"""Images moved back to one frame: a local cubic interpolation that a NaN leaves NaN, and the flags on the way."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Singles, Uint8s
from xafsflow.kernels.jit import kernel

# A part of a pixel that is not interpolated: less than a motion is known to, and it would cost borders and noise.
LEAST = 0.02


@kernel
def cubic_taps(offset: float) -> tuple[Doubles, int]:
    """Weights of the four pixels from `first` on whose sum is the value `offset` pixels further on.

    The cubic convolution of R. Keys, IEEE Trans. Acoust. 29, 1153 (1981), with a = -1/2: exact for parabolas. Whole
    pixels, and what is within `LEAST` of them, take one pixel as it is.

    Examples
    --------
    >>> taps, first = cubic_taps(2.5)
    >>> taps.tolist(), first
    ([-0.0625, 0.5625, 0.5625, -0.0625], 1)
    """
    taps = np.zeros(4)
    whole = np.floor(offset + 0.5)
    if abs(offset - whole) < LEAST:
        taps[1] = 1.0
        return taps, int(whole) - 1
    below = np.floor(offset)
    u = offset - below
    taps[0] = -0.5 * u * (1 - u) * (1 - u)
    taps[1] = 1 + u * u * (1.5 * u - 2.5)
    taps[2] = u * (0.5 + u * (2 - 1.5 * u))
    taps[3] = 0.5 * u * u * (u - 1)
    return taps, int(below) - 1


@kernel
def realigned(values: Floats, path: Doubles) -> Singles:
    """Each image moved back by its place on the path: `out(y, x) = value(y + dy, x + dx)`.

    Parameters
    ----------
    values
        `(image, y, x)`.
    path
        `(image, 2)`, how far the image lies off along y and x, pixels.

    Returns
    -------
    ndarray
        float32 `(image, y, x)`, NaN where one of the pixels that count is NaN or beyond the image.
    """
    n, n_y, n_x = values.shape
    out = np.full(values.shape, np.nan, np.float32)
    line = np.empty(n_x, np.float32)
    for i in range(n):
        down, top = cubic_taps(path[i, 0])
        across, left = cubic_taps(path[i, 1])
        for y in range(n_y):
            if _sum_of_rows(values[i], y + top, down, line):
                _sum_along_row(line, left, across, out[i, y])
    return out


@kernel
def _sum_of_rows(image: Floats, first: int, taps: Doubles, line: Singles) -> bool:
    """Weighted sum of the rows from `first` on; False where one that counts is beyond the image."""
    line[:] = np.float32(0)
    for k in range(taps.size):
        if taps[k] == 0.0:
            continue
        if not 0 <= first + k < image.shape[0]:
            return False
        tap, row = np.float32(taps[k]), image[first + k]
        for x in range(line.size):
            line[x] += tap * row[x]
    return True


@kernel
def _sum_along_row(line: Singles, first: int, taps: Doubles, out: Singles) -> None:
    low, high = 0, out.size
    for k in range(taps.size):
        if taps[k] != 0.0:
            low, high = max(low, -first - k), min(high, line.size - first - k)
    if low >= high:
        return
    out[low:high] = np.float32(0)
    for k in range(taps.size):
        if taps[k] != 0.0:
            tap, near = np.float32(taps[k]), line[low + first + k : high + first + k]
            part = out[low:high]
            for x in range(part.size):
                part[x] += tap * near[x]


def swept_flags(flags: Floats, path: Floats, outside: int) -> Uint8s:
    """Every flag that a place of the sample came across on its path over the detector.

    Parameters
    ----------
    flags
        `(y, x)`, NaN beyond the image where it is a float.
    path
        `(image, 2)` as for `realigned`.
    outside
        The flag of a place that left the image.

    Examples
    --------
    >>> swept_flags(np.array([[0, 2, 0, 0]]), np.array([[0, 0], [0, 1.2]]), 8)
    array([[2, 2, 0, 8]], dtype=uint8)
    """
    bits = np.where(np.isnan(flags), outside, flags).astype(np.uint8)
    n_y, n_x = bits.shape
    found = np.zeros_like(bits)
    for dy, dx in np.unique(np.floor(path + 0.5).astype(int), axis=0):
        # A place beyond the block is beyond the image, or in a halo that is cut off.
        moved = np.full_like(bits, outside)
        to_y, to_x = slice(max(0, -dy), n_y - max(0, dy)), slice(max(0, -dx), n_x - max(0, dx))
        of_y, of_x = slice(max(0, dy), n_y - max(0, -dy)), slice(max(0, dx), n_x - max(0, -dx))
        moved[to_y, to_x] = bits[of_y, of_x]
        found |= moved
    return found
