"""Full-field images of NSLS-II 18-ID (FXI): `img_xanes`, already divided by the flat field, and `X_eng` in keV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xafsflow.io.readers.image_scan import Inside
from xafsflow.io.readers.images.hdf5.layouts import dataset_of, dataset_source
from xafsflow.io.readers.images.hdf5.told_by_names import energies_at, text_of
from xafsflow.io.readers.images.scan_parts import ScanPart
from xafsflow.io.readers.images.told_values import length_in

NAME = "NSLS-II FXI"
IMAGES, ENERGIES, PIXEL_SIZE = "/img_xanes", "X_eng", "Pixel Size"
FLAT, DARK = "/img_bkg", "/img_dark"


def matches(file: Any) -> bool:
    """Whether a file has the images and energies under the names of that beamline."""
    return IMAGES in file and ENERGIES in file


def choices(file: Any) -> list[Inside]:
    """The images."""
    return [dataset_of(file, IMAGES)]


def usual(paths: Sequence[Path], choices: Sequence[Inside]) -> str | None:
    """There is one choice only."""
    return IMAGES


def part(file: Any, path: str, inside: str) -> ScanPart:
    """The images of a file.

    The beamline's programs write `(sample - dark)/(flat - dark)` as floating-point numbers, beside the flat and dark images
    that were used, which must not be used again. Whole numbers are counts as they came from the camera.
    """
    images = dataset_source(path, IMAGES)
    energies, unit = energies_at(file[ENERGIES], path, "keV")
    divided = images.dtype.kind == "f"
    size = text_of(file[PIXEL_SIZE][()]) if PIXEL_SIZE in file else None
    return ScanPart(
        images=images,
        energies=energies,
        quantity="transmission" if divided else "counts",
        flat_field=None if divided or FLAT not in file else dataset_source(path, FLAT),
        dark=None if divided or DARK not in file else dataset_source(path, DARK),
        pixel_size_um=None if size is None else length_in(size),
        layout=NAME,
        inside=IMAGES,
        energy_unit=unit,
    )
