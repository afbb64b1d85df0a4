"""Energies, units and texts in HDF5 files, found by the names that they have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.image_scan import INSIDE
from xafsflow.io.readers.images.hdf5.hdf5_file import beside, own_items
from xafsflow.io.readers.images.told_values import energies_ev, energy_scale, is_energy_name
from xafsflow.kernels.array_types import Doubles

MOST_VALUES = 1_000_000
DEEPEST = 6
# eV; what was asked for and what was reached differ by less.
SAME_EV = 0.5


def text_of(value: Any) -> str | None:
    """A text as attributes and scalar datasets hold it; None where it is none."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    return str(value).strip() if isinstance(value, str) else None


def texts_of(value: Any) -> list[str]:
    """Several texts: an array of them, or one text with `:` or `,` between."""
    if isinstance(value, bytes | str):
        text = text_of(value) or ""
        return [one.strip() for one in text.strip("[]").replace(",", ":").split(":")]
    return [text_of(one) or "" for one in np.atleast_1d(np.asarray(value, object)).ravel()]


def unit_of(item: Any) -> str | None:
    """The unit that a dataset has as an attribute."""
    for name in ("units", "unit"):
        if name in item.attrs:
            return text_of(item.attrs[name])
    return None


def numbers_of(item: Any, path: str) -> Doubles:
    """The values of a small dataset of numbers.

    Raises
    ------
    InputError
        They are no numbers, or too many.
    """
    place = f"{path}{INSIDE}{item.name}"
    beside(path, item.file.filename, Path(path).resolve().parent)
    if item.dtype.kind not in "iuf" or item.size is None or item.size > MOST_VALUES:
        raise InputError(
            f"{place} of type {item.dtype} and shape {item.shape}", "some numbers", "mend the file"
        )
    return np.asarray(item[()], np.float64)


def energies_at(item: Any, path: str, unit: str | None = None) -> tuple[Doubles, str]:
    """Energies `(image,)` in eV of a dataset, and their unit in the file; `unit` holds where the file tells none."""
    told = unit_of(item) or unit
    values = np.atleast_1d(numbers_of(item, path))
    if values.size == max(values.shape):  # a row or a column of them
        values = values.ravel()
    if values.ndim > 1:
        raise InputError(
            f"{path}{INSIDE}{item.name} of shape {item.shape}", "one energy an image", "choose other energies"
        )
    found = energies_ev(values, told, f"{path}{INSIDE}{item.name}")
    return found, told or ("keV" if len(values) and values[0] < found[0] else "eV")


def energies_in(group: Any, count: int, path: str) -> tuple[Doubles, str] | None:
    """The energies of `count` images below a group: the nearest dataset that is named so and has as many values.

    Raises
    ------
    InputError
        Several at the same depth have different values.

    Notes
    -----
    A dataset with another unit than of energy (the angle of a monochromator) is none.
    """
    nearest: list[tuple[int, Any]] = []
    for depth, name, item in _walk(group):
        if nearest and depth > nearest[0][0]:
            break
        if count > 1 and is_energy_name(name) and item.size == count == max(item.shape):  # (n,), (n, 1)
            unit = unit_of(item)
            if item.dtype.kind in "iuf" and (not unit or energy_scale(unit) is not None):
                nearest.append((depth, item))
    if not nearest:
        return None
    # What is called just `energy` before setpoints and the like.
    items = {item.id: item for _, item in sorted(nearest, key=lambda one: len(one[1].name))}
    found = [energies_at(item, path) for item in items.values()]
    if any(np.abs(one - found[0][0]).max() > SAME_EV for one, _ in found[1:]):
        names = " and ".join(item.name for item in items.values())
        raise InputError(
            f"{path} with different energies at {names}",
            "one",
            "give a file of energies with the header energy_eV",
        )
    return found[0]


def energies_of_attribute(item: Any, count: int, path: str) -> tuple[Doubles, str] | None:
    """The energies of `count` images in an attribute of their dataset that is named so; its unit may stand in the name."""
    for name, value in item.attrs.items():
        values = np.asarray(value)
        if is_energy_name(name) and count > 1 and values.dtype.kind in "iuf" and values.size == count:
            place = f"{path}{INSIDE}{item.name}, attribute {name}"
            found = energies_ev(values.astype(np.float64).ravel(), None, place)
            return found, "keV" if values.flat[0] < found[0] else "eV"
    return None


def _walk(group: Any) -> Iterator[tuple[int, str, Any]]:
    """Datasets below a group with their depth and name, the nearest first; links into other files are not followed."""
    import h5py

    level, depth = [group], 0
    seen: set[Any] = set()
    while level and depth < DEEPEST:
        below = []
        for one in level:
            for name, item in own_items(one):
                if isinstance(item, h5py.Dataset):
                    yield depth, name, item
                elif isinstance(item, h5py.Group) and item.id not in seen:
                    seen.add(item.id)
                    below.append(item)
        level, depth = below, depth + 1
