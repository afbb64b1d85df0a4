"""Grow one tree of a random forest on binned features."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles, Indices, Int32s, Uint8s, Uint64s
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.trees.gini_split import (
    CLASS_SHIFT,
    MOST_WEIGHT,
    WEIGHT_SHIFT,
    Samples,
    Workspace,
    best_split,
    new_workspace,
    random_below,
)


class Tree(NamedTuple):
    """A grown tree; a node's two children are neighbors, and stand behind it.

    `feature` (node,) int16 is -1 in a leaf. A sample whose `level` (node,) uint8 is exceeded goes to `child` + 1, others
    to `child` (node,) int32. In a leaf, `child` is its class, or -1 - m where it holds several: those of
    `mixed_class[mixed_start[m]:mixed_start[m + 1]]`, with their `mixed_weight`. `importance` (feature,) is the decrease
    of impurity times weight.
    """

    feature: NDArray[np.int16]
    level: Uint8s
    child: Int32s
    mixed_start: Int32s
    mixed_class: Int32s
    mixed_weight: Int32s
    importance: Doubles


@kernel
def bootstrap(seed: np.uint64 | int, n_samples: int) -> Int32s:
    """How often each sample comes in as many draws with replacement: `(sample,)` int32, at most `MOST_WEIGHT`."""
    weight = np.zeros(n_samples, np.int32)
    for k in range(n_samples):
        drawn = random_below(seed, k, n_samples)
        # 255 draws of one sample are rarer than 1e-500; the key has no room for more.
        weight[drawn] += weight[drawn] < MOST_WEIGHT
    return weight


@kernel
def grow(samples: Samples, weight: Int32s, n_classes: int, candidates: int, seed: np.uint64 | int) -> Tree:
    """Grow a tree until each leaf holds one class, or samples that no feature tells apart.

    In each node, features are drawn without replacement until `candidates` of them have been tried and one of these
    splits the node. The split with the least Gini impurity wins: of equal ones the feature that was drawn first, as in
    scikit-learn, since ties are most frequent in small nodes and the lowest feature would win most of them; then the
    lowest level. The threshold lies halfway between the values of the samples on either side, not between the numbers of
    their levels, which cost 0.6 % of the fractions' error.

    Parameters
    ----------
    samples
        The binned table, at most `MOST_SAMPLES`.
    weight
        `(sample,)` int32, how often each sample counts, at most `MOST_WEIGHT`; some above zero.
    n_classes
        Labels are below it; at most `MOST_CLASSES`.
    candidates
        Features that are tried in a node, one or more.
    seed
        uint64. The k-th draw of node i has the number i * features + k, so that a node's features do not depend on how
        many were tried in others.
    """
    members = np.flatnonzero(weight).astype(np.int32)
    work = new_workspace(members.size, n_classes, samples.columns.shape[0])
    tree = _empty_tree(members.size, samples.columns.shape[0])
    stack = np.empty((members.size + 1, 3), np.int64)
    stack[0, 0], stack[0, 1], stack[0, 2] = 0, 0, members.size
    depth, n_nodes, n_mixed = 1, 1, 0
    while depth > 0:
        depth -= 1
        node, first, last = stack[depth, 0], stack[depth, 1], stack[depth, 2]
        here = members[first:last]
        total, squares = _gather(here, samples.labels, weight, work)
        f, level, merit = -1, 0, 0.0
        if squares < total * total:
            f, level, merit = best_split(samples, here, work, total, squares, candidates, seed, node)
        tree.feature[node], tree.level[node] = f, level
        if f >= 0:
            tree.importance[f] += merit - squares / total
            tree.child[node] = n_nodes
            middle = first + _partition(samples.columns, f, level, here, work.keys)
            # The smaller child's branch stands next, so that the way to the other's is at most half of the tree.
            far = np.int64(middle - first <= last - middle)
            for side in (far, 1 - far):
                stack[depth, 0] = n_nodes + side
                stack[depth, 1], stack[depth, 2] = (middle, last) if side else (first, middle)
                depth += 1
            n_nodes += 2
        elif squares == total * total:
            tree.child[node] = samples.labels[here[0]]
        else:
            n_mixed += 1
            tree.child[node] = -n_mixed
            _store_mixed(tree, n_mixed, work.totals)
        for i in range(here.size):
            work.totals[samples.labels[here[i]]] = 0
    return _trimmed(tree, n_nodes, n_mixed)


@kernel
def _empty_tree(n: int, n_features: int) -> Tree:
    return Tree(
        np.empty(2 * n, np.int16),
        np.empty(2 * n, np.uint8),
        np.empty(2 * n, np.int32),
        np.zeros(n + 1, np.int32),
        np.empty(n, np.int32),
        np.empty(n, np.int32),
        np.zeros(n_features, np.float64),
    )


@kernel
def _trimmed(tree: Tree, n_nodes: int, n_mixed: int) -> Tree:
    end = tree.mixed_start[n_mixed]
    return Tree(
        tree.feature[:n_nodes].copy(),
        tree.level[:n_nodes].copy(),
        tree.child[:n_nodes].copy(),
        tree.mixed_start[: n_mixed + 1].copy(),
        tree.mixed_class[:end].copy(),
        tree.mixed_weight[:end].copy(),
        tree.importance,
    )


@kernel
def _store_mixed(tree: Tree, n_mixed: int, totals: Indices) -> None:
    end = tree.mixed_start[n_mixed - 1]
    for c in range(totals.size):
        if totals[c] > 0:
            tree.mixed_class[end], tree.mixed_weight[end] = c, totals[c]
            end += 1
    tree.mixed_start[n_mixed] = end


@kernel
def _gather(here: Int32s, labels: Int32s, weight: Int32s, work: Workspace) -> tuple[np.int64, np.int64]:
    """Weight of the node's samples, and the sum of squares of the classes' weights; fills `totals` and `held`."""
    total, squares = np.int64(0), np.int64(0)
    for i in range(here.size):
        w, c = np.int64(weight[here[i]]), labels[here[i]]
        squares += w * (2 * work.totals[c] + w)
        work.totals[c] += w
        total += w
    for i in range(here.size):
        w, c = np.int64(weight[here[i]]), labels[here[i]]
        high = np.uint64(w) << WEIGHT_SHIFT | np.uint64(c) << CLASS_SHIFT
        work.held[i] = high | np.uint64(w * work.totals[c])
    return total, squares


@kernel
def _partition(columns: Uint8s, f: int, level: int, here: Int32s, spare: Uint64s) -> np.int64:
    """Move samples of at most the level to the front, keeping their order, and count them."""
    left, right = np.int64(0), np.int64(0)
    for i in range(here.size):
        s = here[i]
        beyond = columns[f, s] > level
        here[left] = s
        spare[right] = np.uint64(s)
        right += np.int64(beyond)
        left += 1 - np.int64(beyond)
    for i in range(right):
        here[left + i] = np.int32(spare[i])
    return left
