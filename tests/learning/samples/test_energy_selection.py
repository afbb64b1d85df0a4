"""Energies that matter are found, others are left out."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.learning.samples.energy_selection import (
    Round,
    eliminate,
    fewest_within,
    fractions_by,
    permutation_importances,
    task_of,
)
from xafsflow.learning.samples.mixtures import simplex_grid
from xafsflow.learning.trust.confidence import check_compositions

# Only these of 30 features differ between the references.
TELLING = (4, 11, 20)


@pytest.fixture(scope="module")
def task():
    rng, grid = np.random.default_rng(0), simplex_grid(3, 0.25)
    spectra = np.ones((3, 30))
    spectra[range(3), TELLING] += 1

    def seen(compositions):
        return (compositions @ spectra + 0.02 * rng.standard_normal((len(compositions), 30))).astype("f4")

    labels, truth = np.repeat(np.arange(15), 100), check_compositions(3, 1200, rng)
    return task_of(seen(grid[labels]), labels, grid, (seen(truth), truth), 0)


@pytest.mark.parametrize("learner", ["linear_regression", "extra_trees"])
def test_elimination__keeps_what_tells_the_references_apart(task, learner):
    rounds = eliminate(task, learner, 20, 3, 0)
    assert rounds[-1].used.tolist() == list(TELLING)
    assert set(np.argsort(rounds[0].importances)[-3:]) == set(TELLING)
    sizes = [len(one.used) for one in rounds]
    assert sizes[0] == 30
    assert (np.diff(sizes) < 0).all()
    assert rounds[-1].fraction_error <= rounds[0].fraction_error + 3 * rounds[0].error


def test_the_fewest_energies__stay_within_the_loss():
    none = np.empty(0)
    rounds = [Round(none.astype(int), none, error, 0.0, 1.0) for error in (0.10, 0.09, 0.11, 0.105, 0.2)]
    assert [fewest_within(rounds, loss) for loss in (0.0, 0.06, 1.0)] == [1, 3, 4]


def test_permutation__of_a_feature_of_the_model_costs_its_share():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((20_000, 2))
    found = permutation_importances(lambda r: r[:, :1], rows, rows[:, :1], rng)
    # The mean of |a - b| of two normal numbers is 2/sqrt(pi).
    np.testing.assert_allclose(found, [2 / np.sqrt(np.pi), 0], atol=0.02)


def test_linear_regression__is_numpys_least_squares(task):
    used = np.array([1, *TELLING])
    rows, shares = task.features[:, used].astype(float), task.compositions[task.labels]
    design = np.c_[rows, np.ones(len(rows))]
    wanted = design[:50] @ np.linalg.lstsq(design, shares, rcond=None)[0]
    np.testing.assert_allclose(
        fractions_by(task, "linear_regression", used, 1, 0)(rows[:50]), wanted, atol=1e-4
    )


def test_features_that_are_alike__are_no_obstacle(task):
    from dataclasses import replace

    features = task.features.copy()
    features[:, 0], features[:, 1] = 1, features[:, 4]
    found = fractions_by(replace(task, features=features), "linear_regression", np.arange(30), 1, 0)
    assert np.isfinite(found(features[:5])).all()


def test_one_class__is_refused(task):
    with pytest.raises(InputError, match="one class"):
        task_of(task.features, task.labels, task.compositions[:1], task.judge, 0)
