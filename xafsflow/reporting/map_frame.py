"""Where the maps of a run lie: their coordinates, the size of a pixel, and by how much they are reduced."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from xafsflow.reporting.downsample import block_size
from xafsflow.reporting.map_layers import pixel_size

# A map more extreme than this is stretched, else it would be a line.
STEEPEST = 8.0
STRETCHED = " Shown stretched: pixels are not square."


@dataclass(frozen=True)
class Frame:
    """Where the maps of a run lie.

    Parameters
    ----------
    shape
        Rows and columns.
    origin, spacing
        First y and x, and the distance from one to the next: of the coordinates if even, else 0 and 1.
    pixel_um
        Size of a pixel of the maps, micrometers, or None.
    longest
        The longest side that is displayed, pixels; larger maps are reduced by blocks.
    width
        Of the whole figure, inches. Shown at 96 pixels an inch, its type is as large as that of the page.
    """

    shape: tuple[int, int]
    origin: tuple[float, float]
    spacing: tuple[float, float]
    pixel_um: float | None
    longest: int = 1200
    width: float = 5.6

    @property
    def block(self) -> int:
        """Side of the blocks of pixels that become one pixel of the display."""
        return block_size(self.shape, self.longest)

    @property
    def stretched(self) -> bool:
        """Whether the map is too long to be shown with square pixels."""
        return max(self.shape) > STEEPEST * min(self.shape)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top of the displayed image; its last blocks may reach over the map's edge."""
        edges = [
            (first - step / 2, first - step / 2 + step * self.block * math.ceil(n / self.block))
            for n, first, step in zip(self.shape, self.origin, self.spacing, strict=True)
        ]
        return edges[1][0], edges[1][1], edges[0][1], edges[0][0]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top of the map itself."""
        (rows, columns), (y0, x0), (dy, dx) = self.shape, self.origin, self.spacing
        return x0 - dx / 2, x0 + dx * (columns - 0.5), y0 + dy * (rows - 0.5), y0 - dy / 2


def of_blocks(frame: Frame, what: str = "the mean") -> str:
    """What a caption adds where the map is reduced for display, or stretched; an empty text else."""
    text = f" Shown reduced: each dot is {what} of {frame.block} x {frame.block} pixels."
    return (text if frame.block > 1 else "") + (STRETCHED if frame.stretched else "")


def frame_of(maps: xr.Dataset, shape: tuple[int, int]) -> Frame:
    """The frame of a run's maps.

    Examples
    --------
    >>> maps = xr.Dataset(coords={"y": [10, 11], "x": [4, 6, 8]}, attrs={"pixel_size_um": 0.5})
    >>> frame_of(maps, (2, 3)).extent
    (3.0, 9.0, 11.5, 9.5)
    """
    found = [_grid(maps, dim, n) for dim, n in zip(("y", "x"), shape, strict=True)]
    (y0, dy), (x0, dx) = found
    return Frame(shape, (y0, x0), (dy, dx), pixel_size(maps))


def _grid(maps: xr.Dataset, dim: str, length: int) -> tuple[float, float]:
    if dim in maps.coords and maps[dim].shape == (length,) and maps[dim].dtype.kind in "iuf":
        values = maps[dim].values.astype(np.float64)
        steps = np.diff(values)
        if length == 1 and np.isfinite(values[0]):
            return float(values[0]), 1.0
        if length > 1 and steps[0] > 0 and np.allclose(steps, steps[0]):
            return float(values[0]), float(steps[0])
    return 0.0, 1.0


def scale_length(columns: int, pixel_um: float | None) -> tuple[float, str]:
    """A round length of at most a third of the map's width: in pixels, and in words.

    Examples
    --------
    >>> scale_length(160, None), scale_length(160, 0.5), scale_length(4000, 5.0), scale_length(1, None)
    ((50, '50 pixels'), (40.0, '20 µm'), (1000.0, '5 mm'), (1, '1 pixel'))
    """
    if pixel_um is None:
        pixels = max(1, int(_round_below(columns / 3))) if columns >= 3 else 1
        return pixels, f"{pixels:,} pixel{'s' if pixels > 1 else ''}"
    length = _round_below(columns * pixel_um / 3)
    unit, factor = ("mm", 1e-3) if length >= 1000 else ("µm", 1.0) if length >= 1 else ("nm", 1e3)
    return length / pixel_um, f"{length * factor:g} {unit}"


def _round_below(length: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above the length."""
    power = 10.0 ** math.floor(math.log10(length))
    return next(digit * power for digit in (5, 2, 1, 0.5) if digit * power <= length * (1 + 1e-12))
