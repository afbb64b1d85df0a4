"""The table of classifiers and the score of what they give."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, confusion_matrix, mean_absolute_error

from xafsflow.errors import InputError
from xafsflow.learning.forest.binned_layout import BinnedForest
from xafsflow.learning.forest.exact_layout import FlatForest
from xafsflow.learning.models.boosted_trees import BoostedTrees
from xafsflow.learning.models.classifiers import CLASSIFIERS, Drawn, fit, held_out_score
from xafsflow.learning.models.predictors import Mean, row_of
from xafsflow.learning.samples.mixtures import simplex_grid


def blobs(n_classes=6, n=40, n_features=8, seed=0):
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(9).random((n_classes, n_features))
    labels = np.repeat(np.arange(n_classes), n)
    table = centers[labels] + 0.1 * rng.standard_normal((labels.size, n_features))
    return table.astype(np.float32), labels


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier__learns(name):
    predictor, importances = fit(name, *blobs(), Drawn(20, 0))
    table, labels = blobs(seed=1)
    votes = predictor.predict(table.T)
    assert (votes.argmax(axis=1) == labels).mean() > 0.8
    np.testing.assert_allclose(votes.sum(axis=1), 1)
    assert (importances is not None) == isinstance(predictor, FlatForest | BinnedForest | BoostedTrees | Mean)
    assert row_of(predictor) == CLASSIFIERS[name].predictor
    if importances is not None:
        assert importances.shape == (8,)
        assert importances.sum() == pytest.approx(1)


@pytest.mark.parametrize("name", ["random_forest", "sklearn_random_forest", "extra_trees"])
def test_a_forest__is_the_same_for_the_same_seed(name):
    first, second, other = (fit(name, *blobs(), Drawn(5, seed))[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.nodes, second.nodes)
    assert first.nodes.shape != other.nodes.shape or (first.nodes != other.nodes).any()


def test_scikit_learns_forest__is_as_it_is_by_default():
    table, labels = blobs()
    wanted = RandomForestClassifier(7, random_state=5).fit(table, labels)
    found, importances = fit("sklearn_random_forest", table, labels, Drawn(7, 5))
    np.testing.assert_array_equal(found.predict(table.T), wanted.predict_proba(table))
    np.testing.assert_array_equal(importances, wanted.feature_importances_)


def test_features_that_are_alike_in_all_patterns__are_taken_without_a_warning():
    table, labels = blobs()
    table[:, 2], table[:, 3] = 1, table[:, 4]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit("linear_discriminant", table, labels, Drawn())


@pytest.mark.parametrize("n_classes", [2, 3, 30])
@pytest.mark.parametrize("block", [100, 10**6])
def test_linear_discriminant__is_that_of_scikit_learn(n_classes, block, monkeypatch):
    monkeypatch.setattr("xafsflow.learning.samples.row_blocks.BLOCK_NUMBERS", block)
    table, labels = blobs(n_classes=n_classes)
    table[:, 2], table[:, 3] = 1, table[:, 4]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Variables are collinear")
        wanted = LinearDiscriminantAnalysis().fit(table.astype(float), labels).predict_proba(table)
    found = fit("linear_discriminant", table, labels, Drawn())[0].predict(table.T)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_linear_discriminant__needs_more_patterns_than_classes():
    with pytest.raises(InputError, match="Expected more patterns than classes"):
        fit("linear_discriminant", np.eye(3, dtype="f4"), np.arange(3), Drawn())


def test_an_unknown_classifier__is_refused_with_the_nearest_name():
    with pytest.raises(InputError, match="did you mean 'random_forest'"):
        fit("random_forrest", *blobs(), Drawn(5, 0))


def test_too_few_patterns_for_the_neighbors__are_refused():
    table, labels = blobs(n_classes=2, n=5)
    with pytest.raises(InputError, match="10 training patterns for k_nearest"):
        fit("k_nearest", table, labels, Drawn(1, 0))


def test_held_out_score__is_what_scikit_learn_and_numpy_find():
    rng = np.random.default_rng(0)
    compositions = simplex_grid(3, 0.25)
    labels = rng.integers(0, len(compositions), 500)
    votes = rng.dirichlet(np.full(len(compositions), 0.1), 500)
    votes[np.arange(500), labels] += 0.3
    votes /= votes.sum(axis=1, keepdims=True)
    found, confusion = held_out_score(votes, labels, compositions)
    predicted = votes.argmax(axis=1)
    assert found.accuracy == accuracy_score(labels, predicted)
    wanted = confusion_matrix(labels, predicted, labels=np.arange(len(compositions)))
    np.testing.assert_array_equal(confusion, wanted)
    truth, fractions = compositions[labels], votes @ compositions
    assert found.fraction_error == pytest.approx(mean_absolute_error(truth, fractions))
    leads = np.sort(truth)[:, -1] > np.sort(truth)[:, -2]
    right = fractions.argmax(axis=1) == truth.argmax(axis=1)
    assert found.dominant_accuracy == pytest.approx(right[leads].mean())


def test_held_out_score__does_not_let_rounding_choose_a_leader():
    compositions = np.array([[1.0, 0.0], [0.1 + 0.2, 0.3], [0.0, 1.0]])
    votes = np.eye(3)
    assert held_out_score(votes, np.arange(3), compositions)[0].dominant_accuracy == 1.0
    assert held_out_score(votes[1:2], np.array([1]), compositions)[0].dominant_accuracy is None


def test_held_out_score__of_one_reference_is_right():
    found, _ = held_out_score(np.ones((4, 1)), np.zeros(4, int), np.ones((1, 1)))
    assert (found.accuracy, found.dominant_accuracy, found.fraction_error) == (1, 1, 0)


@pytest.mark.parametrize("name", ["random_forest", "linear_discriminant"])
def test_spectra_that_are_all_alike__are_refused(name):
    table, labels = blobs()
    with pytest.raises(InputError, match="240 training spectra that are all alike"):
        fit(name, np.repeat(table[:1], len(table), axis=0), labels, Drawn(5))
