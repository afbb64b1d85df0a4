"""Blocks that carry a rim of their neighbors' pixels, for `blocks`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph


def pad(values: Any, dims: Sequence[Any], halo: int) -> Any:
    """An array in memory with a rim of NaN along y and x, if it has both."""
    if not halo or not {"y", "x"} <= set(dims):
        return values
    return np.pad(values, [(halo, halo) if d in ("y", "x") else (0, 0) for d in dims], constant_values=np.nan)


def merged(sizes: Sequence[int], least: int) -> tuple[int, ...]:
    """Neighboring sizes joined until none is below `least`, so that a halo ends in the next block.

    Examples
    --------
    >>> merged((4, 1, 1, 4, 1), 2)
    (4, 2, 5)
    """
    found: list[int] = []
    for size in sizes:
        if found and found[-1] < least:
            found[-1] += size
        else:
            found.append(size)
    if len(found) > 1 and found[-1] < least:
        last = found.pop()
        found[-1] += last
    return tuple(found)


def with_halo(array: xr.DataArray, depth: int) -> xr.DataArray:
    """Blocks that carry `depth` pixels of their neighbors: one task a block, a dozen with `da.overlap`."""
    if not depth or not {"y", "x"} <= set(array.dims):
        return array
    x: da.Array = array.data
    down, across = array.get_axis_num("y"), array.get_axis_num("x")

    def key(place: Sequence[int], i: int, j: int) -> tuple[Any, ...] | None:
        near = [n + i if axis == down else n + j if axis == across else n for axis, n in enumerate(place)]
        return (x.name, *near) if all(0 <= n < m for n, m in zip(near, x.numblocks, strict=True)) else None

    name = f"halo-{tokenize(x.name, depth)}"
    graph = {}
    for place in np.ndindex(*x.numblocks):
        keys = [[key(place, i, j) for j in (-1, 0, 1)] for i in (-1, 0, 1)]
        graph[(name, *place)] = (_assemble, keys, down, across, depth)
    chunks = tuple(
        tuple(n + 2 * depth for n in sizes) if axis in (down, across) else sizes
        for axis, sizes in enumerate(x.chunks)
    )
    layers = HighLevelGraph.from_collections(name, graph, dependencies=[x])
    return xr.DataArray(da.Array(layers, name, chunks, dtype=x.dtype), dims=array.dims)


def _assemble(blocks: Sequence[Sequence[Any]], down: int, across: int, depth: int) -> Any:
    center = blocks[1][1]
    shape = [n + 2 * depth if axis in (down, across) else n for axis, n in enumerate(center.shape)]
    out = np.empty(shape, center.dtype)

    def cut(there: int, size: int, near: int) -> tuple[slice, slice]:
        """Where a neighbor's pixels go to, and which they are."""
        if there == 0:
            return slice(depth, depth + size), slice(None)
        if there < 0:
            return slice(0, depth), slice(near - depth, near)
        return slice(depth + size, size + 2 * depth), slice(0, depth)

    for i in (0, 1, 2):
        for j in (0, 1, 2):
            block = blocks[i][j]
            near = center.shape if block is None else block.shape
            to, of = [slice(None)] * out.ndim, [slice(None)] * out.ndim
            to[down], of[down] = cut(i - 1, center.shape[down], near[down])
            to[across], of[across] = cut(j - 1, center.shape[across], near[across])
            out[tuple(to)] = np.nan if block is None else block[tuple(of)]
    return out
