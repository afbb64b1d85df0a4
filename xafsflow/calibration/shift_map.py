"""The product `calibration`: the energy shift of every pixel with its error, and the one file that keeps it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from xafsflow.errors import InputError
from xafsflow.files import atomic_file, sha256_of
from xafsflow.findings.calibrate_findings import Broadening
from xafsflow.vocabulary import MAP, attributes

AS_THE_STANDARDS = Broadening(0.0, np.nan, clear=False)
VARIABLES = ("energy_shift", "energy_shift_error")


def calibration_of(
    shift: ArrayLike, error: ArrayLike, *, broadening: Broadening = AS_THE_STANDARDS, **made_by: object
) -> xr.Dataset:
    """A calibration from its maps.

    Parameters
    ----------
    shift, error
        `(y, x)`, eV: true minus nominal energy, and its standard error; NaN for an error that is not known.
    broadening
        What references need to be as blunt or sharp as the images.
    made_by
        What made it, JSON; becomes attributes beside `digest`, the SHA-256 of maps and attributes.

    Returns
    -------
    Dataset
        `energy_shift`, `energy_shift_error` float32 `(y, x)`.

    Raises
    ------
    InputError
        The maps do not fit each other.

    Examples
    --------
    >>> calibration_of(np.zeros((2, 3)), np.full((2, 3), 0.01), method="none").attrs["method"]
    'none'
    """
    made_by |= {"broadening": broadening.used, "broadening_error": broadening.error}
    maps = [np.ascontiguousarray(values, np.float32) for values in (shift, error)]
    if maps[0].ndim != 2 or maps[0].shape != maps[1].shape:
        raise InputError(
            f"a shift of shape {maps[0].shape} with errors of shape {maps[1].shape}",
            "two images of one shape",
            "give (y, x)",
        )
    content = json.dumps(made_by, sort_keys=True).encode() + b"".join(one.tobytes() for one in maps)
    variables = {name: (MAP, one, attributes(name)) for name, one in zip(VARIABLES, maps, strict=True)}
    attrs = {name: value if isinstance(value, str) else json.dumps(value) for name, value in made_by.items()}
    return xr.Dataset(variables, attrs=attrs | {"digest": sha256_of(content)})


def broadening_in(calibration: xr.Dataset) -> Broadening:
    """The broadening that a calibration holds, none where it tells of none.

    Examples
    --------
    >>> broadening_in(calibration_of(np.zeros((2, 3)), np.zeros((2, 3)), broadening=Broadening(0.5, 0.01, True))).used
    0.5
    """
    sigma, error = (
        float(calibration.attrs.get(name, nothing))
        for name, nothing in (("broadening", 0.0), ("broadening_error", np.nan))
    )
    return Broadening(sigma, error, clear=sigma != 0)


def save_calibration(calibration: xr.Dataset, path: Path) -> None:
    """Write a calibration to one file, whole or not at all.

    Raises
    ------
    InputError
        The path is taken.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> one = calibration_of(np.zeros((2, 3)), np.full((2, 3), 0.01), method="none")
    >>> with TemporaryDirectory() as folder:
    ...     save_calibration(one, Path(folder, "calibration.npz"))
    ...     read_calibration(Path(folder, "calibration.npz")).identical(one)
    True
    """
    if path.exists():
        raise InputError(f"{path}, which exists", "a new path", "choose another name, or remove it yourself")
    arrays: dict[str, Any] = {name: calibration[name].values for name in VARIABLES}
    arrays["attributes"] = np.array(json.dumps(dict(calibration.attrs)))
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read_calibration(path: Path) -> xr.Dataset:
    """A calibration that `save_calibration` wrote.

    Raises
    ------
    InputError
        The file is something else or damaged.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            attrs: Mapping[str, str] = json.loads(str(file["attributes"]))
            maps = {name: (MAP, file[name], attributes(name)) for name in VARIABLES}
        found = xr.Dataset(maps, attrs=attrs)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: {error}", "a calibration that xafsflow saved", "save one with calibrate.save"
        ) from error
    return found


def calibration_in(maps: xr.Dataset, source: str) -> xr.Dataset:
    """The calibration of a run, from its maps.

    Raises
    ------
    InputError
        The run moved no energies.

    Examples
    --------
    >>> maps = xr.Dataset({name: (MAP, np.zeros((2, 3))) for name in VARIABLES})
    >>> calibration_in(maps, "maps.zarr").attrs["method"]
    'run'
    """
    if any(name not in maps for name in VARIABLES):
        raise InputError(
            f"{source} without {' and '.join(name for name in VARIABLES if name not in maps)}",
            "maps of a run that calibrated",
            "name the maps of a run with calibrate.apply",
        )
    broadening = AS_THE_STANDARDS
    if "broadening" in maps:
        sigma, error = (float(maps[name]) for name in ("broadening", "broadening_error"))
        broadening = Broadening(sigma, error, clear=sigma != 0)
    values = [maps[name].values for name in VARIABLES]
    return calibration_of(values[0], values[1], broadening=broadening, method="run", source=source)


def check_fit(calibration: xr.Dataset, cube: xr.Dataset) -> None:
    """Refuse a calibration of another field.

    Raises
    ------
    InputError
        Rows or columns differ.
    """
    sizes = [tuple(one.sizes[dim] for dim in MAP) for one in (calibration, cube)]
    if sizes[0] != sizes[1]:
        raise InputError(
            f"a calibration of {sizes[0][0]} x {sizes[0][1]} pixels for a cube of {sizes[1][0]} x {sizes[1][1]}",
            "one field",
            "calibrate with the same camera region and binning, and crop or bin after calibrate.apply",
        )
