"""Mixtures of two types, and the scores that tell what is strange."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.learning.union.pattern_doubt import (
    SHARES,
    doubt_features,
    doubt_of,
    learnt_doubt,
    mixed_sequences,
)
from xafsflow.learning.union.union_model import Parts


def pure() -> tuple[np.ndarray, np.ndarray]:
    """Three types: one peak, four peaks, and one without any pattern of its own."""
    rows = np.zeros((6, 40), np.float32)
    rows[0:3, 5] = 1
    rows[3:6, [10, 20, 30, 35]] = [1, 0.5, 0.5, np.sqrt(0.5)]
    return rows, np.repeat([0, 1], 3)


def test_mixtures__have_shares_of_the_intensity() -> None:
    rows, labels = pure()
    mixed = mixed_sequences(rows, labels, 400, 0)
    assert mixed.dtype == np.float32
    # Half of the pairs drawn are of two types
    assert 150 < len(mixed) < 250
    np.testing.assert_allclose(mixed.max(axis=1), 1, rtol=1e-6)
    intensity = mixed.astype(float) ** 2
    share = intensity[:, 5] / intensity.sum(axis=1)
    assert SHARES[0] - 1e-6 <= share.min() < 0.35
    assert 0.65 < share.max() <= SHARES[1] + 1e-6
    # Within a type heights keep their ratios: of intensities 1, 1/4, 1/4, 1/2 of the second
    np.testing.assert_allclose(
        intensity[:, [10, 20, 30, 35]] / (intensity.sum(axis=1) - intensity[:, 5])[:, None],
        np.tile([0.5, 0.125, 0.125, 0.25], (len(mixed), 1)),
        rtol=1e-5,
    )
    np.testing.assert_array_equal(mixed, mixed_sequences(rows, labels, 400, 0))
    assert not np.array_equal(mixed[:50], mixed_sequences(rows, labels, 400, 1)[:50])


def test_of_one_type_or_of_nothing__no_mixture_is_made() -> None:
    rows, _ = pure()
    assert mixed_sequences(rows, np.zeros(6, int), 50, 0).shape == (0, 40)
    assert mixed_sequences(rows[:0], np.zeros(0, int), 50, 0).shape == (0, 40)
    empty = mixed_sequences(np.zeros((2, 40), np.float32), np.array([0, 1]), 50, 0)
    assert len(empty)
    assert not empty.any()


def test_features__are_those_that_are_listed() -> None:
    parts = Parts(np.array([[0.6, 0.3]]), np.array([[0.1, 0.7]]), np.array([[0.9, 0.8]]), np.ones((1, 2)))
    votes = np.array([[0.75, 0.25]])
    sequence = np.array([[0, 1, 0, 0.5]], np.float32)
    found = doubt_features(parts, votes, sequence)
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    logarithms = np.log([0.75, 0.25, 0.6, 0.3, 0.1, 0.9, 0.1])
    np.testing.assert_allclose(
        found[0], [*logarithms, 0.9, 0.8, 0.0, 0.9, 0.6, entropy, 0.5, 0.375], rtol=1e-6
    )
    none = doubt_features(parts[:0], votes[:0], sequence[:0])
    assert none.shape == (0, found.shape[1])


def test_scores__tell_strange_from_known_as_logistic_regression_does() -> None:
    rng = np.random.default_rng(0)
    known = rng.normal([0, 0, 3], [1, 1, 0], (8000, 3))
    strange = rng.normal([2, 0, 3], [1, 1, 0], (2000, 3))
    weights = learnt_doubt(known, strange)
    assert weights.shape == (4,)
    assert weights[2] == 0  # the same for all
    # Of two normal distributions, both weighing alike: ln p/q = 2 x - 2
    np.testing.assert_allclose(weights, [2, 0, 0, -2], atol=0.2)
    scores = [doubt_of(one, weights) for one in (known, strange)]
    assert (scores[1] > np.quantile(scores[0], 0.95)).mean() > 0.5
    np.testing.assert_array_equal(
        np.concatenate([doubt_of(known[k : k + 1], weights) for k in range(50)]), scores[0][:50]
    )


@pytest.mark.parametrize(("known", "strange"), [(0, 5), (5, 0)])
def test_without_one_of_both__nothing_is_learnt(known: int, strange: int) -> None:
    assert not learnt_doubt(np.ones((known, 2)), np.ones((strange, 2))).any()
