"""What is to be learnt of a library: a label or properties, and of which of its spectra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Indices, Mask
from xafsflow.vocabulary import nearest

# A class of fewer spectra is not learnt unless it is named.
LEAST = 10
# How a library says what an array is: texts and whole numbers are labels unless they are named as properties.
OTHER = {"label": "labels", "property": "properties"}


@dataclass(frozen=True, eq=False)
class Answers:
    """What is known of some spectra of a library.

    `rows` (sample,) are their places in it; `truth` (sample,) classes as indices into `names`, or (sample, property) with
    `units`, which are empty for classes; `group` (sample,) their material; `stable` (sample,) whether a small change of the
    definition leaves the label.
    """

    rows: Indices
    truth: NDArray[Any]
    names: list[str]
    units: list[str]
    group: NDArray[Any]
    stable: Mask


def _array(library: xr.Dataset, name: str, role: str) -> xr.DataArray:
    roles = {str(one): a.attrs.get("role") for one, a in library.data_vars.items()}
    known = [one for one, own in roles.items() if own == role]
    if name not in known and roles.get(name) in OTHER:
        raise InputError(
            f"the {role} {name!r}, which is a {roles[name]}",
            f"one of {', '.join(known) or 'none: the library has no ' + role}",
            f"name it in `{OTHER[role]}` of ingest.spectra, if it is a {role}",
        )
    if name not in known:
        raise InputError(
            f"the {role} {name!r}{nearest(name, known)}",
            f"one of {', '.join(known) or 'none: the library has no ' + role}",
            "mend the name, or add derive.structure before it",
        )
    return library[name]


def chosen_label(library: xr.Dataset, name: str, keep: Sequence[str | int] | None) -> Answers:
    """The classes of a label; a spectrum whose label is empty belongs to none.

    Parameters
    ----------
    library
        With the label (sample,), `group` (sample,), and the label's stability where it is known.
    name
        Of the label.
    keep
        Classes; by default all of at least `LEAST` spectra.

    Raises
    ------
    InputError
        There is no such label or class, or fewer than two are left.

    Examples
    --------
    >>> table = xr.Dataset({"cn": ("sample", [4, 6, 5, 6], {"role": "label"})}, {"group": ("sample", list("abcd"))})
    >>> found = chosen_label(table, "cn", [4, 6])
    >>> found.rows.tolist(), found.truth.tolist(), found.names
    ([0, 1, 3], [0, 1, 1], ['4', '6'])
    """
    values = _array(library, name, "label").values
    known, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    names = [_class_name(one) for one in known]
    counts = np.where(np.isin(names, ["", "nan"]), 0, counts)
    names = [one if count else "" for one, count in zip(names, counts, strict=True)]
    wanted = (
        [n for n, c in zip(names, counts, strict=True) if c >= LEAST]
        if keep is None
        else [_class_name(k) for k in keep]
    )
    wrong = [one for one in wanted if not one or one not in names]
    if wrong or len(set(wanted)) < 2:
        raise InputError(
            f"the class {wrong[0]!r} of {name}" if wrong else f"{len(set(wanted))} classes of {name}",
            f"two or more of {', '.join(filter(None, names))}, of {LEAST} spectra each unless keep names them",
            "change keep",
        )
    kept = [n for n in names if n in wanted]
    place = np.array([kept.index(n) if n in kept else -1 for n in names])[index]
    rows = np.flatnonzero(place >= 0)
    stable = np.ones(len(values), bool)
    for one in library.data_vars.values():
        if one.attrs.get("role") == "stability" and one.attrs.get("of") == name:
            stable = one.values.astype(bool)
    return Answers(rows, place[rows], kept, [], library.group.values[rows], stable[rows])


def _class_name(value: Any) -> str:
    # Whole numbers become such with a point where one of the table is missing
    whole = isinstance(value, float | np.floating) and value.is_integer()
    return str(int(value)) if whole else str(value)


def chosen_properties(library: xr.Dataset, names: Sequence[str]) -> Answers:
    """The values of properties, of the spectra that have them all.

    Raises
    ------
    InputError
        There is no property of that name, it is named twice, it is not known, or it is the same of all spectra.

    Examples
    --------
    >>> table = xr.Dataset({"d": ("sample", [2.0, np.nan, 2.5], {"role": "property", "units": "Angstrom"})},
    ...                    {"group": ("sample", list("abc"))})
    >>> found = chosen_properties(table, ["d"])
    >>> found.truth.tolist(), found.units
    ([[2.0], [2.5]], ['Angstrom'])
    """
    arrays = [_array(library, name, "property") for name in names]
    if not arrays:
        raise InputError("no property", "one or more", "name the properties")
    table = np.stack([one.values.astype(np.float64) for one in arrays], axis=1)
    rows = np.flatnonzero(np.isfinite(table).all(axis=1))
    twice = [name for name in names if list(names).count(name) > 1]
    if twice:
        raise InputError(f"the property {twice[0]!r} twice", "each once", "remove one")
    if not len(rows):
        raise InputError(
            f"no spectrum of which {', '.join(names)} are known",
            "finite values of all of them",
            "name fewer, or fill them in",
        )
    alike = [name for name, one in zip(names, table[rows].T, strict=True) if np.ptp(one) == 0]
    if alike:
        raise InputError(
            f"the property {alike[0]!r} with the same value, {arrays[names.index(alike[0])].values[rows[0]]:g}, of "
            f"all {len(rows)} spectra",
            "values that differ",
            "leave it out, or take a larger library",
        )
    units = [str(one.attrs.get("units", "1")) for one in arrays]
    stable = np.ones(len(rows), bool)
    return Answers(rows, table[rows], list(names), units, library.group.values[rows], stable)
