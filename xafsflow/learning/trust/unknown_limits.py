"""Misfits that noise cannot explain: limits at a rate of false alarms, and distances of features to the classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles

# Patterns above a limit from which it is found; with 10, its rate is known to a third.
LEAST_ABOVE = 10
# The quantile by which groups of patterns differ, and from how many patterns it is known, to some 10 %.
SCALE, LEAST_OF_GROUP = 0.9, 200
TREES = 200


def limit_of(misfits: NDArray[Any], false_alarm: float) -> float:
    """The value that a share `false_alarm` of the misfits `(pattern,)` of known mixtures exceeds.

    Raises
    ------
    InputError
        Too few patterns for so rare an event.

    Examples
    --------
    >>> round(limit_of(np.arange(2001.0), 0.01))
    1980
    """
    known = misfits[np.isfinite(misfits)]
    if false_alarm * len(known) < LEAST_ABOVE:
        raise InputError(
            f"{len(known)} check patterns for a false-alarm rate of {false_alarm:g}",
            f"{int(np.ceil(LEAST_ABOVE / false_alarm))} or more",
            "raise check_patterns of train.mixtures, or false_alarm",
        )
    return float(np.quantile(known, 1 - false_alarm))


def limits_by_group(misfits: NDArray[Any], group: NDArray[Any], groups: int, false_alarm: float) -> Doubles:
    """The limit of `limit_of` for each group of patterns, `(groups,)`.

    A fit that leaves references out follows the noise less, and a pre-edge with a point less is noisier: with one limit for
    all, such pixels are flagged more often. Patterns of a group are too few to find so high a quantile; so misfits are
    divided by the `SCALE` quantile of their group, and the limit of all, of these ratios, is multiplied by it again. A group
    with few patterns has the quantile of all.

    Parameters
    ----------
    misfits, group
        `(pattern,)`: of known mixtures, and to which group each belongs, 0 to `groups` - 1.

    Raises
    ------
    InputError
        Too few patterns in all for so rare an event.

    Examples
    --------
    >>> misfits = np.concatenate([np.arange(1001.0), 2 * np.arange(1001.0)])
    >>> limits_by_group(misfits, np.repeat([0, 2], 1001), 3, 0.01).round().tolist()
    [990.0, 1760.0, 1980.0]
    """
    known = np.isfinite(misfits)
    scale = np.full(groups, np.quantile(misfits[known], SCALE))
    for k in range(groups):
        some = misfits[known & (group == k)]
        if len(some) >= LEAST_OF_GROUP:
            scale[k] = np.quantile(some, SCALE)
    return limit_of(misfits / scale[group], false_alarm) * scale


@dataclass(frozen=True)
class Mahalanobis:
    """Distance of features to the nearest class, in units of the scatter within classes.

    `sqrt(min_c (f - c)^T S^-1 (f - c))` with the pooled covariance S. `whitening` (feature, feature) is `W` with
    `W W^T = S^-1`, `centers` (class, feature) are whitened.
    """

    whitening: Doubles
    centers: Doubles

    def __call__(self, features: NDArray[Any]) -> Doubles:
        """Distances `(pixel,)` of features `(feature, pixel)`."""
        white = features.T.astype(np.float64) @ self.whitening
        squares = (white**2).sum(axis=1)[:, None] - 2 * white @ self.centers.T + (self.centers**2).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(squares.min(axis=1), 0)))


def learn_mahalanobis(
    features: NDArray[Any], labels: NDArray[Any], class_features: NDArray[Any]
) -> Mahalanobis:
    """The distance from patterns of the classes.

    The covariance is shrunk as O. Ledoit and M. Wolf, J. Multivariate Anal. 88, 365 (2004), so that it has an inverse
    with few patterns too.

    Parameters
    ----------
    features
        `(pattern, feature)`.
    labels
        `(pattern,)`.
    class_features
        `(class, feature)`, noise-free.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> table = rng.standard_normal((4000, 3)) * [1.0, 2.0, 1.0]
    >>> distance = learn_mahalanobis(table, np.zeros(4000, int), np.zeros((1, 3)))
    >>> distance(np.array([[0.0], [4.0], [0.0]])).round(1)
    array([2.])
    """
    from sklearn.covariance import ledoit_wolf

    apart = features.astype(np.float64) - class_features[labels]
    covariance, _ = ledoit_wolf(apart, assume_centered=True)
    values, vectors = np.linalg.eigh(covariance)
    whitening = vectors / np.sqrt(np.maximum(values, np.finfo(float).eps * values.max()))
    return Mahalanobis(whitening, class_features @ whitening)


@dataclass(frozen=True)
class Isolation:
    """How few random cuts single out features, by a fitted IsolationForest: 0 for none, 1 for one."""

    forest: Any

    def __call__(self, features: NDArray[Any]) -> Doubles:
        """Scores `(pixel,)` of features `(feature, pixel)`."""
        return np.asarray(-self.forest.score_samples(np.ascontiguousarray(features.T)))


def learn_isolation(features: NDArray[Any], seed: int) -> Isolation:
    """An isolation forest (F. T. Liu et al., ICDM 2008, 413) of patterns `(pattern, feature)`.

    Examples
    --------
    >>> table = np.random.default_rng(0).standard_normal((500, 2)).astype("f4")
    >>> inside, outside = learn_isolation(table, 0)(np.array([[0.0, 6.0], [0.0, 6.0]], "f4"))
    >>> bool(inside < 0.5 < outside)
    True
    """
    from sklearn.ensemble import IsolationForest

    return Isolation(IsolationForest(n_estimators=TREES, random_state=seed).fit(features))
