"""Bins that tell values apart, and a packed forest that votes as its trees do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xafsflow.errors import InputError
from xafsflow.kernels.trees.gini_split import Samples
from xafsflow.kernels.trees.tree_growth import Tree, bootstrap, grow
from xafsflow.learning.forest.binned_layout import BinnedForest, Bins, find_bins, pack
from xafsflow.learning.forest.histogram_forest import HistogramForest, unbinned

BIG = float(np.finfo(np.float32).max)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.fixture(autouse=True, scope="module")
def numbers_as_in_compiled_code() -> Iterator[None]:
    """Without the compiler, numpy warns where a compiled kernel wraps or overflows in silence."""
    with (
        np.errstate(over="ignore", invalid="ignore") if numba.config.DISABLE_JIT else contextlib.nullcontext()
    ):
        yield


@settings(max_examples=80, deadline=None)
@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 40), st.integers(1, 3)), elements=FLOATS))
def test_levels__rise_with_the_value_and_are_at_most_255(table):
    bins = find_bins(table)
    found = bins(np.sort(table, axis=0).T)
    assert (np.diff(found.astype(int), axis=1) >= 0).all()
    assert bins.levels.max() <= 254
    assert (np.diff(bins.levels.astype(int), axis=1) >= 0).all()


@given(hnp.arrays(np.float64, st.integers(2, 100), elements=st.floats(-10, 10, width=32)))
def test_values__a_hundredth_of_the_range_apart_are_told_apart(values):
    table = np.sort(values.astype(np.float32))[:, None]
    levels = find_bins(table)(table.T)[0].astype(int)
    extent = table[-1, 0] - table[0, 0]
    # The inverse of a smaller one is beyond float32.
    apart = (np.diff(table[:, 0]) > 0.01 * extent) & (extent > 1e-34)
    assert (np.diff(levels)[apart] > 0).all()


def test_long_tails__do_not_take_the_levels_from_the_bulk():
    rng = np.random.default_rng(0)
    noise = np.where(rng.random(20_000) < 0.02, 20, 1)
    table = (noise * rng.standard_normal(20_000)).astype(np.float32)[:, None]
    bulk = np.linspace(-1, 1, 1000, dtype=np.float32)[None, :]
    assert len(np.unique(find_bins(table)(bulk))) > 50


def test_few_values_that_differ__are_seen():
    table = np.zeros((50_000, 2), np.float32)
    table[7, 0], table[8, 1] = 1e-30, -BIG
    levels = find_bins(table)(table.T)
    assert levels[0, 7] > levels[0, 0]
    assert levels[1, 8] < levels[1, 0]


def test_levels__do_not_depend_on_the_layout_or_chunks():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(300, 5)).astype(np.float32)
    bins = find_bins(table)
    assert bins.levels.tobytes() == find_bins(np.asfortranarray(table)).levels.tobytes()
    whole = bins(table.T)
    np.testing.assert_array_equal(
        whole, np.concatenate([bins(table[k : k + 7].T) for k in range(0, 300, 7)], 1)
    )


def trees_of(
    seed: int, n: int, n_features: int, n_classes: int, rounded: bool, scale: float = 1
) -> tuple[list[Tree], Bins, Any]:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(n, n_features)).astype(np.float32)
    table = np.float32(scale) * (table.round() if rounded else table)
    labels = rng.integers(0, n_classes, n)
    labels[:n_classes] = np.arange(n_classes)[:n]
    bins = find_bins(table)
    rows = np.ascontiguousarray(bins(table.T).T)
    samples = Samples(rows, rows.T.copy(), labels.astype(np.int32), bins.ends)
    trees = [grow(samples, bootstrap(np.uint64(k), n), n_classes, 2, np.uint64(k)) for k in range(4)]
    return trees, bins, table


def slow_votes(trees: list[Tree], codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Codes are (feature, pixel)."""
    pure, mixed = np.zeros((2, codes.shape[1], n_classes))
    for tree in trees:
        for p in range(codes.shape[1]):
            at = 0
            while tree.feature[at] >= 0:
                at = tree.child[at] + int(codes[tree.feature[at], p] > tree.level[at])
            if tree.child[at] >= 0:
                pure[p, tree.child[at]] += 1
                continue
            part = slice(*tree.mixed_start[-1 - tree.child[at] :][:2])
            shares = tree.mixed_weight[part] / tree.mixed_weight[part].sum()
            mixed[p, tree.mixed_class[part]] += shares
    return (pure + mixed) / len(trees)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 60),
    st.sampled_from([1, 2, 5, 40]),
    st.sampled_from([1, 2, 6, 300]),
    st.booleans(),
)
def test_votes__are_those_of_the_trees(seed, n, n_features, n_classes, rounded):
    trees, bins, table = trees_of(seed, n, n_features, n_classes, rounded)
    forest = pack(trees, bins, np.arange(n_classes))
    assert forest is not None
    forest.check()
    pixels = np.random.default_rng(seed).normal(size=(n_features, 20)).astype(np.float32)
    pixels = np.concatenate([pixels, table.T], axis=1)
    found = forest.predict(pixels)
    np.testing.assert_array_equal(found, slow_votes(trees, bins(pixels), n_classes))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 1e-38, 1e-3, 1e30]), st.booleans())
def test_votes__are_those_of_the_same_trees_with_float_thresholds(seed, scale, rounded):
    trees, bins, table = trees_of(seed, 50, 3, 4, rounded, scale)
    classes = np.arange(4)
    flat, packed = unbinned(trees, bins, classes), pack(trees, bins, classes)
    flat.check()
    assert packed is not None
    odd = np.array([[np.inf, -np.inf, 0]] * 3, np.float32)
    pixels = np.concatenate([table.T, odd], axis=1)
    near = np.concatenate([np.nextafter(pixels, np.float32(sign * np.inf)) for sign in (-1, 1)], axis=1)
    pixels = np.concatenate([pixels, near], axis=1)
    np.testing.assert_allclose(flat.predict(pixels), packed.predict(pixels), rtol=0, atol=1e-15)


def test_trees_too_large_for_four_bytes__are_not_packed():
    trees, bins, _ = trees_of(0, 60, 5, 4, False)
    big = trees[0]._replace(child=np.where(trees[0].feature >= 0, trees[0].child + (1 << 21), trees[0].child))
    assert pack([big], bins, np.arange(4)) is None
    assert pack(trees, bins, np.arange(4)) is not None


@pytest.fixture(scope="module")
def forest() -> BinnedForest:
    rng = np.random.default_rng(0)
    table = rng.integers(0, 3, (120, 3)).astype(np.float32)
    found = HistogramForest(4).fit(table, rng.integers(0, 3, 120)).forest_
    assert isinstance(found, BinnedForest)
    assert len(found.mixed_start) > 2
    return found


@pytest.mark.parametrize("shape", [(2, 10), (4, 10), (3,), (0, 3)])
def test_features_of_another_number__are_refused(forest, shape):
    with pytest.raises(InputError, match=r"\(3, pixels\), as the forest was trained"):
        forest.predict(np.zeros(shape, np.float32))


def test_features_of_any_layout_and_type__are_taken(forest):
    table = np.random.default_rng(1).random((3, 40))
    wanted = forest.predict(table.astype(np.float32))
    np.testing.assert_array_equal(forest.predict(np.asfortranarray(table)), wanted)
    np.testing.assert_array_equal(forest.predict(np.repeat(table, 2, axis=1)[:, ::2]), wanted)
    assert forest.predict(np.zeros((3, 0), np.float32)).shape == (0, 3)


def damaged(forest: BinnedForest) -> dict[str, BinnedForest]:
    """Forests that a walk would leave, or never end in."""
    nodes, shift = forest.nodes, 8 + forest.feature_bits
    inner, leaves = np.flatnonzero(nodes >> shift), np.flatnonzero(nodes >> shift == 0)

    def changed(place: int, to: int) -> BinnedForest:
        new = nodes.copy()
        new[place] = to
        return replace(forest, nodes=new)

    first, last, leaf = int(nodes[inner[0]]), int(inner[-1]), int(leaves[0])
    return {
        "a child beyond the tree": changed(last, 0xFFFF << shift | int(nodes[last]) & (1 << shift) - 1),
        "a feature that is not there": changed(int(inner[0]), first & ~0x300 | 3 << 8),
        "a leaf of a feature": changed(leaf, 0),
        "a class that is not there": changed(leaf, int(nodes[leaf]) | 0xFF),
        "fewer nodes": replace(forest, nodes=nodes[:-1]),
        "no trees": replace(forest, roots=forest.roots[:1]),
        "trees in another order": replace(forest, roots=forest.roots[::-1].copy()),
        "a tree without nodes": replace(forest, roots=np.insert(forest.roots, 1, 0)),
        "no classes": replace(forest, classes=forest.classes[:0]),
        "a mixed class that is not there": replace(forest, mixed_class=forest.mixed_class + 2),
        "mixed leaves that overlap": replace(forest, mixed_start=forest.mixed_start[::-1].copy()),
        "fewer mixed shares": replace(forest, mixed_share=forest.mixed_share[:-1]),
        "fewer features": replace(forest, n_features=2),
        "features that are no number": replace(forest, n_features="3"),
        "more bits": replace(forest, feature_bits=40),
        "fewer bits": replace(forest, feature_bits=1),
        "nodes of another type": replace(forest, nodes=nodes.astype(np.uint64)),
        "roots that are no array": replace(forest, roots=[0, 1]),
        "levels of fewer cells": replace(forest, levels=forest.levels[:, :-1].copy()),
        "levels in another order": replace(forest, levels=np.asfortranarray(forest.levels)),
        "one scale": replace(forest, scale=forest.scale[:1]),
    }


def test_damaged_forests__are_refused_before_they_are_walked(forest):
    forest.check()
    passed = []
    for what, one in damaged(forest).items():
        with contextlib.suppress(InputError):
            one.check()
            passed.append(what)
    assert not passed
