"""Regions of similar spectra, found on the scores of their principal components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Integers

Method = Literal["kmeans", "gaussian_mixture"]

# k-means starts so often, from different centers, and the best result is taken; a mixture starts once, from k-means.
STARTS = 5
# Pixels whose silhouette is looked at: it costs the square of their number.
SILHOUETTE_PIXELS = 3000


class Estimator(Protocol):
    """A fitted estimator of scikit-learn that gives each row of scores a label."""

    def predict(self, scores: Doubles, /) -> Integers:
        """The labels `(pixel,)` of scores `(pixel, component)`."""


@dataclass(frozen=True)
class Clusters:
    """Regions in the space of scores.

    `estimator` is fitted; `order` maps its labels to those with the largest cluster first; `scores_by_number` are silhouette
    (larger is better) or BIC (smaller is better) by number of clusters, empty where the number was given.
    """

    estimator: Estimator
    order: NDArray[np.int16]
    number: int
    scores_by_number: dict[int, float]

    def labels(self, scores: Floats) -> NDArray[np.int16]:
        """The cluster `(pixel,)` of scores `(pixel, component)`."""
        return self.order[self.estimator.predict(np.ascontiguousarray(scores, np.float64))]


def find(scores: Doubles, number: int | None, most: int, method: Method, seed: int) -> Clusters:
    """Clusters of scores, the largest first.

    k-means from several starts (scikit-learn's, with k-means++): the scores of some ten thousand pixels are a table of a
    megabyte, for which k-means|| over blocks would only add passes over the data. A Gaussian mixture has a full covariance
    for each cluster.

    Parameters
    ----------
    scores
        `(pixel, component)`, finite.
    number
        Of clusters; None looks from 2 (k-means, by the silhouette) or 1 (mixture, by BIC) up to `most`.
    most
        Not more.
    method
        `kmeans` or `gaussian_mixture`.
    seed
        Of starts and of the pixels whose silhouette is looked at.

    Raises
    ------
    InputError
        Fewer than 10 pixels a cluster.

    Examples
    --------
    >>> table = np.repeat([[0.0, 0.0], [9.0, 0.0]], [40, 20], axis=0) + np.linspace(0, 1, 60)[:, None]
    >>> found = find(table, None, 4, "kmeans", 0)
    >>> found.number, np.bincount(found.labels(table)).tolist()
    (2, [40, 20])
    """
    needed = 10 * (most if number is None else number)
    if len(scores) < needed:
        raise InputError(
            f"{len(scores)} good pixels for {needed // 10} clusters",
            "10 or more a cluster",
            "take more pixels or fewer clusters",
        )
    if number is not None:
        return _settled(_fitted(scores, number, method, seed), scores, number, {})
    least = 2 if method == "kmeans" else 1
    tried = {k: _fitted(scores, k, method, seed) for k in range(least, most + 1)}
    quality = {k: _quality(one, scores, seed) for k, one in tried.items()}
    best = max(quality, key=lambda k: quality[k] if method == "kmeans" else -quality[k])
    return _settled(tried[best], scores, best, quality)


def _fitted(scores: Doubles, number: int, method: Method, seed: int) -> Estimator:
    from sklearn.cluster import KMeans
    from sklearn.mixture import GaussianMixture

    if method == "kmeans":
        return KMeans(number, n_init=STARTS, random_state=seed).fit(scores)
    return GaussianMixture(number, random_state=seed).fit(scores)


def _quality(estimator: Estimator, scores: Doubles, seed: int) -> float:
    from sklearn.metrics import silhouette_score
    from sklearn.mixture import GaussianMixture

    if isinstance(estimator, GaussianMixture):
        return float(estimator.bic(scores))
    some = np.random.default_rng(seed).permutation(len(scores))[:SILHOUETTE_PIXELS]
    labels = estimator.predict(scores[some])
    return float(silhouette_score(scores[some], labels)) if len(np.unique(labels)) > 1 else -1.0


def _settled(estimator: Estimator, scores: Doubles, number: int, quality: dict[int, float]) -> Clusters:
    """Labels by falling size; among equals by rising first score."""
    labels = estimator.predict(scores)
    sizes = np.bincount(labels, minlength=number)
    first = np.array([scores[labels == k, 0].mean() if sizes[k] else np.inf for k in range(number)])
    order = np.empty(number, np.int16)
    order[np.lexsort((first, -sizes))] = np.arange(number)
    return Clusters(estimator, order, number, quality)


def hierarchy(means: Doubles) -> tuple[Doubles, list[int]]:
    """Similarity of mean spectra: Ward's linkage as scipy gives it, and the leaves from left to right.

    Parameters
    ----------
    means
        `(cluster, energy)`.

    Returns
    -------
    linkage, leaves
        `(cluster - 1, 4)`: two that are joined, their distance, the number of leaves; empty for one cluster.

    Examples
    --------
    >>> linkage, leaves = hierarchy(np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 1.0]]))
    >>> linkage[0].tolist(), leaves
    ([0.0, 2.0, 1.0, 2.0], [1, 0, 2])
    """
    from scipy.cluster.hierarchy import leaves_list, ward

    if len(means) < 2:
        return np.empty((0, 4)), list(range(len(means)))
    linkage = ward(means)
    return linkage, [int(leaf) for leaf in leaves_list(linkage)]
