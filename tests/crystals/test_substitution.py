from __future__ import annotations

import pytest

from xafsflow.crystals import compound, distinct_compounds, known_types, prototype
from xafsflow.crystals.species_table import elements
from xafsflow.crystals.substitution import options

IONIC = [name for name in known_types(60) if options(name)[0][1].ionic]


@pytest.mark.parametrize("name", IONIC)
def test_ions__balance_their_charges(name: str) -> None:
    counts = prototype(name).counts
    for option, reference in options(name):
        if reference.ionic:
            assert sum(n * (role.charge or 0) for n, role in zip(counts, option, strict=True)) == 0


def test_solid_solutions__share_one_site_by_species_of_one_charge() -> None:
    mixed = [compound("calcite", n) for n in range(1, 40, 2)]
    for own in mixed:
        shared = [shares for shares in own.species if len(shares) == 2]
        assert len(shared) == 1
        assert sum(share for _, share in shared[0]) == pytest.approx(1)
        assert min(share for _, share in shared[0]) >= 0.1


def test_ordered_types__have_scatterers_that_show_their_order() -> None:
    table = elements()
    for name in ("CsCl", "Heusler", "AuCu3", "AuCu", "Laves MgCu2", "NaTl"):
        for number in range(200):
            own = compound(name, number)
            symbols = [symbol for shares in own.species for symbol, _ in shares]
            assert len(set(symbols)) == len(symbols)
            for shares in own.species:
                for other in own.species:
                    if shares is not other and len(shares) == len(other) == 1:
                        one, two = table[shares[0][0]], table[other[0][0]]
                        assert abs(one.z - two.z) >= 0.06 * (one.z + two.z)


@pytest.mark.parametrize(
    ("name", "symbols"),
    [
        ("rocksalt", {"Mg", "O"}),
        ("rocksalt", {"C", "Ti"}),
        ("sphalerite", {"Ga", "As"}),
        ("wurtzite", {"Zn", "O"}),
        ("fluorite", {"Li", "O"}),
        ("CdI2", {"Mg", "O"}),
        ("UCl3", {"La", "O"}),
        ("calcite", {"Mn", "C", "O"}),
        ("zabuyelite", {"Li", "C", "O"}),
        ("goethite", {"Fe", "O"}),
        ("CsCl", {"Al", "Ni"}),
    ],
)
def test_everyday_compounds__are_among_those_of_their_type(name: str, symbols: set[str]) -> None:
    made = {frozenset(role.symbol for role in option) for option, _ in options(name)}
    assert symbols in made


@pytest.mark.parametrize(
    ("name", "symbols", "a"),
    [
        ("rocksalt", "O Mg", 4.212),
        ("rocksalt", "Br K", 6.60),
        ("sphalerite", "As Ga", 5.653),
        ("calcite", "C Mg O", 4.633),
        ("bixbyite", "Y O", 10.604),
        ("fluorite", "Ce O", 5.411),
        ("bcc", "Nb", 3.301),
    ],
)
def test_cells__are_about_as_large_as_measured_ones(name: str, symbols: str, a: float) -> None:
    for number in range(0, 2400, 2):
        own = compound(name, number)
        if " ".join(symbol for shares in own.species for symbol, _ in shares) == symbols:
            assert own.cell[0] == pytest.approx(a, rel=0.09)  # three times the scatter, and radii's error
            return
    pytest.fail("no such compound")


def test_carbonates__hold_carbon_that_only_oxygen_surrounds() -> None:
    for option, _ in options("calcite"):
        symbols = {role.symbol for role in option}
        assert "C" not in symbols or "O" in symbols


def test_compounds__of_a_type_are_distinct_beyond_those_of_one_species_a_role() -> None:
    assert distinct_compounds("diamond") < 200
    made = {compound("diamond", number).formula for number in range(400)}
    assert len(made) == 400


def test_type_that_runs_out__takes_its_species_again_in_other_cells() -> None:
    assert distinct_compounds("CNCl") == 1
    made = [compound("CNCl", number) for number in range(20)]
    assert len({own.formula for own in made}) == 1
    assert len({own.cell for own in made}) == 20
