"""The walk through a flat forest, on forests made by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xafsflow.kernels.trees import exact_walker as forest
from xafsflow.kernels.trees.exact_walker import GROUP, LANES, forest_votes, order_keys

FLOATS = st.floats(width=32, allow_nan=False)


def keys(values):
    """Keys of a list of floats."""
    found = np.zeros((len(values), 1), np.uint32)
    order_keys(np.array([values], np.float32), 0, len(values), found)
    return found[:, 0]


@given(st.lists(FLOATS, min_size=2, max_size=40))
def test_keys__are_in_the_order_of_their_numbers(values):
    numbers = np.array(values, np.float32)
    found = keys(values)
    assert ((found[:, None] > found) == (numbers[:, None] > numbers)).all()
    assert (found > 0).all()


def test_keys__tell_denormals_apart_and_not_the_signs_of_zero():
    least = float(np.nextafter(np.float32(0), np.float32(1)))
    values = [-np.inf, -1.0, -2 * least, -least, 0.0, least, 2 * least, 1.0, np.inf]
    assert (np.diff(keys(values).astype(np.int64)) > 0).all()
    assert keys([0.0])[0] == keys([-0.0])[0]


def inner(feature, threshold, child):
    return int(keys([threshold])[0]) << 32 | feature << 20 | child


def leaf(content, place, n_features):
    return content << 32 | n_features << 20 | place


def test_votes__of_a_forest_made_by_hand():
    # Two features. Tree 0: x0 <= 1 -> class 0; else x1 <= -2 -> class 2, else mixed row 0. Tree 1: always class 1.
    nodes = [inner(0, 1.0, 1), leaf(0, 1, 2), inner(1, -2.0, 3), leaf(2, 3, 2), leaf(3 + 0, 4, 2)]
    nodes += [leaf(1, 0, 2)]
    pixels = [(1.0, 0.0), (np.nextafter(np.float32(1), np.float32(2)), -2.0), (5.0, -1.99), (-np.inf, np.inf)]
    found = forest_votes(
        np.array(nodes, np.uint64),
        np.array([0, 5, 6]),
        np.array([[0.25, 0.25, 0.5]]),
        np.array(pixels, np.float32).T.copy(),
    )
    assert found.tolist() == [[1, 1, 0], [0, 1, 1], [0.25, 1.25, 0.5], [1, 1, 0]]


def test_a_walk__of_the_greatest_depth_and_feature_ends():
    """A chain: at depth d, what is at most d leaves."""
    depth, last = 300, forest.MOST_FEATURES - 1
    nodes, n_features = [], forest.MOST_FEATURES
    for d in range(depth):
        nodes += [inner(last, float(d), 2 * d + 1), leaf(d, 2 * d + 1, n_features)]
    nodes.append(leaf(depth, 2 * depth, n_features))
    # The right child stands behind the left one: [inner 0, leaf, inner 1, leaf, ...].
    features = np.zeros((n_features, depth + 1), np.float32)
    features[last] = np.arange(depth + 1) - 0.5
    nothing = np.empty((0, depth + 1))
    found = forest_votes(np.array(nodes, np.uint64), np.array([0, len(nodes)]), nothing, features)
    np.testing.assert_array_equal(found, np.eye(depth + 1))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([0, 1, LANES - 1, LANES, LANES + 1, GROUP - 1, GROUP, GROUP + 1, 2 * GROUP + 7]))
def test_votes__of_a_pixel_do_not_depend_on_the_number_of_pixels(n_pixels):
    nodes = np.array([inner(0, 0.5, 1), leaf(0, 1, 1), leaf(1, 2, 1)], np.uint64)
    features = np.random.default_rng(0).random((1, n_pixels), np.float32)
    found = forest_votes(nodes, np.array([0, 3]), np.empty((0, 2)), features)
    assert found.shape == (n_pixels, 2)
    np.testing.assert_array_equal(found[:, 1], features[0] > 0.5)
    np.testing.assert_array_equal(found.sum(axis=1), 1)


@given(hnp.arrays(np.float32, st.integers(1, 30), elements=FLOATS), FLOATS)
def test_a_threshold__is_met_exactly(values, threshold):
    nodes = np.array([inner(0, threshold, 1), leaf(0, 1, 1), leaf(1, 2, 1)], np.uint64)
    found = forest_votes(nodes, np.array([0, 3]), np.empty((0, 2)), values[None, :].copy())
    np.testing.assert_array_equal(found[:, 1], values > np.float32(threshold))
