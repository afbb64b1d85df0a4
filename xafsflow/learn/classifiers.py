"""The table of classifiers, their training and their held-out score."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from xafsflow.learn.flat import flatten

Factory = Callable[[int, int], Any]


def _random_forest(trees: int, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(trees, n_jobs=-1, random_state=seed)


def _extra_trees(trees: int, seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(trees, n_jobs=-1, random_state=seed)


def _linear_discriminant(trees: int, seed: int) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis()


def _k_nearest(trees: int, seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(n_neighbors=15, n_jobs=1)


# A further classifier is one line here; each gets the number of trees and the seed, and takes what it needs.
CLASSIFIERS: dict[str, Factory] = {
    "random_forest": _random_forest,
    "extra_trees": _extra_trees,
    "linear_discriminant": _linear_discriminant,
    "k_nearest": _k_nearest,
}


def fit(name: str, features: np.ndarray, labels: np.ndarray, trees: int, seed: int) -> tuple[Any, np.ndarray | None]:
    """A fitted estimator, forests in their flat form, and its feature importances where it has some.

    Examples
    --------
    >>> table = np.random.default_rng(0).normal([[0.0, 0.0]] * 50 + [[3.0, 0.0]] * 50).astype("f4")
    >>> forest, importances = fit("random_forest", table, np.repeat([0, 1], 50), 10, 0)
    >>> bool(importances[0] > importances[1])
    True
    """
    estimator = CLASSIFIERS[name](trees, seed)
    with warnings.catch_warnings():
        # Features that are alike in all patterns, outside the edge, are collinear: nothing the user can mend.
        warnings.filterwarnings("ignore", message="Variables are collinear")
        estimator.fit(features, labels)
    importances = getattr(estimator, "feature_importances_", None)
    if hasattr(estimator, "estimators_"):
        return flatten(estimator), importances
    return estimator, importances


def held_out_score(votes: np.ndarray, labels: np.ndarray, compositions: np.ndarray) -> dict[str, Any]:
    """How a classifier did on patterns that it has not seen.

    Parameters
    ----------
    votes
        `(pattern, class)`.
    labels
        `(pattern,)` true classes.
    compositions
        `(class, reference)`.

    Returns
    -------
    dict
        `accuracy` of the class, `fraction_error` (mean absolute error of the vote-weighted composition),
        `dominant_accuracy` where one reference leads, and `confusion` (true class, predicted class) as counts.

    Examples
    --------
    >>> held_out_score(np.eye(2), np.array([0, 1]), np.eye(2))["accuracy"]
    1.0
    """
    predicted = votes.argmax(axis=1)
    truth, fractions = compositions[labels], votes @ compositions
    ordered = np.sort(truth, axis=1)
    leads = ordered[:, -1] > ordered[:, -2] + 1e-9 if truth.shape[1] > 1 else np.ones(len(truth), bool)
    confusion = np.zeros((len(compositions), len(compositions)), int)
    np.add.at(confusion, (labels, predicted), 1)
    return {
        "accuracy": float(np.mean(predicted == labels)),
        "fraction_error": float(np.abs(fractions - truth).mean()),
        "dominant_accuracy": float(np.mean((fractions.argmax(1) == truth.argmax(1))[leads])),
        "confusion": confusion.tolist(),
    }
