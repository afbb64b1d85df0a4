"""What chemistry says beyond the table: other references of a type, mixed valence, anions, order."""

from __future__ import annotations

from collections.abc import Iterator

from xafsflow.crystals.prototypes import Prototype

MOST_RATIO = 0.22  # of a cation's radius, about that of the reference beside the anion's

ANIONS: tuple[tuple[str, int], ...] = (
    *(("O", -2), ("S", -2), ("Se", -2), ("Te", -2), ("F", -1), ("Cl", -1), ("Br", -1), ("I", -1), ("O", -1)),
    *(("N", -3), ("P", -3), ("As", -3), ("Sb", -3), ("C", -4)),
)
# Hydroxides: hydrogen hardly scatters, so OH counts as an oxygen of charge -1 and this radius, Angstrom.
HYDROXIDES = {"UCl3": 1.37, "CdI2": 1.37, "goethite": 1.37}

# Types one element of which may stand in two roles, with two charges: magnetite.
MIXED_VALENCE = frozenset({"spinel"})

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
)

# Compounds of other kinds that have the structure as well: elements by role, charges.
ALSO: dict[str, tuple[tuple[tuple[str, ...], tuple[float, ...]], ...]] = {
    "rocksalt": ((("C", "Ti"), (-4.0, 4.0)), (("N", "Ti"), (-3.0, 3.0))),
    "CsCl": ((("Al", "Ni"), ()),),
    "BiF3": ((("Al", "Fe"), ()),),
    "fluorite": ((("O", "Li"), (-2.0, 1.0)), (("Si", "Mg"), ())),
    "UCl3": ((("La", "O"), (3.0, -1.0)),),
    "CdI2": ((("Mg", "O"), (2.0, -1.0)),),
    "pyrite": ((("Mn", "S"), ()),),
}


def references_of(kind: Prototype) -> Iterator[tuple[tuple[str, ...], tuple[float, ...]]]:
    """Elements by role and charges of each compound that others of the type resemble."""
    yield kind.elements, CHARGES.get(kind.name, kind.charges)
    yield from ALSO.get(kind.name, ())
