"""Large maps reduced for display, by blocks that keep what a reader looks for."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Singles


def block_size(shape: tuple[int, int], longest: int) -> int:
    """The smallest block that brings the longest side down to `longest`.

    Examples
    --------
    >>> block_size((4000, 1700), 1200), block_size((128, 160), 1200)
    (4, 1)
    """
    return max(1, math.ceil(max(shape) / longest))


def _sums(values: NDArray[np.floating] | NDArray[np.bool_], block: int) -> NDArray[np.float64]:
    """Sums over blocks; those at the lower and right edge may be smaller."""
    rows, columns = (math.ceil(n / block) for n in values.shape)
    # Whole numbers up to the number of rows of a block: a quarter of the memory to go through.
    counted = np.uint16 if values.dtype == np.bool_ else np.float64
    bands = np.zeros((rows, values.shape[1]), counted)
    total = np.zeros((rows, columns))
    # Adding whole rows, then every n-th column, takes a quarter of the time of `np.add.reduceat`.
    for i in range(block):
        part = values[i::block]
        bands[: len(part)] += part
    for j in range(block):
        columns_of_part = bands[:, j::block]
        total[:, : columns_of_part.shape[1]] += columns_of_part
    return total


def block_mean(values: Singles, block: int) -> Singles:
    """Mean of the finite pixels of each block, NaN where more than half of the block is not finite.

    Parameters
    ----------
    values
        Shape (y, x).
    block
        Side of the square blocks, pixels.

    Returns
    -------
    Shape (ceil(y / block), ceil(x / block)).

    Examples
    --------
    >>> block_mean(np.array([[1.0, 3.0, np.nan], [np.nan, 2.0, 5.0]], np.float32), 2)
    array([[2., 5.]], dtype=float32)
    """
    if block == 1:
        return values
    finite = np.isfinite(values)
    total = _sums(np.where(finite, values, np.float32(0)), block)
    count = _sums(finite, block)
    height, width = (np.minimum(block, n - np.arange(0, n, block)) for n in values.shape)
    size = np.outer(height, width)
    enough = (count > 0) & (2 * count >= size)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=enough).astype(np.float32)


def block_mode(codes: NDArray[np.int16], block: int) -> NDArray[np.int16]:
    """The most frequent code of each block, the smallest of several; shape as `block_mean`.

    Examples
    --------
    >>> block_mode(np.array([[0, 1, 2], [1, -1, 2]], np.int16), 2)
    array([[1, 2]], dtype=int16)
    """
    if block == 1:
        return codes
    kinds = np.unique(codes)
    best = np.full([math.ceil(n / block) for n in codes.shape], kinds[0], np.int16)
    most = np.zeros(best.shape)
    for kind in kinds:
        count = _sums(codes == kind, block)
        best[count > most] = kind
        np.maximum(most, count, out=most)
    return best


def block_lowest(codes: NDArray[np.int16], block: int, nothing: int) -> NDArray[np.int16]:
    """The lowest code of each block other than `nothing`, so that single pixels stay visible.

    Examples
    --------
    >>> block_lowest(np.array([[-1, 3], [-1, -1]], np.int16), 2, -1)
    array([[3]], dtype=int16)
    """
    if block == 1:
        return codes
    rows, columns = (np.arange(0, n, block) for n in codes.shape)
    high = np.where(codes == nothing, np.iinfo(np.int16).max, codes)
    low = np.minimum.reduceat(np.minimum.reduceat(high, rows, axis=0), columns, axis=1)
    return np.where(low == np.iinfo(np.int16).max, nothing, low).astype(np.int16)
