"""The structures of a library: clusters of atoms around the absorber, padded or one behind the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError

# By role, what such arrays are called.
NAMES: Mapping[str, tuple[str, ...]] = {
    "z": ("z", "Z", "numbers"),
    "position": ("position", "pos", "positions"),
    "natoms": ("natoms",),
    "offset": ("offset", "offsets"),
}


def cluster_variables(
    arrays: Mapping[str, Any], given: Mapping[str, str], samples: int, place: str
) -> dict[str, Any]:
    """`z` (sample, atom), `position` (sample, atom, xyz) and `natoms` (sample); nothing where a file has no structures.

    Parameters
    ----------
    arrays
        By name: padded, `z` (sample, atom) and `position` (sample, atom, 3) with `natoms` (sample); or of all clusters one
        behind the other, `z` (atoms) and `position` (atoms, 3) with `offset` (sample + 1). Without `natoms` atoms count
        whose `z` is above 0.
    given
        Name of an array by role: z, position, natoms, offset.
    samples
        How many spectra there are.
    place
        The file, for messages.

    Raises
    ------
    InputError
        An array is missing or does not fit to the spectra.
    """
    unknown = sorted(set(given) - set(NAMES))
    if unknown:
        raise InputError(f"{unknown[0]!r} in `structure`", f"{', '.join(NAMES)}", "name the arrays of these")
    found = names_of(arrays, given)
    for role, name in given.items():
        if name not in arrays:
            raise InputError(f"{place} without the array {name!r}", f"the {role} of atoms", "check the name")
    if found["z"] is None and found["position"] is None:
        return {}
    if found["z"] is None or found["position"] is None:
        there = found["z"] or found["position"]
        raise InputError(
            f"{place} with {there!r} alone of a structure",
            "atomic numbers and positions",
            "name both in `structure`, such as {z: numbers, position: xyz}",
        )
    z, position = arrays[found["z"]], arrays[found["position"]]
    natoms = None if found["natoms"] is None else np.asarray(arrays[found["natoms"]])
    if np.ndim(z) == 1 and found["offset"] is not None:
        z, position, natoms = _padded(z, position, np.asarray(arrays[found["offset"]]), samples, place)
    natoms = np.asarray((z > 0).sum(axis=1)) if natoms is None else natoms
    _check(z, position, natoms, samples, place)
    return {
        "z": (("sample", "atom"), z, {"units": "1", "long_name": "atomic number, 0 beyond the last atom"}),
        "position": (("sample", "atom", "xyz"), position, {"units": "Angstrom"}),
        "natoms": ("sample", natoms, {"units": "1", "long_name": "atoms of the cluster with its absorber"}),
    }


def names_of(arrays: Iterable[str], given: Mapping[str, str]) -> dict[str, str | None]:
    """The array of each role in a structure: the one that is given, else the first known name among `arrays`."""
    there = set(arrays)
    return {
        role: given.get(role) or next((n for n in names if n in there), None) for role, names in NAMES.items()
    }


def _padded(
    z: Any, position: Any, offset: NDArray[Any], samples: int, place: str
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    fits = offset.shape == (samples + 1,) and offset.dtype.kind in "iu" and np.shape(position) == (len(z), 3)
    if not fits or offset[0] != 0 or offset[-1] != len(z) or (np.diff(offset.astype(np.int64)) < 0).any():
        raise InputError(
            f"{place}: {len(z)} atoms, positions {np.shape(position)}, offsets {offset.shape} from {offset[0]} "
            f"to {offset[-1]}",
            f"offsets ({samples + 1},) that rise from 0 to the number of atoms, and positions (atoms, 3)",
            "name the right arrays in `structure`",
        )
    # Unsigned offsets taken from whole numbers would make floats
    starts = offset.astype(np.int64)
    natoms = np.diff(starts)
    sample = np.repeat(np.arange(samples), natoms)
    number = np.arange(len(z)) - starts[sample]
    numbers = np.zeros((samples, natoms.max()), np.asarray(z).dtype)
    places = np.zeros((samples, natoms.max(), 3), np.asarray(position).dtype)
    numbers[sample, number], places[sample, number] = z, position
    return numbers, places, natoms


def _check(z: Any, position: Any, natoms: NDArray[Any], samples: int, place: str) -> None:
    shapes = np.shape(z), np.shape(position), np.shape(natoms)
    atoms = shapes[0][-1]
    if shapes != ((samples, atoms), (samples, atoms, 3), (samples,)):
        raise InputError(
            f"{place}: z {shapes[0]}, positions {shapes[1]}, natoms {shapes[2]}",
            f"({samples}, atoms), ({samples}, atoms, 3) and ({samples},)",
            "name the right arrays in `structure`",
        )
    wrong = (natoms < 1) | (natoms > atoms)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(
            f"{place}: sample {at} of {natoms[at]} atoms", f"1 to {atoms}", "leave out samples without atoms"
        )
