"""The only file that knows how a kernel meets Dask: lift over blocks, and halo.

A kernel takes numpy blocks and settings and returns one array or a tuple of arrays. All energies of a block are in one
chunk; blocks are cut along y and x only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

# About 6 MB a block stays in the cache while a chain of steps works on it; measured, larger blocks halve the speed.
BLOCK_BYTES = 6 * 2**20
# Below this height the rows that a halo adds cost more than a cut along x.
LEAST_ROWS = 8

Kernel = Callable[..., Any]


@dataclass(frozen=True)
class Output:
    """What a kernel returns at one place: dims, dtype, and the sizes of dims that the inputs do not have."""

    name: str
    dims: tuple[str, ...]
    dtype: Any = np.float32
    sizes: Mapping[str, int] = field(default_factory=dict)


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


def over_blocks(
    kernel: Kernel,
    arrays: Sequence[xr.DataArray],
    outputs: Sequence[Output],
    *,
    halo: int = 0,
    **settings: Any,
) -> dict[str, xr.DataArray]:
    """Run a kernel over the blocks of arrays; lazy where an array is lazy.

    Parameters
    ----------
    kernel
        Called as `kernel(*blocks, **settings)`. Returns one array for one output, else a tuple in their order.
    arrays
        Inputs with dims out of energy, y, x and others. The first with y and x sets the blocks.
    outputs
        Names, dims and dtypes of what comes back. The dims `y_block` and `x_block` count blocks, one value a block.
    halo
        Pixels of the neighbors along y and x that a block sees, NaN beyond the image; the result is cut back.

    Returns
    -------
    dict
        A DataArray for each output, by name, without coordinates.

    Examples
    --------
    >>> image = xr.DataArray(np.ones((4, 6), "f4"), dims=("y", "x")).chunk(y=2)
    >>> twice = over_blocks(lambda block: 2 * block, [image], [Output("twice", ("y", "x"))])["twice"]
    >>> float(twice.sum())
    48.0
    """
    if not any(array.chunks for array in arrays):
        values = [_pad(array.values, array.dims, halo) for array in arrays]
        results = _call(*values, kernel=kernel, halo=halo, outputs=tuple(outputs), settings=settings)
        results = (results,) if len(outputs) == 1 else results
        return {o.name: xr.DataArray(r, dims=o.dims) for o, r in zip(outputs, results, strict=True)}
    lazy = [_with_halo(array, halo) for array in _same_blocks(arrays, halo)]
    return _lift(kernel, lazy, outputs, halo, settings)


def _lift(
    kernel: Kernel,
    arrays: Sequence[xr.DataArray],
    outputs: Sequence[Output],
    halo: int,
    settings: Mapping[str, Any],
) -> dict[str, xr.DataArray]:
    arguments: list[Any] = []
    for array in arrays:
        # Labels of dims that are no block dims must not appear in the result, so that dask hands over whole axes.
        arguments += [array.data, tuple(d if d in ("y", "x") else f"in_{d}" for d in array.dims)]
    chunks = next(a.chunksizes for a in arrays if "y" in a.dims and "x" in a.dims)
    inner = {dim: tuple(n - 2 * halo for n in chunks[dim]) for dim in ("y", "x")}
    sizes = {dim: n for array in arrays for dim, n in array.sizes.items() if dim not in ("y", "x")}
    shared = {"kernel": kernel, "halo": halo, "outputs": tuple(outputs), "settings": dict(settings)}
    if len(outputs) == 1:
        data = _blockwise(_call, outputs[0], sizes, inner, arguments, shared)
        return {outputs[0].name: xr.DataArray(data, dims=outputs[0].dims)}
    packed = da.blockwise(
        _call,
        ("y", "x"),
        *arguments,
        dtype=object,
        meta=np.empty((0, 0), object),
        adjust_chunks=inner,
        **shared,
    )
    found = {}
    for place, output in enumerate(outputs):
        data = _blockwise(_pick, output, sizes, inner, [packed, ("y", "x")], {"place": place})
        found[output.name] = xr.DataArray(data, dims=output.dims)
    return found


def _blockwise(
    function: Kernel,
    output: Output,
    sizes: Mapping[Any, int],
    inner: Mapping[str, tuple[int, ...]],
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
) -> da.Array:
    """One output as a dask array; `y_block` and `x_block` stand for the block dims with one value a block."""
    block_of = {"y_block": "y", "x_block": "x"}
    labels = tuple(block_of.get(dim, dim) for dim in output.dims)
    free = {**sizes, **output.sizes}
    adjust: dict[str, Any] = dict(inner)
    for dim in output.dims:
        if dim in block_of:
            adjust[block_of[dim]] = (1,) * len(inner[block_of[dim]])
    return da.blockwise(
        function,
        labels,
        *arguments,
        new_axes={dim: free[dim] for dim in labels if dim not in ("y", "x")},
        adjust_chunks={dim: adjust[dim] for dim in ("y", "x") if dim in labels},
        dtype=output.dtype,
        meta=np.empty((0,) * len(labels), output.dtype),
        **keywords,
    )


def _call(
    *blocks: Any, kernel: Kernel, halo: int, outputs: tuple[Output, ...], settings: Mapping[str, Any]
) -> Any:
    """Inside a task: unwrap the lists in which dask hands over whole axes, run the kernel, cut the halo off."""
    results = kernel(*(_unwrap(block) for block in blocks), **settings)
    many = results if len(outputs) > 1 else (results,)
    cut = tuple(_trim(array, output.dims, halo) for array, output in zip(many, outputs, strict=True))
    return cut if len(outputs) > 1 else cut[0]


def _pick(packed: Any, place: int) -> Any:
    return _unwrap(packed)[place]


def _unwrap(block: Any) -> Any:
    while isinstance(block, list):
        (block,) = block
    return block


def _trim(array: Any, dims: Sequence[str], halo: int) -> Any:
    if not halo:
        return array
    return array[tuple(slice(halo, -halo) if dim in ("y", "x") else slice(None) for dim in dims)]


def _pad(values: Any, dims: Sequence[Any], halo: int) -> Any:
    if not halo or not {"y", "x"} <= set(dims):
        return values
    return np.pad(values, [(halo, halo) if d in ("y", "x") else (0, 0) for d in dims], constant_values=np.nan)


def _same_blocks(arrays: Sequence[xr.DataArray], halo: int) -> list[xr.DataArray]:
    """All arrays on the blocks of the first lazy one with y and x, energies in one chunk, no block thinner than the halo."""
    leader = next((a for a in arrays if a.chunks and {"y", "x"} <= set(a.dims)), None)
    if leader is None:
        leader = next(a for a in arrays if {"y", "x"} <= set(a.dims)).chunk()
    blocks = {dim: _merged(leader.chunksizes[dim], halo) for dim in ("y", "x")}
    return [a.chunk({d: blocks.get(str(d), -1) for d in a.dims}) for a in arrays]


def _merged(sizes: Sequence[int], least: int) -> tuple[int, ...]:
    """Neighboring sizes joined until none is below `least`."""
    found: list[int] = []
    for size in sizes:
        if found and (found[-1] < least or size < least):
            found[-1] += size
        else:
            found.append(size)
    return tuple(found)


def _with_halo(array: xr.DataArray, depth: int) -> xr.DataArray:
    """Blocks that carry `depth` pixels of their neighbors; one task a block, where `da.overlap` takes a dozen."""
    if not depth or not {"y", "x"} <= set(array.dims):
        return array
    x: da.Array = array.data
    down, across = array.get_axis_num("y"), array.get_axis_num("x")
    name = f"halo-{tokenize(x.name, depth)}"
    graph = {}
    for place in np.ndindex(*x.numblocks):
        keys: list[list[Any]] = []
        for i in (-1, 0, 1):
            row: list[Any] = []
            for j in (-1, 0, 1):
                near = list(place)
                near[down] += i
                near[across] += j
                inside = 0 <= near[down] < x.numblocks[down] and 0 <= near[across] < x.numblocks[across]
                row.append((x.name, *near) if inside else None)
            keys.append(row)
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
    out = np.full(shape, np.nan, center.dtype)

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
            if block is None:
                continue
            to, of = [slice(None)] * out.ndim, [slice(None)] * out.ndim
            to[down], of[down] = cut(i - 1, center.shape[down], block.shape[down])
            to[across], of[across] = cut(j - 1, center.shape[across], block.shape[across])
            out[tuple(to)] = block[tuple(of)]
    return out
