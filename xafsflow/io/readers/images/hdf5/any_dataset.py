"""Any dataset of an HDF5 file by its path, with the energies that stand near it under their name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xafsflow.io.readers.image_scan import Inside
from xafsflow.io.readers.images.array_source import Axes
from xafsflow.io.readers.images.hdf5.hdf5_file import arrays
from xafsflow.io.readers.images.hdf5.layouts import dataset_source
from xafsflow.io.readers.images.hdf5.told_by_names import energies_in, energies_of_attribute
from xafsflow.io.readers.images.scan_parts import ScanPart
from xafsflow.kernels.array_types import Doubles

NAME = "HDF5 by path"


def matches(file: Any) -> bool:
    """Every file."""
    return True


def choices(file: Any) -> list[Inside]:
    """The datasets with three axes."""
    return [one for one in arrays(file) if len(one.shape) == 3]


def usual(paths: Sequence[Path], choices: Sequence[Inside]) -> str | None:
    """Nothing tells which of several."""
    return None


def part(file: Any, path: str, inside: str, axes: Axes | None = None) -> ScanPart:
    """The images of a dataset; energies are looked for beside it, then further up, and never in another file.

    Images are along the first axis, or along the only one with as many places as there are energies.
    """
    images = dataset_source(path, inside, axes)
    here = images.path == path
    told = _energies(file, inside, images.shape[0], path) if here else None
    if here and told is None and axes is None and len(images.array_shape) == 3:
        for other in (Axes(2, 0, 1), Axes(1, 0, 2)):
            found = _energies(file, inside, images.array_shape[other.image or 0], path)
            if found is not None and images.array_shape.count(len(found[0])) == 1:
                images, told = dataset_source(path, inside, other), found
                break
    return ScanPart(
        images=images,
        energies=None if told is None else told[0],
        quantity=None,
        layout=NAME,
        inside=images.inside if here else inside,
        energy_unit=None if told is None else told[1],
    )


def _energies(file: Any, inside: str, count: int, path: str) -> tuple[Doubles, str] | None:
    """The energies of as many images: of the dataset itself, else beside it, else further up."""
    told, home = energies_of_attribute(file[inside], count, path), inside.strip("/")
    while told is None and count > 1 and home:
        home = home.rpartition("/")[0]
        told = energies_in(file[home or "/"], count, path)
    return told
