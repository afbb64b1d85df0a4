from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xafsflow.crystals import all_types, chosen_types, compound, known_types, prototype
from xafsflow.crystals.prototypes import cell_vectors
from xafsflow.errors import InputError

EVERYDAY = (
    *(
        "rocksalt",
        "CsCl",
        "sphalerite",
        "wurtzite",
        "fluorite",
        "rutile",
        "anatase",
        "perovskite",
        "spinel",
        "corundum",
    ),
    *(
        "ilmenite",
        "calcite",
        "bixbyite",
        "baddeleyite",
        "UCl3",
        "V2O5",
        "zabuyelite",
        "quartz",
        "barite",
        "zircon",
    ),
    *(
        "apatite",
        "olivine",
        "delafossite",
        "pyrite",
        "marcasite",
        "NiAs",
        "CdI2",
        "molybdenite",
        "A15",
        "Heusler",
    ),
    *(
        "half-Heusler",
        "AuCu3",
        "AuCu",
        "fcc",
        "bcc",
        "hcp",
        "diamond",
        "chalcopyrite",
        "stannite",
        "AlB2",
        "CaCu5",
    ),
    *(
        "ThCr2Si2",
        "BiF3",
        "garnet",
        "sodalite",
        "scheelite",
        "pyrochlore",
        "layered NaFeO2",
        "orthorhombic perovskite",
    ),
    *("Laves MgZn2", "Laves MgCu2", "Laves MgNi2", "K2NiF4", "UCl3"),
)


def test_table__has_the_everyday_types_among_the_known() -> None:
    assert len(all_types()) > 300
    assert len(known_types()) == 100
    assert set(EVERYDAY) <= set(known_types())


@pytest.mark.parametrize(
    "twins", [("Heusler", "CsCl"), ("fcc", "AuCu3"), ("sphalerite", "chalcopyrite"), ("corundum", "ilmenite")]
)
def test_twins__are_among_the_first_thirty(twins: tuple[str, str]) -> None:
    assert set(twins) <= set(known_types(30))


def test_pearson_symbols__count_the_atoms_of_the_cell() -> None:
    for name in all_types():
        kind = prototype(name)
        atoms = int(kind.pearson[2:])
        repeated = 1 if kind.pearson.startswith("hR") else len(kind.centering)
        assert len(kind.places) * repeated == atoms, name
        assert len(kind.places) == sum(kind.counts), name


def structure_factors(hkl: np.ndarray, places: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """|F| by definition."""
    return abs(np.exp(2j * np.pi * hkl @ places.T) @ weights)


@pytest.mark.parametrize("name", all_types()[::3])
def test_compounds__keep_the_symmetry_of_their_type(name: str) -> None:
    # Each operation of the group must leave |F| as it is, wherever the free coordinates went.
    kind, own = prototype(name), compound(name, 3)
    rng = np.random.default_rng(0)
    hkl = rng.integers(-4, 5, (12, 3))
    phase = hkl @ kind.centering.T
    hkl = hkl[(abs(phase - np.round(phase)) < 0.01).all(1)]
    weights = rng.uniform(5, 50, len(kind.elements))[kind.role]
    expected = structure_factors(hkl, own.places, weights)
    for rotation in kind.rotations:
        # The table has five digits.
        assert structure_factors(hkl @ rotation, own.places, weights) == pytest.approx(
            expected, abs=2e-3 * weights.sum()
        )


def test_free_coordinates__move_and_others_do_not() -> None:
    for name, free in (("rocksalt", False), ("CsCl", False), ("wurtzite", True), ("rutile", True)):
        kind = prototype(name)
        moved = abs(compound(name, 0).places - kind.places).max()
        assert (moved > 1e-5) == free, name
    rutile, own = prototype("rutile"), compound("rutile", 0)
    oxygen = rutile.role == rutile.elements.index("O")
    shift = own.places - rutile.places
    assert abs(shift[~oxygen]).max() == 0
    assert abs(shift[oxygen, 2]).max() == 0  # x, x, 0
    assert abs(abs(shift[oxygen, 0]) - abs(shift[oxygen, 1])).max() < 1e-12


def test_cells__are_strained_within_their_crystal_system() -> None:
    for name in known_types(60):
        kind, own = prototype(name), compound(name, 1)
        a, b, c, *angles = own.cell
        assert (a == pytest.approx(b)) == (kind.system in ("cubic", "tetragonal", "hexagonal")) or a == b
        if kind.system in ("cubic", "tetragonal", "hexagonal"):
            assert a == pytest.approx(b)
        if kind.system == "cubic":
            assert a == pytest.approx(c)
        if kind.system != "triclinic":
            assert angles[0] == 90
        if kind.system != "monoclinic":
            assert angles == pytest.approx(kind.cell[3:], abs=3)
        assert np.linalg.det(cell_vectors(own.cell)) > 0


def test_unknown_type__is_named_with_those_like_it() -> None:
    with pytest.raises(InputError, match="wurtzite"):
        chosen_types(["wurzite"])
    with pytest.raises(InputError, match="twice"):
        chosen_types(["fcc", "fcc"])


def test_compound__says_its_formula_by_roles() -> None:
    own = compound("spinel", 0)
    shared = replace(own, species=((("Mg", 0.75), ("Zn", 0.25)), (("Al", 1.0),), (("O", 1.0),)))
    assert shared.formula == "Mg0.75 Zn0.25 Al2 O4"
    assert shared.group == "Al Mg O Zn"
