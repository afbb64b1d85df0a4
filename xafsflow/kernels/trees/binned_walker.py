"""Walk a forest on binned features: the votes of all trees for many pixels.

A feature's level is looked up: the float32 value, less `low` and times `scale`, cut to a whole number, is one of
`CELLS` even cells, and `levels` holds the level of each cell. So levels may be as uneven as they like, and finding one
costs the same everywhere.

A node is four bytes, from the lowest bit: the level (8 bits), the feature (`feature_bits`), and how far behind itself
its left child stands (the others); the right child is the next node. A leaf is 0 behind itself, and its feature is
one behind the last, where every pixel's level is 0: a walk may go on past it without a question. Its content,
`(feature - features) * 256 + level`, is its class, or the number of classes plus its row among the mixed leaves.
"""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices, Int32s, Singles, Uint8s, Uint32s
from xafsflow.kernels.jit import kernel

CELLS = 2048
LEVEL_BITS = 8
NODE_BITS = 32
LEVEL_MASK = np.uint32(0xFF)
# Pixels for which a tree is fetched once: their levels (0.4 MB with 210 features) just stay in the second cache. With 256,
# fetching the trees bounds the speed: 0.10 in place of 0.24 million pixels a second where others used the memory, too.
GROUP = 2048
# Pixels that walk side by side, so that one waits for memory while the others go on. GROUP is a multiple.
LANE_BITS = 3
LANES = 1 << LANE_BITS


@kernel
def cells(values: Singles, low: np.float32, scale: np.float32, found: Int32s) -> None:
    """The cell of each float32 value of one feature, into `found` int32; below the first is 0, beyond the last, last.

    A difference and a product, both in float32: nothing that a machine could fuse or reorder, so that a model gives the
    same cells everywhere.
    """
    last = np.float32(CELLS - 1)
    for p in range(values.size):
        v = (values[p] - low) * scale
        v = v if v > np.float32(0) else np.float32(0)
        found[p] = np.int32(v if v < last else last)


@kernel
def cell_counts(table: Singles, low: Singles, scale: Singles) -> Indices:
    """How many rows of `table` (row, feature) float32 fall into each cell: `(feature, CELLS)` int64."""
    counts = np.zeros((table.shape[1], CELLS), np.int64)
    found = np.empty(table.shape[0], np.int32)
    for f in range(table.shape[1]):
        cells(table[:, f], low[f], scale[f], found)
        for p in range(found.size):
            counts[f, found[p]] += 1
    return counts


@kernel
def binned(features: Singles, low: Singles, scale: Singles, levels: Uint8s) -> Uint8s:
    """Levels of float32 `features` (feature, pixel), uint8 of the same shape."""
    codes = np.empty(features.shape, np.uint8)
    found = np.empty(features.shape[1], np.int32)
    for f in range(features.shape[0]):
        cells(features[f], low[f], scale[f], found)
        for p in range(found.size):
            codes[f, p] = levels[f, found[p]]
    return codes


@kernel
def binned_votes(
    nodes: Uint32s,
    roots: Indices,
    feature_bits: int,
    mixed: tuple[Indices, Indices, Doubles],
    bins: tuple[Singles, Singles, Uint8s],
    n_classes: int,
    features: Singles,
) -> Doubles:
    """Sum over trees of the class shares in the leaf that a pixel falls into.

    Nothing is checked here: nodes that point beyond their arrays read foreign memory.

    Parameters
    ----------
    nodes
        `(nodes,)` uint32, tree by tree.
    roots
        `(trees + 1,)` first node of each tree, and the number of nodes.
    feature_bits
        Of the layout.
    mixed
        `start` (rows + 1,), and `class`, `share`: leaf r holds `class[start[r]:start[r + 1]]` with their shares.
    bins
        `low`, `scale` (feature,) float32, `levels` (feature, CELLS) uint8.
    n_classes
        Columns of the votes.
    features
        `(feature, pixel)` float32, no NaN.

    Returns
    -------
    ndarray
        `(pixel, class)` float64, rows sum to the number of trees.
    """
    n_features, n_pixels = features.shape
    votes = np.zeros((n_pixels, n_classes), np.float64)
    # LANES pixels stand together, feature by feature, so that one address and a constant lead to each of them. What is
    # behind the features stays zero; pixels behind the last hold earlier ones, and are not counted.
    contents = n_classes + mixed[0].size - 1
    width = n_features + ((contents + 255) >> LEVEL_BITS)
    codes = np.zeros(GROUP * width, np.uint8)
    pure = np.empty((GROUP, n_classes), np.uint32)
    for first in range(0, n_pixels, GROUP):
        size = min(GROUP, n_pixels - first)
        own = votes[first : first + size]
        _fill(features[:, first : first + size], bins, width, codes)
        pure[:size] = 0
        for tree in range(roots.size - 1):
            _walk(
                nodes[roots[tree] : roots[tree + 1]], codes, width, feature_bits, n_features, mixed, pure, own
            )
        own += pure[:size]
    return votes


@kernel
def _fill(features: Singles, bins: tuple[Singles, Singles, Uint8s], width: int, codes: Uint8s) -> None:
    """Write the levels of `features` (feature, pixel) into `codes`, LANES pixels of `width` features at a time."""
    low, scale, levels = bins
    found = np.empty(features.shape[1], np.int32)
    whole = found.size - found.size % LANES
    for f in range(features.shape[0]):
        cells(features[f], low[f], scale[f], found)
        own = levels[f]
        for first in range(0, whole, LANES):
            place = np.uint64(first * width + f * LANES)
            for k in range(LANES):
                codes[place + np.uint64(k)] = own[np.uint64(found[first + k])]
        for p in range(whole, found.size):
            codes[whole * width + f * LANES + p - whole] = own[found[p]]


# No slices in the loops below: numba counts references for each.
@kernel
def _walk(
    tree: Uint32s,
    codes: Uint8s,
    width: int,
    feature_bits: int,
    n_features: int,
    mixed: tuple[Indices, Indices, Doubles],
    pure: Uint32s,
    votes: Doubles,
) -> None:
    """Add the leaves of one tree that the pixels' levels lead to: to `pure`, or to `votes` if they are mixed.

    Unsigned indices spare the test for negative ones.
    """
    start, classes, shares = mixed
    n_classes = pure.shape[1]
    at = np.empty(LANES, np.uint64)
    # A feature's place among the levels: its number times LANES.
    place_shift, place_mask = (
        np.uint32(LEVEL_BITS - LANE_BITS),
        np.uint32(((1 << feature_bits) - 1) << LANE_BITS),
    )
    far_shift = np.uint32(LEVEL_BITS + feature_bits)
    for first in range(0, votes.shape[0], LANES):
        here = np.uint64(first * width)
        at[:] = 0
        moved = np.uint32(1)
        while moved:
            moved = np.uint32(0)
            for k in range(LANES):
                node = tree[at[k]]
                far = node >> far_shift
                code = codes[here + np.uint64((node >> place_shift) & place_mask) + np.uint64(k)]
                at[k] += np.uint64(far) + np.uint64(code > (node & LEVEL_MASK))
                moved |= far
        for k in range(LANES):
            node = np.int64(tree[at[k]])
            content = node - (n_features << LEVEL_BITS)  # a leaf is 0 behind itself
            if content < n_classes:
                pure[np.uint64(first + k), np.uint64(content)] += np.uint32(1)
            elif first + k < votes.shape[0]:
                for m in range(start[content - n_classes], start[content - n_classes + 1]):
                    votes[first + k, classes[m]] += shares[m]
