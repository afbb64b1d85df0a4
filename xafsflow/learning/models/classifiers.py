"""The table of classifiers, their training and their held-out score."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.findings.record import Integers
from xafsflow.findings.train_findings import Score
from xafsflow.learning.forest.exact_layout import flatten
from xafsflow.vocabulary import nearest

Factory = Callable[[int, int], Any]


def _random_forest(trees: int, seed: int) -> Any:
    from xafsflow.learning.forest.histogram_forest import HistogramForest

    return HistogramForest(trees, seed)


def _sklearn_random_forest(trees: int, seed: int) -> Any:
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

    # Without a search tree: in more than 15 dimensions it does not help, and a file of it would need trust.
    return KNeighborsClassifier(n_neighbors=15, algorithm="brute", n_jobs=1)


# A further classifier is one line here; each gets the number of trees and the seed, and takes what it needs.
CLASSIFIERS: dict[str, Factory] = {
    "random_forest": _random_forest,
    "sklearn_random_forest": _sklearn_random_forest,
    "extra_trees": _extra_trees,
    "linear_discriminant": _linear_discriminant,
    "k_nearest": _k_nearest,
}


def fit(
    name: str, features: np.ndarray, labels: np.ndarray, trees: int, seed: int
) -> tuple[Any, np.ndarray | None]:
    """A fitted estimator, forests in their flat form, and its feature importances where it has some.

    Parameters
    ----------
    name
        A row of `CLASSIFIERS`.
    features
        `(pattern, feature)` float32, finite.
    labels
        `(pattern,)` integers.
    trees
        Number of trees of a forest.
    seed
        Of all that is drawn.

    Raises
    ------
    InputError
        There is no such classifier, or there are too few patterns for it.

    Examples
    --------
    >>> table = np.random.default_rng(0).normal([[0.0, 0.0]] * 50 + [[3.0, 0.0]] * 50).astype("f4")
    >>> forest, importances = fit("random_forest", table, np.repeat([0, 1], 50), 10, 0)
    >>> bool(importances[0] > importances[1])
    True
    """
    if name not in CLASSIFIERS:
        do = f"mend the name{nearest(name, CLASSIFIERS)}"
        raise InputError(f"the classifier {name!r}", f"one of {', '.join(CLASSIFIERS)}", do)
    estimator = CLASSIFIERS[name](trees, seed)
    least = getattr(estimator, "n_neighbors", 2)
    if len(labels) < least:
        raise InputError(
            f"{len(labels)} training patterns for {name}", f"{least} or more", "raise noise_patterns"
        )
    with warnings.catch_warnings():
        # Features that are alike in all patterns, outside the edge, are collinear: nothing the user can mend.
        warnings.filterwarnings("ignore", message="Variables are collinear")
        estimator.fit(features, labels)
    importances = getattr(estimator, "feature_importances_", None)
    if hasattr(estimator, "forest_"):
        return estimator.forest_, importances
    if hasattr(estimator, "estimators_"):
        return flatten(estimator), importances
    return estimator, importances


def held_out_score(votes: np.ndarray, labels: np.ndarray, compositions: np.ndarray) -> tuple[Score, Integers]:
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
    Score, ndarray
        Of class, vote-weighted composition, and leading reference, and the counts (true class, predicted class).

    Examples
    --------
    >>> held_out_score(np.eye(2), np.array([0, 1]), np.eye(2))[0]
    Score(accuracy=1.0, fraction_error=0.0, dominant_accuracy=1.0)
    """
    predicted = votes.argmax(axis=1)
    truth, fractions = compositions[labels], votes @ compositions
    ordered = np.sort(truth, axis=1)
    # A single reference always leads; two that are equal but for rounding do not.
    second = ordered[:, -2] if truth.shape[1] > 1 else np.full(len(truth), -1.0)
    leads = ordered[:, -1] > second + 1e-9
    dominant = (fractions.argmax(axis=1) == truth.argmax(axis=1))[leads]
    confusion = np.zeros((len(compositions), len(compositions)), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    score = Score(
        accuracy=float(np.mean(predicted == labels)),
        fraction_error=float(np.abs(fractions - truth).mean()),
        dominant_accuracy=float(dominant.mean()) if dominant.size else None,
    )
    return score, confusion
