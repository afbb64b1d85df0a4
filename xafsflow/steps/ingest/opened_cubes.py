"""A cube that a run or another program stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import block_shape
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.errors import InputError
from xafsflow.io.folders import Folders
from xafsflow.io.readers.stack_energies import to_ev
from xafsflow.kernels.spectra.measured_ratio import measured
from xafsflow.provenance import known_history
from xafsflow.step_table import step
from xafsflow.steps.ingest.measured_signals import BAD, MU_AND_FLAGS
from xafsflow.steps.ingest.scatter import measured_noise
from xafsflow.vocabulary import COORDINATES, axis_of, cube_dims, spectral_axis, variable_of

# What a measurement has at least: spectra, or counts of a sample.
SPECTRA = ("mu", "norm", "sample")


@step(makes="cube", example={"file": "cube.zarr"})
def cube(data: Any, /, *, file: str = "cube.zarr") -> xr.Dataset:
    """A stored cube, lazily: `cube.zarr` of an earlier run, or a Zarr or NetCDF file with the variables of the vocabulary.

    So a recipe with one changed setting need not start from images: `ingest.store` keeps a cube, this step goes on from it.
    A cube of a run knows the steps that it went through; the recipe goes on behind them and does not repeat them. Of another
    program's nothing is known: if `mu` is as it was measured, say so with `ingest.as_measured` after this step.

    Variables have the dims `energy` (or another spectral axis), `y`, `x` in any order, or some of them; those that the
    vocabulary does not know are left out. Energies are eV, or keV where their attribute `units` says so.

    Parameters
    ----------
    file
        Folder or file, relative to the data folder, or with the prefix `references:` to that of the references; an earlier
        run's folder can be either.

    Returns
    -------
    Dataset
        As stored. For a `mu` of another program without `flags` and `mu_noise`: what is no number gets the flag
        `not_finite`, and the noise is measured as by `ingest.absorbance`.

    Raises
    ------
    InputError
        There is no such file, it is no cube, or energies are missing.
    ComputationError
        A chunk of a run's cube is missing.
    """
    found = _ordered(_opened(Folders.of(data), file), file)
    if "mu" in found and not known_history(found):
        if "flags" not in found:
            found = found.assign(over_blocks(measured, [found.mu], MU_AND_FLAGS, bad_bit=BAD))
        if "mu_noise" not in found:
            found["mu_noise"] = measured_noise(found.mu, found[spectral_axis(found)].values)
    return found


def _opened(folders: Folders, name: str) -> xr.Dataset:
    """The Dataset of a file; in one chunk along everything but y and x."""
    path = folders.resolve(name)
    if path.is_dir() and (path / "zarr.json").is_file() and "identity" in _attributes(path):
        from xafsflow.store.cube_store import open_cube

        return open_cube(path)
    try:
        found = (
            xr.open_zarr(path, chunks=None, consolidated=False)
            if path.is_dir()
            else xr.open_dataset(path, chunks=None)
        )
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: {error}", "a cube as Zarr or NetCDF", "check the name, or export the cube anew"
        ) from error
    axis = axis_of(found.dims)
    sizes = {str(dim): size for dim, size in found.sizes.items()}
    if axis is None or not {"y", "x"} <= set(sizes):
        dims = ", ".join(f"{dim} ({size})" for dim, size in sizes.items())
        raise InputError(
            f"{path} over {dims or 'no dimension'}", "a cube over energy, y, x", "rename its dimensions so"
        )
    rows, columns = block_shape(sizes[axis], sizes["y"], sizes["x"])
    return found.chunk({dim: {"y": rows, "x": columns}.get(dim, -1) for dim in sizes})


def _attributes(path: Path) -> dict[str, Any]:
    with xr.open_zarr(path, chunks=None, consolidated=False) as found:
        return dict(found.attrs)


def _ordered(found: xr.Dataset, file: str) -> xr.Dataset:
    """Known variables over energy, y, x, energies in eV and as they increase."""
    names = [str(name) for name in found.data_vars if variable_of(str(name)) is not None]
    if not set(names) & set(SPECTRA):
        held = ", ".join(map(str, found.data_vars)) or "no variables"
        raise InputError(
            f"{file} with {held}", f"one of {', '.join(SPECTRA)} over energy, y, x", "rename its variables so"
        )
    axis = spectral_axis(found)
    if axis not in found.coords:
        raise InputError(
            f"{file} without the coordinate {axis}", f"the values of {axis}", "store them with it"
        )
    known = found[names].drop_vars([c for c in found.coords if c not in COORDINATES])
    places = np.asarray(known[axis].values, float)
    if axis == "energy":
        unit = str(found[axis].attrs.get("units", "")).lower()
        places = to_ev(places, f"{file}: energy", {"ev": "eV", "kev": "keV"}.get(unit))
    known = known.assign_coords({axis: places})
    if np.any(np.diff(places) <= 0):
        known = known.isel({axis: np.argsort(places, kind="stable")})
        if np.any(np.diff(known[axis].values) <= 0):
            raise InputError(
                f"{file} with values of {axis} that stand there twice", "each once", "average them"
            )
    return known.transpose(*(dim for dim in cube_dims(axis) if dim in known.dims), ...)
