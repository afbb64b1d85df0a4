"""The only file that knows how a kernel meets Dask: lift over blocks.

A kernel takes numpy blocks and settings and returns one array or a tuple of arrays. The whole spectral axis of a block
is in one chunk; blocks are cut along y and x only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize

from xafsflow.blocks.halo import merged, pad, with_halo
from xafsflow.vocabulary import SPECTRAL, axis_of

# About 6 MB a block stays in the cache while a chain of steps works on it; measured, larger blocks halve
# the speed.
BLOCK_BYTES = 6 * 2**20
# Below this height the rows that a halo adds cost more than a cut along x.
LEAST_ROWS = 8

Kernel = Callable[..., Any]


@dataclass(frozen=True)
class Output:
    """What a kernel returns at one place: dims, dtype, and the sizes of dims that the inputs do not have.

    The dim `spectral` stands for the spectral axis of the inputs.
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


def over_blocks(
    kernel: Kernel,
    arrays: Sequence[xr.DataArray],
    outputs: Sequence[Output],
    *,
    halo: int = 0,
    cut: bool = True,
    **settings: Any,
) -> dict[str, xr.DataArray]:
    """Run a kernel over the blocks of arrays; lazy where an array is lazy.

    Parameters
    ----------
    kernel
        Called as `kernel(*blocks, **settings)` with C-contiguous blocks, which it must not change. Returns
        one array for one output, else a tuple in their order; they are cast to the dtypes of the outputs.
    arrays
        Inputs with dims out of a spectral axis, y, x and others. The first lazy one with y and x sets the blocks;
        those thinner than the halo are joined.
    outputs
        Names, dims and dtypes of what comes back. All have y and x, or `y_block` and `x_block`, which count
        blocks, one value a block.
    halo
        Pixels of the neighbors along y and x that a block sees, NaN beyond the image; the result is cut back.
    cut
        False for a kernel that returns its results without the halo.

    Returns
    -------
    dict
        A DataArray for each output, by name, without coordinates.

    Raises
    ------
    ValueError
        No array has y and x, an output has not, or an array with y and x cannot hold the NaN of a halo.

    Examples
    --------
    >>> image = xr.DataArray(np.ones((4, 6), "f4"), dims=("y", "x")).chunk(y=2)
    >>> twice = over_blocks(lambda block: 2 * block, [image], [Output("twice", ("y", "x"))])["twice"]
    >>> float(twice.sum())
    48.0
    """
    _check(arrays, outputs, halo)
    outputs = on_axis_of(arrays, outputs)
    if not any(_is_lazy(array) for array in arrays):
        values = [pad(array.values, array.dims, halo) for array in arrays]
        results = _call(*values, kernel=kernel, cut=halo * cut, outputs=outputs, settings=settings)
        results = (results,) if len(outputs) == 1 else results
        return {
            o.name: xr.DataArray(r, dims=o.dims, name=o.name) for o, r in zip(outputs, results, strict=True)
        }
    lazy = [with_halo(array, halo) for array in _same_blocks(arrays, halo)]
    return _lift(kernel, lazy, outputs, halo, halo * cut, settings)


def _check(arrays: Sequence[xr.DataArray], outputs: Sequence[Output], halo: int) -> None:
    if not any(_has_field(array.dims) for array in arrays):
        raise ValueError(f"no array over y and x among {[array.dims for array in arrays]}")
    for output in outputs:
        if not (_has_field(output.dims) or {"y_block", "x_block"} <= set(output.dims)):
            raise ValueError(
                f"output {output.name} over {output.dims}: y and x, or y_block and x_block, needed"
            )
    for array in arrays:
        if halo and _has_field(array.dims) and array.dtype.kind != "f":
            raise ValueError(f"{array.name} of {array.dtype} with a halo, which is NaN: cast it to a float")


def _has_field(dims: Sequence[Any]) -> bool:
    return {"y", "x"} <= set(dims)


def _is_lazy(array: xr.DataArray) -> bool:
    # `array.chunks` is an empty tuple for a lazy scalar.
    return isinstance(array.data, da.Array)


def _lift(
    kernel: Kernel,
    arrays: Sequence[xr.DataArray],
    outputs: Sequence[Output],
    halo: int,
    cut: int,
    settings: Mapping[str, Any],
) -> dict[str, xr.DataArray]:
    arguments: list[Any] = []
    for array in arrays:
        # Labels of dims that are no block dims must not appear in the result: dask then hands over whole
        # axes.
        arguments += [array.data, tuple(d if d in ("y", "x") else f"in_{d}" for d in array.dims)]
    chunks = next(a.chunksizes for a in arrays if _has_field(a.dims))
    inner = {dim: tuple(n - 2 * halo for n in chunks[dim]) for dim in ("y", "x")}
    sizes = {dim: n for array in arrays for dim, n in array.sizes.items() if dim not in ("y", "x")}
    # Not as arguments of the tasks: dask would look into all of them, and build them anew in every task.
    work = partial(_call, kernel=kernel, cut=cut, outputs=tuple(outputs), settings=dict(settings))
    token = tokenize(kernel, cut, outputs, settings, arguments)
    if len(outputs) == 1:
        data = _blockwise(work, f"{outputs[0].name}-{token}", outputs[0], sizes, inner, arguments)
        return {outputs[0].name: xr.DataArray(data, dims=outputs[0].dims, name=outputs[0].name)}
    packed = da.blockwise(
        work,
        ("y", "x"),
        *arguments,
        name=f"{outputs[0].name}-and-more-{token}",
        dtype=object,
        meta=np.empty((0, 0), object),
        adjust_chunks=inner,
    )
    found = {}
    for place, output in enumerate(outputs):
        pick, name = partial(_pick, place=place), f"{output.name}-{token}"
        data = _blockwise(pick, name, output, sizes, inner, [packed, ("y", "x")])
        found[output.name] = xr.DataArray(data, dims=output.dims, name=output.name)
    return found


def _blockwise(
    function: Kernel,
    name: str,
    output: Output,
    sizes: Mapping[Any, int],
    inner: Mapping[str, tuple[int, ...]],
    arguments: Sequence[Any],
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
        name=name,
        new_axes={dim: free[dim] for dim in labels if dim not in ("y", "x")},
        adjust_chunks={dim: adjust[dim] for dim in ("y", "x") if dim in labels},
        dtype=output.dtype,
        meta=np.empty((0,) * len(labels), output.dtype),
    )


def _call(
    *blocks: Any, kernel: Kernel, cut: int, outputs: tuple[Output, ...], settings: Mapping[str, Any]
) -> Any:
    """Inside a task: hand whole arrays to the kernel, cut the halo off what it returns."""
    # A view into a larger block would be slow, and numba would compile its kernel a second time for it.
    results = kernel(*(np.asarray(_unwrap(block), order="C") for block in blocks), **settings)
    many = results if len(outputs) > 1 else (results,)
    found = tuple(_finish(array, output, cut) for array, output in zip(many, outputs, strict=True))
    return found if len(outputs) > 1 else found[0]


def _pick(packed: Any, place: int) -> Any:
    return _unwrap(packed)[place]


def _unwrap(block: Any) -> Any:
    """Out of the lists, of one item each, in which dask hands over whole axes."""
    while isinstance(block, list):
        (block,) = block
    return block


def _finish(array: Any, output: Output, cut: int) -> Any:
    """A result without its outermost pixels, of the dtype that was promised, C-contiguous."""
    if cut:
        inner = slice(cut, -cut)
        array = array[tuple(inner if dim in ("y", "x") else slice(None) for dim in output.dims)]
    return np.asarray(array, output.dtype, order="C")


def _same_blocks(arrays: Sequence[xr.DataArray], halo: int) -> list[xr.DataArray]:
    """All arrays on the blocks of the first lazy one with y and x, all other dims in one chunk."""
    fields = [array for array in arrays if _has_field(array.dims)]
    leader = next((array for array in fields if _is_lazy(array)), fields[0].chunk())
    blocks = {dim: merged(leader.chunksizes[dim], halo) for dim in ("y", "x")}
    return [_chunked(a, {d: blocks.get(str(d), -1) for d in a.dims}) for a in arrays]


def _chunked(array: xr.DataArray, sizes: Mapping[Any, Any]) -> xr.DataArray:
    if not _is_lazy(array):
        return array.chunk(sizes)
    # The method is named since dask would import distributed, 0.1 s, to choose one.
    return array.copy(data=array.data.rechunk(tuple(sizes.values()), method="tasks"))
