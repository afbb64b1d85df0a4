"""Each predictor answers as what it was made from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

from xafsflow.errors import InputError
from xafsflow.learning.models.predictors import (
    PREDICTORS,
    Linear,
    NearestPatterns,
    Neighbors,
    over_all_classes,
    row_of,
)

RNG = np.random.default_rng(0)


def patterns(n_classes: int, dtype: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(n_classes) * 3, 40)
    centers = np.random.default_rng(1).random((labels.max() + 1, 12))
    return (centers[labels] + 0.2 * RNG.standard_normal((labels.size, 12))).astype(dtype), labels


def pixels() -> np.ndarray:
    return np.random.default_rng(2).random((12, 300)).astype(np.float32)


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize(
    "estimator",
    [LinearDiscriminantAnalysis(), LogisticRegression(max_iter=500)],
    ids=lambda one: type(one).__name__,
)
def test_linear__has_the_probabilities_of_scikit_learn(estimator: Any, n_classes: int) -> None:
    estimator.fit(*patterns(n_classes))
    found = Linear.from_fitted(estimator)
    found.check()
    wanted = estimator.predict_proba(pixels().T.astype(float))
    np.testing.assert_allclose(found.predict(pixels()), wanted, atol=1e-6)
    assert found.classes.tolist() == estimator.classes_.tolist()


def test_linear__has_the_probabilities_of_a_discriminant_of_float32_but_for_rounding() -> None:
    estimator = LinearDiscriminantAnalysis().fit(*patterns(5, np.float32))
    wanted = estimator.predict_proba(pixels().T)
    np.testing.assert_allclose(Linear.from_fitted(estimator).predict(pixels()), wanted, atol=1e-4)


def test_linear__does_not_overflow() -> None:
    far = Linear(np.eye(2) * 1e4, np.zeros(2), True, np.arange(2))
    assert far.predict(np.array([[1.0], [0.0]], "f4")).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("estimator", [Ridge(), LinearRegression()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("properties", [1, 3])
def test_linear__has_the_answers_of_a_regression(estimator: Any, properties: int) -> None:
    table = RNG.random((80, 12))
    truth = RNG.random((80, properties))
    estimator.fit(table, truth[:, 0] if properties == 1 else truth)
    found = Linear.from_fitted(estimator)
    wanted = estimator.predict(pixels().T.astype(float)).reshape(-1, properties)
    np.testing.assert_allclose(found.predict(pixels()), wanted, atol=1e-6)
    assert found.classes.tolist() == list(range(properties))


@pytest.mark.parametrize("kind", [RandomForestRegressor, ExtraTreesRegressor])
@pytest.mark.parametrize("properties", [1, 3])
def test_a_flat_forest__has_the_answers_of_regression_trees(kind: Any, properties: int) -> None:
    table = RNG.random((200, 12)).astype(np.float32)
    truth = RNG.random((200, properties))
    fitted = kind(12, random_state=0).fit(table, truth[:, 0] if properties == 1 else truth)
    found = PREDICTORS["exact_forest"].from_fitted(fitted)
    found.check()
    wanted = fitted.predict(pixels().T).reshape(-1, properties)
    np.testing.assert_allclose(found.predict(pixels()), wanted, rtol=1e-12)


def test_neighbors__have_the_votes_of_scikit_learn() -> None:
    table, labels = patterns(4, np.float32)
    ours = NearestPatterns(15)
    ours.fit(table, labels)
    found = Neighbors.from_fitted(ours)
    found.check()
    fitted = KNeighborsClassifier(15, algorithm="brute").fit(table, labels)
    np.testing.assert_array_equal(found.predict(pixels()), fitted.predict_proba(pixels().T))
    assert found.classes.tolist() == fitted.classes_.tolist()
    assert found.predict(pixels()[:, :0]).shape == (0, 4)


def test_classes_that_were_not_seen__get_nothing() -> None:
    fitted = ExtraTreesClassifier(5, random_state=0).fit(*patterns(3, np.float32))
    found = over_all_classes(PREDICTORS["exact_forest"].from_fitted(fitted), pixels(), 8)
    np.testing.assert_array_equal(found[:, [0, 3, 6]], fitted.predict_proba(pixels().T))
    assert not found[:, [1, 2, 4, 5, 7]].any()


@pytest.mark.parametrize("name", PREDICTORS)
def test_every_row__is_told_by_its_name(name: str) -> None:
    assert row_of(object.__new__(PREDICTORS[name])) == name


BAD_LINEAR: dict[str, dict[str, Any]] = {
    "other dtype": {"weights": np.ones((2, 3), "f4")},
    "other length": {"offset": np.ones(2)},
    "no features": {"weights": np.ones((0, 3))},
    "no array": {"classes": [0, 1, 2]},
    "a softmax of numbers": {"softmax": 1},
}
BAD_NEIGHBORS: dict[str, dict[str, Any]] = {
    "a label beyond": {"labels": np.array([0, 1, 2, 3])},
    "a label below": {"labels": np.array([0, 1, -1, 0])},
    "fewer labels": {"labels": np.array([0, 1])},
    "more neighbors than patterns": {"n_neighbors": 5},
    "no neighbors": {"n_neighbors": 0},
    "half a neighbor": {"n_neighbors": 1.5},
    "other dtype": {"table": np.ones((4, 2))},
}


@pytest.mark.parametrize("changes", BAD_LINEAR.values(), ids=BAD_LINEAR)
def test_linear__refuses_what_does_not_belong_together(changes: dict[str, Any]) -> None:
    good = {"weights": np.ones((2, 3)), "offset": np.ones(3), "softmax": True, "classes": np.arange(3)}
    Linear(**good).check()
    with pytest.raises(InputError, match="do not belong together"):
        Linear(**(good | changes)).check()


@pytest.mark.parametrize("changes", BAD_NEIGHBORS.values(), ids=BAD_NEIGHBORS)
def test_neighbors__refuse_what_does_not_belong_together(changes: dict[str, Any]) -> None:
    good = {
        "table": np.ones((4, 2), "f4"),
        "labels": np.zeros(4, int),
        "classes": np.arange(2),
        "n_neighbors": 2,
    }
    Neighbors(**good).check()
    with pytest.raises(InputError, match="do not belong together"):
        Neighbors(**(good | changes)).check()
