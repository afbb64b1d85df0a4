from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from xafsflow.crystals import write_table
from xafsflow.crystals.prototypes_by_hand import BY_HAND


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, Any]]:
    text = files("xafsflow.crystals").joinpath("prototypes.json").read_text("utf-8")
    return {row["name"]: row for row in json.loads(text)}


@pytest.mark.parametrize("hand", BY_HAND, ids=lambda hand: hand.name)
def test_table__has_what_stands_in_the_list_by_hand(hand: Any, rows: dict[str, dict[str, Any]]) -> None:
    row = rows[hand.name]
    a, b, c = sorted(hand.cell[:3])
    if row["system"] != "monoclinic":
        assert sorted(row["cell"][:3]) == pytest.approx([a, b, c], abs=1e-4)
    assert set(row["elements"]) == {site[0] for site in hand.sites}
    assert len(row["orbits"]) == len(hand.sites)


@pytest.mark.filterwarnings("ignore:.*OLD_ERROR_HANDLING:DeprecationWarning")
@pytest.mark.parametrize("name", ["scheelite", "bixbyite", "V2O5"])
def test_rows__are_written_again_as_they_are(name: str, rows: dict[str, dict[str, Any]]) -> None:
    pytest.importorskip("pymatgen", reason="pymatgen writes the table")
    from pymatgen.core import Lattice, Structure
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    hand = next(one for one in BY_HAND if one.name == name)
    structure = Structure.from_spacegroup(
        hand.group,
        Lattice.from_parameters(*hand.cell),
        [s[0] for s in hand.sites],
        [s[1:] for s in hand.sites],
        tol=1e-3,
    )
    whole = SpacegroupAnalyzer(structure, 0.01).get_conventional_standard_structure()
    made = write_table._row(name, "", whole)
    found = rows[name]
    for key in ("pearson", "number", "system", "ratio", "elements", "counts", "charges"):
        assert made[key] == found[key]
    assert made["cell"] == pytest.approx(found["cell"], abs=1e-4)


def test_species__have_the_radii_that_textbooks_have() -> None:
    text = files("xafsflow.crystals").joinpath("species.json").read_text("utf-8")
    table = {row["symbol"]: row for row in json.loads(text)}
    assert table["Na"]["ionic"]["1"] == 1.02
    assert table["Fe"]["ionic"]["3"] == 0.645
    assert table["Cu"]["metallic"] == pytest.approx(1.28, abs=0.01)
