"""No compound is learnt from and checked on, in this library or a later one."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xafsflow.learning.samples.group_split import places_of
from xafsflow.learning.union.pattern_samples import (
    CHECK,
    ENDS,
    LEARN,
    STOP,
    TRAIN,
    PatternSamples,
    parts_of,
)

TUPLES = st.lists(st.sampled_from(["Na Cl", "K Cl", "Zn S", "Fe O", "Ti O", "Ca F", "Cs I"]), max_size=30)


def none(count: int) -> np.ndarray:
    return np.zeros(count, bool)


@given(TUPLES, TUPLES, st.integers(0, 50))
def test_a_species_tuple__is_in_one_part_of_all_libraries(
    one: list[str], other: list[str], seed: int
) -> None:
    found = defaultdict(set)
    for tuples in (one, other):
        kind = np.array(["rocksalt", "CsCl"] * len(tuples))[: len(tuples)]
        for name, part in zip(
            tuples, parts_of(np.array(tuples, str), kind, none(len(tuples)), seed), strict=True
        ):
            found[name].add(int(part))
    assert all(len(parts) == 1 for parts in found.values())


def test_a_background_type__is_in_one_part_whatever_its_compounds() -> None:
    kind = np.repeat([f"type {n}" for n in range(30)], 20)
    group = np.arange(600).astype(str)
    parts = parts_of(group, kind, ~none(600), 0).reshape(30, 20)
    assert (parts == parts[:, :1]).all()
    assert set(parts[:, 0]) >= {TRAIN, LEARN, CHECK}


def test_shares__are_those_asked_for() -> None:
    group = np.arange(20_000).astype(str)
    parts = parts_of(group, group, none(20_000), 3)
    shares = np.bincount(parts, minlength=4) / 20_000
    # Four sigma of a share of 20,000
    np.testing.assert_allclose(shares, np.diff([0, *ENDS, 1]), atol=4 * np.sqrt(0.25 / 20_000))


def test_places__depend_on_the_name_and_the_seed_alone() -> None:
    names = np.array(["Na Cl", "Zn S", "Fe O"])
    np.testing.assert_array_equal(places_of(names, 0), places_of(names[::-1], 0)[::-1])
    np.testing.assert_array_equal(places_of(np.array([3, 1]), 0), places_of(np.array(["3", "1"]), 0))
    assert (places_of(names, 0) != places_of(names, 1)).all()
    assert places_of(names[:0], 0).shape == (0,)
    # Written down once: a model that is extended years later splits as it did
    assert places_of(np.array(["Na Cl"]), 0)[0] == 0.6034909355928525


def test_rows__are_those_of_a_part() -> None:
    labels, part = np.array([0, -1, 1, 0, -1]), np.array([TRAIN, TRAIN, STOP, LEARN, LEARN])
    kind = np.array(["fcc", "bcc", "hcp", "fcc", "CsCl"])
    samples = PatternSamples(np.zeros((5, 3), "f4"), ["fcc", "hcp"], labels, part, kind)
    assert samples.rows(TRAIN).tolist() == [0]
    assert samples.rows(TRAIN, known=False).tolist() == [1]
    assert samples.rows(LEARN, known=None).tolist() == [3, 4]
    assert samples.rows(CHECK).tolist() == []
    other = samples.of_types(["hcp", "CsCl"])
    assert other.labels.tolist() == [-1, -1, 0, -1, 1]
    assert other.part is samples.part
