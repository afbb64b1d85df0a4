"""What a stated confidence is worth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from xafsflow.learning.trust.confidence import (
    check_compositions,
    confidence_at,
    leader_right,
    learn_confidence,
    margins,
    reliability,
)


@given(st.integers(1, 6), st.integers(1, 60), st.integers(0, 9))
def test_check_compositions__are_compositions_of_one_to_all_references(references, count, seed):
    found = check_compositions(references, count, np.random.default_rng(seed))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found >= 0).all()
    np.testing.assert_array_equal((found > 0).sum(axis=1), 1 + np.arange(count) % references)


def test_check_compositions__of_two_references_are_evenly_distributed():
    found = check_compositions(3, 30_000, np.random.default_rng(0))
    pairs = found[1::3]
    which = np.bincount((pairs == 0).argmax(axis=1), minlength=3) / len(pairs)
    np.testing.assert_allclose(which, 1 / 3, atol=0.02)
    shares = np.sort(pairs[pairs > 0])
    np.testing.assert_allclose(shares, (np.arange(shares.size) + 0.5) / shares.size, atol=0.02)


@given(arrays(np.float64, (7, 4), elements=st.floats(0, 1)))
def test_margins__are_those_of_sorting(fractions):
    ordered = np.sort(fractions, axis=1)
    np.testing.assert_array_equal(margins(fractions), ordered[:, -1] - ordered[:, -2])


def test_margins__of_one_reference_are_all_it_has():
    assert margins(np.ones((3, 1))).tolist() == [1, 1, 1]
    assert leader_right(np.ones((3, 1)), np.ones((3, 1))).all()


def test_confidence__is_how_often_the_leader_is_right():
    # The fractions' errors are normal, so the truth is the normal distribution of the margin over its error.
    from scipy.stats import norm

    rng, sigma = np.random.default_rng(1), 0.05
    truth = rng.random(40_000)
    found = truth + sigma * rng.standard_normal(truth.size)
    both, true = (np.stack([a, 1 - a], axis=1) for a in (found, truth))
    margin, right = margins(both), leader_right(both, true)
    knots, values = learn_confidence(margin[::2], right[::2])
    stated = confidence_at(margin[1::2], knots, values)
    assert np.abs(stated - norm.cdf(margin[1::2] / 2 / sigma)).mean() < 0.005
    assert reliability(stated, right[1::2])[1] < 0.01
    assert (np.diff(values) >= 0).all()
    assert values[-1] < 1


@pytest.mark.parametrize("count", [1, 2, 30])
def test_confidence__is_learnt_of_few_patterns(count):
    knots, values = learn_confidence(np.zeros(count), np.ones(count, bool))
    np.testing.assert_allclose(confidence_at(np.array([0.0, 1.0]), knots, values), values.max(), atol=0.3)
    assert (values > 0).all()
    assert (values < 1).all()


def test_reliability__finds_an_overconfident_statement():
    right = np.random.default_rng(0).random(10_000) < 0.8
    diagram, error = reliability(np.full(10_000, 0.95), right)
    assert error == pytest.approx(0.15, abs=0.01)
    assert diagram.count.tolist() == [10_000]


def test_confidence__is_finite_where_margins_are_one_but_for_rounding():
    margin = 1 - np.concatenate([np.geomspace(1e-2, 1e-12, 40), np.geomspace(1e-14, 1e-17, 40)])
    knots, values = learn_confidence(margin, np.arange(80) > 3)
    assert np.isfinite(values).all()
    assert np.isfinite(confidence_at(margin, knots, values)).all()


def test_confidence__is_learnt_of_a_classifier_without_doubt():
    rng = np.random.default_rng(0)
    margin = np.r_[0.6276, 1 - 1e-7, 1 - 2.0 ** -rng.integers(44, 54, 22)]
    right = rng.random(24) < 0.8
    knots, values = learn_confidence(margin, right)
    assert ((values > 0) & (values < 1)).all()
    assert (np.diff(values) >= 0).all()
    assert (np.diff(knots) >= 0).all()
