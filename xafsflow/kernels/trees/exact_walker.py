"""Walk a flat forest: the votes of all trees for many pixels.

A node is eight bytes, from the lowest bit: the left child (20 bits, counted from the root of its tree; the
right child is the next node), the feature (12 bits), and the threshold as a key (32 bits). A key is an
unsigned integer in the order of the float32 that it stands for: one comparison of integers and one addition
with carry lead to the child, and denormal numbers count on every machine. A leaf is its own left child. Its
feature is one behind the last, whose key is zero for every pixel, so that a walk may go on past it without
a question, and the place of the threshold holds its class.
"""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices, Singles, Uint32s, Uint64s
from xafsflow.kernels.jit import kernel

CHILD_BITS = 20
KEY_BITS = 32
MOST_NODES = 1 << CHILD_BITS
MOST_FEATURES = (1 << (KEY_BITS - CHILD_BITS)) - 1
CHILD_MASK = np.uint64(MOST_NODES - 1)
FEATURE_MASK = np.uint64(MOST_FEATURES)
FEATURE_SHIFT = np.uint64(CHILD_BITS)
KEY_SHIFT = np.uint64(KEY_BITS)
SIGN = np.uint32(1 << 31)
# Pixels for which a tree is fetched once. Their keys do not fit into the second cache, but fetching the trees bounds the
# speed: 0.15 million pixels a second, 0.07 with 512, whose keys do; 8192 gain nothing more.
GROUP = 4096
# Pixels that walk side by side, so that one waits for memory while the others go on. GROUP is a multiple.
LANES = 16


@kernel
def forest_votes(nodes: Uint64s, roots: Indices, mixed: Doubles, features: Singles) -> Doubles:
    """Sum over trees of the class shares in the leaf that a pixel falls into.

    Nothing is checked here: nodes that point beyond their arrays read foreign memory.

    Parameters
    ----------
    nodes
        `(nodes,)` uint64, tree by tree.
    roots
        `(trees + 1,)` first node of each tree, and the number of nodes.
    mixed
        `(rows, class)` float64: class shares of the leaves that hold several classes. Such a leaf holds, in
        the place of its class, the number of classes plus its row here.
    features
        `(feature, pixel)` float32, no NaN.

    Returns
    -------
    ndarray
        `(pixel, class)` float64, rows sum to the number of trees.
    """
    n_features, n_pixels = features.shape
    votes = np.zeros((n_pixels, mixed.shape[1]), np.float64)
    # The last column stays zero; the rows behind the last pixel hold an earlier one, and are not counted.
    keys = np.zeros((GROUP, n_features + 1), np.uint32)
    leaves = np.empty(GROUP, np.uint64)
    for first in range(0, n_pixels, GROUP):
        size = min(GROUP, n_pixels - first)
        order_keys(features, first, size, keys)
        for tree in range(roots.size - 1):
            _walk(nodes[roots[tree] : roots[tree + 1]], keys, size, leaves)
            _count(leaves[:size], mixed, votes[first : first + size])
    return votes


@kernel
def order_keys(values: Singles, first: int, size: int, keys: Uint32s) -> None:
    """Write the keys of `size` pixels of float32 `values` (feature, pixel) into `keys` (pixel, feature).

    Read as integers, positive floats are in order and negative ones in reverse order; -0 becomes 0.
    """
    zero = np.uint32(0)
    for f in range(values.shape[0]):
        bits = values[f].view(np.uint32)
        for p in range(size):
            b = zero if bits[first + p] == SIGN else bits[first + p]
            keys[p, f] = b | SIGN if b < SIGN else ~b


# No slices in the two loops below: numba counts references for each, which took more than half of the time.
@kernel
def _walk(tree: Uint64s, keys: Uint32s, size: int, leaves: Uint64s) -> None:
    """The class, or mixed row, of the leaf of one tree for the first `size` rows of keys.

    Unsigned indices spare the test for negative ones.
    """
    at = np.empty(LANES, np.uint64)
    for first in range(0, size, LANES):
        at[:] = 0
        moved = np.uint64(1)
        while moved:
            moved = np.uint64(0)
            for k in range(LANES):
                node = tree[at[k]]
                key = keys[np.uint64(first + k), (node >> FEATURE_SHIFT) & FEATURE_MASK]
                near = (node & CHILD_MASK) + np.uint64(key > (node >> KEY_SHIFT))
                moved |= near ^ at[k]
                at[k] = near
        for k in range(LANES):
            leaves[np.uint64(first + k)] = tree[at[k]] >> KEY_SHIFT


@kernel
def _count(leaves: Uint64s, mixed: Doubles, votes: Doubles) -> None:
    n_classes = np.uint64(votes.shape[1])
    for p in range(leaves.size):
        leaf = leaves[p]
        if leaf < n_classes:
            votes[p, leaf] += 1.0
        else:
            for c in range(votes.shape[1]):
                votes[p, c] += mixed[leaf - n_classes, c]
