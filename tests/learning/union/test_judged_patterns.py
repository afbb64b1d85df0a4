"""What a union says of patterns in the end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from xafsflow.learning.models.model import Model
from xafsflow.learning.union.judged_patterns import doubts, judged, judged_sequences, union_in
from xafsflow.learning.union.union_model import votes_of

TYPES = 4


@pytest.fixture(scope="module")
def patterns(known_patterns: xr.Dataset) -> np.ndarray:
    return known_patterns.mu.values[::5]


def test_a_set__holds_all_types_within_their_thresholds(union_model: Model, patterns: np.ndarray) -> None:
    thresholds = np.array([[0.2, 0.6, 1.0, 0.0]])
    model = replace(union_model, trust=replace(union_model.trust, set_thresholds=thresholds))
    found = judged(model, patterns)
    np.testing.assert_array_equal(found.possible, 1 - found.votes <= thresholds + 1e-12)
    assert found.possible[:, 2].all()


def test_what_is_known__leaves_types_out_of_the_set(union_model: Model, patterns: np.ndarray) -> None:
    everything = replace(union_model, trust=replace(union_model.trust, set_thresholds=np.ones((1, TYPES))))
    plain = judged(everything, patterns)
    assert plain.possible.all()
    weights = np.array([0.0, 1.0, 0.0, 0.1])
    found = judged(everything, patterns, weights)
    np.testing.assert_array_equal(found.possible, np.tile(weights > 0, (len(patterns), 1)))
    np.testing.assert_allclose(found.votes.sum(axis=1), 1)
    # Whether it is a known type at all is asked of the pattern alone
    np.testing.assert_array_equal(found.unlike, plain.unlike)
    np.testing.assert_array_equal(found.mixed, plain.mixed)
    own = np.where(np.arange(len(patterns))[:, None] % 2, weights, 1.0)
    each = judged(everything, patterns, own)
    np.testing.assert_array_equal(each.votes[1::2], found.votes[1::2])
    np.testing.assert_allclose(each.votes[::2], plain.votes[::2], atol=1e-200)


def test_limits__are_held_against_doubts(union_model: Model, patterns: np.ndarray) -> None:
    union = union_in(union_model)
    sequences = union.sequences(patterns)
    parts = union.parts(sequences)
    scores = doubts(union_model.trust, parts, votes_of(parts, union.score), sequences)
    assert scores.shape == (len(patterns), 2)
    limits = np.median(scores, axis=0)
    trust = replace(union_model.trust, doubt_limits=limits)
    found = judged_sequences(union, trust, sequences)
    np.testing.assert_array_equal(np.stack([found.unlike, found.mixed], axis=1), scores > limits)
    assert 0.4 < found.unlike.mean() < 0.6


@pytest.mark.parametrize("limit", [-np.inf, np.inf])
def test_a_pattern_without_peaks__is_none_of_these_whatever_the_limits(
    limit: float, union_model: Model
) -> None:
    trust = replace(union_model.trust, doubt_limits=np.full(2, limit))
    nothing = judged_sequences(union_in(union_model), trust, np.zeros((2, 1000), np.float32))
    assert nothing.unlike.all()
    assert not nothing.mixed.any()


def test_no_pattern__has_no_answer(union_model: Model) -> None:
    found = judged(union_model, np.zeros((0, 1601), np.float32))
    assert found.votes.shape == found.possible.shape == (0, TYPES)
    assert found.unlike.shape == found.mixed.shape == (0,)
