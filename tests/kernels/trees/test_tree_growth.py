"""A grown tree is the one that slow, plain Python grows from the same draws."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.kernels.trees import gini_split as gini
from xafsflow.kernels.trees.gini_split import INSERTION_MOST, ROWS, Samples, random_below
from xafsflow.kernels.trees.tree_growth import MOST_WEIGHT, Tree, bootstrap, grow

WORD = (1 << 64) - 1


def drawn(seed: int, number: int, limit: int) -> int:
    """SplitMix64 in Python's whole numbers."""
    bits = (seed + (number + 1) * 0x9E3779B97F4A7C15) & WORD
    bits = ((bits ^ bits >> 30) * 0xBF58476D1CE4E5B9) & WORD
    bits = ((bits ^ bits >> 27) * 0x94D049BB133111EB) & WORD
    return ((bits ^ bits >> 31) >> 32) * limit >> 32


def ends_of(n_features: int) -> np.ndarray:
    """Levels of uneven width."""
    widths = np.random.default_rng(0).integers(0, 9, (n_features, 256))
    return np.cumsum(widths, axis=1).astype(np.int32)


def threshold(ends: np.ndarray, low: int, high: int) -> int:
    """The level whose end is nearest to the middle between the middles of two levels."""
    starts = np.concatenate([[0], ends[:-1]])
    middle = sum(Fraction(int(starts[b] + ends[b]), 2) for b in (low, high)) / 2
    return min(range(low, high), key=lambda t: abs(int(ends[t]) - middle))


def splits(codes: np.ndarray, shares: np.ndarray, ends: np.ndarray) -> list[tuple[Fraction, int]]:
    """Merit and level of every split of one feature, from class weights (sample, class), in exact arithmetic."""
    found = []
    present = np.unique(codes)
    for low, high in zip(present[:-1].tolist(), present[1:].tolist(), strict=True):
        sides = [shares[codes <= low].sum(axis=0), shares[codes > low].sum(axis=0)]
        merit = sum(Fraction(int((side**2).sum()), int(side.sum())) for side in sides)
        found.append((Fraction(merit), threshold(ends, low, high)))
    return found


def slow_tree(table: np.ndarray, labels: np.ndarray, weight: np.ndarray, candidates: int, seed: int) -> Any:
    """(feature, level, child) of each node, and the class weights of leaves that hold several."""
    n_features, n_classes = table.shape[1], int(labels.max()) + 1
    shares = np.eye(n_classes, dtype=np.int64)[labels] * weight[:, None]
    nodes: list[Any] = [None]
    ends = ends_of(n_features)
    mixed: list[list[int]] = []
    waiting = [(0, np.flatnonzero(weight))]
    while waiting:
        node, here = waiting.pop()
        held = shares[here].sum(axis=0)
        best: tuple[Fraction, int, int] | None = None
        order, tried = list(range(n_features)), 0
        while np.count_nonzero(held) > 1 and tried < n_features and (tried < candidates or best is None):
            at = tried + drawn(seed, node * n_features + tried, n_features - tried)
            order[tried], order[at] = order[at], order[tried]
            for merit, level in splits(table[here, order[tried]], shares[here], ends[order[tried]]):
                if best is None or merit > best[0]:
                    best = (merit, order[tried], level)
            tried += 1
        if best is None:
            several = np.count_nonzero(held) > 1
            mixed += [held.tolist()] if several else []
            nodes[node] = (-1, None, -len(mixed) if several else int(held.argmax()))
            continue
        left = table[here, best[1]] <= best[2]
        nodes[node] = (best[1], best[2], len(nodes))
        parts = [(len(nodes), here[left]), (len(nodes) + 1, here[~left])]
        nodes += [None, None]
        # The smaller one is next, the left one if they are equal.
        waiting += parts[::-1] if len(parts[0][1]) <= len(parts[1][1]) else parts
    return nodes, mixed


def told(tree: Tree) -> Any:
    nodes = [
        (f, level if f >= 0 else None, child)
        for f, level, child in zip(
            tree.feature.tolist(), tree.level.tolist(), tree.child.tolist(), strict=True
        )
    ]
    return nodes, list(zip(tree.mixed_class.tolist(), tree.mixed_weight.tolist(), strict=True))


def grown(table: np.ndarray, labels: np.ndarray, weight: np.ndarray, candidates: int, seed: int) -> Tree:
    samples = Samples(table, np.ascontiguousarray(table.T), labels.astype(np.int32), ends_of(table.shape[1]))
    return grow(samples, weight, int(labels.max()) + 1, candidates, np.uint64(seed))


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, n_features = draw(st.integers(1, 3 * INSERTION_MOST)), draw(st.integers(1, 8))
    table = rng.integers(0, draw(st.sampled_from([1, 2, 5, 255])), (n, n_features)).astype(np.uint8)
    table = np.concatenate([table, table[rng.integers(0, n, draw(st.integers(0, 20)))]])
    return table, rng.integers(0, draw(st.integers(1, 7)), len(table))


@settings(max_examples=60, deadline=None)
@given(tables(), st.integers(1, 8), st.integers(0, WORD))
def test_a_tree__is_what_exact_arithmetic_grows(case, candidates, seed):
    table, labels = case
    weight = bootstrap(np.uint64(seed), len(labels))
    nodes, mixed = slow_tree(table, labels, weight, candidates, seed)
    found = told(grown(table, labels, weight, candidates, seed))
    assert found[0] == nodes
    assert found[1] == [(c, w) for held in mixed for c, w in enumerate(held) if w]


def test_a_tree_of_many_samples__is_what_exact_arithmetic_grows():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 9, 700)
    table = np.clip(rng.normal(20 * labels[:, None], 25, (700, 30)) + 40, 0, 254).astype(np.uint8)
    weight = bootstrap(np.uint64(5), 700)
    found = told(grown(table, labels, weight, 5, 8))
    assert found == (slow_tree(table, labels, weight, 5, 8)[0], [])


def test_rows_and_columns_of_the_table__give_the_same_split():
    """Nodes above ROWS samples read columns; with the same samples twice as often, the same split must be found."""
    rng = np.random.default_rng(1)
    n = ROWS // 2 + 1
    labels = rng.integers(0, 5, n)
    table = np.clip(rng.normal(30 * labels[:, None], 30, (n, 6)) + 40, 0, 254).astype(np.uint8)
    small = grown(table, labels, np.full(n, 2, np.int32), 6, 3)
    twice = grown(np.tile(table, (2, 1)), np.tile(labels, 2), np.ones(2 * n, np.int32), 6, 3)
    assert told(small)[0][0] == told(twice)[0][0]


@settings(max_examples=50, deadline=None)
@given(tables(), st.integers(1, 8), st.integers(0, WORD))
def test_leaves__hold_every_sample_once_and_are_pure_where_they_can_be(case, candidates, seed):
    table, labels = case
    weight = bootstrap(np.uint64(seed), len(labels))
    tree = grown(table, labels, weight, candidates, seed)
    at = np.zeros(len(table), int)
    while (tree.feature[at] >= 0).any():
        inner = tree.feature[at] >= 0
        beyond = table[np.arange(len(table)), np.where(inner, tree.feature[at], 0)] > tree.level[at]
        at = np.where(inner, tree.child[at] + beyond, at)
    drawn_ones = weight > 0
    assert set(at[drawn_ones]) == set(np.flatnonzero(tree.feature < 0))
    assert (tree.feature < 0).sum() == (tree.feature >= 0).sum() + 1
    for leaf in np.flatnonzero(tree.feature < 0):
        inside = drawn_ones & (at == leaf)
        held = np.bincount(labels[inside], weight[inside])
        if tree.child[leaf] >= 0:
            assert np.flatnonzero(held).tolist() == [tree.child[leaf]]
            continue
        assert (table[inside] == table[inside][0]).all()
        part = slice(*tree.mixed_start[-1 - tree.child[leaf] : 1 - tree.child[leaf]])
        assert tree.mixed_class[part].tolist() == np.flatnonzero(held).tolist()
        assert tree.mixed_weight[part].tolist() == held[held > 0].tolist()


def test_importance__is_the_decrease_of_impurity():
    table = np.array([[0, 9], [1, 9], [2, 8], [3, 8]], np.uint8)
    labels = np.array([0, 0, 1, 1])
    tree = grown(table, labels, np.array([1, 2, 1, 2], np.int32), 2, 0)
    # Gini 1/2 of six samples falls to nothing by one split.
    assert sorted(tree.importance.tolist()) == [0, pytest.approx(3)]


def test_random_numbers__are_splitmix64():
    # The first numbers of seed 1234567, as its authors' program gives them.
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    for number, wanted in enumerate(known):
        assert random_below(np.uint64(1234567), number, 1 << 32) == wanted >> 32
    for seed, number, limit in [(0, 0, 1), (WORD, 7, 210), (3, 10**12, 66_000)]:
        assert random_below(np.uint64(seed), number, limit) == drawn(seed, number, limit) < limit


def test_bootstrap__draws_with_replacement():
    n = 5000
    weight = bootstrap(np.uint64(3), n)
    assert weight.sum() == n
    # A share 1/e is not drawn, with a standard deviation of sqrt(n (1/e - 2/e^2)).
    assert abs((weight == 0).sum() - n / np.e) < 5 * np.sqrt(n * (1 / np.e - 2 / np.e**2))
    assert weight.max() < MOST_WEIGHT


def test_features__are_drawn_evenly_and_without_replacement():
    """All features are copies: the first drawn wins each tie, so the winners are uniform."""
    n_features, seeds = 10, 3000
    table = np.repeat(np.array([[0], [1]], np.uint8), n_features, axis=1)
    ones = np.ones(2, np.int32)
    winners = [grown(table, np.array([0, 1]), ones, 3, seed).feature[0] for seed in range(seeds)]
    counts = np.bincount(winners, minlength=n_features)
    assert (
        (counts - seeds / n_features) ** 2 / (seeds / n_features)
    ).sum() < 28  # chi-square, 9 degrees, 0.1 %


def test_memory_of_the_search__is_clean_after_each_node():
    """`running` and `order` must be as they were, whatever the number of features that were tried."""
    rng = np.random.default_rng(2)
    table, labels = rng.integers(0, 255, (40, 5)).astype(np.uint8), rng.integers(0, 3, 40).astype(np.int32)
    room = gini.new_workspace(40, 3, 5)
    totals = np.bincount(labels)
    room.totals[:] = totals
    room.held[:] = 1 << 48 | labels.astype(np.uint64) << np.uint64(32) | totals[labels].astype(np.uint64)
    samples = Samples(table, np.ascontiguousarray(table.T), labels, ends_of(5))
    here = np.arange(40, dtype=np.int32)
    for candidates in range(1, 6):
        gini.best_split(samples, here, room, 40, int((totals**2).sum()), candidates, np.uint64(1), 0)
        assert room.order.tolist() == list(range(5))
        assert not room.running.any()
