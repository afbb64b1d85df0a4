"""Stacks of images as lazy arrays, cut into the blocks that later steps work on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from weakref import WeakValueDictionary

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from xafsflow.io.readers import ImageStack

Pixels = NDArray[np.generic]
# What dask says of a block: for its output, under None, first and last place in each dimension.
BlockInfo = Mapping[int | None, Mapping[str, Sequence[tuple[int, int]]]]
# A compressed strip is inflated whole: blocks share one reading of it, as far as memory allows.
READ_BYTES = 192 * 2**20
# To open hundreds of files for a few rows each costs more than to read them: blocks share a reading of this size.
SHARED_BYTES = 32 * 2**20

# The stacks behind lazy arrays, by the arrays' names.
_SOURCES: WeakValueDictionary[str, ImageStack] = WeakValueDictionary()


def source(array: da.Array) -> ImageStack | None:
    """The stack that an array of `lazy_stack` reads.

    What wants rows of all images reads them from there into its own memory: a third of the time, since nothing is copied.
    """
    return _SOURCES.get(array.name)


def lazy_stack(stack: ImageStack, block: tuple[int, int], shared: int = SHARED_BYTES) -> da.Array:
    """Counts `(image, y, x)`; a block reads the rows it needs of every image, and a few blocks share a reading.

    Where strips or tiles are decoded whole, one reading is whole strips: a computation of everything decodes
    each strip once. A strip that takes more than `READ_BYTES` over all images is decoded once for every
    `READ_BYTES` of it.

    Parameters
    ----------
    stack
        Images in the order wanted.
    block
        Rows and columns of a block.
    shared
        Bytes of the readings that blocks share.

    Examples
    --------
    >>> import tempfile, tifffile
    >>> from pathlib import Path
    >>> from xafsflow.io.readers import open_scan
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "images.tif")
    ...     images = np.arange(60, dtype=np.uint16).reshape(2, 6, 5)
    ...     tifffile.imwrite(path, images, photometric="minisblack")
    ...     counts = lazy_stack(open_scan([path]).images, (4, 5))
    ...     print(counts.chunks, counts[1, 5, 4].compute())
    ((2,), (4, 2), (5,)) 59
    """
    n_images, rows, columns = stack.shape
    height, width = min(block[0], rows), min(block[1], columns)
    readings = _readings(stack, height, n_images * columns * stack.dtype.itemsize, shared)
    whole = da.map_blocks(
        # Not as an argument: dask would look into each of its images, and build them anew in every task.
        partial(_read, stack),
        chunks=((n_images,), readings, (columns,)),
        dtype=stack.dtype,
        meta=np.empty((0, 0, 0), stack.dtype),
    )
    # Named, since dask would import distributed, 0.1 s, to ask for a client before it takes this way.
    blocks = whole.rechunk((n_images, height, width), method="tasks")
    _SOURCES[blocks.name] = stack
    return blocks


def _readings(stack: ImageStack, height: int, row_bytes: int, shared: int) -> tuple[int, ...]:
    """Rows read together: some blocks where rows lie apart, else the fewest whole strips that hold one."""
    quantum = stack.row_quantum
    most = max(height, READ_BYTES // row_bytes)
    if quantum == 1:
        height *= max(1, min(shared, READ_BYTES) // (height * row_bytes))
    if 1 < quantum <= most:
        height = min(-(-height // quantum), most // quantum) * quantum
    elif quantum > most:
        height = most // height * height
    rows = stack.shape[1]
    return tuple(min(height, rows - start) for start in range(0, rows, height))


def _read(stack: ImageStack, block_info: BlockInfo | None = None) -> Pixels:
    assert block_info is not None  # dask fills it in
    start, stop = block_info[None]["array-location"][1]
    return stack.read_rows(start, stop)
