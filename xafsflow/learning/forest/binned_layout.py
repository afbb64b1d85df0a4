"""A forest on binned features: four bytes a node, and the bins that it looks at features through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.trees import binned_walker as kernels
from xafsflow.kernels.trees.tree_growth import Tree
from xafsflow.learning.forest.exact_layout import FlatForest, as_table
from xafsflow.learning.samples.row_blocks import Rows, row_blocks

# Rows from which the range of a feature is learned, and the share of them that may lie outside on either side.
RANGE_ROWS, OUTSIDE = 4096, 0.001
# Levels that follow the density of the patterns, and levels that are evenly wide: together at most 255.
BY_COUNT, BY_WIDTH = 127, 127


@dataclass(frozen=True, eq=False)
class Bins:
    """Where the levels of every feature begin; see `kernels.forest_binned`.

    `low`, `scale` (feature,) float32; `levels` (feature, cell) uint8, which rise along the cells.
    """

    low: NDArray[np.float32]
    scale: NDArray[np.float32]
    levels: NDArray[np.uint8]

    def __call__(self, features: np.ndarray) -> NDArray[np.uint8]:
        """Levels of `features` (feature, pixel) without NaN, of the same shape."""
        values = np.ascontiguousarray(features, np.float32)
        found: NDArray[np.uint8] = kernels.binned(values, self.low, self.scale, self.levels)
        return found

    @property
    def ends(self) -> NDArray[np.int32]:
        """How many cells have at most each level, `(feature, 256)`."""
        found = [np.searchsorted(row, np.arange(256), side="right") for row in self.levels]
        return np.array(found, np.int32)


def find_bins(table: Rows) -> Bins:
    """Bins for a table of training patterns.

    The range between the outermost thousandths of a feature is cut into 2045 even cells, with one more for all that
    lies below and one for all beyond. A cell's level is the whole part of 127 times the share of patterns in the cells
    before it plus 127 times its place among the cells. So two values are told apart if a 127th of the patterns, or a
    127th of the range, lies between them: long tails do not take the levels from the bulk, nor the bulk from the tails. A
    feature whose range is below 1e-35 has one level: float32 does not hold its inverse.

    Parameters
    ----------
    table
        `(pattern, feature)` float32, finite.

    Examples
    --------
    >>> bins = find_bins(np.array([[0.0], [1.0], [5.0]], np.float32))
    >>> bins(np.array([[-9.0, 0.0, 0.9, 1.0, 5.0, 9.0]])).tolist()
    [[0, 0, 65, 67, 211, 254]]
    """
    parts = row_blocks(*table.shape)
    some = np.sort(table[:: max(1, len(table) // RANGE_ROWS)], axis=0).astype(np.float64)
    outside = int(OUTSIDE * len(some))
    low, high = some[outside], some[len(some) - 1 - outside]
    # Where nearly all are alike, the few others are what matters.
    flat = low == high
    if flat.any():
        ends = [(table[part].min(axis=0), table[part].max(axis=0)) for part in parts]
        least, most = np.min([one for one, _ in ends], axis=0), np.max([one for _, one in ends], axis=0)
        low[flat], high[flat] = least[flat], most[flat]
    width = (high - low) / (kernels.CELLS - 3)
    with np.errstate(over="ignore", divide="ignore"):
        scale = np.where(width > 0, 1 / width, 0).astype(np.float32)
        scale[np.isinf(scale)] = 0
        below = np.maximum(low - width, np.finfo(np.float32).min).astype(np.float32)
    counts = np.zeros((len(below), kernels.CELLS), np.int64)
    for part in parts:
        counts += kernels.cell_counts(np.ascontiguousarray(table[part], np.float32), below, scale)
    before = np.cumsum(counts, axis=1) - counts
    even = np.arange(kernels.CELLS) / (kernels.CELLS - 1)
    levels = (BY_COUNT * (before / len(table)) + BY_WIDTH * even).astype(np.uint8)
    return Bins(below, scale, levels)


class Grown(Protocol):
    """What `from_fitted` reads of a `HistogramForest`."""

    forest_: BinnedForest | FlatForest


@dataclass(frozen=True, eq=False)
class BinnedForest:
    """The arrays that `kernels.forest_binned.binned_votes` walks; see there for their layout.

    `classes` are the labels that the forest has seen, in the order of the columns of its votes.
    """

    nodes: NDArray[np.uint32]
    roots: NDArray[np.int64]
    feature_bits: int
    mixed_start: NDArray[np.int64]
    mixed_class: NDArray[np.int64]
    mixed_share: NDArray[np.float64]
    low: NDArray[np.float32]
    scale: NDArray[np.float32]
    levels: NDArray[np.uint8]
    classes: NDArray[np.int64]
    n_features: int

    @classmethod
    def from_fitted(cls, estimator: Grown) -> BinnedForest | FlatForest:
        """Of a fitted `HistogramForest`; a `FlatForest` where the trees are too large for four bytes a node."""
        return estimator.forest_

    @property
    def n_bytes(self) -> int:
        """Memory of all arrays."""
        return sum(value.nbytes for value in vars(self).values() if isinstance(value, np.ndarray))

    def predict(self, features: np.ndarray) -> NDArray[np.float64]:
        """Shares of the trees' votes, `(pixel, class)`, from float32 features `(feature, pixel)` without NaN.

        Raises
        ------
        InputError
            Another number of features than the forest was trained on.
        """
        total: NDArray[np.float64] = kernels.binned_votes(
            self.nodes,
            self.roots,
            self.feature_bits,
            (self.mixed_start, self.mixed_class, self.mixed_share),
            (self.low, self.scale, self.levels),
            len(self.classes),
            as_table(features, self.n_features),
        )
        # Not in the kernel, which may multiply by 1/trees and then miss the last bit.
        return total / (len(self.roots) - 1)

    def check(self) -> None:
        """Refuse arrays that a walk would leave: a file may hold anything.

        Raises
        ------
        InputError
            A node points outside its tree, or to a feature or class that is not there.
        """
        if not (self._arrays_fit() and self._mixed_fit() and self._nodes_fit()):
            raise InputError(
                "a forest with invalid nodes", "the arrays that pack makes", "train the model again"
            )

    def _arrays_fit(self) -> bool:
        kinds = ("nodes u4", "roots i8", "mixed_start i8", "mixed_class i8", "mixed_share f8")
        for name, kind in (one.split() for one in (*kinds, "low f4", "scale f4", "classes i8", "levels u1")):
            value = getattr(self, name)
            if not isinstance(value, np.ndarray) or value.dtype != np.dtype(kind):
                return False
            if value.ndim != 1 + (name == "levels") or not value.flags.c_contiguous:
                return False
        numbers = (self.n_features, self.feature_bits)
        if any(type(number) is not int for number in numbers) or not 0 < self.feature_bits < 24:
            return False
        bins = len(self.low) == len(self.scale) == self.n_features > 0
        return bins and self.levels.shape == (self.n_features, kernels.CELLS) and len(self.classes) > 0

    def _mixed_fit(self) -> bool:
        start, held = self.mixed_start, self.mixed_class
        if not start.size or start[0] != 0 or start[-1] != len(held) or len(held) != len(self.mixed_share):
            return False
        return bool((np.diff(start) >= 0).all() and ((held >= 0) & (held < len(self.classes))).all())

    def _nodes_fit(self) -> bool:
        sizes = np.diff(self.roots)
        if not sizes.size or self.roots[0] != 0 or self.roots[-1] != len(self.nodes) or sizes.min() < 1:
            return False
        size = np.repeat(sizes, sizes)
        place = np.arange(len(self.nodes)) - np.repeat(self.roots[:-1], sizes)
        nodes = self.nodes.astype(np.int64)
        far = nodes >> (kernels.LEVEL_BITS + self.feature_bits)
        feature = nodes >> kernels.LEVEL_BITS & (1 << self.feature_bits) - 1
        content = (feature - self.n_features << kernels.LEVEL_BITS) + (nodes & 0xFF)
        # Every step goes on, so a walk ends, and an inner node has both children.
        inner = (feature < self.n_features) & (place + far + 1 < size)
        held = (content >= 0) & (content < len(self.classes) + len(self.mixed_start) - 1)
        return bool(np.where(far == 0, held, inner).all())


def pack(trees: Sequence[Tree], bins: Bins, classes: NDArray[np.int64]) -> BinnedForest | None:
    """Grown trees in four bytes a node; None where a tree is too large, or contents are too many, for these.

    With 210 features, half of a tree (its smaller children stand first) may have 65,535 nodes.
    """
    n_features, contents = len(bins.low), len(classes) + sum(len(tree.mixed_start) - 1 for tree in trees)
    feature_bits = int(n_features - 1 + -(-contents // 256)).bit_length()
    far_bits = kernels.NODE_BITS - kernels.LEVEL_BITS - feature_bits
    nodes, taken = [], len(classes)
    for tree in trees:
        is_leaf = tree.feature < 0
        child = tree.child.astype(np.int64)
        far = np.where(is_leaf, 0, child - np.arange(len(child)))
        if far.max() >> far_bits:
            return None
        content = np.where(child < 0, taken - 1 - child, child)
        feature = np.where(is_leaf, n_features + (content >> kernels.LEVEL_BITS), tree.feature)
        level = np.where(is_leaf, content & 0xFF, tree.level)
        nodes.append(((far << feature_bits | feature) << kernels.LEVEL_BITS | level).astype(np.uint32))
        taken += len(tree.mixed_start) - 1
    lengths = [np.diff(tree.mixed_start) for tree in trees]
    held = np.concatenate([tree.mixed_weight for tree in trees]).astype(np.float64)
    length = np.concatenate(lengths).astype(np.int64)
    start = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    row = np.repeat(np.arange(len(length)), length)
    return BinnedForest(
        nodes=np.concatenate(nodes),
        roots=np.cumsum([0, *map(len, nodes)], dtype=np.int64),
        feature_bits=feature_bits,
        mixed_start=start,
        mixed_class=np.concatenate([tree.mixed_class for tree in trees]).astype(np.int64),
        mixed_share=held / np.bincount(row, held, len(length))[row],
        low=bins.low,
        scale=bins.scale,
        levels=bins.levels,
        classes=classes,
        n_features=n_features,
    )
