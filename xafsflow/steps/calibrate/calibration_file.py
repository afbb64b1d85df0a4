"""A calibration kept in a file, for all the scans of a beamtime."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import xarray as xr
from pydantic import Field

from xafsflow.calibration import shift_map as product
from xafsflow.errors import InputError
from xafsflow.step_table import step
from xafsflow.store import open_maps

# Of a file in the run folder, checked before anything is computed.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9 _.-]*\.npz$")]


@step(makes="calibration")
def save(calibration: xr.Dataset, run: Path, /, *, file: Name = "calibration.npz") -> xr.Dataset:
    """Keep the calibration in one file of the run folder, for `calibrate.load`.

    Parameters
    ----------
    file
        Its name, ending in .npz.

    Raises
    ------
    InputError
        The file exists, or the name leaves the folder.
    """
    if Path(file).name != file or not file.endswith(".npz"):
        raise InputError(f"file {file!r}", "a name without a folder, ending in .npz", "use calibration.npz")
    product.save_calibration(calibration, Path(run) / file)
    return calibration


@step(makes="calibration", example={"file": "calibration.npz"})
def load(data: Any, /, *, file: str) -> xr.Dataset:
    """A calibration of an earlier scan: what `calibrate.save` kept, or the shift in the maps of a run.

    Parameters
    ----------
    file
        A file of `calibrate.save`, or `maps.zarr` of a run; relative to the data folder, or to the references folder with
        the prefix `references:`. An earlier run's folder can be either.

    Raises
    ------
    InputError
        There is no such file, or it holds something else.
    """
    from xafsflow.io.folders import Folders

    folders = Folders.of(data)
    if file.endswith(".npz"):
        return product.read_calibration(folders.resolve(file))
    return product.calibration_in(open_maps(folders.resolve(file)), file)
