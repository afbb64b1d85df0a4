"""A library as Zarr, in xarray's layout, which stays on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from xafsflow.errors import InputError

BLOCK_BYTES = 6_000_000  # of spectra in a block: they stay in cache


def read_zarr(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The arrays of a Zarr group by name, lazy in blocks of whole spectra, and their attributes.

    A block holds whole stored chunks, about 6 MB of spectra.

    Raises
    ------
    InputError
        It cannot be opened, or holds no array.
    """
    try:
        # Whoever wrote it may not have put all metadata in one file; xarray would warn of that
        stored = xr.open_zarr(path, chunks={}, consolidated=False)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: {error}", "a Zarr group that xarray wrote", "check the path, or write it with to_zarr"
        ) from error
    if not stored.variables:
        raise InputError(f"{path} without an array", "spectra and energies", "check the path")
    arrays = {str(name): _in_blocks(array) for name, array in stored.variables.items()}
    attributes = {str(name): dict(array.attrs) for name, array in stored.variables.items()}
    return arrays, attributes


def _in_blocks(array: xr.Variable) -> Any:
    if array.ndim < 2 or array.chunks is None:
        return array.to_numpy()
    chunk = array.chunks[0][0]
    row_bytes = array.dtype.itemsize * array.size // max(array.shape[0], 1)
    rows = chunk * max(1, BLOCK_BYTES // max(1, chunk * row_bytes))
    whole = dict.fromkeys(range(1, array.ndim), -1)
    return array.data.rechunk({0: rows, **whole})
