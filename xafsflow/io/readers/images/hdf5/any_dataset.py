"""Any dataset of an HDF5 file by its path, with the energies that stand near it under their name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xafsflow.io.readers.image_scan import Inside
from xafsflow.io.readers.images.array_source import Axes
from xafsflow.io.readers.images.hdf5.hdf5_file import arrays
from xafsflow.io.readers.images.hdf5.layouts import dataset_source
from xafsflow.io.readers.images.hdf5.told_by_names import energies_in
from xafsflow.io.readers.images.scan_parts import ScanPart

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
    """The images of a dataset; energies are looked for beside it, then further up, and never in another file."""
    images = dataset_source(path, inside, axes)
    told, count, home = None, images.shape[0], inside.strip("/")
    while told is None and count > 1 and home:
        home = home.rpartition("/")[0]
        if images.path == path:
            told = energies_in(file[home or "/"], count, path)
    return ScanPart(
        images=images,
        energies=None if told is None else told[0],
        quantity=None,
        layout=NAME,
        inside=images.inside if images.path == path else inside,
        energy_unit=None if told is None else told[1],
    )
