"""Limits, and distances of features to the classes."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.learning.trust.unknown_limits import (
    learn_isolation,
    learn_mahalanobis,
    limit_of,
    limits_by_group,
)


def test_a_limit__is_exceeded_at_the_rate_asked_for():
    rng = np.random.default_rng(0)
    limit = limit_of(rng.chisquare(100, 20_000), 0.01)
    assert (rng.chisquare(100, 50_000) > limit).mean() == pytest.approx(0.01, abs=0.002)


def test_a_limit__leaves_out_what_could_not_be_fitted():
    values = np.arange(4000.0)
    assert limit_of(np.r_[values, np.full(500, np.nan)], 0.01) == limit_of(values, 0.01)


def test_a_limit__of_too_few_patterns_is_refused():
    with pytest.raises(InputError, match="Expected 10000 or more"):
        limit_of(np.arange(5000.0), 0.001)


def test_mahalanobis__is_scipys():
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((5, 5))
    centers = rng.standard_normal((3, 5)) * 4
    labels = rng.integers(0, 3, 20_000)
    table = centers[labels] + rng.standard_normal((labels.size, 5)) @ mixing
    probe = rng.standard_normal((40, 5)) * 5
    apart = table - centers[labels]
    inverse = np.linalg.inv(apart.T @ apart / len(apart))
    wanted = cdist(probe, centers, "mahalanobis", VI=inverse).min(axis=1)
    # Shrinking moves the covariance a little, the less the more patterns there are.
    np.testing.assert_allclose(learn_mahalanobis(table, labels, centers)(probe.T), wanted, rtol=0.02)


def test_mahalanobis__has_an_inverse_with_fewer_patterns_than_features():
    rng = np.random.default_rng(0)
    table = rng.standard_normal((10, 30))
    distance = learn_mahalanobis(table, np.zeros(10, int), np.zeros((1, 30)))
    assert np.isfinite(distance(rng.standard_normal((30, 4)))).all()
    assert distance(np.zeros((30, 1)))[0] == 0


def test_isolation__is_the_same_for_the_same_seed_and_finds_what_is_far():
    table = np.random.default_rng(0).standard_normal((600, 4)).astype("f4")
    first, second = (learn_isolation(table, 3) for _ in range(2))
    probe = np.c_[np.zeros(4), np.full(4, 7.0)].astype("f4")
    np.testing.assert_array_equal(first(probe), second(probe))
    assert first(probe)[1] > first(table.T).max()


def test_limits__by_group_hold_the_rate_where_one_limit_does_not() -> None:
    rng = np.random.default_rng(3)
    group = np.repeat([0, 1], [9000, 500])
    misfit = rng.chisquare(10, len(group)) * np.where(group == 1, 1.5, 1.0)
    limits = limits_by_group(misfit, group, 2, 0.01)
    again = rng.chisquare(10, 20000) * 1.5
    assert (again > limits[1]).mean() == pytest.approx(0.01, abs=0.005)
    assert (again > limit_of(misfit, 0.01)).mean() > 0.05


def test_limits__of_a_group_with_few_patterns_are_those_of_all() -> None:
    rng = np.random.default_rng(1)
    misfit, group = rng.chisquare(10, 3000), np.repeat([0, 2], [2980, 20])
    misfit[-20:] *= 0.1
    limits = limits_by_group(misfit, group, 3, 0.01)
    assert limits[1] == limits[2]
    assert limits[2] == pytest.approx(limit_of(misfit, 0.01), rel=0.02)
