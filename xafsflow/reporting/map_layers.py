"""A run's maps as a list of single images, and where they lie."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from xafsflow.errors import InputError, XafsflowWarning, sentences
from xafsflow.kernels.array_types import Singles
from xafsflow.vocabulary import AXES, VARIABLES


@dataclass(frozen=True, eq=False)
class Layer:
    """One image of a run: a map, or one reference's or metric's plane of it.

    Parameters
    ----------
    variable
        Name in the vocabulary, `fraction` for instance.
    label
        The reference or metric, or an empty text.
    data
        Dims y, x; as lazy as it came.
    unit, meaning
        From the variable's attributes, else from the vocabulary.
    """

    variable: str
    label: str
    data: xr.DataArray
    unit: str
    meaning: str

    @property
    def name(self) -> str:
        """Name of the image: variable and label."""
        return f"{self.variable}_{self.label}" if self.label else self.variable

    def values(self) -> Singles:
        """Load the image; shape (y, x)."""
        return np.asarray(self.data.values, dtype=np.float32)


def layers(maps: xr.Dataset) -> list[Layer]:
    """All images of a dataset, in the order of the vocabulary, then what the vocabulary does not know.

    Parameters
    ----------
    maps
        Variables over y, x, or over one more dim that is no spectral axis; the others are passed over.

    Raises
    ------
    InputError
        If no variable is a map, or the maps are empty.

    Examples
    --------
    >>> fraction = (("reference", "y", "x"), np.zeros((2, 3, 4)))
    >>> [layer.name for layer in layers(xr.Dataset({"fraction": fraction}, {"reference": ["Fe", "FeO"]}))]
    ['fraction_Fe', 'fraction_FeO']
    """
    known = [name for name in VARIABLES if name in maps]
    rest = [str(name) for name in maps.data_vars if str(name) not in VARIABLES]
    found = [layer for name in [*known, *rest] for layer in _layers_of(name, maps[name])]
    if not found or 0 in found[0].data.shape:
        raise InputError(
            f"a dataset with {', '.join(map(str, maps.data_vars)) or 'no variables'}",
            "at least one map over y, x that is not empty",
            "give the maps of a finished run (maps.zarr)",
        )
    return found


def _layers_of(name: str, array: xr.DataArray) -> list[Layer]:
    word = VARIABLES.get(name)
    unit = str(array.attrs.get("units", word.unit if word else ""))
    meaning = str(array.attrs.get("long_name", word.meaning if word else name.replace("_", " ")))
    others = [str(dim) for dim in array.dims if dim not in ("y", "x")]
    if (
        not {"y", "x"} <= set(array.dims)
        or len(others) > 1
        or (others and others[0] in AXES)
        or array.dtype.kind not in "biuf"
    ):
        return []
    if not others:
        return [Layer(name, "", array.transpose("y", "x"), unit, meaning)]
    labels = names_along(array, others[0])
    planes = array.transpose(others[0], "y", "x")
    return [Layer(name, label, planes[i], unit, meaning) for i, label in enumerate(labels)]


def stacked(array: xr.DataArray) -> Singles:
    """Load the images of one variable, each chunk once; shape (plane, y, x), one plane where it has no more dims."""
    planes = array.transpose(..., "y", "x").values
    return np.asarray(planes.reshape(-1, *planes.shape[-2:]), dtype=np.float32)


def names_along(array: xr.DataArray | xr.Dataset, dim: str) -> list[str]:
    """The names along a dim: its coordinate, or the dim's name with a number.

    Examples
    --------
    >>> names_along(xr.DataArray(np.zeros(2), dims="reference"), "reference")
    ['reference 1', 'reference 2']
    """
    if dim in array.coords:
        return [str(value) for value in array[dim].values]
    return [f"{dim} {i + 1}" for i in range(array.sizes[dim])]


def file_names(names: Iterable[str]) -> list[str]:
    """Names made safe as file names, each one different on systems that do not tell large from small letters.

    Letters of any script, digits and `. + -` stay, everything else becomes `_`.

    Examples
    --------
    >>> file_names(["fraction_Fe2O3", "fraction_a/b <c>", "fraction_A/B <C>", "../x"])
    ['fraction_Fe2O3', 'fraction_a_b_c_', 'fraction_A_B_C__2', '_x']
    """
    taken: set[str] = set()
    safe: list[str] = []
    for name in names:
        stem = re.sub(r"[^\w.+-]+", "_", name).lstrip(".")[:60] or "map"
        unique, number = stem, 2
        while unique.casefold() in taken:
            unique, number = f"{stem}_{number}", number + 1
        taken.add(unique.casefold())
        safe.append(unique)
    return safe


def pixel_size(maps: xr.Dataset) -> float | None:
    """Size of a pixel of the maps, micrometers, or None where `attrs["pixel_size_um"]` does not say it.

    Warns
    -----
    XafsflowWarning
        If the attribute is there and is no positive number.

    Examples
    --------
    >>> pixel_size(xr.Dataset(attrs={"pixel_size_um": 0.325}))
    0.325
    """
    given = maps.attrs.get("pixel_size_um")
    if given is None:
        return None
    try:
        size = float(given)
    except (TypeError, ValueError):
        size = math.nan
    if math.isfinite(size) and size > 0:
        return size
    text = sentences(
        f"pixel_size_um {given!r}", "a positive number of micrometers", "lengths are shown in pixels"
    )
    warnings.warn(text, XafsflowWarning, stacklevel=2)
    return None
