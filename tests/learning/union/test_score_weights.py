"""The weights of a vote are those of the largest likelihood."""

from __future__ import annotations

import numpy as np

from xafsflow.learning.union.score_weights import MOST, learnt_weights, published_votes
from xafsflow.learning.union.twin_types import top_share, twin_pairs, twins_of
from xafsflow.learning.union.union_model import Parts, votes_of


def drawn(count: int, wanted: np.ndarray) -> tuple[Parts, np.ndarray]:
    """Parts, and labels drawn by the votes of these weights."""
    rng = np.random.default_rng(0)
    parts = Parts(*(rng.uniform(0.05, 1, (count, 3)) for _ in range(4)))
    votes = votes_of(parts, wanted)
    return parts, (votes.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1)


def test_weights__are_found_again() -> None:
    wanted = np.array([0.8, 1.5, 0.4, 0.6])
    np.testing.assert_allclose(learnt_weights(*drawn(20_000, wanted)), wanted, atol=0.1)


def test_weights__have_the_largest_likelihood_of_all_near_them() -> None:
    parts, labels = drawn(300, np.array([1.0, 0.5, 0.0, 0.3]))

    def likelihood(weights: np.ndarray) -> float:
        return float(np.log(votes_of(parts, weights)[np.arange(300), labels]).sum())

    found = learnt_weights(parts, labels)
    assert (found >= 0).all()
    for change in 0.05 * np.random.default_rng(1).standard_normal((50, 4)):
        assert likelihood(np.maximum(found + change, 0)) <= likelihood(found) + 1e-4


def test_a_part_that_misleads__has_no_weight_and_one_that_is_always_right_not_all() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    right = np.where(np.arange(2) == labels[:, None], 0.9, 0.1)
    found = learnt_weights(Parts(right, np.full((200, 2), 0.5), 1 - right, np.ones((200, 2))), labels)
    assert found[1] == 0
    assert 1 < found[0] <= MOST


def test_the_published_rule__is_that() -> None:
    parts = Parts(np.array([[0.9, 0.1]]), np.array([[0.0, 0.2]]), np.array([[0.2, 0.6]]), np.ones((1, 2)))
    np.testing.assert_allclose(published_votes(parts), [[0.3 * 0.9 + 0.7 * 0.2, 0.3 * 0.1 + 0.7 * 0.6]])


def test_twins__are_those_of_a_twentieth_in_either_direction() -> None:
    confusion = np.array([[95, 5, 0, 0], [0, 100, 0, 0], [4, 0, 88, 8], [0, 0, 0, 0]])
    assert twin_pairs(confusion) == [(2, 3, 0.08), (0, 1, 0.05)]
    assert twins_of(confusion) == [[1], [0], [3], [2]]
    assert twins_of(np.eye(3, dtype=int)) == [[], [], []]


def test_the_share_among_the_first__counts_them() -> None:
    order = np.array([[2, 0, 1], [1, 0, 2]])
    assert [top_share(order, np.array([0, 2]), count) for count in (1, 2, 3)] == [0, 0.5, 1]


def test_what_is_the_same_for_all_types__has_no_weight() -> None:
    parts, labels = drawn(300, np.array([1.0, 0.5, 0.3, 0.0]))
    alone = Parts(parts.confidence, parts.other, parts.likeness, np.ones((300, 3)))
    assert learnt_weights(alone, labels)[3] == 0
