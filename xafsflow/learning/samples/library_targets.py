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
    known = [str(one) for one, a in library.data_vars.items() if a.attrs.get("role") == role]
    if name not in known:
        raise InputError(
            f"the {role} {name!r}{nearest(name, known)}",
            f"one of {', '.join(known) or 'none: the library has no ' + role}",
            "mend the name, or add derive.structure before it",
        )
    return library[name]


def chosen_label(library: xr.Dataset, name: str, keep: Sequence[str | int] | None) -> Answers:
    """The classes of a label.

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
    names = [str(one) for one in known]
    wanted = (
        [n for n, c in zip(names, counts, strict=True) if c >= LEAST]
        if keep is None
        else [str(k) for k in keep]
    )
    wrong = [one for one in wanted if one not in names]
    if wrong or len(set(wanted)) < 2:
        raise InputError(
            f"the class {wrong[0]!r} of {name}" if wrong else f"{len(set(wanted))} classes of {name}",
            f"two or more of {', '.join(names)}",
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


def chosen_properties(library: xr.Dataset, names: Sequence[str]) -> Answers:
    """The values of properties, of the spectra that have them all.

    Raises
    ------
    InputError
        There is no property of that name.

    Examples
    --------
    >>> table = xr.Dataset({"d": ("sample", [2.0, np.nan], {"role": "property", "units": "Angstrom"})},
    ...                    {"group": ("sample", list("ab"))})
    >>> found = chosen_properties(table, ["d"])
    >>> found.truth.tolist(), found.units
    ([[2.0]], ['Angstrom'])
    """
    arrays = [_array(library, name, "property") for name in names]
    if not arrays:
        raise InputError("no property", "one or more", "name the properties")
    table = np.stack([one.values.astype(np.float64) for one in arrays], axis=1)
    rows = np.flatnonzero(np.isfinite(table).all(axis=1))
    units = [str(one.attrs.get("units", "1")) for one in arrays]
    stable = np.ones(len(rows), bool)
    return Answers(rows, table[rows], list(names), units, library.group.values[rows], stable)
