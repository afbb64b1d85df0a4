"""What a kernel gives, and the blocks that kernels work on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.vocabulary import SPECTRAL, axis_of

# About 6 MB a block stays in the cache while a chain of steps works on it; measured, larger blocks halve
# the speed.
BLOCK_BYTES = 6 * 2**20
# Below this height the rows that a halo adds cost more than a cut along x.
LEAST_ROWS = 8
# The dims along which a kernel gives one value a block, and those of the blocks.
BLOCK_DIMS = {"y_block": "y", "x_block": "x"}


@dataclass(frozen=True)
class Output:
    """What a kernel returns at one place: dims, dtype, and the sizes of dims that the inputs do not have.

    The dim `spectral` stands for the spectral axis of the inputs. An output over `y_block` and `x_block`, one value a
    block, is a sum: whoever wants it adds it up over the blocks.
    """

    name: str
    dims: tuple[str, ...]
    dtype: Any = np.float32
    sizes: Mapping[str, int] = field(default_factory=dict)


def on_axis_of(arrays: Sequence[xr.DataArray], outputs: Sequence[Output]) -> tuple[Output, ...]:
    """The outputs with the spectral axis of the arrays in their dims."""
    axis = axis_of(dim for array in arrays for dim in array.dims)
    if axis is None:
        return tuple(outputs)
    names = {SPECTRAL: axis}
    return tuple(
        replace(
            output,
            dims=tuple(names.get(dim, dim) for dim in output.dims),
            sizes={names.get(dim, dim): size for dim, size in output.sizes.items()},
        )
        for output in outputs
    )


def block_shape(energies: int, rows: int, columns: int, *, item_bytes: int = 4) -> tuple[int, int]:
    """Rows and columns of a block of about `BLOCK_BYTES`: whole rows where they are short enough, else tiles.

    Examples
    --------
    >>> block_shape(210, 1000, 704)
    (10, 704)
    >>> block_shape(210, 4000, 1700)
    (8, 850)
    """
    pixels = max(1, BLOCK_BYTES // (energies * item_bytes))
    height = min(rows, LEAST_ROWS)
    if pixels >= height * columns:
        return min(rows, pixels // columns), columns
    parts = math.ceil(columns * height / pixels)
    return height, math.ceil(columns / parts)
