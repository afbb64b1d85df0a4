"""Sets and intervals hold the truth as often as they say, class by class."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.learning.trust import prediction_sets as sets
from xafsflow.learning.trust.training_hull import hull_distances, hull_limits, learn_hull


def votes_of(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A rare class, one in ten, that is often taken for the common one."""
    labels = (rng.random(count) < 0.1).astype(int)
    logit = rng.standard_normal(count) + np.where(labels == 1, 0.5, -2.5)
    second = 1 / (1 + np.exp(-logit))
    return np.stack([1 - second, second], axis=1), labels


def test_sets_by_class__cover_the_rare_one() -> None:
    rng = np.random.default_rng(0)
    covered, together = [], []
    for _ in range(40):
        (votes, labels), (new, truth) = votes_of(2000, rng), votes_of(2000, rng)
        inside = sets.sets_of(new, sets.class_thresholds(votes, labels))
        covered.append([inside[truth == one, one].mean() for one in range(2)])
        whole = sets.upper_quantile(1 - votes[np.arange(len(labels)), labels])
        together.append((1 - new[truth == 1, 1] <= whole).mean())
    np.testing.assert_allclose(np.mean(covered, axis=0), 0.9, atol=0.015)
    assert np.mean(together) < 0.7  # one threshold for all leaves the rare class out


def test_intervals__hold_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    held = []
    for _ in range(200):
        half = sets.half_widths(rng.standard_normal((60, 1)), np.zeros((60, 1)))
        held.append((np.abs(rng.standard_normal(400)) <= half[0]).mean())
    # (n + 1) corrects for few samples: without it 0.89 of 60 would be found.
    assert np.mean(held) == pytest.approx(np.ceil(61 * 0.9) / 61, abs=0.01)


def test_a_scan_beyond_the_levels__is_refused() -> None:
    levels = sets.noise_levels(np.array([0.0, 0.03]))
    sets.check_level(levels, 0.06)
    sets.check_level(levels, float("nan"))
    with pytest.raises(InputError, match=r"noise 0\.07 in norm"):
        sets.check_level(levels, 0.07)


def test_limits__let_99_of_100_pass() -> None:
    rng = np.random.default_rng(2)
    train, check, new = (rng.standard_normal((4000, 30)) @ np.diag(np.linspace(3, 0.1, 30)) for _ in range(3))
    mean, axes = learn_hull(train)
    limits = hull_limits(hull_distances(check.T, mean, axes))
    beyond = (hull_distances(new.T, mean, axes) > limits[:, None]).any(axis=0)
    assert beyond.mean() == pytest.approx(0.01, abs=0.005)
    far = (hull_distances(2.5 * new.T, mean, axes) > limits[:, None]).any(axis=0)
    assert far.mean() > 0.9
