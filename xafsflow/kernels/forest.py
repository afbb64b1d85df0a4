"""Walk a flat forest: the votes of all trees for many pixels.

A node is eight bytes: a word with the feature (12 bits) and the left child (20 bits, within its tree; the right child
is its neighbor), and a float32 threshold. A leaf is its own left child behind an infinite threshold, so that a walk may
go on past it without a question.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xafsflow.kernels.jit import kernel

CHILD_BITS = 20
CHILD_MASK = (1 << CHILD_BITS) - 1
MOST_FEATURES = 1 << (32 - CHILD_BITS)
MOST_NODES = 1 << CHILD_BITS
# Pixels whose features, and one tree, fit into the second cache together.
GROUP = 512
# Pixels that walk side by side, so that one waits for memory while the others go on.
LANES = 8


@kernel
def forest_votes(words: Any, thresholds: Any, roots: Any, leaf_class: Any, mixed: Any, features: Any) -> Any:
    """Mean over trees of the class shares in the leaf that a pixel falls into.

    Parameters
    ----------
    words, thresholds
        `(nodes, 2)`: the same memory seen as uint32 (column 0) and as float32 (column 1).
    roots
        `(trees + 1,)` first node of each tree.
    leaf_class
        `(nodes,)` int32: the class of a leaf that holds one class only, else -1 minus its row in `mixed`.
    mixed
        `(rows, class)` float64: class shares of the leaves that hold several.
    features
        `(feature, pixel)` float32, no NaN.

    Returns
    -------
    ndarray
        `(pixel, class)` float64, rows sum to one.
    """
    n_features, n_pixels = features.shape
    n_trees = roots.size - 1
    votes = np.zeros((n_pixels, mixed.shape[1]), np.float64)
    rows = np.zeros((GROUP, n_features), np.float32)
    at = np.empty(LANES, np.uint32)
    for first in range(0, n_pixels, GROUP):
        size = min(GROUP, n_pixels - first)
        for f in range(n_features):
            for p in range(size):
                rows[p, f] = features[f, first + p]
        # The rest of the last lanes walks along with the rows of an earlier group, and is not counted.
        for tree in range(n_trees):
            begin, end = roots[tree], roots[tree + 1]
            for lane in range(0, size, LANES):
                _walk(words[begin:end], thresholds[begin:end], rows[lane : lane + LANES], at)
                for k in range(min(LANES, size - lane)):
                    _count(votes[first + lane + k], leaf_class[begin + at[k]], mixed)
    votes /= n_trees
    return votes


@kernel
def _count(votes: Any, leaf: int, mixed: Any) -> None:
    if leaf >= 0:
        votes[leaf] += 1.0
    else:
        for i in range(votes.size):
            votes[i] += mixed[-1 - leaf, i]


@kernel
def _walk(words: Any, thresholds: Any, rows: Any, at: Any) -> None:
    """The leaves of one tree for the rows of all lanes; unsigned indices spare the test for negative ones."""
    at[:] = 0
    moved = np.uint32(1)
    while moved:
        moved = np.uint32(0)
        for k in range(LANES):
            here = at[k]
            word = words[here, 0]
            feature = word >> np.uint32(CHILD_BITS)
            near = (word & np.uint32(CHILD_MASK)) + np.uint32(rows[k, feature] > thresholds[here, 1])
            moved |= near ^ here
            at[k] = near
