"""The scatter of fractions that is learnt from pairs, against noise that is known."""

from __future__ import annotations

import numpy as np

from xafsflow.learning.trust.fraction_scatter import learn_scatter, scatter_at

SHARES = np.eye(3)


def pairs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Votes for two of three classes, the noise, a second measurement, and the standard deviation (pattern, reference)."""
    rng = np.random.default_rng(seed)
    share, noise = rng.uniform(0, 1, count), rng.uniform(0.005, 0.02, count)
    votes = np.column_stack([share, 1 - share, np.zeros(count)])
    apart = share * (1 - share)
    sigma = np.sqrt(1e-4 + apart * (noise / 0.2) ** 2)
    # The first measurement is the votes themselves: of both the difference has twice the variance.
    change = np.sqrt(2) * sigma * rng.standard_normal(count)
    again = votes + np.column_stack([change, -change, np.zeros(count)])
    return votes, noise, again, np.column_stack([sigma, sigma])


def test_learn_scatter__tells_what_is_mixed_and_noisy_from_what_is_not() -> None:
    votes, noise, again, _ = pairs(20000, 0)
    scatter = learn_scatter(votes, noise, SHARES, again)
    votes, noise, _, sigma = pairs(500, 1)
    stated = scatter_at(votes, noise, SHARES, scatter)
    assert np.sqrt(np.mean((stated[:, :2] / sigma - 1) ** 2)) < 0.08
    assert sigma.std() > 0.3 * sigma.mean()
    assert (stated[:, 2] < 1e-6).all()


def test_learn_scatter__agrees_with_all_pairs_together() -> None:
    votes, noise, again, _ = pairs(30000, 2)
    stated = scatter_at(votes, noise, SHARES, learn_scatter(votes, noise, SHARES, again))
    squares = ((votes - again) ** 2 / 2).sum(axis=0)
    np.testing.assert_allclose((stated**2).sum(axis=0), squares, rtol=0.03, atol=1e-12)


def test_learn_scatter__covers_differences_with_long_tails() -> None:
    votes, noise, again, _ = pairs(30000, 4)
    rare = np.random.default_rng(5).random((30000, 1)) < 0.08
    again = votes + (again - votes) * np.where(rare, 4, 1)
    stated = scatter_at(votes, noise, SHARES, learn_scatter(votes, noise, SHARES, again))[:, 0]
    within = np.abs(votes - again)[:, 0] < 2 * np.sqrt(2) * stated
    assert 0.945 < within.mean() < 0.965


def test_scatter_at__is_nan_where_the_noise_is_not_known() -> None:
    votes, noise, again, _ = pairs(300, 3)
    scatter = learn_scatter(votes, noise, SHARES, again)
    found = scatter_at(votes[:2], np.array([np.nan, 0.01]), SHARES, scatter)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()
