"""Zarr arrays and groups of version 2 and 3: OME-Zarr, what xarray writes, or any array by its path."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.folders import ZARR
from xafsflow.io.readers.image_scan import INSIDE, ImageScan, Inside
from xafsflow.io.readers.images.array_source import Axes, array_source
from xafsflow.io.readers.images.scan_parts import ScanPart, scan_of
from xafsflow.io.readers.images.told_values import (
    energies_ev,
    energy_in,
    is_energy_name,
    micrometers,
    pixel_size,
)
from xafsflow.kernels.array_types import Doubles

FORMAT = "Zarr (OME-Zarr, xarray, or any array by its path)"
OME = "OME-Zarr"
DEEPEST = 5


def detect(start: bytes) -> bool:
    """Whether a folder holds the file that marks Zarr; see `xafsflow.io.readers`."""
    return start in [name.encode() for name in ZARR]


def open_scan(paths: Sequence[Path], inside: str | None = None) -> ImageScan:
    """The images of Zarr folders; of OME-Zarr the full size.

    Parameters
    ----------
    inside
        The path of an array, or of a group with `multiscales`; None: the folder itself, or the only array with three axes.

    Raises
    ------
    InputError
        A folder is damaged, holds no images or several (lists them), or differs from the first.
    """
    return scan_of([_part(path, inside) for path in paths])


def list_inside(path: Path) -> list[Inside]:
    """The arrays with two axes or more."""
    with _opened(path) as node:
        return _arrays(node)


@dataclass
class _Meaning:
    """What is known of an array's axes: a name each, and of those that tell it unit, scale and first value."""

    names: list[str]
    units: list[str]
    scales: list[float | None]
    starts: list[float]
    labels: list[str]
    layout: str | None = None


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    """A folder opened for reading; damage of any kind is one error."""
    import zarr

    try:
        yield zarr.open(str(path), mode="r")
    except InputError:
        raise
    except Exception as error:  # of many kinds, where metadata or chunks are damaged
        why = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path}: damaged or no Zarr ({type(error).__name__}: {why})",
            "a whole Zarr folder",
            "copy it again",
        ) from None


@contextmanager
def zarr_array(path: str, inside: str) -> Iterator[Any]:
    """An array opened for reading."""
    with _opened(path) as node:
        yield _at(node, inside, path)


def _at(node: Any, inside: str, path: str | Path) -> Any:
    name = inside.strip("/")
    if not name:
        return node
    if ".." in name.split("/") or not hasattr(node, "members") or name not in node:
        listed = ", ".join(f"::{one.path}" for one in _arrays(node)) or "no array"
        raise InputError(f"no {inside} in {path}", "the path of an array", f"choose one of {listed}")
    return node[name]


def _arrays(node: Any) -> list[Inside]:
    if not hasattr(node, "members"):
        return [Inside("/", tuple(node.shape), np.dtype(node.dtype).name)]
    found = [
        Inside(f"/{name}", tuple(item.shape), np.dtype(item.dtype).name)
        for name, item in node.members(max_depth=DEEPEST)
        if hasattr(item, "chunks") and len(item.shape) >= 2
    ]
    return sorted(found, key=lambda one: one.path)


def _part(path: Path, inside: str | None) -> ScanPart:
    place = str(path.absolute())
    with _opened(place) as root:
        group, name, meaning = _chosen(root, inside, place)
        array = _at(group, name, place)
        whole = (
            f"/{'/'.join(part for part in (group.path if group is not array else '', name) if part)}".rstrip(
                "/"
            )
        )
        where = (whole.strip("/") and whole) or "/"
        axes = _axes(array, meaning, f"{place}{INSIDE}{where}")
        images = array_source(place, where, array, axes, zarr_array)
        _check_chunks(array, images.place)
        told = _energies(group, meaning, images.axes.image, images.shape[0], images.place)
        sides = [_side(meaning, axis) for axis in (images.axes.y, images.axes.x)]
        return ScanPart(
            images=images,
            energies=None if told is None else told[0],
            quantity=None,
            pixel_size_um=pixel_size(sides),
            layout=None if meaning is None else meaning.layout,
            inside=where,
            energy_unit=None if told is None else told[1],
        )


def _chosen(root: Any, inside: str | None, path: str) -> tuple[Any, str, _Meaning | None]:
    """The group of an array, its name there, and what is told of it."""
    node = root if inside is None else _at(root, inside, path)
    if hasattr(node, "members"):
        told = dict(node.attrs).get("ome", node.attrs)
        if "multiscales" in told:
            scales = told["multiscales"][0]
            return node, str(scales["datasets"][0]["path"]), _ome(told, scales)
        arrays = [one for one in _arrays(node) if len(one.shape) >= 3]
        if len(arrays) != 1:
            listed = (
                ", ".join(f"{INSIDE}{one.path} {one.shape}" for one in arrays) or "no array with three axes"
            )
            raise InputError(f"{path} with {listed}", "one array of images", "name one by its path behind ::")
        inside, node = f"{inside or ''}{arrays[0].path}", node[arrays[0].path.strip("/")]
    names = getattr(node.metadata, "dimension_names", None) or node.attrs.get("_ARRAY_DIMENSIONS")
    above = (inside or "").strip("/").rpartition("/")
    group = root if not above[0] else root[above[0]]
    blank = [""] * len(node.shape)
    meaning = None
    if names and len(names) == len(node.shape):
        known = [str(name or "") for name in names]
        meaning = _Meaning(known, blank, [None for _ in blank], [0.0 for _ in blank], [])
    return group, above[2], meaning


def _ome(told: Mapping[str, Any], scales: Mapping[str, Any]) -> _Meaning:
    """Axes, scales of the first dataset, and the labels of the channels."""
    axes = [one if isinstance(one, Mapping) else {"name": one} for one in scales.get("axes", "tczyx")]
    names = ["energy" if one.get("type") == "energy" else str(one.get("name", "")) for one in axes]
    factors: list[float | None] = [None] * len(axes)
    starts = [0.0] * len(axes)
    for change in scales["datasets"][0].get("coordinateTransformations", ()):
        if change.get("type") == "scale":
            factors = [float(one) for one in change["scale"]]
        elif change.get("type") == "translation":
            starts = [float(one) for one in change["translation"]]
    channels = told.get("omero", {}).get("channels", ())
    labels = [str(one.get("label", "")) for one in channels]
    return _Meaning(names, [str(one.get("unit", "")) for one in axes], factors, starts, labels, OME)


def _axes(array: Any, meaning: _Meaning | None, place: str) -> Axes | None:
    """Which axis is what, by the names; None where none are told: images, rows, columns."""
    if meaning is None or "y" not in meaning.names or "x" not in meaning.names:
        return None
    if len(meaning.names) != len(array.shape):
        raise InputError(
            f"{place} with {len(array.shape)} axes, of which {len(meaning.names)} are named",
            "a name each",
            "mend it",
        )
    y, x = meaning.names.index("y"), meaning.names.index("x")
    others = [axis for axis in range(len(array.shape)) if axis not in (y, x)]
    many = [axis for axis in others if array.shape[axis] > 1]
    named = [axis for axis in others if is_energy_name(meaning.names[axis])]
    image = next(iter(named or many or others), None)
    further = [axis for axis in many if axis != image]
    if further:
        raise InputError(
            f"{place} of shape {tuple(array.shape)} over {', '.join(meaning.names)}",
            "images over one axis beside y and x",
            "write the channel that is wanted as an array of three axes",
        )
    return Axes(image, y, x, tuple((axis, 0) for axis in others if axis != image))


def _energies(
    group: Any, meaning: _Meaning | None, image: int | None, count: int, place: str
) -> tuple[Doubles, str] | None:
    """Energies of a coordinate beside the array, of the labels of channels, or of an even axis."""
    if image is None or count < 2:
        return None
    name = "energy" if meaning is None else meaning.names[image]
    if hasattr(group, "members"):
        for one in dict.fromkeys((name, "energy")):
            if is_energy_name(one) and one in group and tuple(group[one].shape) == (count,):
                unit = group[one].attrs.get("units", group[one].attrs.get("unit"))
                found = energies_ev(group[one][:], None if unit is None else str(unit), f"{place}, {one}")
                return found, str(unit or "eV")
    if meaning is None:
        return None
    if len(meaning.labels) == count:
        return energy_in(meaning.labels, place)
    step = meaning.scales[image]
    if name == "energy" and step is not None and meaning.starts[image] > 0 and meaning.units[image]:
        values = meaning.starts[image] + step * np.arange(count)
        return energies_ev(values, meaning.units[image], place), meaning.units[image]
    return None


def _side(meaning: _Meaning | None, axis: int) -> float | None:
    scale = None if meaning is None else meaning.scales[axis]
    return None if meaning is None or scale is None else micrometers(scale, meaning.units[axis])


def _check_chunks(array: Any, place: str) -> None:
    """Chunks that are not there are read as one value: all missing is refused, some are told."""
    found, wanted = array.nchunks_initialized, array.nchunks
    if found == 0:
        raise InputError(f"{place}, of which nothing was written", "an array with values", "copy it again")
    if found < wanted:
        text = f"{place}: {wanted - found} of {wanted} chunks are missing and read as {array.fill_value}"
        warnings.warn(text, XafsflowWarning, stacklevel=2)
