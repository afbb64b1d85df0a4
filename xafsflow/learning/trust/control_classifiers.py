"""Simple classifiers beside the chosen one, on the same patterns: is it worth its trouble?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.findings.train_findings import Score
from xafsflow.learning.models.classifiers import Drawn, fit
from xafsflow.learning.models.predictors import over_all_classes
from xafsflow.learning.trust.confidence import leader_right

Votes = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class Patterns:
    """Patterns that no classifier has seen: `held` with their class `labels`, and `checks` with any composition.

    `held` (pattern, feature), `labels` (pattern,), `checks` (check, feature), `truth` (check, reference),
    `compositions` (class, reference).
    """

    held: NDArray[Any]
    labels: NDArray[Any]
    checks: NDArray[Any]
    truth: NDArray[Any]
    compositions: NDArray[Any]


def nearest_class(features: NDArray[Any], class_features: NDArray[Any]) -> NDArray[np.int64]:
    """The class whose noise-free features `(class, feature)` are the nearest to `(pattern, feature)`, Euclidean.

    Examples
    --------
    >>> nearest_class(np.array([[0.2, 0.0], [0.9, 0.8]]), np.array([[0.0, 0.0], [1.0, 1.0]]))
    array([0, 1])
    """
    centers = class_features.astype(np.float64)
    likeness = features.astype(np.float64) @ centers.T - (centers**2).sum(axis=1) / 2
    return np.asarray(likeness.argmax(axis=1))


def control_votes(
    known: NDArray[Any], labels: NDArray[Any], class_features: NDArray[Any], trained: str
) -> dict[str, Votes]:
    """The controls, each as a function from features `(pattern, feature)` to votes `(pattern, class)`.

    Linear discriminant analysis is fitted to the patterns that the classifier was trained on, and left out where it is
    the classifier.
    """
    n_classes = len(class_features)

    def by_spectrum(features: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(np.eye(n_classes)[nearest_class(features, class_features)])

    found: dict[str, Votes] = {"nearest_class": by_spectrum}
    if trained != "linear_discriminant":
        predictor, _ = fit("linear_discriminant", known, labels, Drawn())

        def by_discriminant(features: NDArray[Any]) -> NDArray[Any]:
            return over_all_classes(predictor, features.T, n_classes)

        found = {"linear_discriminant": by_discriminant} | found
    return found


def compare(
    chosen: str, ways: Mapping[str, Votes], patterns: Patterns
) -> tuple[dict[str, Score], str | None]:
    """Scores of the chosen classifier and its controls, and whether one of these is better.

    Better is a smaller mean error of the fractions of the check patterns, by more than the standard error of the
    difference.

    Parameters
    ----------
    chosen
        Its name among the ways.

    Returns
    -------
    dict, str
        Scores by name, of the class on the held-out patterns, of the fractions and the leading reference on the check
        patterns; a sentence if one is better, or None.

    Examples
    --------
    >>> patterns = Patterns(np.eye(2), np.array([0, 1]), np.eye(2), np.eye(2), np.eye(2))
    >>> compare("blind", {"blind": lambda rows: 0 * rows + 0.5, "seeing": lambda rows: rows}, patterns)[1]
    'seeing is better than blind: votes for the classes wrong by 0.000 in place of 0.500 (difference 0.500 +- 0.000)'
    """
    scores: dict[str, Score] = {}
    errors: dict[str, NDArray[Any]] = {}
    for name, votes in ways.items():
        fractions = votes(patterns.checks) @ patterns.compositions
        errors[name] = np.abs(fractions - patterns.truth).mean(axis=1)
        scores[name] = Score(
            accuracy=float((votes(patterns.held).argmax(axis=1) == patterns.labels).mean()),
            fraction_error=float(errors[name].mean()),
            dominant_accuracy=float(leader_right(fractions, patterns.truth).mean()),
        )
    best = min(errors, key=lambda name: scores[name].fraction_error)
    gain = errors[chosen] - errors[best]
    by, error = float(gain.mean()), float(gain.std() / np.sqrt(len(gain)))
    first, second = (scores[name].fraction_error for name in (best, chosen))
    classes = np.array_equal(patterns.compositions, np.eye(len(patterns.compositions)))
    what = "votes for the classes" if classes else "fractions of mixtures"
    sentence = (
        f"{best} is better than {chosen}: {what} wrong by {first:.3f} in place of {second:.3f} "
        f"(difference {by:.3f} +- {error:.3f})"
    )
    return scores, sentence if best != chosen and by > error else None
