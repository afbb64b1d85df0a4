"""What every layout of HDF5 has, and how it describes a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from xafsflow.io.readers.image_scan import Inside
from xafsflow.io.readers.images.array_source import ArraySource, Axes, array_source
from xafsflow.io.readers.images.hdf5.hdf5_file import check_stored, hdf5_array, hdf5_file, located
from xafsflow.io.readers.images.scan_parts import ScanPart


class Hdf5Layout(Protocol):
    """One layout of HDF5 files."""

    NAME: str

    def matches(self, file: Any) -> bool:
        """Whether an open file is laid out so."""
        ...

    def choices(self, file: Any) -> list[Inside]:
        """What can be named behind `::` for a stack of images."""
        ...

    def usual(self, paths: Sequence[Path], choices: Sequence[Inside]) -> str | None:
        """Which of several choices the files mean; None where they do not say."""
        ...

    def part(self, file: Any, path: str, inside: str) -> ScanPart:
        """The images of an open file; `inside` is one of the choices."""
        ...


def dataset_of(file: Any, name: str) -> Inside:
    """A dataset as a choice."""
    return Inside(name, tuple(file[name].shape), file[name].dtype.name)


def dataset_source(path: str, inside: str, axes: Axes | None = None) -> ArraySource:
    """A dataset as images, its links followed, and checked to be whole.

    Raises
    ------
    InputError
        It is missing, not whole, or no images.
    """
    place, name = located(path, inside)
    with hdf5_file(place) as file:
        item = file[name]
        source = array_source(place, name, item, axes, hdf5_array)
        check_stored(item, place)
        return source
