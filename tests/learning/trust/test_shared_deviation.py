"""What the pixels of a reference share beside it."""

from __future__ import annotations

import numpy as np

from xafsflow.learning.trust.shared_deviation import LEAST_PIXELS, bounded, shared_deviations


def test_deviations__of_each_reference_are_told_apart_in_mixtures() -> None:
    rng = np.random.default_rng(0)
    fractions = rng.dirichlet(np.ones(3), 4000).T
    true = 0.01 * np.sin(np.arange(3)[:, None] + np.linspace(0, 6, 20))
    noise = np.where(np.arange(4000) % 10 == 0, 0.5, 0.01)
    residual = true.T @ fractions + noise * rng.standard_normal((20, 4000))
    found = shared_deviations(residual, fractions, noise)
    np.testing.assert_allclose(found, true, atol=0.002)
    alike = shared_deviations(residual, fractions, np.ones(4000))
    assert np.abs(alike - true).max() > 3 * np.abs(found - true).max()


def test_deviations__of_a_reference_that_few_pixels_hold_are_none() -> None:
    fractions = np.repeat(np.eye(2), [LEAST_PIXELS, LEAST_PIXELS - 1], axis=1)
    found = shared_deviations(np.ones((1, fractions.shape[1])), fractions, np.ones(fractions.shape[1]))
    np.testing.assert_allclose(found, [[1.0], [0.0]])


def test_bound__leaves_what_is_small_and_shrinks_what_is_not() -> None:
    deviations = np.array([[0.1, 0.2, 9.0], [1.0, 2.0, 9.0]])
    small, size = bounded(deviations, np.array([1.0, 1.0, np.nan]), 0.5)
    np.testing.assert_array_equal(small[0], deviations[0])
    np.testing.assert_allclose(np.sqrt((small[1, :2] ** 2).mean()), 0.5)
    np.testing.assert_allclose(size, np.sqrt([0.025, 2.5]))
