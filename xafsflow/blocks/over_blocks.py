"""The only file that knows how a kernel meets Dask: lift over blocks.

A kernel takes numpy blocks and settings and returns one array or a tuple of arrays. The whole spectral axis of a block
is in one chunk; blocks are cut along y and x only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.array.overlap import overlap
from dask.base import tokenize

from xafsflow.blocks.notes import Operation, Part, note
from xafsflow.blocks.outputs import BLOCK_DIMS, Output, on_axis_of
from xafsflow.vocabulary import axis_of

Kernel = Callable[..., Any]
FIELD = ("y", "x")


def over_blocks(
    kernel: Kernel,
    arrays: Sequence[xr.DataArray],
    outputs: Sequence[Output],
    *,
    halo: int | Sequence[int] = 0,
    rim: int | None = None,
    bins: tuple[int, int] = (1, 1),
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
        Pixels of the neighbors along y and x that a block sees, of each array if there are several; NaN beyond the image.
        An array of whole numbers or truth values with a halo comes as float32.
    rim
        Pixels by which the results of the kernel are larger than the block on all sides, and which are cut off; None: the
        halo, which has to be one for all then.
    bins
        Pixels along y and x that become one in the results; sizes of the inputs are whole numbers of them.

    Returns
    -------
    dict
        A DataArray for each output, by name, without coordinates.

    Raises
    ------
    ValueError
        No array has y and x, or an output has not.

    Examples
    --------
    >>> image = xr.DataArray(np.ones((4, 6), "f4"), dims=("y", "x")).chunk(y=2)
    >>> twice = over_blocks(lambda block: 2 * block, [image], [Output("twice", ("y", "x"))])["twice"]
    >>> float(twice.sum())
    48.0
    """
    outputs = on_axis_of(arrays, outputs)
    halos = (halo,) * len(arrays) if isinstance(halo, int) else tuple(halo)
    made = Operation(
        kernel, tuple(arrays), outputs, halos, halos[0] if rim is None else rim, bins, dict(settings)
    )
    _check(made)
    if not any(_is_lazy(array) for array in arrays):
        values = [padded(a.values, a.dims, h) for a, h in zip(arrays, halos, strict=True)]
        results = called(made, values)
        return {
            o.name: xr.DataArray(r, dims=o.dims, name=o.name) for o, r in zip(outputs, results, strict=True)
        }
    return _lifted(made)


def part_of(
    array: xr.DataArray, y: slice = slice(None), x: slice = slice(None), places: np.ndarray | None = None
) -> xr.DataArray:
    """A part of the field, and points of the spectral axis by their places; coordinates stay.

    Examples
    --------
    >>> image = xr.DataArray(np.arange(6).reshape(2, 3), dims=("y", "x")).chunk()
    >>> part_of(image, x=slice(1, 3)).values
    array([[1, 2],
           [4, 5]])
    """
    wanted: dict[Any, Any] = {
        dim: cut for dim, cut in (("y", y), ("x", x)) if dim in array.dims and cut != slice(None)
    }
    axis = axis_of(array.dims)
    if axis is not None and places is not None:
        wanted[axis] = places
    if not wanted:
        return array
    found = array.isel(wanted)
    # Dask gives the array itself where the part is all of it.
    if _is_lazy(array) and found.data.name != array.data.name:
        start = {dim: wanted.get(dim, slice(None)).indices(array.sizes.get(dim, 0))[0] for dim in FIELD}
        note(found.data, Part(array, start["y"], start["x"], wanted.get(axis)))
    return found


def _check(made: Operation) -> None:
    if not any(_has_field(array.dims) for array in made.inputs):
        raise ValueError(f"no array over y and x among {[array.dims for array in made.inputs]}")
    for output in made.outputs:
        if not (_has_field(output.dims) or set(BLOCK_DIMS) <= set(output.dims)):
            raise ValueError(
                f"output {output.name} over {output.dims}: y and x, or y_block and x_block, needed"
            )


def _has_field(dims: Sequence[Any]) -> bool:
    return set(FIELD) <= set(dims)


def _is_lazy(array: xr.DataArray) -> bool:
    # `array.chunks` is an empty tuple for a lazy scalar.
    return isinstance(array.data, da.Array)


def padded(values: Any, dims: Sequence[Any], halo: int) -> Any:
    """An array in memory with a rim of NaN along y and x, if it has both."""
    if not halo or not _has_field(dims):
        return values
    width = [(halo, halo) if d in FIELD else (0, 0) for d in dims]
    return np.pad(as_float(values), width, constant_values=np.nan)


def as_float(values: Any) -> Any:
    """Whole numbers and truth values as float32, which has room for NaN."""
    return values if values.dtype.kind == "f" else values.astype(np.float32)


def called(made: Operation, blocks: Sequence[Any]) -> tuple[Any, ...]:
    """The results of a kernel for whole arrays in memory, without their rim, of the dtypes that were promised."""
    # A view into a larger block would be slow, and numba would compile its kernel a second time for it.
    results = made.kernel(*(np.asarray(block, order="C") for block in blocks), **made.settings)
    several = results if len(made.outputs) > 1 else (results,)
    return tuple(_finished(r, o, made.rim) for r, o in zip(several, made.outputs, strict=True))


def _finished(array: Any, output: Output, rim: int) -> Any:
    if rim:
        inner = slice(rim, -rim)
        array = array[tuple(inner if dim in FIELD else slice(None) for dim in output.dims)]
    return np.asarray(array, output.dtype, order="C")


def _lifted(made: Operation) -> dict[str, xr.DataArray]:
    arrays = _same_blocks(made)
    chunks = next(a.chunksizes for a in arrays if _has_field(a.dims))
    inner = {d: tuple(n // b for n in chunks[d]) for d, b in zip(FIELD, made.bins, strict=True)}
    arguments: list[Any] = []
    for array, halo in zip(arrays, made.halos, strict=True):
        # Labels of dims that are no block dims must not appear in the result: dask then hands over whole
        # axes.
        arguments += [_with_halo(array, halo), tuple(d if d in FIELD else f"in_{d}" for d in array.dims)]
    sizes = {dim: n for array in arrays for dim, n in array.sizes.items() if dim not in FIELD}
    # Not as arguments of the tasks: dask would look into all of them, and build them anew in every task.
    work = partial(_in_task, without_inputs(made))
    token = tokenize(
        made.kernel, made.outputs, made.halos, made.rim, made.bins, dict(made.settings), arguments
    )
    if len(made.outputs) == 1:
        output = made.outputs[0]
        data = [_blockwise(work, f"{output.name}-{token}", output, sizes, inner, arguments)]
    else:
        packed = da.blockwise(
            work,
            FIELD,
            *arguments,
            name=f"{made.outputs[0].name}-and-more-{token}",
            dtype=object,
            meta=np.empty((0, 0), object),
            adjust_chunks=inner,
            align_arrays=False,
        )
        data = [
            _blockwise(partial(_pick, place=place), f"{o.name}-{token}", o, sizes, inner, [packed, FIELD])
            for place, o in enumerate(made.outputs)
        ]
    for place, one in enumerate(data):
        note(one, (made, place))
    return {
        o.name: xr.DataArray(one, dims=o.dims, name=o.name) for o, one in zip(made.outputs, data, strict=True)
    }


def without_inputs(made: Operation) -> Operation:
    """What a task needs of an operation."""
    return replace(made, inputs=())


def _blockwise(
    function: Kernel,
    name: str,
    output: Output,
    sizes: Mapping[Any, int],
    inner: Mapping[str, tuple[int, ...]],
    arguments: Sequence[Any],
) -> da.Array:
    """One output as a dask array; `y_block` and `x_block` stand for the block dims with one value a block."""
    labels = tuple(BLOCK_DIMS.get(dim, dim) for dim in output.dims)
    free = {**sizes, **output.sizes}
    adjust: dict[str, Any] = dict(inner)
    for dim in output.dims:
        if dim in BLOCK_DIMS:
            adjust[BLOCK_DIMS[dim]] = (1,) * len(inner[BLOCK_DIMS[dim]])
    return da.blockwise(
        function,
        labels,
        *arguments,
        name=name,
        new_axes={dim: free[dim] for dim in labels if dim not in FIELD},
        adjust_chunks={dim: adjust[dim] for dim in FIELD if dim in labels},
        dtype=output.dtype,
        meta=np.empty((0,) * len(labels), output.dtype),
        # Halos differ.
        align_arrays=False,
    )


def _in_task(made: Operation, *blocks: Any) -> Any:
    results = called(made, [_unwrap(block) for block in blocks])
    return results if len(results) > 1 else results[0]


def _pick(packed: Any, place: int) -> Any:
    return _unwrap(packed)[place]


def _unwrap(block: Any) -> Any:
    """Out of the lists, of one item each, in which dask hands over whole axes."""
    while isinstance(block, list):
        (block,) = block
    return block


def _with_halo(array: xr.DataArray, depth: int) -> da.Array:
    """Blocks that carry `depth` pixels of their neighbors, NaN beyond the image."""
    data = array.data
    if not depth or not _has_field(array.dims):
        return data
    around = {array.get_axis_num(dim): depth for dim in FIELD}
    data = data if data.dtype.kind == "f" else data.astype(np.float32)
    # Dask's overlap wants arrays that are longer than the halo; shorter ones are one block.
    short = [axis for axis in around if data.shape[axis] < depth]
    if short:
        width = [(depth, depth) if axis in short else (0, 0) for axis in range(data.ndim)]
        data = da.pad(data, width, constant_values=np.nan)
        data = data.rechunk(dict.fromkeys(short, -1), method="tasks")
        around = {axis: depth for axis in around if axis not in short}
    return overlap(data, depth=around, boundary=dict.fromkeys(around, np.nan)) if around else data


def merged(sizes: Sequence[int], least: int, multiple: int = 1) -> tuple[int, ...]:
    """Neighboring sizes joined until none is below `least` and all are multiples, so that a halo ends in the next block.

    Examples
    --------
    >>> merged((4, 1, 1, 4, 1), 2), merged((3, 3, 2), 1, 4)
    ((4, 2, 5), (8,))
    """
    found: list[int] = []
    for size in sizes:
        if found and (found[-1] < least or found[-1] % multiple):
            found[-1] += size
        else:
            found.append(size)
    while len(found) > 1 and (found[-1] < least or found[-1] % multiple):
        last = found.pop()
        found[-1] += last
    return tuple(found)


def _same_blocks(made: Operation) -> list[xr.DataArray]:
    """All arrays on the blocks of the first lazy one with y and x, all other dims in one chunk."""
    fields = [array for array in made.inputs if _has_field(array.dims)]
    leader = next((array for array in fields if _is_lazy(array)), fields[0].chunk())
    blocks = {
        dim: merged(leader.chunksizes[dim], max(made.halos), by)
        for dim, by in zip(FIELD, made.bins, strict=True)
    }
    return [_chunked(a, {d: blocks.get(str(d), -1) for d in a.dims}) for a in made.inputs]


def _chunked(array: xr.DataArray, sizes: Mapping[Any, Any]) -> xr.DataArray:
    if not _is_lazy(array):
        # xarray leaves a scalar as it is.
        return array.chunk(sizes) if array.ndim else array.copy(data=da.from_array(array.values))
    # The method is named since dask would import distributed, 0.1 s, to choose one.
    return array.copy(data=array.data.rechunk(tuple(sizes.values()), method="tasks"))
