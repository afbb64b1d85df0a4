"""Hierarchical clustering of spectra: the tree, its cut into clusters, and its upper part for a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from xafsflow.errors import InputError
from xafsflow.findings.hierarchy_findings import DendrogramFindings
from xafsflow.kernels.array_types import Doubles, Floats, Indices

Linkage = Literal["ward", "average", "complete", "single"]
Distance = Literal["euclidean", "correlation", "cosine", "cityblock"]
MOST_CLUSTERS = 50
# As many leaves as a picture has room for.
LEAVES = 40


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """A cut tree: `linkage` (spectrum - 1, 4) as scipy gives it, the `height` of the cut, `labels` (spectrum,) by size."""

    linkage: Doubles
    height: float
    labels: Indices

    @property
    def number(self) -> int:
        """Of clusters."""
        return int(self.labels.max()) + 1


def hierarchy_of(
    spectra: Floats, linkage: Linkage, distance: Distance, clusters: int, height: float | None
) -> Hierarchy:
    """Join the nearest spectra, then the nearest groups, and cut the tree.

    Parameters
    ----------
    spectra
        `(spectrum, energy)`, finite. Memory and time grow with the square of their number.
    linkage, distance
        Names of `scipy.cluster.hierarchy.linkage`; `ward` holds for `euclidean` alone.
    clusters
        Their number, where no height is given; fewer where joins have one height.
    height
        Where the tree is cut, in the unit of the distance; None for the number.

    Raises
    ------
    InputError
        Ward's linkage of another distance; fewer spectra than clusters; a height that leaves too many; constant spectra
        where their shape is compared.

    Examples
    --------
    >>> heights = np.array([[0.0], [0.1], [5.0], [5.1], [5.2]]) * np.ones(3)
    >>> found = hierarchy_of(heights, "ward", "euclidean", 2, None)
    >>> found.labels.tolist(), found.number
    ([1, 1, 0, 0, 0], 2)
    """
    from scipy.cluster.hierarchy import fcluster
    from scipy.cluster.hierarchy import linkage as join

    if linkage == "ward" and distance != "euclidean":
        raise InputError(
            f"ward with the distance {distance!r}",
            "euclidean, for which it is defined",
            "choose average, complete or single",
        )
    if len(spectra) < max(2, clusters):
        raise InputError(
            f"{len(spectra)} spectra for {clusters} clusters",
            "at least as many",
            "take more spectra or fewer clusters",
        )
    table = np.asarray(spectra, np.float64)
    if distance in ("correlation", "cosine") and (np.ptp(table, axis=1) == 0).any():
        raise InputError(
            "a constant spectrum", f"a shape, for the distance {distance!r}", "use euclidean, or leave it out"
        )
    tree = join(table, linkage, distance)
    if height is None:
        labels, cut = fcluster(tree, clusters, "maxclust"), _height(tree, clusters)
    else:
        labels, cut = fcluster(tree, height, "distance"), height
    if labels.max() > MOST_CLUSTERS:
        raise InputError(
            f"{labels.max()} clusters at the height {height:g}",
            f"{MOST_CLUSTERS} at most",
            f"cut higher: the last join is at {tree[-1, 2]:.3g}",
        )
    return Hierarchy(tree, cut, by_size(labels))


def by_size(labels: Indices) -> Indices:
    """Labels numbered anew, the largest cluster 0; among equals the one that comes first.

    Examples
    --------
    >>> by_size(np.array([7, 3, 3])).tolist()
    [1, 0, 0]
    """
    _, first, of, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    place = np.empty(len(sizes), np.int64)
    place[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    return np.asarray(place[of])


def nearest_cluster(spectra: Floats, means: Doubles, distance: Distance) -> Indices:
    """`(spectrum,)`: the cluster whose mean `(cluster, energy)` is nearest, for spectra that are not in the tree."""
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(np.asarray(spectra, np.float64), means, distance).argmin(axis=1))


def upper_part(found: Hierarchy, most: int = LEAVES) -> DendrogramFindings:
    """The last joins of a tree as a tree of its own, with at least one leaf for each cluster.

    Examples
    --------
    >>> heights = np.array([[0.0], [0.1], [5.0], [5.1], [5.3]]) * np.ones(3)
    >>> part = upper_part(hierarchy_of(heights, "ward", "euclidean", 2, None), 3)
    >>> part.sizes.tolist(), part.clusters.tolist(), len(part.linkage)
    ([1, 2, 2], [0, 0, 1], 2)
    """
    from scipy.cluster.hierarchy import leaves_list

    count = len(found.labels)
    kept = min(max(most, found.number), count) - 1
    start = 2 * count - 1 - kept  # number of the first join that is kept
    below = {int(node) for node in found.linkage[-kept:, :2].ravel() if node < start}
    leaf = {node: i for i, node in enumerate(sorted(below))}
    linkage = found.linkage[-kept:].copy()
    counts = [1] * len(leaf)
    for row in linkage:
        row[:2] = [leaf[int(node)] if node < start else len(leaf) + node - start for node in row[:2]]
        counts.append(counts[int(row[0])] + counts[int(row[1])])
        row[3] = counts[-1]
    members = [_one_below(found.linkage, node, count) for node in leaf]
    sizes = [1 if node < count else int(found.linkage[node - count, 3]) for node in leaf]
    return DendrogramFindings(
        linkage=linkage,
        leaves=leaves_list(linkage).astype(np.int64),
        sizes=np.array(sizes, np.int64),
        clusters=found.labels[members],
    )


def _height(tree: Doubles, clusters: int) -> float:
    """Half way between the last join that is undone and the next."""
    if clusters == 1:
        return float(tree[-1, 2] * 1.05)
    low = tree[-clusters, 2] if clusters <= len(tree) else 0.0
    return float((low + tree[1 - clusters, 2]) / 2)


def _one_below(tree: Doubles, node: int, count: int) -> int:
    """Some spectrum below a node."""
    while node >= count:
        node = int(tree[node - count, 0])
    return node
