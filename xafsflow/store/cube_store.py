"""Cubes at rest: the whole spectra of a tile in one chunk, written band by band."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from xafsflow.blocks.field import field_of, over_bands
from xafsflow.blocks.outputs import BLOCK_BYTES
from xafsflow.blocks.pixel_regions import Region
from xafsflow.blocks.program import over_field
from xafsflow.blocks.scan_numbers import resolved
from xafsflow.errors import InputError
from xafsflow.store.band_writer import BandWriter
from xafsflow.store.chunk_files import Target
from xafsflow.store.map_store import Progress
from xafsflow.store.verify import refuse_missing
from xafsflow.store.zarr_groups import begun, finish, is_complete, open_group, partial_of
from xafsflow.vocabulary import AXES, is_cube, spectral_axis

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
    written = begun(cube, partial, chunk, {"of": identity, "height": height}, height if shards else None)
    rows, columns = cube.sizes["y"], cube.sizes["x"]
    bands = {n: Region(a, min(a + height, rows), 0, columns) for n, a in enumerate(range(0, rows, height))}
    over = over_field({str(name): array for name, array in cube.data_vars.items()})
    whole = {str(name): array for name, array in cube.data_vars.items() if name not in over}
    for name, values in resolved(whole).items() if 0 not in written else ():
        # What has no rows (an I0 spectrum) counts to the first band.
        Target(partial, name)[tuple(map(slice, np.shape(values)))] = values
    write = BandWriter(partial, {name: tuple(map(str, array.dims)) for name, array in over.items()})
    todo = {number: band for number, band in bands.items() if number not in written}
    for number, found in over_bands(field_of(over), todo, write):
        if isinstance(found, BaseException):
            raise found
        written.add(number, found)
        if progress:
            progress(len(written.bands), len(bands))
    finish(partial, path)
    return open_cube(path)


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
