"""Images in an array of HDF5 or Zarr: which of its axes are images, rows and columns, and reading through its chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.images.source_stack import Bands, Pixels, fill_runs

# A chunk is decoded whole.
LARGEST_CHUNK = 2**30
LARGEST_SIDE = 2**31
NUMBERS = "iuf"

# Opens a file read-only and gives an array in it, by its path.
Opener = Callable[[str, str], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Axes:
    """Which axis of an array is what.

    Parameters
    ----------
    image
        The axis of the images; None where the array is one image.
    y, x
        The axes of rows and of columns.
    fixed
        The number taken of each further axis, as (axis, number).
    """

    image: int | None
    y: int
    x: int
    fixed: tuple[tuple[int, int], ...] = ()


IMAGES_FIRST, ONE_IMAGE = Axes(0, 1, 2), Axes(None, 0, 1)


@dataclass(frozen=True)
class ArraySource:
    """An array in a file.

    Parameters
    ----------
    path, inside
        The file, and the path of the array in it.
    array_shape, chunks
        Of the whole array; chunks None where it lies in one piece.
    array_dtype
        In the byte order of the file.
    axes
        Which axis is what.
    opener
        A function of a module, so that it can be pickled.
    """

    path: str
    inside: str
    array_shape: tuple[int, ...]
    chunks: tuple[int, ...] | None
    array_dtype: str
    axes: Axes
    opener: Opener

    @property
    def place(self) -> str:
        """File and path in it."""
        return f"{self.path}::{self.inside}"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Images, rows, columns."""
        axes, shape = self.axes, self.array_shape
        return 1 if axes.image is None else shape[axes.image], shape[axes.y], shape[axes.x]

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the pixels, in the byte order of this machine."""
        return np.dtype(self.array_dtype).newbyteorder("=")

    @property
    def row_quantum(self) -> int:
        """The rows of a chunk, 1 where there are none."""
        return 1 if self.chunks is None else min(self.chunks[self.axes.y], max(self.shape[1], 1))

    def read(
        self, numbers: Sequence[int], bands: Bands, columns: tuple[int, int], targets: Sequence[Pixels]
    ) -> None:
        """See `Source`; images that follow each other are read at once, so that a chunk of several is decoded once."""
        with self.opener(self.path, self.inside) as array:
            if tuple(array.shape) != self.array_shape or array.dtype != np.dtype(self.array_dtype):
                raise InputError(
                    f"{self.place}: {tuple(array.shape)} {array.dtype}",
                    f"{self.array_shape} {self.array_dtype}, as it was when it was opened",
                    "wait until nothing writes to it any more",
                )
            for (start, stop), target in zip(bands, targets, strict=True):
                if target.size:
                    fill_runs(numbers, target, partial(self._piece, array, slice(start, stop), columns))

    def _piece(self, array: Any, rows: slice, columns: tuple[int, int], first: int, last: int) -> Pixels:
        axes = self.axes
        where: list[slice | int] = [slice(None)] * len(self.array_shape)
        for axis, number in axes.fixed:
            where[axis] = number
        where[axes.y], where[axes.x] = rows, slice(*columns)
        if axes.image is not None:
            where[axes.image] = slice(first, last)
        read = np.asarray(array[tuple(where)])
        kept = [axis for axis in range(len(where)) if not isinstance(where[axis], int)]
        wanted = [axis for axis in (axes.image, axes.y, axes.x) if axis is not None]
        turned = read.transpose([kept.index(axis) for axis in wanted])
        return turned if axes.image is not None else turned[None]


def array_source(path: str, inside: str, array: Any, axes: Axes | None, opener: Opener) -> ArraySource:
    """Describe an array as images.

    Parameters
    ----------
    array
        Of h5py or zarr: with `shape`, `dtype` and `chunks`.
    axes
        None: images first, rows, columns; an array of two axes is one image.

    Raises
    ------
    InputError
        Its numbers are no pixels, it has other axes, is empty, or its chunks are too large.
    """
    shape, place = tuple(int(side) for side in array.shape), f"{path}::{inside}"
    dtype = np.dtype(array.dtype)
    if dtype.kind not in NUMBERS or dtype.itemsize > 8:
        raise InputError(
            f"{place} of type {dtype}", "integers or floating-point numbers", "choose another path"
        )
    if axes is None:
        if len(shape) not in (2, 3):
            raise InputError(
                f"{place} with {len(shape)} axes, {shape}",
                "three (image, row, column) or two (one image)",
                "choose another path behind ::, or write the stack with three axes",
            )
        axes = IMAGES_FIRST if len(shape) == 3 else ONE_IMAGE
    if not all(0 < side < LARGEST_SIDE for side in shape):
        raise InputError(f"{place} of shape {shape}", "one image at least", "choose another path")
    chunks = None if array.chunks is None else tuple(int(side) for side in array.chunks)
    if chunks is not None and int(np.prod(chunks, dtype=object)) * dtype.itemsize > LARGEST_CHUNK:
        raise InputError(
            f"{place} in chunks of {chunks}",
            f"chunks of {LARGEST_CHUNK} bytes at most",
            "write it in smaller chunks",
        )
    return ArraySource(path, inside, shape, chunks, dtype.str, axes, opener)
