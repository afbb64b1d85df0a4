"""Zarr groups: made, opened, told complete."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.files import refuse_links
from xafsflow.store.chunk_files import Target, checking_codecs
from xafsflow.store.written_chunks import Written, begin, beside, clear, take_up


def is_complete(path: Path, identity: str) -> bool:
    """Whether a folder holds all that an earlier attempt with this identity was to write."""
    if not identity or not path.exists():
        return False
    found = open_group(path, "a Zarr folder", "remove it yourself", chunks=None)
    return bool(found.attrs.get("identity") == identity)


def partial_of(path: Path) -> Path:
    """Where to write until all is written.

    Raises
    ------
    InputError
        The path is taken, or what is written would go through a link.
    """
    if path.exists():
        raise InputError(
            f"{path}, which exists", "a new path", "choose another output folder, or remove it yourself"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    for one in (path, partial, beside(partial)):
        refuse_links(one)
    return partial


def begun(
    cube: xr.Dataset,
    folder: Path,
    chunk: dict[str, int],
    plan: Mapping[str, Any],
    shard_rows: int | None = None,
) -> Written:
    """Which bands of the arrays of a folder are written: none, once it is made, or those of an earlier try."""
    told = {str(n): [a.dims, a.shape, a.dtype.str, dict(a.attrs)] for n, a in cube.data_vars.items()}
    plan = {"variables": told, "chunk": chunk, "shard_rows": shard_rows, **plan}
    if plan["of"]:
        cube = cube.assign_attrs(identity=plan["of"])
    written = take_up(folder, plan)
    if written is not None:
        try:
            arrays = _targets(cube, folder)
        except (OSError, ValueError, KeyError):  # the metadata are damaged
            written = None
    if written is None:
        clear(folder)
        _create(cube, folder, chunk, shard_rows)
        return begin(folder, plan)
    for entry in folder.iterdir():
        # Numbers for the scan as a whole come last: an attempt that ended there left some, or half of one.
        if entry.is_dir() and entry.name not in cube.variables:
            shutil.rmtree(entry)
    for name, target in arrays.items():
        axis = cube[name].dims.index("y") if "y" in cube[name].dims else None
        for place in target.sweep():
            # What has no rows was written with the first band.
            rows = slice(0, 1) if axis is None else place[axis]
            for band in [n for n in written.bands if _overlap(rows, _rows_of(n, plan))]:
                del written.bands[band]
    return written


def _targets(cube: xr.Dataset, folder: Path) -> dict[str, Target]:
    return {str(name): Target(folder, str(name)) for name in cube.data_vars}


def _rows_of(band: int, plan: Mapping[str, Any]) -> slice:
    if "bands" in plan:
        return slice(*plan["bands"][band])
    return slice(band * plan["height"], (band + 1) * plan["height"])


def _overlap(one: slice, two: slice) -> bool:
    return bool(one.start < two.stop and two.start < one.stop)


def region(array: xr.DataArray, rows: slice) -> tuple[slice, ...]:
    """Where rows of a variable lie in its array."""
    return tuple(rows if dim == "y" else slice(None) for dim in array.dims)


def _create(cube: xr.Dataset, path: Path, chunk: dict[str, int], shard_rows: int | None) -> None:
    """The empty arrays with coordinates and attributes."""
    import dask.array as da
    from zarr.codecs import BloscCodec, Crc32cCodec

    template = storable(cube)
    encoding: dict[str, dict[str, Any]] = {}
    for name, array in cube.data_vars.items():
        chunks = tuple(min(n, chunk.get(str(dim), n)) for dim, n in array.sizes.items())
        # Bits of like weight lie together, which is what noisy floats and counts can still be packed by.
        codec = BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle", typesize=array.dtype.itemsize)
        fill = np.nan if array.dtype.kind == "f" else 0
        compressors = (codec, Crc32cCodec())
        encoding[str(name)] = {"chunks": chunks, "compressors": compressors, "fill_value": fill}
        if shard_rows is not None and "y" in array.dims:
            encoding[str(name)]["shards"] = _shard(array, chunks, shard_rows)
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


def _shard(array: xr.DataArray, chunks: tuple[int, ...], rows: int) -> tuple[int, ...]:
    """Whole chunks: so many rows, and all that an array has along its other dims."""
    wanted = [min(rows, n) if dim == "y" else n for dim, n in array.sizes.items()]
    return tuple(-(-n // chunk) * chunk for n, chunk in zip(wanted, chunks, strict=True))


def storable(cube: xr.Dataset) -> xr.Dataset:
    """A copy with coordinates in memory, checksums, and texts of any length: Zarr 3 has no place for others yet."""
    from zarr.codecs import Crc32cCodec, ZstdCodec

    ready = {}
    for name, array in cube.coords.items():
        text = array.dtype.kind == "U"
        ready[name] = array.astype(np.dtypes.StringDType()) if text else array.compute()
    found = cube.drop_encoding().assign_coords(ready)
    for variable in found.variables.values():
        variable.encoding = {"compressors": (ZstdCodec(), Crc32cCodec()), "write_empty_chunks": True}
    return found


def _consolidate(path: Path) -> None:
    """All metadata in one file, which `xarray.open_zarr` looks for; Zarr 3 warns that it is not specified."""
    import warnings

    import zarr

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        zarr.consolidate_metadata(path, zarr_format=3)


def finish(partial: Path, path: Path) -> None:
    """Give a complete folder its name."""
    _consolidate(partial)
    partial.rename(path)
    beside(partial).unlink()


def open_group(path: Path, wanted: str, do: str, chunks: dict[Any, Any] | None) -> xr.Dataset:
    """A group as a lazy Dataset; what stands there else is told.

    Raises
    ------
    InputError
        It cannot be opened.
    """
    try:
        with checking_codecs():
            return xr.open_zarr(path, chunks=chunks, consolidated=True)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: {error}", wanted, do) from error
