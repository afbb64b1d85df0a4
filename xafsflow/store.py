"""The cube and the maps at rest: Zarr version 3, written band by band."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks import BLOCK_BYTES
from xafsflow.errors import InputError
from xafsflow.names import CUBE, VARIABLES, attributes

# Rows computed and written together: enough blocks for every core, little enough to hold several times.
BAND_BYTES = 96 * 2**20
# What a scan brings is no result of a run.
RESULTS = set(VARIABLES) - {"sample", "flat_field", "foil", "dark", "counter", "flat_counter"}
Progress = Callable[[int, int], None]


def bands(cube: xr.Dataset, band_bytes: int = BAND_BYTES) -> Iterator[tuple[slice, slice]]:
    """Bands of whole blocks along y: their rows, and the numbers of their blocks.

    The blocks are those that `y_block` counts; without it, those of the last lazy variable.

    Examples
    --------
    >>> cube = xr.Dataset({"mu": (("energy", "y", "x"), np.zeros((4, 10, 5), "f4"))}).chunk(y=4)
    >>> [(rows.start, rows.stop, blocks.stop) for rows, blocks in bands(cube, 400)]
    [(0, 4, 1), (4, 8, 2), (8, 10, 3)]
    """
    # Variables may differ in their blocks: those thinner than a halo are joined.
    layouts = [a.chunksizes["y"] for a in cube.data_vars.values() if "y" in a.chunksizes]
    counted = [layout for layout in layouts if len(layout) == cube.sizes.get("y_block")]
    heights = (counted or layouts or [(cube.sizes["y"],)])[-1]
    row_bytes = 4 * cube.sizes.get("energy", 1) * cube.sizes["x"]
    first, row, start = 0, 0, 0
    for number, height in enumerate(heights, start=1):
        row += height
        if number == len(heights) or (row - start + heights[number]) * row_bytes > band_bytes:
            yield slice(start, row), slice(first, number)
            start, first = row, number


def write_maps(cube: xr.Dataset, path: Path, *, progress: Progress | None = None) -> xr.Dataset:
    """Compute everything that has no energy axis over the field, band by band, and store it.

    Memory holds the blocks of one band. The folder gets its name when it is complete.

    Parameters
    ----------
    cube
        Lazy or not. Its `norm_sum` and `norm_count` over `y_block`, `x_block` are added up over all blocks,
        and stored as `mean_norm` and `mean_pixels`.
    path
        A new Zarr folder.
    progress
        Called with the bands done and the bands in all.

    Returns
    -------
    Dataset
        The maps, opened lazily from the store.

    Raises
    ------
    InputError
        The path is taken, or there is nothing to store.
    """
    import dask

    wanted = [str(n) for n, a in cube.data_vars.items() if is_map(str(n), a)]
    if not wanted:
        raise InputError("a cube without maps", "variables over y, x", "run the steps that make them first")
    partial = _new_partial(path)
    plan = list(bands(cube))
    arrays = _create(cube[wanted], partial, {"y": max(rows.stop - rows.start for rows, _ in plan)})
    summed = [name for name in ("norm_sum", "norm_count") if name in cube]
    totals: dict[str, Any] = {}
    for done, (rows, blocks) in enumerate(plan, start=1):
        part = {name: cube[name].isel(y=rows).data for name in wanted}
        # Were there more blocks than the bands know of, the last band would add them.
        added = {"y_block": slice(blocks.start, None) if done == len(plan) else blocks}
        sums = {name: cube[name].isel(added).sum(["y_block", "x_block"], skipna=False) for name in summed}
        part, sums = dask.compute(part, sums)
        for name, values in part.items():
            arrays[name][_region(cube[name], rows)] = values
        totals = {name: totals[name] + sums[name] if totals else sums[name] for name in summed}
        if progress:
            progress(done, len(plan))
    few = _few_numbers(cube).assign(with_means(xr.Dataset(totals)) if totals else {})
    if few:
        _storable(few).to_zarr(partial, mode="a", zarr_format=3, consolidated=False)
    _consolidate(partial)
    partial.rename(path)
    return open_maps(path)


def _few_numbers(cube: xr.Dataset) -> xr.Dataset:
    """Results for the scan as a whole, such as the drift, computed; means over blocks come from their sums."""
    field = {"y", "x", "y_block", "x_block"}
    names = [n for n, a in cube.data_vars.items() if n in RESULTS and not field & set(a.dims)]
    return cube[[name for name in names if name not in ("mean_norm", "mean_pixels")]].compute()


def is_map(name: str, array: xr.DataArray) -> bool:
    """Whether a variable is a result over the field; what a scan brings, such as `dark`, is none."""
    return name in RESULTS and "y" in array.dims and "energy" not in array.dims


def with_means(sums: xr.Dataset) -> xr.Dataset:
    """`mean_norm` and `mean_pixels` from `norm_sum`, `norm_count`; NaN for a reference that leads nowhere."""
    count = sums.norm_count
    means = (sums.norm_sum / count.where(count > 0)).astype(np.float32)
    found = xr.Dataset({"mean_norm": means, "mean_pixels": count})
    for name, array in found.data_vars.items():
        array.attrs.update(attributes(str(name)))
    return found


def open_maps(path: Path) -> xr.Dataset:
    """The maps of a run, lazily.

    Raises
    ------
    InputError
        The folder holds no stored maps.
    """
    return _open(path, "stored maps", "run the recipe to its end", chunks={})


def write_cube(cube: xr.Dataset, path: Path, *, tile: int, progress: Progress | None = None) -> xr.Dataset:
    """Store a cube with all energies of a tile in one chunk, reading it by bands of rows.

    Integers stay integers. The folder gets its name when it is complete.

    Parameters
    ----------
    cube
        Lazy or not; variables over energy, y, x, and over some of them or none.
    path
        A new Zarr folder.
    tile
        Pixels along y and x of a chunk.
    progress
        Called with the bands done and the bands in all.

    Returns
    -------
    Dataset
        The cube, opened lazily from the store.

    Raises
    ------
    InputError
        The path is taken.
    """
    import dask

    partial = _new_partial(path)
    height = max(tile, BAND_BYTES // (4 * cube.sizes["energy"] * cube.sizes["x"]) // tile * tile)
    arrays = _create(cube, partial, {"energy": cube.sizes["energy"], "y": tile, "x": tile})
    rows_at = range(0, cube.sizes["y"], height)
    for done, start in enumerate(rows_at, start=1):
        rows = slice(start, min(start + height, cube.sizes["y"]))
        # What has no rows (an I0 spectrum) is written with the first band.
        names = [str(n) for n, a in cube.data_vars.items() if "y" in a.dims or start == 0]
        part = {n: (cube[n].isel(y=rows) if "y" in cube[n].dims else cube[n]).data for n in names}
        for name, values in dask.compute(part)[0].items():
            arrays[name][_region(cube[name], rows)] = values
        if progress:
            progress(done, len(rows_at))
    _consolidate(partial)
    partial.rename(path)
    return open_cube(path)


def open_cube(path: Path) -> xr.Dataset:
    """A stored cube, lazily, on blocks of whole chunks that fit the cache.

    Raises
    ------
    InputError
        The folder is no stored cube.
    """
    do = "store one with ingest.store"
    cube = _open(path, "a stored cube", do, chunks=None)
    name = next((str(n) for n, a in cube.data_vars.items() if a.dims == CUBE), None)
    if name is None:
        raise InputError(f"{path} without a variable over {', '.join(CUBE)}", "a stored cube", do)
    _, tall, wide = cube[name].encoding["chunks"]
    fit = max(1, BLOCK_BYTES // (4 * cube.sizes["energy"] * tall * wide))
    return _open(path, "a stored cube", do, chunks={"energy": -1, "y": tall, "x": wide * fit})


def _open(path: Path, wanted: str, do: str, chunks: dict[Any, Any] | None) -> xr.Dataset:
    try:
        return xr.open_zarr(path, chunks=chunks, consolidated=True)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: {error}", wanted, do) from error


def _new_partial(path: Path) -> Path:
    """Where to write until all is written; what an earlier attempt left there is removed."""
    if path.exists():
        raise InputError(
            f"{path} exists", "a new path", "choose another output folder, or remove it yourself"
        )
    partial = path.with_name(f"{path.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    path.parent.mkdir(parents=True, exist_ok=True)
    return partial


def _region(array: xr.DataArray, rows: slice) -> tuple[slice, ...]:
    return tuple(rows if dim == "y" else slice(None) for dim in array.dims)


def _create(cube: xr.Dataset, path: Path, chunk: dict[str, int]) -> dict[str, Any]:
    """The empty arrays with coordinates and attributes, open for writing."""
    import dask.array as da
    import zarr
    from zarr.codecs import BloscCodec

    template, encoding = _storable(cube), {}
    for name, array in cube.data_vars.items():
        chunks = tuple(min(n, chunk.get(str(dim), n)) for dim, n in array.sizes.items())
        # Bits of like weight lie together, which is what noisy floats and counts can still be packed by.
        codec = BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle", typesize=array.dtype.itemsize)
        fill = np.nan if array.dtype.kind == "f" else 0
        encoding[str(name)] = {"chunks": chunks, "compressors": (codec,), "fill_value": fill}
        # Lazy and of one block: nothing is written, and no graph is made of the thousands of blocks.
        template[name] = (array.dims, da.empty(array.shape, dtype=array.dtype, chunks=-1), array.attrs)
    # The bands are written one after the other, so a chunk that two of them share is not in danger.
    template.to_zarr(
        path,
        mode="w-",
        compute=False,
        zarr_format=3,
        consolidated=False,
        encoding=encoding,
        safe_chunks=False,
    )
    group = zarr.open_group(str(path), mode="r+")
    return {str(name): group[str(name)] for name in cube.data_vars}


def _storable(cube: xr.Dataset) -> xr.Dataset:
    """A copy with coordinates in memory, and texts of any length: Zarr 3 has no place for others yet."""
    ready = {}
    for name, array in cube.coords.items():
        text = array.dtype.kind == "U"
        ready[name] = array.astype(np.dtypes.StringDType()) if text else array.compute()
    return cube.drop_encoding().assign_coords(ready)


def _consolidate(path: Path) -> None:
    """All metadata in one file, which `xarray.open_zarr` looks for; Zarr 3 warns that it is not specified."""
    import warnings

    import zarr

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        zarr.consolidate_metadata(path, zarr_format=3)
