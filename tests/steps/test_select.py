"""What fewer energies would cost is what they do cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import xafsflow as xf
from xafsflow.errors import InputError


@pytest.fixture(scope="module")
def found(products: dict[str, Any]) -> dict[str, Any]:
    return xf.train.select(products["samples"], loss=0.5, fewest=3)


def test_select__tells_a_curve_from_all_energies_to_the_fewest(
    found: dict[str, Any], products: dict[str, Any]
) -> None:
    samples = products["samples"]
    counts = [one.energies for one in found.curve]
    assert counts[0] == samples.sizes["feature"]
    assert counts[-1] == 3
    assert all(len(one.chosen) == one.energies for one in found.curve)
    assert set(found.suggested.chosen) <= set(samples.energy.values.tolist())
    assert found.suggested.fraction_error <= 1.5 * found.curve[0].fraction_error
    assert len(found.permutation) == len(found.impurity) == len(found.energies)
    assert sum(found.impurity) == pytest.approx(1)


def test_select__prefers_the_edge_to_what_lies_far_from_it(found: dict[str, Any]) -> None:
    chosen = np.array(found.curve[-1].chosen)
    assert ((chosen > 7105) & (chosen < 7160)).all()


def test_select__says_it_in_words(found: dict[str, Any], products: dict[str, Any]) -> None:
    assert f"{found.suggested.energies} of {len(found.energies)} energies would do" in found.verdict
    kept = xf.train.select(products["samples"], fewest=products["samples"].sizes["feature"])
    assert kept.verdict.startswith("none of the")


def test_select__is_the_same_for_the_same_seed(found: dict[str, Any], products: dict[str, Any]) -> None:
    assert xf.train.select(products["samples"], loss=0.5, fewest=3) == found


def test_select__by_a_forest(products: dict[str, Any]) -> None:
    found = xf.train.select(products["samples"], learner="extra_trees", trees=5)
    assert found.curve[-1].energies == 4


def test_select__refuses_fewer_features_than_are_to_be_left(products: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="Lower fewest"):
        xf.train.select(products["samples"], fewest=1000)
