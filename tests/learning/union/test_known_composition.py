"""What is known of a compound beside its pattern leaves types out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xafsflow.crystals import known_types, prototype
from xafsflow.errors import InputError
from xafsflow.learning.union.known_composition import (
    SHARED,
    RatioError,
    counts_of,
    merged,
    type_weights,
    with_prior,
)

RATIOS = ["AB", "AB2", "AB2C4", "A", "ABC3", "A2B3"]


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("AB", (1, 1)),
        ("B2A", (1, 2)),
        (" NaCl ", (1, 1)),
        ("Fe3O4", (3, 4)),
        ("Ca4F8", (1, 2)),
        ("CH3CO2", (2, 2, 3)),
        ("Cu", (1,)),
    ],
)
def test_counts__have_no_factor_and_no_order(text: str, counts: tuple[int, ...]) -> None:
    assert counts_of(text) == counts


@pytest.mark.parametrize(
    "text", ["", " ", "ab2", "Fe0.9O", "AB-2", "A(BC)2", "2AB", "A0B", "A0", "AB٢", "A" + "9" * 5000]
)
def test_what_is_no_ratio__is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^Found ratio .* Expected "):
        counts_of(text)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 5))
def test_a_formula__is_the_same_in_any_order_and_size(counts: list[int], times: int) -> None:
    text = "".join(f"{name}{count}" for name, count in zip("ABCD", counts, strict=False))
    larger = "".join(
        f"{name}{count * times}" for name, count in reversed([*zip("ABCD", counts, strict=False)])
    )
    assert counts_of(text) == counts_of(larger)


def test_titania__is_no_ab() -> None:
    weights = dict(zip(RATIOS, type_weights(RATIOS, "TiO2", None), strict=True))
    assert weights["AB2"] == 1
    assert weights["AB"] == weights["A"] == weights["A2B3"] == weights["AB2C4"] == 0


def test_magnetite__has_one_element_on_two_sites_of_spinel() -> None:
    weights = dict(zip(RATIOS, type_weights(RATIOS, "Fe3O4", None), strict=True))
    assert weights["AB2C4"] == SHARED
    assert sum(weights.values()) == SHARED
    assert merged((1, 2, 4)) >= {(3, 4)}


def test_elements__make_types_with_more_sites_less_likely() -> None:
    assert type_weights(RATIOS, None, ["Zn", "S"]).tolist() == [1, 1, SHARED, 1, SHARED, 1]
    assert (
        type_weights(RATIOS, None, ["Zn", "S", "Zn"]).tolist()
        == type_weights(RATIOS, None, ["Zn", "S"]).tolist()
    )
    assert type_weights(RATIOS, None, ["Mg", "Al", "O"]).tolist() == [1] * 6
    # A ratio already tells how many elements sit where
    assert type_weights(RATIOS, "Fe3O4", ["Fe", "O"])[2] == SHARED


def test_every_type_by_default__fits_its_own_ratio() -> None:
    ratios = [prototype(name).ratio for name in known_types()]
    for place, ratio in enumerate(ratios):
        assert type_weights(ratios, ratio, None)[place] == 1


def test_what_fits_no_type__is_told() -> None:
    with pytest.raises(RatioError, match="ratio AB7, which no type of the model has"):
        type_weights(RATIOS, "AB7", None)
    with pytest.raises(InputError, match="knows no ratios"):
        type_weights(["AB", ""], "AB", None)


def test_votes__are_weighed_and_add_up() -> None:
    votes = np.array([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0], [1 - 1e-20, 1e-30, 1e-20]])
    found = with_prior(votes, np.array([0.0, 1.0, 1.0]))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert not found[:, 0].any()
    np.testing.assert_allclose(found[0], [0, 0.6, 0.4])
    np.testing.assert_allclose(found[1], [0, 0.5, 0.5])
    assert found[2].argmax() == 2
    np.testing.assert_allclose(with_prior(votes, np.ones(3)), votes, atol=1e-200)
