"""Shapley values: closed forms, and the sum."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.learning.explanation.shapley_values import shapley

RANDOM = np.random.default_rng(0)


def curved(table: np.ndarray) -> np.ndarray:
    return np.column_stack([np.sin(table).sum(axis=1), np.prod(table[:, :3], axis=1), table[:, 0] ** 2])


@pytest.mark.parametrize("count", [1, 4, 10, 13])
def test_values__add_up_to_the_answer(count) -> None:
    background, samples = RANDOM.normal(size=(7, count)), RANDOM.normal(size=(5, count))
    found = shapley(curved, samples, background, orders=3)
    assert found.exact == (count <= 10)
    assert found.values.shape == (5, count, 3)
    together = found.base + found.values.sum(axis=1)
    np.testing.assert_allclose(together, curved(samples), atol=1e-9, rtol=0)


def test_linear_function__gives_weight_times_distance_from_the_mean() -> None:
    weights = RANDOM.normal(size=(6, 4))
    background, samples = RANDOM.normal(size=(9, 6)), RANDOM.normal(size=(3, 6))
    found = shapley(lambda x: x @ weights, samples, background)
    wanted = (samples - background.mean(axis=0))[:, :, None] * weights
    np.testing.assert_allclose(found.values, wanted, atol=1e-12)


def test_product__is_shared_and_what_does_nothing_gets_nothing() -> None:
    found = shapley(lambda x: x[:, :1] * x[:, 1:2], np.array([[2.0, 3.0, 9.0]]), np.zeros((1, 3)))
    np.testing.assert_allclose(found.values[0, :, 0], [3, 3, 0], atol=1e-12)


def test_drawn_orders__come_near_to_the_exact_values(monkeypatch) -> None:
    background, samples = RANDOM.normal(size=(10, 6)), RANDOM.normal(size=(4, 6))
    exact = shapley(curved, samples, background)
    monkeypatch.setattr("xafsflow.learning.explanation.shapley_values.EXACT", 3)
    drawn = shapley(curved, samples, background, orders=300)
    assert not drawn.exact
    assert np.abs(drawn.values - exact.values).max() < 0.1 * np.abs(exact.values).max()
