"""Data Exchange of the APS: `/exchange/data`, `data_white` or `data_flat`, `data_dark`, and energies in several places.

Reference: De Carlo et al., J. Synchrotron Rad. 21, 1224 (2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xafsflow.io.readers.image_scan import Inside
from xafsflow.io.readers.images.array_source import ArraySource
from xafsflow.io.readers.images.hdf5.layouts import dataset_of, dataset_source
from xafsflow.io.readers.images.hdf5.told_by_names import energies_at, energies_in, numbers_of, unit_of
from xafsflow.io.readers.images.scan_parts import ScanPart
from xafsflow.io.readers.images.told_values import micrometers, pixel_size
from xafsflow.kernels.array_types import Doubles

NAME = "APS Data Exchange"
GROUP, IMAGES = "/exchange", "/exchange/data"
FLATS, DARKS = ("data_white", "data_flat", "data_background"), ("data_dark",)
MONOCHROMATOR = "/measurement/instrument/monochromator/energy"
DETECTOR = "/measurement/instrument/detector"
LARGEST_CAMERA_PIXEL = 200.0  # micrometers


def matches(file: Any) -> bool:
    """Whether a file has the images inside the format puts them."""
    return IMAGES in file


def choices(file: Any) -> list[Inside]:
    """The images of every group `exchange`, `exchange2`, ..."""
    names = [f"/{name}/data" for name in file if name.startswith("exchange") and f"{name}/data" in file]
    return [dataset_of(file, name) for name in names]


def usual(paths: Sequence[Path], choices: Sequence[Inside]) -> str | None:
    """The first exchange is the measurement, further ones are what was made of it."""
    return IMAGES


def part(file: Any, path: str, inside: str) -> ScanPart:
    """The images of a file; white and dark images beside them become flat field and dark."""
    group = inside.rsplit("/", 1)[0]
    images = dataset_source(path, inside)
    told = _energies(file, group, images.shape[0], path)
    return ScanPart(
        images=images,
        energies=None if told is None else told[0],
        quantity="counts" if images.dtype.kind in "iu" else None,
        flat_field=_beside(file, path, group, FLATS),
        dark=_beside(file, path, group, DARKS),
        pixel_size_um=_pixel_size(file, path),
        layout=NAME,
        inside=inside,
        energy_unit=None if told is None else told[1],
    )


def _energies(file: Any, group: str, count: int, path: str) -> tuple[Doubles, str] | None:
    """Energies beside the images, else of the monochromator, else anyinside under their name, one an image."""
    for name in (f"{group}/energy", MONOCHROMATOR):
        if name in file and file[name].shape == (count,):
            return energies_at(file[name], path)
    return energies_in(file, count, path)


def _beside(file: Any, path: str, group: str, names: tuple[str, ...]) -> ArraySource | None:
    name = next((name for name in names if f"{group}/{name}" in file), None)
    return None if name is None else dataset_source(path, f"{group}/{name}")


def _pixel_size(file: Any, path: str) -> float | None:
    """The pixel in the sample: `actual_pixel_size`, or that of the camera over the magnification.

    Some files have the pixel of the camera as the actual one; times the magnification it would be larger than any camera's.
    """
    actual, camera = (_sides(file, name, path) for name in ("actual_pixel_size", "pixel_size"))
    times = _number(file, "magnification", path)
    if actual is not None and (times is None or actual * times <= LARGEST_CAMERA_PIXEL):
        return actual
    size = actual if camera is None else camera
    return None if size is None or times is None else float(f"{size / times:.10g}")


def _sides(file: Any, name: str, path: str) -> float | None:
    found = [f"{DETECTOR}/{name}_{axis}" for axis in "xy" if f"{DETECTOR}/{name}_{axis}" in file]
    values = [numbers_of(file[one], path) for one in found]
    return pixel_size(
        [
            micrometers(float(value.ravel()[0]), unit_of(file[one])) if value.size == 1 else None
            for one, value in zip(found, values, strict=True)
        ]
    )


def _number(file: Any, name: str, path: str) -> float | None:
    """A positive number of the detector."""
    if f"{DETECTOR}/{name}" not in file:
        return None
    values = numbers_of(file[f"{DETECTOR}/{name}"], path)
    return float(values.ravel()[0]) if values.size == 1 and values.ravel()[0] > 0 else None
