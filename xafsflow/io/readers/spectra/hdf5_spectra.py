"""Spectra in HDF5: NXxas entries, and any group with datasets of one length, one of which are energies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.text_columns import Columns
from xafsflow.kernels.array_types import Doubles

if TYPE_CHECKING:
    import h5py

FORMAT = "HDF5 (NXxas, or columns as datasets)"
SIGNATURE = b"\x89HDF\r\n\x1a\n"
MOST_OBJECTS = 20_000
MOST_POINTS = 200_000
FEWEST_POINTS = 5
# Where the arrays of an NXxas entry stand if not in the entry itself: the forms of the definition differ
INSIDE = (
    ("energy", "plot", "energy"),
    ("energy", "data", "energy"),
    ("energy", "monochromator", "energy"),
    ("intensity", "plot", "intensity"),
    ("intensity", "data", "intensity"),
    ("intensity", "data", "mu"),
)


def detect(start: bytes) -> bool:
    """Whether a file that begins so is HDF5."""
    return start.startswith(SIGNATURE)


def read_tables(path: Path) -> list[Columns]:
    """A table for each NXxas entry, or else for each group with two datasets of one length or more, by its path.

    In an NXxas entry `intensity` is the absorbance. Links to other files are not followed.

    Raises
    ------
    InputError
        The file is damaged, or holds no such group.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            groups = _groups(file)
            entries = [group for group in groups if _text(group, "definition") == "NXxas"]
            tables = [_entry(path, group) for group in entries] or [
                table for group in groups if (table := _columns(path, group)) is not None
            ]
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}, HDF5 that cannot be read ({error})", "a whole file", "copy it again"
        ) from error
    if not tables:
        raise InputError(
            f"{path}, HDF5 without columns of one length", "energies and absorbance", "check the file"
        )
    return tables


def _groups(file: h5py.File) -> list[h5py.Group]:
    """All groups, the root first; objects that only links to other files reach are left out."""
    import h5py

    found: list[h5py.Group] = [file["/"]]
    seen = 0

    def visit(_: str, item: Any) -> bool | None:
        nonlocal seen
        seen += 1
        if isinstance(item, h5py.Group):
            found.append(item)
        return True if seen >= MOST_OBJECTS else None

    file.visititems(visit)
    if seen >= MOST_OBJECTS:
        raise InputError(
            f"{file.filename} with {seen} objects or more", f"fewer than {MOST_OBJECTS}", "split the file"
        )
    return found


def _entry(path: Path, group: h5py.Group) -> Columns:
    """An NXxas entry."""
    arrays = _arrays(group)
    for name, child, inner in INSIDE:
        if name not in arrays and isinstance(group.get(child), type(group)):
            found = _arrays(group[child]).get(inner)
            arrays |= {} if found is None else {name: found}
    if not {"energy", "intensity"} <= set(arrays) or len(arrays["energy"]) != len(arrays["intensity"]):
        raise InputError(
            f"{path}, {group.name}, an NXxas entry with {', '.join(arrays) or 'no arrays'}",
            "energy and intensity of one length",
            "check the file",
        )
    header = {
        "element.symbol": _text(group, "element/symbol") or _text(group, "element"),
        "element.edge": _text(group, "edge/name") or _text(group, "edge"),
        "nxxas.mode": _text(group, "mode/name") or _text(group, "mode"),
    }
    columns = {"energy": arrays["energy"], "mu": arrays["intensity"]}
    return _table(path, group, columns, header, {"energy": _unit(group, "energy")})


def _columns(path: Path, group: h5py.Group) -> Columns | None:
    """The datasets of a group with the length that most have, None where there are not two."""
    arrays = _arrays(group)
    lengths = [len(array) for array in arrays.values() if len(array) >= FEWEST_POINTS]
    length = max(set(lengths), key=lengths.count, default=0)
    columns = {name: array for name, array in arrays.items() if len(array) == length}
    if len(columns) < 2:
        return None
    return _table(path, group, columns, {}, {name: _unit(group, name) for name in columns})


def _arrays(group: h5py.Group) -> dict[str, Doubles]:
    """The arrays of numbers over one axis in a group."""
    import h5py

    found = {}
    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
            continue
        item = group.get(name)
        if isinstance(item, h5py.Dataset) and item.ndim == 1 and item.dtype.kind in "fiu":
            if item.size > MOST_POINTS:
                continue
            found[name] = np.asarray(item[()], np.float64)
    return found


def _table(
    path: Path,
    group: h5py.Group,
    columns: dict[str, Doubles],
    header: dict[str, str],
    units: dict[str, str],
) -> Columns:
    values = np.column_stack(list(columns.values()))
    unit = tuple(units.get(name, "") for name in columns)
    rows = np.arange(1, len(values) + 1)
    return Columns(path, tuple(columns), unit, values, rows, header, entry=str(group.name), row="point")


def _unit(group: h5py.Group, name: str) -> str:
    """The unit of a dataset where it is an energy's or an angle's."""
    item = group.get(name)
    text = _decoded(item.attrs.get("units", item.attrs.get("unit", ""))) if item is not None else ""
    return text if text.lower() in ("ev", "kev", "deg", "degrees", "rad", "radians") else ""


def _text(group: h5py.Group, name: str) -> str:
    """A text in a group, empty where there is none."""
    import h5py

    item = group.get(name)
    if not isinstance(item, h5py.Dataset) or item.size != 1:
        return ""
    return _decoded(np.asarray(item[()]).reshape(-1)[0])


def _decoded(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
