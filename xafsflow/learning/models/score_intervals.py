"""Scores of classes and properties, and how sure they are, from samples that come in groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles, Indices, Integers

DRAWS = 200
# 95 % lie between.
ENDS = (0.025, 0.975)


def macro_f1(predicted: Integers, labels: Integers) -> float:
    """The mean over the classes among the labels of `F1 = 2 TP/(2 TP + FP + FN)`: a rare class counts as a common one.

    Examples
    --------
    >>> round(macro_f1(np.array([0, 0, 1, 0]), np.array([0, 0, 1, 1])), 3)
    0.733
    """
    scores = []
    for one in np.unique(labels):
        right = float(((predicted == one) & (labels == one)).sum())
        wrong = float(((predicted == one) != (labels == one)).sum())
        scores.append(2 * right / (2 * right + wrong))
    return float(np.mean(scores)) if scores else float("nan")


def mean_absolute_error(found: Doubles, truth: Doubles) -> Doubles:
    """`(property,)`, from answers and truth `(sample, property)`."""
    return np.asarray(np.abs(found - truth).mean(axis=0))


def confusion_of(votes: Doubles, labels: Integers) -> Indices:
    """`(true class, predicted class)` counts, from votes `(sample, class)` and true classes `(sample,)`.

    Examples
    --------
    >>> confusion_of(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1])).tolist()
    [[1, 0], [1, 0]]
    """
    found = np.zeros((votes.shape[1],) * 2, np.int64)
    np.add.at(found, (labels, votes.argmax(axis=1)), 1)
    return found


def interval(score: Callable[[Indices], Any], groups: NDArray[Any], seed: int) -> NDArray[np.float64]:
    """The 95 % interval of a score by bootstrap: whole groups are drawn with replacement, `DRAWS` times.

    B. Efron, Ann. Stat. 7, 1 (1979). Samples of one material are alike: drawn one by one they would promise too much.

    Parameters
    ----------
    score
        Of the samples at these places `(drawn,)`: a number, or numbers `(k,)`.
    groups
        `(sample,)`.

    Returns
    -------
    ndarray
        `(2,)` or `(2, k)`: the lower and the upper end.

    Examples
    --------
    >>> right = np.arange(400) % 10 > 0
    >>> low, high = interval(lambda places: right[places].mean(), np.arange(400), 0)
    >>> bool(0.85 < low < 0.9 < high < 0.95)
    True
    """
    names, of = np.unique(groups, return_inverse=True)
    order = np.argsort(of, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(of))[:-1])
    rng = np.random.default_rng([seed, 7])
    found = [
        score(np.concatenate([members[one] for one in rng.integers(len(names), size=len(names))]))
        for _ in range(DRAWS)
    ]
    return np.asarray(np.quantile(np.asarray(found, float), ENDS, axis=0))
