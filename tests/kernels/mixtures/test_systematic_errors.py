"""Systematic errors of shares against shares that are computed anew with other references."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.kernels.mixtures.combination import fit_combination
from xafsflow.kernels.mixtures.systematic_errors import answer_to, systematic_errors
from xafsflow.sampling.reference_steps import shares_of

RATIO, ERROR = np.array([1.1, 0.9, 1.25]), np.array([0.01, 0.03, 0.02])
COEFFICIENTS = np.array([[0.2, 0.5, 0.3], [0.6, 0.4, 0.0], [1.0, 0.0, 0.0]]).T


@pytest.mark.parametrize("sum_to_one", [True, False])
def test_systematic_errors__of_steps_are_those_of_shares_by_other_steps(sum_to_one: bool) -> None:
    share = shares_of(COEFFICIENTS, RATIO, sum_to_one)
    moved = [
        (shares_of(COEFFICIENTS, RATIO + one, sum_to_one) - shares_of(COEFFICIENTS, RATIO - one, sum_to_one))
        / 2
        for one in np.diag(ERROR)
    ]
    found = systematic_errors(share, RATIO, ERROR, None, sum_to_one)
    np.testing.assert_allclose(found, np.sqrt((np.array(moved) ** 2).sum(axis=0)), rtol=2e-3, atol=1e-12)


@pytest.mark.parametrize("sum_to_one", [True, False])
def test_systematic_errors__of_the_resolution_are_those_of_a_fit_by_other_references(
    sum_to_one: bool,
) -> None:
    rng = np.random.default_rng(0)
    references, changed = rng.normal(size=(3, 40)), 1e-4 * rng.normal(size=(3, 40))
    sigma, true = rng.uniform(0.5, 1.5, 40), np.array([0.2, 0.5, 0.3])
    values = (true @ references)[:, None]
    refitted = fit_combination(
        values, sigma[:, None], references + changed, np.empty((0, 40)), sum_to_one
    ).fraction
    share = shares_of(true[:, None], RATIO, sum_to_one)
    answer = answer_to(references, changed, sigma, sum_to_one)
    found = systematic_errors(share, RATIO, np.zeros(3), answer, sum_to_one)
    np.testing.assert_allclose(found, np.abs(shares_of(refitted, RATIO, sum_to_one) - share), rtol=0.02)


def test_systematic_errors__are_not_known_where_a_step_is_not_unless_the_reference_is_absent() -> None:
    share = np.array([[0.5, 0.6], [0.5, 0.4], [0.0, 0.0]])
    share = np.concatenate([share, [[1 / 3], [1 / 3], [1 / 3]]], axis=1)
    found = systematic_errors(share, np.ones(3), np.array([0.01, 0.01, np.nan]), None, True)
    assert np.isfinite(found[:, :2]).all()
    assert np.isnan(found[:, 2]).all()
