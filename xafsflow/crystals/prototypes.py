"""The table of structure types: cells, atoms, and how far they may move without changing the symmetry."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from math import cos, radians, sqrt
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.files import sha256_of
from xafsflow.kernels.array_types import Doubles, Indices, Mask

KNOWN_COUNT = 100


@dataclass(frozen=True, eq=False)
class Prototype:
    """A structure type.

    Atoms are those that centering does not repeat. A displacement `u` (fractional) of an orbit's first atom keeps the
    symmetry as `free[orbit] @ u`, and moves atom n by `carry[n] @ free[orbit[n]] @ u`.

    Attributes
    ----------
    name, aflow, pearson, system, ratio
        Plain name, AFLOW label (empty where that set lacks it), Pearson symbol, crystal system, anonymous formula.
    number
        Of the space group.
    cell
        a, b, c, Angstrom, alpha, beta, gamma, degrees, of the conventional cell of the reference compound.
    elements, counts, charges
        Of each role: the reference's element, atoms in `places`, charge (none where no charges balance).
    places, role, orbit, carry, free
        Of each atom: (atom, 3) fractional coordinates, its role, its orbit, (atom, 3, 3); of each orbit (orbit, 3, 3).
    rotations, centering
        (operation, 3, 3) of the space group; (vector, 3).
    """

    name: str
    aflow: str
    pearson: str
    number: int
    system: str
    cell: tuple[float, ...]
    ratio: str
    elements: tuple[str, ...]
    counts: tuple[int, ...]
    charges: tuple[float, ...]
    places: Doubles
    role: Indices
    orbit: Indices
    carry: Doubles
    free: Doubles
    rotations: Indices
    centering: Doubles

    @cached_property
    def moves(self) -> Mask:
        """Whether an atom may move within its site's symmetry."""
        return abs(self.free).max((1, 2))[self.orbit] > 0

    @cached_property
    def moving(self) -> Indices:
        """Numbers of those atoms."""
        return np.flatnonzero(self.moves)

    @cached_property
    def reach(self) -> Doubles:
        """(atom, 3, 3): how each atom follows a displacement of its orbit's first."""
        return self.carry @ self.free[self.orbit]

    @cached_property
    def vectors(self) -> Doubles:
        """Rows are the vectors of the reference's cell, Angstrom."""
        return cell_vectors(self.cell)

    @cached_property
    def inverse_vectors(self) -> Doubles:
        """Fractional coordinates are Cartesian ones times these."""
        return np.asarray(np.linalg.inv(self.vectors), np.float64)

    @cached_property
    def laue(self) -> Indices:
        """Rotations without their inverses, (operation, 3, 3): `hkl @ rotation` is as strong as `hkl`."""
        both = np.unique(np.concatenate((self.rotations, -self.rotations)), axis=0)
        # A rotation and its inversion give the same line; that with the positive leading entry stands for both.
        flat = both.reshape(-1, 9)
        leading = flat[np.arange(len(flat)), (flat != 0).argmax(1)]
        return np.ascontiguousarray(both[leading > 0])


@cache
def _rows() -> dict[str, dict[str, Any]]:
    rows = json.loads(files("xafsflow.crystals").joinpath("prototypes.json").read_text("utf-8"))
    return {row["name"]: row for row in rows}


@cache
def tables_digest() -> str:
    """SHA-256 of the tables of types and of species."""
    folder = files("xafsflow.crystals")
    return sha256_of(
        "".join(folder.joinpath(f"{name}.json").read_text("utf-8") for name in ("prototypes", "species"))
    )


def all_types() -> tuple[str, ...]:
    """Names of all types, those that are known by default first.

    Examples
    --------
    >>> all_types()[:3]
    ('rocksalt', 'fcc', 'bcc')
    """
    return tuple(_rows())


def known_types(count: int = KNOWN_COUNT) -> tuple[str, ...]:
    """The first so many types, the everyday ones first."""
    return all_types()[:count]


def chosen_types(types: Sequence[str] | int) -> tuple[str, ...]:
    """Names of types that a setting means: a number for the first so many, or names.

    Raises
    ------
    InputError
        A name that is no type's, with those that are like it; a name twice.

    Examples
    --------
    >>> chosen_types(2)
    ('rocksalt', 'fcc')
    """
    if isinstance(types, int):
        return known_types(types)
    names = tuple(types)
    for name in names:
        if name not in _rows():
            near = difflib.get_close_matches(name, _rows(), 3, 0.4)
            raise InputError(
                f"structure type {name!r}",
                f"one of {len(_rows())} names" + (f", such as {', '.join(near)}" if near else ""),
                "take the name from xafsflow.crystals.all_types()",
            )
    if len(set(names)) < len(names):
        raise InputError("a structure type named twice", "each once", "name it once")
    return names


@cache
def prototype(name: str) -> Prototype:
    """A structure type by its name.

    Raises
    ------
    InputError
        No such type.

    Examples
    --------
    >>> rocksalt = prototype("rocksalt")
    >>> rocksalt.pearson, rocksalt.number, rocksalt.elements
    ('cF8', 225, ('Cl', 'Na'))
    """
    row = _rows()[chosen_types([name])[0]]
    rotations = np.array(row["rotations"], np.int64).reshape(-1, 3, 3)
    atoms = [(number, atom) for number, orbit in enumerate(row["orbits"]) for atom in orbit["atoms"]]
    orbit = np.array([number for number, _ in atoms])
    free = [np.reshape(one["free"], (3, 3)) if one["free"] else np.zeros((3, 3)) for one in row["orbits"]]
    return Prototype(
        name=row["name"],
        aflow=row["aflow"],
        pearson=row["pearson"],
        number=row["number"],
        system=row["system"],
        cell=tuple(row["cell"]),
        ratio=row["ratio"],
        elements=tuple(row["elements"]),
        counts=tuple(row["counts"]),
        charges=tuple(row["charges"]),
        places=np.array([atom[:3] for _, atom in atoms], float),
        role=np.array([one["element"] for one in row["orbits"]])[orbit],
        orbit=orbit,
        carry=rotations[[atom[3] for _, atom in atoms]].astype(float),
        free=np.array(free),
        rotations=rotations,
        centering=np.array(row["centering"], float),
    )


def cell_vectors(cell: Sequence[float]) -> Doubles:
    """Rows are the vectors a, b, c of a cell, Angstrom.

    Examples
    --------
    >>> cell_vectors((2.0, 3.0, 4.0, 90.0, 90.0, 90.0)).round(6).diagonal()
    array([2., 3., 4.])
    """
    a, b, c, *angles = cell
    alpha, beta, gamma = (cos(radians(angle)) for angle in angles)
    sine = sqrt(1 - gamma * gamma)
    x, y = beta, (alpha - beta * gamma) / sine
    return np.array([[a, 0, 0], [b * gamma, b * sine, 0], [c * x, c * y, c * sqrt(1 - x * x - y * y)]])


def reciprocal_metric(cell: Sequence[float]) -> Doubles:
    """G* of a cell, 1/Angstrom^2: 1/d^2 = h G* h.

    Examples
    --------
    >>> reciprocal_metric((2.0, 2.0, 4.0, 90.0, 90.0, 120.0)).round(4).diagonal()
    array([0.3333, 0.3333, 0.0625])
    """
    (a, _, _), (p, b, _), (x, y, c) = cell_vectors(cell).tolist()
    # Columns of the inverse of the triangle of vectors are a*, b*, c*.
    inverse = np.array(
        [
            [1 / a, 0.0, 0.0],
            [-p / (a * b), 1 / b, 0.0],
            [(p * y - b * x) / (a * b * c), -y / (b * c), 1 / c],
        ]
    )
    return inverse.T @ inverse
