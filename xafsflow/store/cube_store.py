"""Cubes at rest: the whole spectra of a tile in one chunk, written band by band."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import BLOCK_BYTES
from xafsflow.errors import InputError
from xafsflow.io.readers.lazy_stack import source
from xafsflow.store.map_store import Progress
from xafsflow.store.verify import refuse_missing
from xafsflow.store.zarr_groups import begun, finish, is_complete, open_group, partial_of, region
from xafsflow.vocabulary import AXES, is_cube, spectral_axis

# Images that are read at once: a local disk gains a tenth, one behind a network more.
READERS = 4
# Rows that are written together.
BAND_BYTES = 96 * 2**20


def write_cube(
    cube: xr.Dataset,
    path: Path,
    *,
    tile: int,
    shards: bool = False,
    identity: str = "",
    progress: Progress | None = None,
) -> xr.Dataset:
    """Store a cube with the whole spectra of a tile in one chunk, reading it by bands of rows.

    Integers stay integers. The folder gets its name when it is complete; what an interrupted call with the same
    `identity` left in `<path>.partial` is checked and gone on with.

    Parameters
    ----------
    cube
        Lazy or not; variables over a spectral axis, y, x, and over some of them or none.
    path
        A new Zarr folder.
    tile
        Pixels along y and x of a chunk.
    shards
        One file a band of rows, which holds its chunks, in place of a file a chunk.
    identity
        What the cube is made of; the caller answers for it.
    progress
        Called with the bands done and the bands in all.

    Returns
    -------
    Dataset
        The cube, opened lazily from the store.

    Raises
    ------
    InputError
        The path is taken, or the cube has no spectral axis.
    """
    axis = spectral_axis(cube)
    if is_complete(path, identity):
        return open_cube(path)
    partial = partial_of(path)
    row_bytes = cube.sizes["x"] * sum(
        a.sizes.get(axis, 1) * a.dtype.itemsize for a in cube.data_vars.values() if "y" in a.dims
    )
    height = max(tile, BAND_BYTES // max(1, row_bytes) // tile * tile)
    chunk = {axis: cube.sizes[axis], "y": tile, "x": tile}
    arrays, written = begun(
        cube, partial, chunk, {"of": identity, "height": height}, height if shards else None
    )
    # One buffer a variable for all bands: fresh memory for each costs as much as to fill it.
    held = {
        str(n): np.empty([min(k, height) if d == "y" else k for d, k in a.sizes.items()], a.dtype)
        for n, a in cube.data_vars.items()
    }
    rows_at = range(0, cube.sizes["y"], height)
    for number, start in enumerate(rows_at):
        rows = slice(start, min(start + height, cube.sizes["y"]))
        # What has no rows (an I0 spectrum) is written with the first band.
        names = [str(n) for n, a in cube.data_vars.items() if "y" in a.dims or start == 0]
        if number not in written:
            _fill(cube[names], rows, held)
            for name in names:
                filled = held[name][region(cube[name], slice(0, rows.stop - start))]
                arrays[name][region(cube[name], rows)] = filled
            written.add(number, {})
        if progress:
            progress(number + 1, len(rows_at))
    finish(partial, path)
    return open_cube(path)


def _fill(cube: xr.Dataset, rows: slice, buffers: Mapping[str, Any]) -> None:
    """Read or compute rows of all variables together into the beginnings of their buffers."""
    import dask
    import dask.array as da

    part = cube.isel(y=rows)
    # With the dots even an array without dims stays an array, which can be filled.
    targets = {name: buffers[str(name)][(..., *map(slice, array.shape))] for name, array in part.items()}
    stacks = {name: source(array.data) for name, array in cube.items() if array.chunks}
    for name, stack in stacks.items():
        if stack is not None and stack.row_quantum == 1:
            stack.read_rows(rows.start, rows.stop, out=targets.pop(name), threads=READERS)
    lazy = [name for name in targets if part[name].chunks and _in_this_process()]
    if lazy:
        da.store([part[name].data for name in lazy], [targets.pop(name) for name in lazy], lock=False)
    for name, values in dask.compute({name: part[name].data for name in targets})[0].items():
        targets[name][...] = values


def _in_this_process() -> bool:
    """Whether blocks are computed where the buffers are, and not by the workers of a cluster."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return True
    try:
        distributed.default_client()
    except ValueError:
        return True
    return False


def open_cube(path: Path) -> xr.Dataset:
    """A stored cube, lazily, on blocks of whole chunks that fit the cache.

    Raises
    ------
    InputError
        The folder is no stored cube.
    ComputationError
        A chunk of it is missing.
    """
    do = "store one with ingest.store"
    cube = open_group(path, "a stored cube", do, chunks=None)
    name = next((str(n) for n, a in cube.data_vars.items() if is_cube(a)), None)
    if name is None:
        raise InputError(f"{path} without a variable over {' or '.join(AXES)}, y, x", "a stored cube", do)
    refuse_missing(path)
    _, tall, wide = cube[name].encoding["chunks"]
    fit = max(1, BLOCK_BYTES // (4 * len(cube[name]) * tall * wide))
    return open_group(path, "a stored cube", do, chunks={spectral_axis(cube): -1, "y": tall, "x": wide * fit})
