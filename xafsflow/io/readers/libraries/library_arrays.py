"""Which array of a library is which: spectra, energies, labels, properties, the group, and the structures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.io.readers.libraries.cluster_arrays import cluster_variables, names_of
from xafsflow.io.readers.stack_energies import FINEST_STEP_EV, HIGHEST_KEV, to_ev
from xafsflow.kernels.array_types import Doubles
from xafsflow.vocabulary import nearest

# What such arrays are called, the likeliest name first.
SPECTRA = ("mu", "norm", "spectra", "spectrum", "y")
ENERGIES = ("energy", "energies", "energy_eV")
GROUPS = ("group", "material", "mpid")
FEWEST = 5  # energies of a spectrum


@dataclass(frozen=True)
class Wanted:
    """What a recipe says of the arrays; None and empty where the names decide. See `ingest.spectra`."""

    spectrum: str | None = None
    energy: str | Mapping[str, float] | None = None
    labels: Sequence[str] | None = None
    properties: Sequence[str] | Mapping[str, str] | None = None
    group: str | None = None
    structure: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """The spectra of one file, or of one folder.

    `energy` is `(point,)`, or `(sample, point)` with NaN behind the end where each spectrum has its own; `data` holds `mu`
    (sample, point), labels, properties, `group` and structures over `sample`.
    """

    place: str
    energy: Any
    data: xr.Dataset

    @property
    def own_axes(self) -> bool:
        """Whether each spectrum has energies of its own."""
        return bool(np.ndim(self.energy) == 2)


def part_of(
    arrays: Mapping[str, Any],
    wanted: Wanted,
    place: str,
    attributes: Mapping[str, Mapping[str, Any]] | None = None,
) -> Part:
    """Sort the arrays of a file into what they are.

    Parameters
    ----------
    arrays
        By name, of NumPy or Dask.
    wanted
        The names that the user gave.
    place
        The file, for messages.
    attributes
        By name of an array: `role` and `units`, where the file has them.

    Raises
    ------
    InputError
        An array that is named is missing, has another shape, or there is no array that could be the spectra or energies.

    Examples
    --------
    >>> arrays = {"y": np.ones((3, 6)), "energy": np.arange(6.0), "site": np.array(["a", "b", "a"])}
    >>> part = part_of(arrays, Wanted(), "library.npz")
    >>> dict(part.data.sizes), part.data.site.attrs["role"]
    ({'sample': 3, 'point': 6}, 'label')
    """
    told = attributes or {}
    spectrum = _spectra(arrays, wanted.spectrum, place)
    mu = arrays[spectrum]
    energy_name, energy = _energies(arrays, wanted.energy, mu.shape, place)
    data: dict[str, Any] = {"mu": (("sample", "point"), mu)}
    data |= cluster_variables(arrays, wanted.structure, len(mu), place)
    group = wanted.group or _first(GROUPS, arrays)
    # A library that this program wrote says so where each spectrum is a group of its own
    if group is not None and told.get(group, {}).get("source", group):
        data["group"] = (
            "sample",
            _groups(_column(arrays, group, len(mu), place), group, place),
            {"source": group},
        )
    taken = {spectrum, energy_name, group, "sample", *cluster_names(arrays, wanted.structure)}
    for name, role in _roles(arrays, wanted, taken, len(mu), told).items():
        values = np.asarray(_column(arrays, name, len(mu), place))
        own = {**told.get(name, {}), "role": role, "units": _unit(name, wanted, told)}
        if role == "property" and values.dtype.kind not in "fiub":
            raise InputError(
                f"the property {name!r} of {place} with texts such as {str(values[0])!r}",
                "numbers",
                "name it among the labels",
            )
        text = values.dtype.kind not in "fiub"
        data[_free(name, data, place)] = ("sample", _texts(values) if text else values, own)
    return Part(place, energy, xr.Dataset(data))


def _groups(column: Any, name: str, place: str) -> NDArray[np.str_]:
    """The materials as texts; whole numbers without a point, as they were before another one was lost."""
    values = np.asarray(column)
    if values.dtype.kind == "f" and (values == np.floor(values)).all():
        values = values.astype(np.int64)
    texts = _texts(values)
    gaps = np.flatnonzero(np.isin(np.char.strip(texts), ["", "nan"]))
    if len(gaps):
        raise InputError(
            f"{name!r} of {place} without a value for {len(gaps)} of {len(texts)} spectra, the first at sample {gaps[0]}",
            "the material of each, so that spectra of one are never on both sides of a split",
            f"fill in {name!r}, or leave out these spectra",
        )
    return texts


def cluster_names(arrays: Iterable[str], structure: Mapping[str, str]) -> set[str]:
    """Names of the arrays that structures are made of."""
    return {name for name in names_of(arrays, structure).values() if name is not None}


def listing(arrays: Mapping[str, Any]) -> str:
    """Names and shapes for a message; of many columns, some."""
    shown = [f"{name} {tuple(np.shape(array))}" for name, array in arrays.items()]
    return ", ".join(shown[:20]) + (", ..." if len(shown) > 20 else "") or "no array"


def _texts(values: Any) -> NDArray[np.str_]:
    # By way of a list: NumPy has no cast from texts of any length, which Zarr has, to such of one length
    return np.array(np.asarray(values).tolist(), np.str_)


def _first(names: Iterable[str], arrays: Iterable[str]) -> str | None:
    present = set(arrays)
    return next((name for name in names if name in present), None)


def _spectra(arrays: Mapping[str, Any], name: str | None, place: str) -> str:
    flat = [one for one in SPECTRA if one in arrays and np.ndim(arrays[one]) == 2]
    found = name or (flat[0] if flat else None)
    if found is None or found not in arrays:
        raise InputError(
            f"{place} with {listing(arrays)}",
            f"spectra (sample, energy) named {name or ' or '.join(SPECTRA)}",
            f"name the array in `spectrum`{nearest(name or 'mu', arrays)}",
        )
    shape = np.shape(arrays[found])
    if len(shape) != 2 or shape[0] < 1 or shape[1] < FEWEST or arrays[found].dtype.kind not in "fiu":
        raise InputError(
            f"{found!r} of {place}: {arrays[found].dtype} of shape {shape}",
            f"numbers of shape (samples, energies), {FEWEST} energies or more",
            "name another array in `spectrum`",
        )
    return found


def _energies(
    arrays: Mapping[str, Any], given: str | Mapping[str, float] | None, shape: tuple[int, ...], place: str
) -> tuple[str | None, Any]:
    name = given if isinstance(given, str) else _first(ENERGIES, arrays)
    if name is None or name not in arrays:
        if isinstance(given, Mapping) and set(given) == {"first", "step"} and given["step"] > 0:
            return None, _in_ev(given["first"] + given["step"] * np.arange(shape[1], dtype=np.float64), place)
        raise InputError(
            f"{place} without energies of its {shape[1]} points"
            + (f": energy {given!r}" if given is not None else ""),
            "an array of energies, or the first energy and a step above 0",
            "name the array in `energy`, or write `energy: {first: ..., step: ...}` in eV",
        )
    energy: Any = arrays[name]
    if np.ndim(energy) == 1:
        energy = np.asarray(energy, np.float64)
    if energy.shape not in (shape, shape[1:]):
        raise InputError(
            f"{name!r} of {place}: energies of shape {energy.shape}",
            f"{shape[1:]}, or {shape} where each spectrum has its own",
            "name another array in `energy`",
        )
    if energy.ndim == 1:
        check_rising(energy, place)
    return name, _in_ev(energy, place)


def _in_ev(energy: Any, place: str) -> Any:
    """Energies (point,) or (sample, point), which are keV where they are as small and fine as no scan in eV is."""
    some = np.asarray(energy if energy.ndim == 1 else energy[0], np.float64)
    some = some[np.isfinite(some)]
    if len(some) < 2 or some.max() >= HIGHEST_KEV or np.median(np.abs(np.diff(some))) > FINEST_STEP_EV:
        return energy
    to_ev(some, place, "keV")  # says so, and refuses what lies at no edge
    return np.round(energy * 1000.0, 6)


def check_rising(energy: Doubles, place: str) -> None:
    """Refuse energies of `(points,)` that do not rise.

    Raises
    ------
    InputError
        Names the first that does not.
    """
    wrong = ~np.isfinite(energy)
    wrong[1:] |= ~(np.diff(energy) > 0)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(
            f"{place}: energy {at} is {energy[at]:g} eV after {energy[max(at - 1, 0)]:g} eV",
            "energies that rise",
            "sort the points by energy, and leave none out",
        )


def _column(arrays: Mapping[str, Any], name: str, samples: int, place: str) -> Any:
    if name not in arrays:
        raise InputError(
            f"{place} with {listing(arrays)}",
            f"an array {name!r} with one value a spectrum",
            f"check the name{nearest(name, arrays)}",
        )
    if np.shape(arrays[name]) != (samples,):
        raise InputError(
            f"{name!r} of {place} with shape {np.shape(arrays[name])}",
            f"({samples},), one value for each of the spectra",
            "name another array",
        )
    return arrays[name]


def _roles(
    arrays: Mapping[str, Any],
    wanted: Wanted,
    taken: set[str | None],
    samples: int,
    attributes: Mapping[str, Mapping[str, Any]],
) -> dict[str, str]:
    """Label or property by name: as the user says, as the file says, else texts and whole numbers are labels."""
    named = dict.fromkeys(wanted.labels or (), "label") | dict.fromkeys(wanted.properties or (), "property")
    for name, array in arrays.items():
        if name in named or name in taken or np.shape(array) != (samples,):
            continue
        role = attributes.get(name, {}).get("role") or ("property" if array.dtype.kind == "f" else "label")
        if (wanted.labels if role == "label" else wanted.properties) is None:
            named[name] = role
    return named


def _unit(name: str, wanted: Wanted, attributes: Mapping[str, Mapping[str, Any]]) -> str:
    given = wanted.properties if isinstance(wanted.properties, Mapping) else {}
    return str(given.get(name) or attributes.get(name, {}).get("units", ""))


def _free(name: str, data: Mapping[str, Any], place: str) -> str:
    if name in data or name == "energy":
        raise InputError(
            f"{place} with a label or property {name!r}",
            "a name that spectra and structures do not have",
            "rename it, or choose others in `labels` and `properties`",
        )
    return name


def read_arrays(path: Path) -> dict[str, Any]:
    """The arrays of a NumPy file (.npz), without pickled objects.

    Raises
    ------
    InputError
        It cannot be read, or holds pickled objects.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path}: {error}",
            "a .npz file of plain arrays",
            "save it with numpy.savez and without objects: ragged lists as one array and `offset`",
        ) from error
