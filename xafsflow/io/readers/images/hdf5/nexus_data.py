"""NeXus: NXstxm, BLISS and others; the signal of an NXdata, its axes, and the energies among them or in the entry.

References: the NeXus manual, https://manual.nexusformat.org (NXdata, NXstxm).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xafsflow.errors import InputError
from xafsflow.io.readers.image_scan import INSIDE, Inside
from xafsflow.io.readers.images.array_source import Axes
from xafsflow.io.readers.images.hdf5 import any_dataset
from xafsflow.io.readers.images.hdf5.hdf5_file import hdf5_file, own_items
from xafsflow.io.readers.images.hdf5.layouts import dataset_of
from xafsflow.io.readers.images.hdf5.told_by_names import energies_at, numbers_of, text_of, texts_of, unit_of
from xafsflow.io.readers.images.scan_parts import ScanPart
from xafsflow.io.readers.images.told_values import (
    energy_scale,
    is_energy_name,
    micrometers,
    pixel_size,
    spacing,
)

NAME, STXM = "NeXus", "NXstxm"
DEEPEST = 8


def matches(file: Any) -> bool:
    """Whether a file has an NXentry."""
    return any(_class(item) == "NXentry" for _, item in own_items(file))


def choices(file: Any) -> list[Inside]:
    """The signals of NXdata with three axes; without any, all datasets with three axes."""
    found = [dataset_of(file, name) for name in _signals(file)]
    return [one for one in found if len(one.shape) == 3] or any_dataset.choices(file)


def usual(paths: Sequence[Path], choices: Sequence[Inside]) -> str | None:
    """The one that the attributes `default` lead to."""
    with hdf5_file(paths[0]) as file:
        group, depth = file, 0
        while "default" in group.attrs and depth < DEEPEST:
            name = text_of(group.attrs["default"])
            if name is None or name not in group:
                return None
            group, depth = group[name], depth + 1
        names = {_signal(group), f"{group.name}"}
    found = [one.path for one in choices if one.path in names]
    return found[0] if len(found) == 1 else None


def part(file: Any, path: str, inside: str) -> ScanPart:
    """The images of a signal; its axes tell which axis is energy, the entry tells the energies where they do not."""
    group, item = file[inside].parent, file[inside]
    names = _axes(group, item)
    axes = _which(names, group, item, f"{path}{INSIDE}{inside}")
    plain = any_dataset.part(file, path, inside, axes)
    energies, unit = plain.energies, plain.energy_unit
    energy_axis = None if axes is None or axes.image is None else names[axes.image]
    if energy_axis is not None and energy_axis in group and is_energy(group[energy_axis]):
        energies, unit = energies_at(group[energy_axis], path)
    definition = _definition(file, inside)
    sides = [] if axes is None else [_side(file, group, names[axis], path) for axis in (axes.y, axes.x)]
    return ScanPart(
        images=plain.images,
        energies=energies,
        quantity="counts" if definition == STXM and item.dtype.kind in "iu" else None,
        pixel_size_um=pixel_size(sides),
        layout=definition or NAME,
        inside=inside,
        energy_unit=unit,
    )


def is_energy(item: Any) -> bool:
    """Whether a dataset holds energies: by its unit, or by its name where it has none."""
    unit = unit_of(item)
    return energy_scale(unit) is not None if unit else is_energy_name(item.name.rsplit("/", 1)[-1])


def _class(item: Any) -> str | None:
    return text_of(item.attrs.get("NX_class", ""))


def _signals(file: Any) -> list[str]:
    """The signal of every NXdata; groups are looked through to a depth, and no link into another file is followed."""
    import h5py

    found: list[str] = []

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Group) and name.count("/") < DEEPEST and _class(item) == "NXdata":
            signal = _signal(item)
            if signal is not None and signal in file and isinstance(file[signal], h5py.Dataset):
                found.append(signal)

    file.visititems(note)
    return found


def _signal(group: Any) -> str | None:
    """The path of what an NXdata shows: by the attribute of the group, else of the dataset, else `data`."""
    name = text_of(group.attrs.get("signal", ""))
    if not name and hasattr(group, "keys"):
        marked = [one for one, item in own_items(group) if "signal" in item.attrs]
        name = marked[0] if len(marked) == 1 else "data"
    return f"{group.name.rstrip('/')}/{name}" if name in group else None


def _axes(group: Any, item: Any) -> list[str]:
    """The names of the axes of a signal; a point where an axis has none."""
    told = group.attrs.get("axes", item.attrs.get("axes"))
    names = [] if told is None else texts_of(told)
    return names if len(names) == item.ndim else []


def _which(names: Sequence[str], group: Any, item: Any, place: str) -> Axes | None:
    """Which axis is energy; None where the axes do not say, so that images come first."""
    if item.ndim != 3 or not names:
        return None
    found = [
        axis
        for axis, name in enumerate(names)
        if (is_energy(group[name]) if name in group else is_energy_name(name))
    ]
    if len(found) > 1:
        raise InputError(f"{place} with the axes {', '.join(names)}", "one axis of energy", "mend the file")
    if not found:
        return None
    y, x = (axis for axis in range(3) if axis != found[0])
    return Axes(found[0], y, x)


def _definition(file: Any, inside: str) -> str | None:
    entry = file[inside.strip("/").split("/")[0]]
    return text_of(entry["definition"][()]) if "definition" in entry else None


def _side(file: Any, group: Any, name: str, path: str) -> float | None:
    """The step of an axis, micrometers; its unit may stand in the instrument."""
    if name not in group or group[name].ndim != 1:
        return None
    step, unit = spacing(numbers_of(group[name], path)), unit_of(group[name])
    if unit is None:
        entry = file[group.name.strip("/").split("/")[0]]
        for place in (f"instrument/{name}/data", f"instrument/{name}", f"sample/{name}"):
            if place in entry and hasattr(entry[place], "shape") and unit_of(entry[place]):
                unit = unit_of(entry[place])
                break
    return None if step is None else micrometers(step, unit)
