"""Images in HDF5 files: the layout is found, or the dataset is taken that is named behind `::`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from xafsflow.errors import InputError
from xafsflow.io.readers.image_scan import ImageScan, Inside
from xafsflow.io.readers.images.hdf5 import any_dataset
from xafsflow.io.readers.images.hdf5.hdf5_file import hdf5_file, listed
from xafsflow.io.readers.images.hdf5.layouts import Hdf5Layout
from xafsflow.io.readers.images.scan_parts import ScanPart, scan_of

FORMAT = "HDF5 (NSLS-II FXI, APS Data Exchange, NXstxm, NeXus, PyXRF, Larch, or any by its path)"
MAGIC = b"\x89HDF\r\n\x1a\n"
# Asked in this order; the last takes every file.
LAYOUTS = tuple(
    f"{__package__}.{name}"
    for name in ("fxi_scan", "data_exchange", "pyxrf_map", "larch_map", "nexus_data", "any_dataset")
)


def detect(start: bytes) -> bool:
    """Whether a file that begins so is HDF5."""
    return start.startswith(MAGIC)


def open_scan(paths: Sequence[Path], inside: str | None = None) -> ImageScan:
    """The images of HDF5 files and what they tell.

    Parameters
    ----------
    paths
        One file or several of one layout.
    inside
        The path of a dataset or of the group that holds it, or its last name where no other ends so (`Fe_K`); None: what
        the layout means, or the only one.

    Raises
    ------
    InputError
        A file is damaged or not whole, nothing or more than one thing can be meant (lists it), or the files differ.
    """
    with hdf5_file(paths[0]) as file:
        layout = _layout(file)
        choices = layout.choices(file)
    if inside is None:
        inside = choices[0].path if len(choices) == 1 else layout.usual(paths, choices)
    if inside is None:
        found = (
            f"{paths[0]} with {len(choices)} things that can be a stack of images"
            if choices
            else f"{paths[0]}"
        )
        raise InputError(
            found + f" ({listed(choices)})",
            "the path of one behind ::",
            f"write it as {paths[0].name}::{choices[0].path if choices else '/path'}",
        )
    return scan_of([_part(path, inside) for path in paths])


def list_inside(path: Path) -> list[Inside]:
    """What can be named behind `::`, from the headers."""
    with hdf5_file(path) as file:
        return _layout(file).choices(file)


def _part(path: Path, inside: str) -> ScanPart:
    with hdf5_file(path) as file:
        layout = _layout(file)
        name = _chosen(layout.choices(file), inside)
        if name is None:
            return any_dataset.part(file, str(path.absolute()), inside)
        return layout.part(file, str(path.absolute()), name)


def _chosen(choices: Sequence[Inside], inside: str) -> str | None:
    """What the layout calls it: by its path, that of a group with one, or the last name."""
    whole = "/" + inside.strip("/")
    names = [one.path for one in choices]
    if whole in names:
        return whole
    for found in (
        [name for name in names if name.startswith(whole.rstrip("/") + "/")],
        [name for name in names if name.endswith(whole)],
    ):
        if len(found) == 1:
            return found[0]
    return None


def _layout(file: Any) -> Hdf5Layout:
    layouts = [cast(Hdf5Layout, import_module(name)) for name in LAYOUTS]
    return next(layout for layout in layouts if layout.matches(file))
