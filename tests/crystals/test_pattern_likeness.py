from __future__ import annotations

import pytest

from xafsflow.crystals import all_types, background_types, known_types, near_copies
from xafsflow.errors import InputError


def test_types_that_share_a_lattice__are_found() -> None:
    found = near_copies(
        ["Heusler", "fcc", "sphalerite", "rutile", "rocksalt"],
        ["CsCl", "AuCu3", "chalcopyrite", "quartz", "calcite"],
    )
    assert found == {"Heusler": ["CsCl"], "fcc": ["AuCu3"], "sphalerite": ["chalcopyrite"]}


def test_limit__decides_how_like() -> None:
    assert near_copies(["corundum"], ["ilmenite"], limit=0.99) == {}
    assert near_copies(["corundum"], ["ilmenite"], limit=0.85) == {"corundum": ["ilmenite"]}


def test_background__is_neither_known_nor_a_near_copy() -> None:
    known = ["fcc", "Heusler", "diamond"]
    found = background_types(known, 12)
    assert len(set(found)) == 12
    assert not set(found) & set(known_types())
    assert not near_copies(known, found)


def test_background__that_the_table_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="at most"):
        background_types(["fcc"], len(all_types()))
