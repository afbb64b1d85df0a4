"""The default forest: scikit-learn's random forest on binned features, an order of magnitude faster to fit and to ask."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.trees import exact_walker as flat_kernels
from xafsflow.kernels.trees.binned_walker import CELLS
from xafsflow.kernels.trees.gini_split import MOST_CLASSES, MOST_SAMPLES, Samples
from xafsflow.kernels.trees.tree_growth import Tree, bootstrap, grow
from xafsflow.learning.forest.binned_layout import BinnedForest, Bins, find_bins, pack
from xafsflow.learning.forest.exact_layout import FlatForest
from xafsflow.learning.samples.row_blocks import Rows, row_blocks


class HistogramForest:
    """A random forest on features that are binned to at most 255 levels.

    As scikit-learn's `RandomForestClassifier` by default: bootstrap, Gini, the square root of the features tried in a
    node, trees grown until their leaves are pure, votes averaged over trees. What differs: features are told apart by
    levels (`binned_layout.find_bins`) in place of float32, and other random numbers.

    Parameters
    ----------
    trees
        How many.
    seed
        The same gives the same forest, on any number of threads; tree k is the same in a forest of any size.
    threads
        Trees that grow at the same time; None for as many as there are cores.

    Attributes
    ----------
    forest_
        What votes: a `BinnedForest`, or a `FlatForest` of the same trees where these are too large for it.
    classes_
        Labels, in the order of the columns of `predict_proba`.
    feature_importances_
        `(feature,)`: mean decrease of impurity, as scikit-learn defines it.

    Examples
    --------
    >>> table = np.random.default_rng(0).normal([[0.0, 0.0]] * 50 + [[3.0, 0.0]] * 50).astype("f4")
    >>> forest = HistogramForest(10, seed=0).fit(table, np.repeat([0, 1], 50))
    >>> forest.predict_proba(np.array([[-1.0, 0.0], [4.0, 0.0]])).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    # It reads a table in blocks of rows, and holds a byte of each number.
    takes_rows = True
    forest_: BinnedForest | FlatForest
    classes_: NDArray[np.int64]
    feature_importances_: NDArray[np.float64]
    n_features_in_: int

    def __init__(self, trees: int = 100, seed: int = 0, threads: int | None = None) -> None:
        self.trees, self.seed, self.threads = trees, seed, threads

    def fit(self, features: Rows, labels: np.ndarray) -> HistogramForest:
        """Grow the trees.

        Parameters
        ----------
        features
            `(pattern, feature)` float32, finite: an array, or what gives blocks of rows.
        labels
            `(pattern,)` integers.

        Raises
        ------
        InputError
            A table without patterns or features, not finite, or beyond the limits of the kernels.
        """
        table: Rows = (
            np.ascontiguousarray(features, np.float32) if isinstance(features, np.ndarray) else features
        )
        classes, known = np.unique(labels, return_inverse=True)
        _refuse(table, labels, len(classes))
        bins = find_bins(table)
        rows = np.empty((len(table), table.shape[1]), np.uint8)
        for part in row_blocks(*table.shape):
            rows[part] = bins(table[part].T).T
        samples = Samples(rows, np.ascontiguousarray(rows.T), known.astype(np.int32), bins.ends)
        grown = self._grow(samples, len(classes))
        self.classes_, self.n_features_in_ = classes.astype(np.int64), table.shape[1]
        self.feature_importances_ = _importances([tree.importance for tree in grown])
        self.forest_ = pack(grown, bins, self.classes_) or unbinned(grown, bins, self.classes_)
        return self

    def _grow(self, samples: Samples, n_classes: int) -> list[Tree]:
        n_samples, n_features = samples.rows.shape
        candidates = max(1, int(np.sqrt(n_features)))
        # Words of this sequence do not depend on how many are taken.
        seeds = np.random.SeedSequence(self.seed).generate_state(2 * self.trees, np.uint64)

        def one(number: int) -> Tree:
            # Random numbers wrap in silence, also where the compiler is switched off; a thread has its own rules.
            with np.errstate(over="ignore"):
                weight = bootstrap(seeds[2 * number], n_samples)
                return grow(samples, weight, n_classes, candidates, seeds[2 * number + 1])

        with ThreadPoolExecutor(self.threads or _cores()) as pool:
            return list(pool.map(one, range(self.trees)))

    def predict_proba(self, features: np.ndarray) -> NDArray[np.float64]:
        """Shares of the trees' votes, `(pattern, class)`, for features `(pattern, feature)` without NaN.

        Raises
        ------
        InputError
            Another number of features than in the training.
        """
        return self.forest_.predict(np.asarray(features).T)


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _refuse(table: Rows, labels: np.ndarray, n_classes: int) -> None:
    if len(table.shape) != 2 or 0 in table.shape or len(labels) != len(table):
        raise InputError(
            f"a table of shape {table.shape} with {len(labels)} labels",
            "(pattern, feature) and a label a pattern",
            "give more patterns",
        )
    if len(table) > MOST_SAMPLES or n_classes > MOST_CLASSES:
        raise InputError(
            f"{len(table)} patterns of {n_classes} classes",
            f"at most {MOST_SAMPLES} patterns of {MOST_CLASSES} classes",
            "use a larger step or fewer noise_patterns",
        )
    if not all(np.isfinite(table[part]).all() for part in row_blocks(*table.shape)):
        raise InputError("features that are not finite", "numbers", "leave such patterns out")


def _importances(decreases: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean of the trees' importances, each scaled to one, as scikit-learn does it; zeros where no tree has a split."""
    scaled = [one / one.sum() for one in decreases if one.sum() > 0]
    total = np.mean(scaled, axis=0) if scaled else np.zeros_like(decreases[0])
    return np.asarray(total / total.sum() if scaled else total)


def unbinned(trees: list[Tree], bins: Bins, classes: NDArray[np.int64]) -> FlatForest:
    """The same trees as a `FlatForest`, for what four bytes a node do not hold; its votes are the same.

    Raises
    ------
    InputError
        More features or nodes a tree than that layout holds.
    """
    n_features, largest = len(bins.low), max(len(tree.feature) for tree in trees)
    if n_features > flat_kernels.MOST_FEATURES or largest > flat_kernels.MOST_NODES:
        raise InputError(
            f"a forest of {n_features} features and up to {largest} nodes a tree",
            f"at most {flat_kernels.MOST_FEATURES} features and {flat_kernels.MOST_NODES} nodes a tree",
            "use fewer energies or fewer noise_patterns",
        )
    keys = _threshold_keys(bins)
    nodes, mixed, taken = [], [], len(classes)
    for tree in trees:
        is_leaf, child = tree.feature < 0, tree.child.astype(np.int64)
        content = np.where(child < 0, taken - 1 - child, child)
        high = np.where(is_leaf, content, keys[np.where(is_leaf, 0, tree.feature), tree.level])
        feature = np.where(is_leaf, n_features, tree.feature.astype(np.int64))
        low = np.where(is_leaf, np.arange(len(child)), child) | feature << flat_kernels.CHILD_BITS
        nodes.append(high.astype(np.uint64) << flat_kernels.KEY_SHIFT | low.astype(np.uint64))
        rows = np.zeros((len(tree.mixed_start) - 1, len(classes)))
        rows[np.repeat(np.arange(len(rows)), np.diff(tree.mixed_start)), tree.mixed_class] = tree.mixed_weight
        mixed.append(rows / rows.sum(axis=1, keepdims=True))
        taken += len(rows)
    return FlatForest(
        nodes=np.concatenate(nodes),
        roots=np.cumsum([0, *map(len, nodes)], dtype=np.int64),
        mixed=np.concatenate(mixed),
        classes=classes,
        n_features=n_features,
    )


def _threshold_keys(bins: Bins) -> NDArray[np.int64]:
    """Key of the largest float32 that has at most each level, `(feature, 256)`; found by halving all floats."""
    last = bins.ends - 1  # -1 where even the first cell is above the level
    low, scale = bins.low[:, None], bins.scale[:, None]
    first = np.full(last.shape, _key(-np.inf))
    end = np.full(last.shape, _key(np.inf))
    while (first < end).any():
        middle = (first + end + 1) // 2
        with np.errstate(over="ignore", invalid="ignore"):
            cell = (_floats(middle) - low) * scale
        cell = np.where(cell > 0, np.minimum(cell, CELLS - 1), 0).astype(np.int64)
        within = cell <= last
        first, end = np.where(within, middle, first), np.where(within, end, middle - 1)
    return first


def _key(value: float) -> int:
    key = np.empty((1, 1), np.uint32)
    flat_kernels.order_keys(np.array([[value]], np.float32), 0, 1, key)
    return int(key[0, 0])


def _floats(keys: NDArray[np.int64]) -> NDArray[np.float32]:
    """The numbers that keys of `kernels.trees.exact_walker` stand for."""
    bits = np.where(keys >> 31, keys ^ (1 << 31), ~keys & 0xFFFFFFFF)
    return bits.astype(np.uint32).view(np.float32)
