"""A flat forest votes as the scikit-learn forest that it was made from, bit by bit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from xafsflow.errors import InputError
from xafsflow.kernels.trees import exact_walker as kernels
from xafsflow.learning.forest.exact_layout import FlatForest, flatten

TINY = float(np.finfo(np.float32).smallest_subnormal)
EDGES = [0.0, -0.0, TINY, -TINY, 3 * TINY, 1e-38, -1e-38, 1.0, -1.0, 3.4e38, -3.4e38]


@pytest.fixture(autouse=True, scope="module")
def sums_that_overflow() -> Iterator[None]:
    """scikit-learn looks for NaN by a sum, which huge numbers overflow."""
    with np.errstate(invalid="ignore", over="ignore"):
        yield


def by_trees(forest: Any, table: np.ndarray) -> np.ndarray:
    """What `predict_proba` computes, without its refusal of infinite features."""
    total = np.zeros((len(table), len(forest.classes_)))
    for one in forest.estimators_:
        total += one.tree_.value[one.tree_.apply(table), 0, :]
    return total / len(forest.estimators_)


def thresholds(forest: Any) -> np.ndarray:
    """Every threshold as float32, and its neighbors on both sides."""
    found = np.concatenate([one.tree_.threshold[one.tree_.children_left >= 0] for one in forest.estimators_])
    found = found.astype(np.float32)
    return np.concatenate([np.nextafter(found, -np.inf), found, np.nextafter(found, np.inf)])


@st.composite
def forests(draw: st.DrawFn) -> tuple[Any, np.ndarray]:
    """A fitted forest, and float32 features at which its votes are hard to get right."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_samples, n_features = draw(st.integers(2, 80)), draw(st.integers(1, 7))
    table = rng.normal(0, draw(st.sampled_from([1, 20 * TINY, 1e-30, 1e37])), (n_samples, n_features))
    table = np.clip(table, -3.4e38, 3.4e38).astype(np.float32)
    few = draw(st.sampled_from(["all", "rounded", "edges"]))
    if few == "rounded":
        table = table.round()
    if few == "edges":
        table = rng.choice(np.array(EDGES, np.float32), table.shape)
    # Equal features of unlike classes leave leaves that hold several.
    table = np.concatenate([table, table[rng.integers(0, n_samples, draw(st.integers(0, 20)))]])
    labels = rng.integers(0, draw(st.integers(1, 9)), len(table))
    kind = draw(st.sampled_from([RandomForestClassifier, ExtraTreesClassifier]))
    fitted = kind(
        draw(st.integers(1, 6)),
        max_depth=draw(st.sampled_from([None, 1, 2, 5])),
        min_samples_leaf=draw(st.sampled_from([1, 2, 7])),
        bootstrap=draw(st.booleans()),
        random_state=0,
    ).fit(table, labels)
    pool = np.concatenate([thresholds(fitted), np.array(EDGES, np.float32), table.ravel()])
    return fitted, rng.choice(pool, (draw(st.integers(1, 60)), n_features))


@settings(max_examples=120, deadline=None)
@given(forests())
def test_votes__are_predict_proba(case):
    fitted, table = case
    np.testing.assert_array_equal(by_trees(fitted, table), fitted.predict_proba(table))
    flat = flatten(fitted)
    np.testing.assert_array_equal(flat.predict(table.T), fitted.predict_proba(table))
    flat.check()


@settings(max_examples=40, deadline=None)
@given(forests(), st.data())
def test_votes__of_infinite_features_follow_the_trees(case, data):
    fitted, table = case
    odd = data.draw(
        st.lists(st.sampled_from([np.inf, -np.inf, 1.0]), min_size=table.size, max_size=table.size)
    )
    table = np.where(np.isinf(odd), odd, table.ravel()).reshape(table.shape).astype(np.float32)
    np.testing.assert_array_equal(flatten(fitted).predict(table.T), by_trees(fitted, table))


def test_votes__of_a_forest_of_noisy_mixtures_are_predict_proba():
    rng = np.random.default_rng(0)
    centers = rng.random((20, 60))
    labels = np.repeat(np.arange(20), 40)
    table = (centers[labels] + 0.1 * rng.standard_normal((800, 60))).astype(np.float32)
    pixels = (centers[rng.integers(0, 20, 1500)] + 0.1 * rng.standard_normal((1500, 60))).astype(np.float32)
    fitted = RandomForestClassifier(30, random_state=0).fit(table, labels)
    flat = flatten(fitted)
    np.testing.assert_array_equal(flat.predict(pixels.T), fitted.predict_proba(pixels))
    assert flat.n_bytes < 9 * sum(one.tree_.node_count for one in fitted.estimators_)


def test_thresholds_between_two_floats__are_rounded_down():
    """Rounded to the nearest, half of the midpoints of neighboring floats would send the upper one left."""
    # scikit-learn takes floats that are less than 1e-7 apart for equal; at 16, neighbors are 2e-6 apart.
    table = (16 + np.spacing(np.float32(16)) * np.arange(200)).astype(np.float32)[:, None]
    labels = np.arange(200) % 2
    fitted = RandomForestClassifier(1, bootstrap=False, random_state=0).fit(table, labels)
    np.testing.assert_array_equal(flatten(fitted).predict(table.T).argmax(axis=1), labels)


def test_classes__keep_their_labels():
    table = np.arange(8, dtype=np.float32)[:, None]
    flat = flatten(
        RandomForestClassifier(3, bootstrap=False, random_state=0).fit(table, np.repeat([2, 7], 4))
    )
    assert flat.classes.tolist() == [2, 7]
    assert flat.predict(table.T)[[0, -1]].tolist() == [[1, 0], [0, 1]]


@pytest.fixture(scope="module")
def flat() -> FlatForest:
    rng = np.random.default_rng(0)
    return flatten(RandomForestClassifier(4, random_state=0).fit(rng.random((60, 5)), rng.integers(0, 3, 60)))


@pytest.mark.parametrize("shape", [(4, 10), (6, 10), (5,), (0, 3)])
def test_features_of_another_number__are_refused(flat, shape):
    with pytest.raises(InputError, match=r"\(5, pixels\), as the forest was trained"):
        flat.predict(np.zeros(shape, np.float32))


def test_no_pixels__get_no_votes(flat):
    assert flat.predict(np.zeros((5, 0), np.float32)).shape == (0, 3)


def test_features_of_any_layout_and_type__are_taken(flat):
    table = np.random.default_rng(1).random((5, 40))
    wanted = flat.predict(table.astype(np.float32))
    np.testing.assert_array_equal(flat.predict(np.asfortranarray(table)), wanted)
    np.testing.assert_array_equal(flat.predict(np.repeat(table, 2, axis=1)[:, ::2]), wanted)


@pytest.mark.parametrize(("limit", "least"), [("MOST_FEATURES", 4), ("MOST_NODES", 10)])
def test_a_forest_beyond_the_layout__is_refused(monkeypatch, limit, least):
    rng = np.random.default_rng(0)
    fitted = RandomForestClassifier(2, random_state=0).fit(rng.random((60, 5)), rng.integers(0, 3, 60))
    monkeypatch.setattr(kernels, limit, least)
    with pytest.raises(InputError, match="Use fewer energies or fewer noise_patterns"):
        flatten(fitted)


def damaged(flat: FlatForest) -> dict[str, FlatForest]:
    """Forests that a walk would leave, or never end in."""
    nodes = flat.nodes
    inner = np.flatnonzero((nodes >> np.uint64(20) & np.uint64(0xFFF)) < 5)
    leaves = np.setdiff1d(np.arange(len(nodes)), inner)

    def changed(place: int, to: int) -> FlatForest:
        new = nodes.copy()
        new[place] = to
        return replace(flat, nodes=new)

    first, last, leaf = int(nodes[inner[0]]), int(inner[-1]), int(leaves[0])
    return {
        "a child beyond the tree": changed(last, int(nodes[last]) | 0xFFFFF),
        "a child that is the root": changed(int(inner[0]), first & ~0xFFFFF),
        "a child that lies before": changed(last, int(nodes[last]) & ~0xFFFFF | 1),
        "a feature that is not there": changed(int(inner[0]), first & ~(0xFFF << 20) | 6 << 20),
        "a leaf that goes on": changed(leaf, int(nodes[leaf]) + 1),
        "a class that is not there": changed(leaf, int(nodes[leaf]) & 0xFFFFFFFF | 1000 << 32),
        "fewer nodes": replace(flat, nodes=nodes[:-1]),
        "no trees": replace(flat, roots=flat.roots[:1]),
        "trees in another order": replace(flat, roots=flat.roots[::-1].copy()),
        "a tree without nodes": replace(flat, roots=np.insert(flat.roots, 1, 0)),
        "more classes": replace(flat, classes=np.arange(4)),
        "no classes": replace(flat, classes=flat.classes[:0], mixed=flat.mixed[:, :0]),
        "fewer features": replace(flat, n_features=4),
        "no features": replace(flat, n_features=0),
        "too many features": replace(flat, n_features=5000),
        "features that are no number": replace(flat, n_features="5"),
        "nodes of another type": replace(flat, nodes=nodes.astype(np.float64)),
        "roots that are no array": replace(flat, roots=[0, 1]),
        "mixed of one dim": replace(flat, mixed=np.zeros(3)),
    }


def test_damaged_forests__are_refused_before_they_are_walked(flat):
    flat.check()
    passed = []
    for what, forest in damaged(flat).items():
        with contextlib.suppress(InputError):
            forest.check()
            passed.append(what)
    assert not passed
