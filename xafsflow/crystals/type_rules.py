"""What chemistry says beyond the table: other compounds of a type, mixed valence, anions, order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from xafsflow.crystals.prototypes import Prototype

# How far a cation's radius may be from the reference's beside the anion's: where it is the only one, and beside others.
ALONE, TOGETHER = 0.45, 0.30

# Anions with their radii, Angstrom: Shannon's, and for covalent ones what bond lengths in sphalerites say.
ANIONS: dict[tuple[str, float], float] = {
    ("O", -2): 1.40,
    ("S", -2): 1.84,
    ("Se", -2): 1.98,
    ("Te", -2): 2.21,
    ("F", -1): 1.33,
    ("Cl", -1): 1.81,
    ("Br", -1): 1.96,
    ("I", -1): 2.20,
    ("N", -3): 1.46,
    ("P", -3): 1.98,
    ("As", -3): 2.08,
    ("Sb", -3): 2.29,
    ("C", -4): 1.68,
    ("Si", -4): 2.10,
    ("Ge", -4): 2.15,
}
# Hydrogen hardly scatters: OH counts as an oxygen of charge -1, and where every other oxygen has one, of -1.5.
HYDROXIDES: dict[tuple[str, float], float] = {("O", -1): 1.37, ("O", -1.5): 1.385}

# Nonmetals as cations, and the anions that they are seen with.
CENTERS: dict[tuple[str, float], frozenset[str]] = {
    ("B", 3): frozenset({"O", "F", "N", "P", "As"}),
    ("C", 4): frozenset({"O"}),
    ("Si", 4): frozenset({"O", "F", "S", "N", "P", "C"}),
    ("N", 5): frozenset({"O"}),
    ("P", 5): frozenset({"O", "S", "Se"}),
    ("As", 5): frozenset({"O", "S", "Se"}),
    ("S", 6): frozenset({"O"}),
    ("Se", 6): frozenset({"O"}),
    ("Te", 4): frozenset({"O"}),
    ("Te", 6): frozenset({"O"}),
    ("Cl", 7): frozenset({"O"}),
}


def bonds(symbol: str, charge: float, anions: Sequence[tuple[str, float]]) -> bool:
    """Whether a cation is seen with one of these anions: highly charged ones are with those that hold electrons tightly.

    Examples
    --------
    >>> bonds("C", 4, [("O", -2)]), bonds("C", 4, [("N", -3)]), bonds("W", 6, [("I", -1)])
    (True, False, False)
    """
    wanted = CENTERS.get((symbol, charge))
    if wanted is not None:
        return any(anion in wanted for anion, _ in anions)
    tight = any(anion in ("O", "F") or (anion == "S" and charge < 7) for anion, _ in anions)
    return charge <= 4 or tight or (charge == 5 and any(anion == "Cl" for anion, _ in anions))


# Types one element of which may stand in two roles, with two charges: magnetite; yttrium aluminum garnet.
MIXED_VALENCE = frozenset({"spinel", "garnet"})

# Types that are ordered arrangements of another: like scatterers would make them that other one.
ORDERED = frozenset({"ilmenite", "dolomite", "chalcopyrite", "stannite", "elpasolite", "ordered bixbyite"})

# Charges that the table's guess has wrong, or that compounds of the type do not obey (none).
CHARGES: dict[str, tuple[float, ...]] = dict.fromkeys(
    (
        *(
            "NiAs",
            "pyrite",
            "marcasite",
            "MnP",
            "FeB",
            "CrB",
            "Mn5Si3",
            "Co2Si",
            "TiNiSi",
            "Cu2Sb",
            "skutterudite",
        ),
        *(
            "half-Heusler",
            "ThCr2Si2",
            "ZrCuSiAs",
            "tungsten carbide",
            "modderite",
            "TiAs",
            "ullmannite",
            "CeNiC2",
        ),
    ),
    (),
) | {"goethite": (3.0, -1.5), "stannite": (2.0, 4.0, 1.0, -2.0)}


class Sample(NamedTuple):
    """A compound of a type: elements by role, charges (none in metals), and its own cell where it is not the reference."""

    elements: tuple[str, ...]
    charges: tuple[float, ...]
    cell: tuple[float, ...] | None = None


def _cubic(a: float) -> tuple[float, ...]:
    return (a, a, a, 90.0, 90.0, 90.0)


def _hexagonal(a: float, c: float) -> tuple[float, ...]:
    return (a, a, c, 90.0, 90.0, 120.0)


# Compounds of other kinds that have the structure as well.
ALSO: dict[str, tuple[Sample, ...]] = {
    "rocksalt": (
        Sample(("C", "Ti"), (-4.0, 4.0), _cubic(4.327)),
        Sample(("N", "Ti"), (-3.0, 3.0), _cubic(4.241)),
    ),
    "CsCl": (Sample(("Al", "Ni"), (), _cubic(2.887)),),
    "BiF3": (Sample(("Al", "Fe"), (), _cubic(5.792)),),
    "fluorite": (
        Sample(("O", "Li"), (-2.0, 1.0), _cubic(4.619)),
        Sample(("Si", "Mg"), (-4.0, 2.0), _cubic(6.338)),
    ),
    "UCl3": (Sample(("La", "O"), (3.0, -1.0), _hexagonal(6.523, 3.855)),),
    "CdI2": (
        Sample(("Mg", "O"), (2.0, -1.0), _hexagonal(3.142, 4.766)),
        Sample(("Ti", "S"), (4.0, -2.0), _hexagonal(3.405, 5.691)),
    ),
}


def samples_of(kind: Prototype) -> Iterator[Sample]:
    """What other compounds of the type resemble: the reference of the table last, for it takes what is left."""
    yield from ALSO.get(kind.name, ())
    yield Sample(kind.elements, CHARGES.get(kind.name, kind.charges))
