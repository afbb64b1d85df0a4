"""Rectangles of pixels: rows and columns from a first one to the one after the last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from xafsflow.blocks.outputs import BLOCK_BYTES


class Region(NamedTuple):
    """Rows from `y0` to before `y1`, columns from `x0` to before `x1`."""

    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.y1 - self.y0, self.x1 - self.x0

    def grown(self, by: int) -> Region:
        """With so many pixels more on all sides."""
        return Region(self.y0 - by, self.y1 + by, self.x0 - by, self.x1 + by)

    def within(self, shape: tuple[int, int]) -> Region:
        """What of it lies in an image of this shape."""
        return Region(max(self.y0, 0), min(self.y1, shape[0]), max(self.x0, 0), min(self.x1, shape[1]))

    def moved(self, y: int, x: int) -> Region:
        """So many pixels further."""
        return Region(self.y0 + y, self.y1 + y, self.x0 + x, self.x1 + x)

    def times(self, y: int, x: int) -> Region:
        """The region of smaller pixels that so many of them make up."""
        return Region(self.y0 * y, self.y1 * y, self.x0 * x, self.x1 * x)

    def slices(self, dims: Sequence[Any], held: Region) -> tuple[slice, ...]:
        """Where it lies in an array with these dims that holds another region."""
        along = {
            "y": slice(self.y0 - held.y0, self.y1 - held.y0),
            "x": slice(self.x0 - held.x0, self.x1 - held.x0),
        }
        return tuple(along.get(dim, slice(None)) for dim in dims)

    def tiles(self, points: int) -> Iterator[Region]:
        """Cut into parts of about `BLOCK_BYTES` with so many float32 a pixel, nearly square.

        Examples
        --------
        >>> [tile.shape for tile in Region(0, 100, 0, 200).tiles(210)]
        [(100, 67), (100, 66), (100, 67)]
        """
        side = max(1, int(np.sqrt(BLOCK_BYTES / (4 * points))))
        (height, width) = self.shape
        tall = min(height, side)
        # What a low region leaves of a tile's pixels is added to its width.
        wide = min(width, max(1, side * side // max(1, tall)))
        down, across = (max(1, round(n / k + 0.25)) for n, k in ((height, tall), (width, wide)))
        rows, columns = (
            np.linspace(0, n, parts + 1).round().astype(int).tolist()
            for n, parts in ((height, down), (width, across))
        )
        for a, b in pairwise(rows):
            for c, d in pairwise(columns):
                yield Region(self.y0 + a, self.y0 + b, self.x0 + c, self.x0 + d)


@dataclass(frozen=True)
class Frame:
    """Where an array lies under the arrays that are wanted: their pixel (0, 0) is its (y, x), and one is `bins` of its."""

    y: int = 0
    x: int = 0
    bins: tuple[int, int] = (1, 1)

    def of(self, region: Region) -> Region:
        """A region of the arrays that are wanted, in its own pixels."""
        return region.times(*self.bins).moved(self.y, self.x)

    def cut(self, y: int, x: int) -> Frame:
        """The frame of the array that this one is a part of."""
        return Frame(self.y + y, self.x + x, self.bins)

    def binned(self, bins: tuple[int, int]) -> Frame:
        """The frame of the array that this one has the bins of."""
        by, bx = bins
        return Frame(self.y * by, self.x * bx, (self.bins[0] * by, self.bins[1] * bx))


def cut_out(values: Any, dims: Sequence[Any], held: Region, wanted: Region) -> Any:
    """A region of an array that holds another one, with NaN where it does not reach."""
    inside = Region(
        max(held.y0, wanted.y0), min(held.y1, wanted.y1), max(held.x0, wanted.x0), min(held.x1, wanted.x1)
    )
    part = values[inside.slices(dims, held)]
    if inside == wanted or not {"y", "x"} <= set(dims):
        return part
    shape = {"y": wanted.shape[0], "x": wanted.shape[1]}
    found = np.full(
        [shape.get(d, n) for d, n in zip(dims, values.shape, strict=True)],
        np.nan,
        part.dtype if part.dtype.kind == "f" else np.float32,
    )
    found[inside.slices(dims, wanted)] = part
    return found
