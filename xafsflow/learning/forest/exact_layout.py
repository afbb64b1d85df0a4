"""A fitted scikit-learn forest as flat arrays with identical votes, a hundredth of its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.trees import exact_walker as kernels


@dataclass(frozen=True, eq=False)
class FlatForest:
    """The arrays that `kernels.trees.exact_walker.forest_votes` walks; see there for their layout.

    `classes` are the labels that the forest has seen, in the order of the columns of its votes.
    """

    nodes: NDArray[np.uint64]
    roots: NDArray[np.int64]
    mixed: NDArray[np.float64]
    classes: NDArray[np.int64]
    n_features: int

    @classmethod
    def from_fitted(cls, estimator: Any) -> FlatForest:
        """Of a fitted forest of scikit-learn; see `flatten`."""
        return flatten(estimator)

    @property
    def n_bytes(self) -> int:
        """Memory of all arrays."""
        return self.nodes.nbytes + self.roots.nbytes + self.mixed.nbytes + self.classes.nbytes

    def predict(self, features: np.ndarray) -> NDArray[np.float64]:
        """Shares of the trees' votes, `(pixel, class)`, from float32 features `(feature, pixel)` without NaN.

        Equals `predict_proba(features.T)` of the forest it was made from, bit by bit; of a forest of regression trees it is
        the mean of their answers, `(pixel, property)`.

        Raises
        ------
        InputError
            Another number of features than the forest was trained on.
        """
        values = as_table(features, self.n_features)
        total: NDArray[np.float64] = kernels.forest_votes(self.nodes, self.roots, self.mixed, values)
        # Not in the kernel, which may multiply by 1/trees and then miss the last bit.
        return total / (len(self.roots) - 1)

    def check(self) -> None:
        """Refuse arrays that a walk would leave: a file may hold anything.

        Raises
        ------
        InputError
            A node points outside its tree or back, or to a feature or class that is not there.
        """
        if not self._fits():
            raise InputError(
                "a forest with invalid nodes", "the arrays that flatten makes", "train the model again"
            )

    def _fits(self) -> bool:
        kinds = ((self.nodes, "u8"), (self.roots, "i8"), (self.mixed, "f8"), (self.classes, "i8"))
        if any(not isinstance(a, np.ndarray) or a.dtype != np.dtype(kind) for a, kind in kinds):
            return False
        if not isinstance(self.n_features, int) or not 0 < self.n_features <= kernels.MOST_FEATURES:
            return False
        shapes = [a.ndim for a, _ in kinds] == [1, 1, 2, 1] and self.mixed.shape[1] == len(self.classes) > 0
        sizes = np.diff(self.roots)
        if not shapes or not sizes.size or self.roots[0] != 0 or self.roots[-1] != len(self.nodes):
            return False
        if sizes.min() < 1 or sizes.max() > kernels.MOST_NODES:
            return False
        size = np.repeat(sizes, sizes)
        place = np.arange(len(self.nodes)) - np.repeat(self.roots[:-1], sizes)
        child = (self.nodes & kernels.CHILD_MASK).astype(np.int64)
        feature = (self.nodes >> kernels.FEATURE_SHIFT) & kernels.FEATURE_MASK
        leaf = feature == self.n_features
        # Every step goes on, so a walk ends, and an inner node has both children.
        inner = (feature < self.n_features) & (child > place) & (child + 1 < size)
        held = self.nodes >> kernels.KEY_SHIFT < len(self.classes) + len(self.mixed)
        return bool(np.where(leaf, (child == place) & held, inner).all())


def as_table(features: np.ndarray, n_features: int) -> NDArray[np.float32]:
    """Features `(feature, pixel)` as the kernels of forests want them.

    Raises
    ------
    InputError
        Another number of features than the forest was trained on.
    """
    if features.ndim != 2 or len(features) != n_features:
        raise InputError(
            f"features of shape {features.shape}",
            f"({n_features}, pixels), as the forest was trained",
            "give the features that the model names",
        )
    return np.ascontiguousarray(features, np.float32)


def flatten(estimator: Any) -> FlatForest:
    """The flat form of a fitted RandomForest or ExtraTrees, classifier or regressor.

    scikit-learn goes left where the float32 feature is at most the float64 threshold. Rounding the threshold
    down to float32 keeps that answer for every float32 feature.

    Raises
    ------
    InputError
        More features or nodes a tree than the layout holds.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> table, labels = np.random.default_rng(0).random((90, 4), np.float32), np.repeat([0, 1, 2], 30)
    >>> fitted = RandomForestClassifier(5, random_state=0).fit(table, labels)
    >>> bool((flatten(fitted).predict(table.T) == fitted.predict_proba(table)).all())
    True
    """
    trees = [one.tree_ for one in estimator.estimators_]
    n_features, largest = int(estimator.n_features_in_), max(tree.node_count for tree in trees)
    if n_features > kernels.MOST_FEATURES or largest > kernels.MOST_NODES:
        raise InputError(
            f"a forest of {n_features} features and up to {largest} nodes a tree",
            f"at most {kernels.MOST_FEATURES} features and {kernels.MOST_NODES} nodes a tree",
            "use fewer energies or fewer noise_patterns",
        )
    # A regression tree answers with the mean of its leaf: as a leaf in which no class is alone.
    is_classifier = hasattr(estimator, "classes_")
    classes = estimator.classes_ if is_classifier else np.arange(estimator.n_outputs_)
    nodes, mixed, taken = [], [], len(classes)
    for tree in trees:
        flat, rows = _flatten_tree(tree, n_features, taken, is_classifier)
        nodes.append(flat)
        mixed.append(rows)
        taken += len(rows)
    return FlatForest(
        nodes=np.concatenate(nodes),
        roots=np.cumsum([0, *map(len, nodes)], dtype=np.int64),
        mixed=np.concatenate(mixed),
        classes=np.asarray(classes, np.int64),
        n_features=n_features,
    )


def _flatten_tree(
    tree: Any, n_features: int, taken: int, is_classifier: bool
) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """Nodes, and the answers of the leaves that are not one class, numbered from `taken`."""
    left, is_leaf = tree.children_left, tree.children_left < 0
    place = _sibling_order(left, tree.children_right)
    child = np.where(is_leaf, place, place[left])
    feature = np.where(is_leaf, n_features, tree.feature)
    shares = tree.value[is_leaf, 0, :] if is_classifier else tree.value[is_leaf, :, 0]
    mixed = (shares.max(axis=1) < 1) | (not is_classifier)
    high = np.empty(tree.node_count, np.uint32)
    high[~is_leaf] = _keys(tree.threshold[~is_leaf])
    high[is_leaf] = np.where(mixed, taken - 1 + np.cumsum(mixed), shares.argmax(axis=1))
    nodes = np.empty(tree.node_count, np.uint64)
    parts = (high.astype(np.uint64), feature.astype(np.uint64), child.astype(np.uint64))
    nodes[place] = parts[0] << kernels.KEY_SHIFT | parts[1] << kernels.FEATURE_SHIFT | parts[2]
    return nodes, shares[mixed]


def _keys(thresholds: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Keys of the largest float32 at or below each threshold."""
    rounded = thresholds.astype(np.float32)
    too_high = rounded > thresholds
    rounded[too_high] = np.nextafter(rounded[too_high], np.float32(-np.inf))
    keys = np.empty((rounded.size, 1), np.uint32)
    kernels.order_keys(rounded[None, :], 0, rounded.size, keys)
    return keys[:, 0]


def _sibling_order(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """New places of the nodes, level by level, with each right child just behind its left sibling."""
    place = np.zeros(left.size, np.int64)
    level, used = np.array([0]), 1
    while level.size:
        inner = level[left[level] >= 0]
        children = np.stack([left[inner], right[inner]], axis=1).ravel()
        place[children] = used + np.arange(children.size)
        used += children.size
        level = children
    return place
