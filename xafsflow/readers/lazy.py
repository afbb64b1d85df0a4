"""TIFF stacks as lazy arrays, cut into the blocks that later steps work on."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np

from xafsflow.readers.tiff import TiffStack

# A compressed strip is inflated whole: blocks of a band share one reading of it, as far as memory allows.
READ_BYTES = 192 * 2**20


def lazy_stack(stack: TiffStack, block: tuple[int, int]) -> da.Array:
    """Counts `(image, y, x)`; a block reads the rows it needs of every image.

    Parameters
    ----------
    stack
        Images in the order wanted.
    block
        Rows and columns of a block.
    """
    n_images, rows, columns = stack.shape
    whole = da.map_blocks(
        _read,
        chunks=((n_images,), _heights(stack, block[0]), (columns,)),
        stack=stack,
        dtype=stack.dtype,
        meta=np.empty((0, 0, 0), stack.dtype),
    )
    return whole.rechunk({1: min(block[0], rows), 2: min(block[1], columns)})


def lazy_mean(stack: TiffStack, rows: int) -> da.Array:
    """The mean image `(y, x)` float32 of a stack of frames."""
    _, height, width = stack.shape
    return da.map_blocks(
        _read_mean,
        chunks=(_pieces(height, rows), (width,)),
        stack=stack,
        dtype=np.float32,
        meta=np.empty((0, 0), np.float32),
    )


def _heights(stack: TiffStack, height: int) -> tuple[int, ...]:
    """Rows read together: a block where rows lie apart, else whole strips that are a multiple of a block."""
    n_images, rows, columns = stack.shape
    quantum = stack.row_quantum
    if quantum == 1:
        return _pieces(rows, height)
    most = max(height, READ_BYTES // (n_images * columns * stack.dtype.itemsize))
    return _pieces(rows, min(-(-quantum // height) * height, most // height * height))


def _pieces(rows: int, height: int) -> tuple[int, ...]:
    return tuple(min(height, rows - start) for start in range(0, rows, height))


def _read(stack: TiffStack, block_info: Any = None) -> np.ndarray:
    (start, stop) = block_info[None]["array-location"][1]
    return stack.read_rows(start, stop)


def _read_mean(stack: TiffStack, block_info: Any = None) -> np.ndarray:
    (start, stop) = block_info[None]["array-location"][0]
    mean: np.ndarray = stack.read_rows(start, stop).mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
