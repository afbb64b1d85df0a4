"""Sums over square windows of an image, for means and fits over neighbors.

An image with a margin of zeros is one long row: a window along x is a sum of values one apart, a window
along y of values one width apart, and no inner loop asks where the image ends.
"""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Floats, Mask, Singles
from xafsflow.kernels.jit import kernel


@kernel
def box_sums(
    image: Floats, keep: Mask, half: int, pad: int, padded: Singles, along: Singles, sums: Singles
) -> int | np.int32:
    """Sums of the kept finite values in each window, and how many values are kept.

    Parameters
    ----------
    image, keep
        `(y, x)`, and True where a value may be kept.
    half
        A window has `2 half + 1` rows and columns.
    pad
        Zeros that stand around the image: `half` for a sum at each pixel, 0 where only whole windows count.
    padded, along
        Room for the image with its zeros, which stay, and for the sums along rows.
    sums
        What comes out: `n_x + 2 pad` numbers for each row but the last, the last `2 half` of them no sums.
    """
    n_y, n_x = image.shape
    width = n_x + 2 * pad
    count: int | np.int32 = 0
    for y in range(n_y):
        start = (y + pad) * width + pad
        count += copy_finite(image[y], keep[y], padded[start : start + n_x])
    _window_sums(padded, 1, half, along)
    _window_sums(along, width, half, sums)
    return count


@kernel
def copy_finite(row: Floats, keep: Mask, out: Singles) -> np.int32:
    """Copy what is kept and finite, zeros in place of all else; how many values that are."""
    count = np.int32(0)
    for x in range(row.size):
        good = keep[x] & (abs(row[x]) < np.float32(np.inf))
        out[x] = row[x] if good else np.float32(0)
        count += np.int32(1) if good else np.int32(0)
    return count


@kernel
def _window_sums(values: Singles, stride: int, half: int, out: Singles) -> None:
    """Sums of `2 half + 1` values `stride` apart: three in the first pass, then two a pass."""
    n = out.size
    _add_three(values[0:n], values[stride : stride + n], values[2 * stride : 2 * stride + n], out)
    for k in range(3 * stride, (2 * half + 1) * stride, 2 * stride):
        _add_three(out, values[k : k + n], values[k + stride : k + stride + n], out)


@kernel
def _add_three(first: Singles, second: Singles, third: Singles, out: Singles) -> None:
    for x in range(out.size):
        out[x] = first[x] + second[x] + third[x]


@kernel
def inverse_rows(counts: Singles, width: int, center: Mask, out: Singles) -> None:
    """1/count where a mean is wanted and there is something to take it of, else NaN.

    `counts` has rows of `width`, as `box_sums` leaves them.
    """
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            count = counts[y * width + x]
            good = center[y, x] & (count > np.float32(0))
            out[y, x] = np.float32(1) / count if good else np.float32(np.nan)


@kernel
def scale_rows(sums: Singles, width: int, weight: Singles, out: Singles) -> None:
    """`out = sums * weight`, from rows of `width` to rows of `(y, x)`."""
    n_y, n_x = out.shape
    for y in range(n_y):
        row, total, factor = out[y], sums[y * width : y * width + n_x], weight[y]
        for x in range(n_x):
            row[x] = total[x] * factor[x]
