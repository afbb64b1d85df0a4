"""How often the leading reference is right, learnt on patterns off the grid of classes, and how well that is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.findings.record import Doubles
from xafsflow.findings.train_findings import Reliability

# Points of the learnt curve, and bins of the reliability diagram.
KNOTS, BINS = 20, 10


def check_compositions(references: int, count: int, rng: np.random.Generator) -> Doubles:
    """Compositions `(count, reference)` of one, of two, ... of all references in equal numbers.

    Which ones, is drawn; the shares of those that are present are evenly distributed over their simplex (Dirichlet).

    Examples
    --------
    >>> found = check_compositions(3, 6, np.random.default_rng(0))
    >>> (found > 0).sum(axis=1).tolist(), found.sum(axis=1).round(12).tolist()
    ([1, 2, 3, 1, 2, 3], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    """
    present = 1 + np.arange(count) % references
    rank = rng.permuted(np.tile(np.arange(references), (count, 1)), axis=1)
    weights = rng.exponential(size=(count, references)) * (rank < present[:, None])
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def margins(fractions: NDArray[Any]) -> NDArray[Any]:
    """By how much the largest fraction `(..., reference)` leads the second; one reference leads by all it has.

    Examples
    --------
    >>> margins(np.array([[0.2, 0.7, 0.1], [0.5, 0.5, 0.0]])).round(3).tolist()
    [0.5, 0.0]
    """
    if fractions.shape[-1] == 1:
        return np.asarray(fractions[..., 0])
    ordered = np.partition(fractions, -2, axis=-1)
    return np.asarray(ordered[..., -1] - ordered[..., -2])


def leader_right(fractions: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether the largest fraction is that of the reference of which there is most."""
    return np.asarray(fractions.argmax(axis=-1) == truth.argmax(axis=-1))


def learn_confidence(margin: NDArray[Any], right: NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
    """How often the leader is right as a rising function of its margin: knots and values for `confidence_at`.

    Isotonic regression of the means over `KNOTS` groups in the order of the margin, small ones where the margin is small
    and all is decided: the first i groups hold the share (i/`KNOTS`)^1.5. A group of n patterns of which k are right
    counts as (k + 1/2)/(n + 1): no number of patterns makes certain.

    Parameters
    ----------
    margin, right
        `(pattern,)`.

    Examples
    --------
    >>> margin = np.linspace(0, 1, 400)
    >>> right = np.random.default_rng(0).random(400) < 0.5 + margin / 2
    >>> knots, values = learn_confidence(margin, right)
    >>> len(knots), bool((np.diff(values) >= 0).all())
    (20, True)
    """
    from sklearn.isotonic import IsotonicRegression

    order = np.argsort(margin, kind="stable")
    cuts = np.unique(np.round(len(order) * (np.arange(1, KNOTS) / KNOTS) ** 1.5).astype(int))
    groups = [group for group in np.split(order, cuts) if len(group)]
    knots = np.array([margin[group].mean() for group in groups], float)
    means = np.array([(right[group].sum() + 0.5) / (len(group) + 1) for group in groups])
    weights = [len(group) for group in groups]
    fitted = IsotonicRegression().fit(knots, means, weights)
    # Its own predict() is NaN between knots that differ in the last bit, which a classifier without doubt has
    return knots, np.interp(knots, fitted.X_thresholds_, fitted.y_thresholds_)


def confidence_at(margin: NDArray[Any], knots: Doubles, values: Doubles) -> NDArray[Any]:
    """Probability that the leader is right: a line between the knots, level beyond them.

    Examples
    --------
    >>> confidence_at(np.array([0.0, 0.25, 0.9]), np.array([0.0, 0.5]), np.array([0.5, 1.0]))
    array([0.5 , 0.75, 1.  ])
    """
    return np.asarray(np.interp(margin, knots, values))


def reliability(stated: NDArray[Any], right: NDArray[np.bool_]) -> tuple[Reliability, float]:
    """A reliability diagram and its summary.

    The expected calibration error is sum_b n_b/n |mean stated_b - mean right_b| over `BINS` bins of equal width from the
    least to the largest that can be stated, 0 and 1 (M. P. Naeini et al., AAAI 2015, 2901).

    Parameters
    ----------
    stated, right
        `(pattern,)`: the confidence, and whether the leader was right.

    Returns
    -------
    Reliability, float
        Of each bin that holds patterns, and the calibration error.

    Examples
    --------
    >>> diagram, error = reliability(np.array([0.95, 0.95, 0.55, 0.55]), np.array([True, True, True, False]))
    >>> diagram.observed, round(error, 3)
    (array([0.5, 1. ]), 0.05)
    """
    place = np.minimum((stated * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    held = count > 0
    said, seen = (
        np.bincount(place, np.asarray(values, float), BINS)[held] / count[held] for values in (stated, right)
    )
    error = float((count[held] * np.abs(said - seen)).sum() / count.sum())
    return Reliability(said, seen, count[held]), error
