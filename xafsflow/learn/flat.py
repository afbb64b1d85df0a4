"""A fitted scikit-learn forest as flat arrays with identical votes, a hundredth of its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels import forest as kernels


@dataclass(frozen=True)
class FlatForest:
    """The arrays that `kernels.forest.forest_votes` walks; see there for their layout."""

    nodes: np.ndarray
    roots: np.ndarray
    leaf_class: np.ndarray
    mixed: np.ndarray

    @property
    def n_bytes(self) -> int:
        """Memory of all arrays."""
        return int(self.nodes.nbytes + self.roots.nbytes + self.leaf_class.nbytes + self.mixed.nbytes)

    def votes(self, features: np.ndarray) -> np.ndarray:
        """Shares of the trees' votes, `(pixel, class)`, from float32 features `(feature, pixel)` without NaN.

        Equals `predict_proba(features.T)` of the forest it was made from.
        """
        words, thresholds = self.nodes.view(np.uint32), self.nodes.view(np.float32)
        features = np.ascontiguousarray(features, np.float32)
        found: np.ndarray = kernels.forest_votes(
            words, thresholds, self.roots, self.leaf_class, self.mixed, features
        )
        return found


def flatten(estimator: Any) -> FlatForest:
    """The flat form of a fitted RandomForestClassifier or ExtraTreesClassifier.

    scikit-learn goes left where the float32 feature is at most the float64 threshold. Rounding the threshold down to
    float32 keeps that answer for every float32 feature.

    Raises
    ------
    InputError
        More features or nodes a tree than the layout holds.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> table, labels = np.random.default_rng(0).random((90, 4), np.float32), np.repeat([0, 1, 2], 30)
    >>> fitted = RandomForestClassifier(5, random_state=0).fit(table, labels)
    >>> bool((flatten(fitted).votes(table.T) == fitted.predict_proba(table)).all())
    True
    """
    trees = [one.tree_ for one in estimator.estimators_]
    largest = max(tree.node_count for tree in trees)
    if estimator.n_features_in_ > kernels.MOST_FEATURES or largest > kernels.MOST_NODES:
        raise InputError(
            f"a forest of {estimator.n_features_in_} features and up to {largest} nodes a tree",
            f"at most {kernels.MOST_FEATURES} features and {kernels.MOST_NODES} nodes a tree",
            "use fewer energies or fewer noise_patterns",
        )
    parts = [_flatten_tree(tree) for tree in trees]
    roots = np.concatenate([[0], np.cumsum([len(nodes) for nodes, _, _ in parts])])
    rows_before = np.cumsum([0] + [len(mixed) for _, _, mixed in parts[:-1]])
    leaf_class = [np.where(leaf < 0, leaf - n, leaf) for (_, leaf, _), n in zip(parts, rows_before, strict=True)]
    return FlatForest(
        nodes=np.concatenate([nodes for nodes, _, _ in parts]),
        roots=roots.astype(np.int64),
        leaf_class=np.concatenate(leaf_class).astype(np.int32),
        mixed=np.concatenate([mixed for _, _, mixed in parts]),
    )


def _flatten_tree(tree: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes of eight bytes, the class or mixed row of each leaf, and the class shares of the mixed leaves."""
    left, right = tree.children_left, tree.children_right
    place = _sibling_order(left, right)
    is_leaf = left < 0
    child = np.where(is_leaf, place, place[np.where(is_leaf, 0, left)]).astype(np.int64)
    feature = np.where(is_leaf, 0, tree.feature).astype(np.int64)
    threshold = tree.threshold.astype(np.float32)
    too_high = threshold.astype(np.float64) > tree.threshold
    threshold[too_high] = np.nextafter(threshold[too_high], np.float32(-np.inf))
    threshold[is_leaf] = np.inf
    nodes = np.empty((tree.node_count, 2), np.uint32)
    nodes[place, 0] = (feature << kernels.CHILD_BITS) | child
    nodes[place, 1] = threshold.view(np.uint32)
    shares = tree.value[is_leaf, 0, :]
    shares = shares / shares.sum(axis=1, keepdims=True)
    pure = shares.max(axis=1) == 1.0
    leaf = np.where(pure, shares.argmax(axis=1), -np.cumsum(~pure))
    leaf_class = np.zeros(tree.node_count, np.int64)
    leaf_class[place[is_leaf]] = leaf
    return nodes, leaf_class, shares[~pure]


def _sibling_order(left: np.ndarray, right: np.ndarray) -> np.ndarray:
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
