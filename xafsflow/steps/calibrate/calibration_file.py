"""A calibration kept in a file, for all the scans of a beamtime."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import xarray as xr
from pydantic import Field

from xafsflow.calibration import shift_map as product
from xafsflow.errors import InputError
from xafsflow.step_table import step

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
    """A calibration that `calibrate.save` kept, of this or of an earlier scan.

    Parameters
    ----------
    file
        Relative to the data folder, or to the references folder with the prefix `references:`.

    Raises
    ------
    InputError
        There is no such file, or it holds something else.
    """
    from xafsflow.io.folders import Folders

    return product.read_calibration(Folders.of(data).resolve(file))
