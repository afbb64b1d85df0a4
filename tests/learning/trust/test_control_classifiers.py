"""Controls beside the chosen classifier."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from xafsflow.learning.models.classifiers import Drawn, fit
from xafsflow.learning.samples.mixtures import simplex_grid
from xafsflow.learning.trust.confidence import check_compositions
from xafsflow.learning.trust.control_classifiers import Patterns, compare, control_votes, nearest_class


@pytest.fixture(scope="module")
def patterns():
    """Mixtures of three spectra, noisy, and a table to train on."""
    rng, grid = np.random.default_rng(0), simplex_grid(3, 0.25)
    spectra = rng.random((3, 20))

    def seen(compositions):
        return (compositions @ spectra + 0.05 * rng.standard_normal((len(compositions), 20))).astype("f4")

    labels, held = (np.repeat(np.arange(15), n) for n in (60, 20))
    truth = check_compositions(3, 900, rng)
    return (
        Patterns(seen(grid[held]), held, seen(truth), truth, grid),
        seen(grid[labels]),
        labels,
        grid @ spectra,
    )


def test_nearest_class__is_scipys():
    rng = np.random.default_rng(0)
    table, centers = rng.random((50, 7)), rng.random((9, 7))
    np.testing.assert_array_equal(nearest_class(table, centers), cdist(table, centers).argmin(axis=1))


def test_controls__are_scored_on_the_same_patterns(patterns):
    unseen, table, labels, centers = patterns
    found = control_votes(table, labels, centers, "random_forest")
    assert list(found) == ["linear_discriminant", "nearest_class"]
    scores = compare("nearest_class", found, unseen)[0]
    nearest = nearest_class(unseen.held, centers)
    assert scores["nearest_class"].accuracy == (nearest == unseen.labels).mean()
    fractions = unseen.compositions[nearest_class(unseen.checks, centers)]
    assert scores["nearest_class"].fraction_error == pytest.approx(np.abs(fractions - unseen.truth).mean())
    right = fractions.argmax(axis=1) == unseen.truth.argmax(axis=1)
    assert scores["nearest_class"].dominant_accuracy == right.mean()


def test_a_better_control__is_told(patterns):
    unseen, table, labels, centers = patterns
    predictor, _ = fit("random_forest", table, labels, Drawn(1, 0))
    ways = {"random_forest": lambda rows: predictor.predict(rows.T)}
    ways |= control_votes(table, labels, centers, "random_forest")
    better = compare("random_forest", ways, unseen)[1]
    assert better.startswith("linear_discriminant is better than random_forest")
    assert compare("linear_discriminant", ways, unseen)[1] is None


def test_a_control__that_is_better_by_chance_is_not_told(patterns):
    unseen, table, labels, centers = patterns
    votes = control_votes(table, labels, centers, "random_forest")["linear_discriminant"]
    rng = np.random.default_rng(2)
    ways = {
        "chosen": votes,
        "other": lambda rows: votes(rows) * (1 + 1e-6 * rng.standard_normal((len(rows), 1))),
    }
    assert compare("chosen", ways, unseen)[1] is None


def test_linear_discriminant__is_no_control_of_itself(patterns):
    _, table, labels, centers = patterns
    assert list(control_votes(table, labels, centers, "linear_discriminant")) == ["nearest_class"]
