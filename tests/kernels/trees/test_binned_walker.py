"""The walk on binned features is what a slow walk of one pixel at a time gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.kernels.trees import binned_walker as kernels
from xafsflow.kernels.trees.binned_walker import CELLS, GROUP, LANES, binned, binned_votes, cell_counts, cells


def random_forest(rng, n_features, n_classes, n_mixed, n_trees, feature_bits):
    """Trees of random shape as (nodes, roots), with contents below n_classes + n_mixed."""
    nodes, roots = [], [0]
    for _ in range(n_trees):
        tree, waiting = [None], [(0, 0)]
        while waiting:
            place, depth = waiting.pop()
            if rng.random() < 0.12 * depth or len(tree) > 400:
                content = int(rng.integers(n_classes + n_mixed))
                tree[place] = (0, n_features + content // 256, content % 256)
            else:
                tree[place] = (len(tree) - place, int(rng.integers(n_features)), int(rng.integers(255)))
                waiting += [(len(tree), depth + 1), (len(tree) + 1, depth + 1)]
                tree += [None, None]
        nodes += [(far << feature_bits | feature) << 8 | level for far, feature, level in tree]
        roots.append(len(nodes))
    return np.array(nodes, np.uint32), np.array(roots)


def slow_votes(nodes, roots, feature_bits, mixed, codes, n_classes):
    """One pixel and one tree at a time; `codes` (feature, pixel)."""
    start, classes, shares = mixed
    votes = np.zeros((codes.shape[1], n_classes))
    for p in range(codes.shape[1]):
        pure = np.zeros(n_classes)
        for root in roots[:-1]:
            at = int(root)
            while int(nodes[at]) >> 8 + feature_bits:
                node = int(nodes[at])
                beyond = codes[node >> 8 & (1 << feature_bits) - 1, p] > (node & 255)
                at += (node >> 8 + feature_bits) + int(beyond)
            content = int(nodes[at]) - (len(codes) << 8)
            if content < n_classes:
                pure[content] += 1
            else:
                part = slice(start[content - n_classes], start[content - n_classes + 1])
                for c, share in zip(classes[part], shares[part], strict=True):
                    votes[p, c] += share
        votes[p] += pure
    return votes


def identity_bins(n_features):
    """Bins in which the value is its level."""
    levels = np.minimum(np.arange(CELLS), 255).astype(np.uint8)
    return np.zeros(n_features, np.float32), np.ones(n_features, np.float32), np.tile(levels, (n_features, 1))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_votes__are_those_of_a_slow_walk(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    n_features = data.draw(st.sampled_from([1, 2, 7, 255, 256, 300]))
    n_classes, n_mixed = data.draw(st.sampled_from([1, 3, 66, 700])), data.draw(st.integers(0, 4))
    bits = int(n_features - 1 + -(-(n_classes + n_mixed) // 256)).bit_length()
    nodes, roots = random_forest(rng, n_features, n_classes, n_mixed, data.draw(st.integers(1, 5)), bits)
    lengths = rng.integers(2, 5, n_mixed)
    start = np.concatenate([[0], np.cumsum(lengths)])
    mixed = start, rng.integers(0, n_classes, start[-1]), rng.random(start[-1])
    codes = rng.integers(0, 255, (n_features, data.draw(st.integers(0, 3 * LANES))))
    bins = identity_bins(n_features)
    found = binned_votes(nodes, roots, bits, mixed, bins, n_classes, codes.astype(np.float32))
    np.testing.assert_array_equal(found, slow_votes(nodes, roots, bits, mixed, codes, n_classes))


NOTHING_MIXED = (np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0))


@pytest.mark.parametrize(
    "n_pixels", [0, 1, LANES - 1, LANES, LANES + 1, GROUP - 1, GROUP, GROUP + 1, 2 * GROUP + 7]
)
def test_votes__of_a_pixel_do_not_depend_on_its_neighbors(n_pixels):
    rng = np.random.default_rng(0)
    nodes, roots = random_forest(rng, 5, 9, 0, 12, 3)
    features = rng.integers(0, 255, (5, n_pixels)).astype(np.float32)
    found = binned_votes(nodes, roots, 3, NOTHING_MIXED, identity_bins(5), 9, features)
    assert found.shape == (n_pixels, 9)
    for p in {*range(min(n_pixels, 20)), *range(max(0, n_pixels - 20), n_pixels)}:
        alone = binned_votes(nodes, roots, 3, NOTHING_MIXED, identity_bins(5), 9, features[:, [p]].copy())
        np.testing.assert_array_equal(found[[p]], alone)


def test_a_tree_that_is_one_leaf__votes_for_its_class():
    nodes, features = np.array([2 << 8 | 1], np.uint32), np.zeros((2, 3), np.float32)
    found = binned_votes(nodes, np.array([0, 1]), 2, NOTHING_MIXED, identity_bins(2), 4, features)
    assert found.tolist() == [[0, 1, 0, 0]] * 3


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=30),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.floats(0, width=32, allow_nan=False, allow_infinity=False),
)
def test_cells__rise_with_the_value_and_are_float32_arithmetic(values, low, scale):
    ordered = np.sort(np.array(values, np.float32))
    found = np.empty(len(ordered), np.int32)
    cells(ordered, np.float32(low), np.float32(scale), found)
    with np.errstate(over="ignore", invalid="ignore"):
        wanted = np.nan_to_num((ordered - np.float32(low)) * np.float32(scale), nan=0, posinf=CELLS - 1)
    np.testing.assert_array_equal(found, np.clip(wanted, 0, CELLS - 1).astype(np.int32))
    if scale * 4e38 < 3e38:  # without overflow
        assert (np.diff(found) >= 0).all()


def test_cell_counts_and_levels__are_those_of_numpy():
    rng = np.random.default_rng(0)
    table = rng.normal(0, 1, (500, 3)).astype(np.float32)
    low, scale = np.full(3, -2, np.float32), np.array([100, 500, 3000], np.float32)
    wanted = np.clip((table - low) * scale, 0, CELLS - 1).astype(int)
    counts = cell_counts(table, low, scale)
    for f in range(3):
        np.testing.assert_array_equal(counts[f], np.bincount(wanted[:, f], minlength=CELLS))
    levels = np.sort(rng.integers(0, 255, (3, CELLS)).astype(np.uint8), axis=1)
    found = binned(np.ascontiguousarray(table.T), low, scale, levels)
    np.testing.assert_array_equal(found, np.stack([levels[f][wanted[:, f]] for f in range(3)]))


def test_groups__hold_whole_lanes():
    assert kernels.GROUP % kernels.LANES == 0
