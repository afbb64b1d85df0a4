"""The default forest: deterministic, as right as scikit-learn's, and calm about odd tables."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numba
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.learning.forest import histogram_forest
from xafsflow.learning.forest.binned_layout import BinnedForest
from xafsflow.learning.forest.exact_layout import FlatForest
from xafsflow.learning.forest.histogram_forest import HistogramForest
from xafsflow.sampling.noisy_patterns import finite

FLATS = ("nodes", "mixed_start", "mixed_class", "mixed_share", "levels", "low", "scale", "classes")


@pytest.fixture(autouse=True, scope="module")
def numbers_as_in_compiled_code() -> Iterator[None]:
    """Without the compiler, numpy warns where a compiled kernel wraps or overflows in silence."""
    with (
        np.errstate(over="ignore", invalid="ignore") if numba.config.DISABLE_JIT else contextlib.nullcontext()
    ):
        yield


def blobs(
    n_classes: int = 6, n: int = 40, n_features: int = 8, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(9).random((n_classes, n_features))
    labels = np.repeat(np.arange(n_classes), n)
    table = centers[labels] + 0.1 * rng.standard_normal((labels.size, n_features))
    return table.astype(np.float32), labels


def same(first: HistogramForest, second: HistogramForest) -> bool:
    pairs = [(getattr(first.forest_, name), getattr(second.forest_, name)) for name in FLATS]
    return all(np.array_equal(a, b) for a, b in pairs)


def test_a_forest__is_the_same_on_any_number_of_threads():
    first, *others = (
        HistogramForest(7, seed=3, threads=threads).fit(*blobs()) for threads in (1, 2, 5, None)
    )
    assert all(same(first, other) for other in others)
    np.testing.assert_array_equal(first.feature_importances_, others[0].feature_importances_)
    assert not same(first, HistogramForest(7, seed=4).fit(*blobs()))


def test_a_tree__is_the_same_in_a_larger_forest():
    small, large = (HistogramForest(trees).fit(*blobs()).forest_ for trees in (3, 9))
    np.testing.assert_array_equal(small.nodes, large.nodes[: len(small.nodes)])


def test_votes__do_not_depend_on_chunks():
    forest, table = HistogramForest(5).fit(*blobs()), blobs(seed=1)[0]
    parts = [forest.predict_proba(table[k : k + 13]) for k in range(0, len(table), 13)]
    np.testing.assert_array_equal(np.concatenate(parts), forest.predict_proba(table))


def mixtures(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, labels and the classes' compositions, with noise at which classes are hard to tell apart."""
    cube = xf.ingest.phantom(size=(24, 24), energies=60, seed=seed)
    cube = xf.normalize.edge_step(xf.correct.absorbance(cube), e0=7112.0, pre2=-15.0, norm1=40.0, nnorm=1)
    found = xf.train.mixtures(cube, xf.ingest.phantom_references(), step=0.25, noise_patterns=400, seed=seed)
    found = finite(found, "sample")
    table, labels = found.features.values, found.label.values
    order = np.random.default_rng(seed).permutation(len(labels))
    noise = np.random.default_rng(seed).normal(0, 0.1, table.shape).astype(np.float32)
    return (table + noise)[order], labels[order], found.composition.values


@pytest.fixture(scope="module")
def lost() -> np.ndarray:
    """What forests lose on held-out patterns, `(phantom, score, forest, seed, pattern)`.

    Scores are 1 for a wrong class, and the mean absolute error of the fractions; forests are ours and scikit-learn's.
    """
    found = []
    for phantom in (1, 2, 3):
        table, labels, compositions = mixtures(phantom)
        known, held = slice(1200), slice(1200, 5400)
        for seed in range(3):
            kinds = HistogramForest(40, seed=seed), RandomForestClassifier(40, n_jobs=2, random_state=seed)
            for forest in kinds:
                votes = forest.fit(table[known], labels[known]).predict_proba(table[held])
                wrong = votes.argmax(axis=1) != labels[held]
                error = np.abs(votes @ compositions - compositions[labels[held]]).mean(axis=1)
                found.append([wrong, error])
    shaped = np.array(found, float).reshape(3, 3, 2, 2, -1)  # phantom, seed, forest, score, pattern
    return shaped.transpose(0, 3, 2, 1, 4)


SCORES = pytest.mark.parametrize("score", [0, 1], ids=["accuracy", "fraction_error"])


@pytest.mark.long
@SCORES
@pytest.mark.parametrize("phantom", [0, 1, 2])
def test_a_held_out_score__is_scikit_learns_within_two_standard_errors(lost, score, phantom):
    """The standard error of a score is that of its mean over held-out patterns, of forests averaged over seeds."""
    ours, theirs = lost[phantom, score].mean(axis=1)
    assert score == 1 or 0.1 < theirs.mean() < 0.5  # neither too easy nor hopeless
    error = theirs.std(ddof=1) / np.sqrt(theirs.size)
    assert ours.mean() <= theirs.mean() + 2 * error


@SCORES
def test_held_out_scores__are_not_significantly_worse_than_scikit_learns(lost, score):
    """Sharper: differences pattern by pattern, pooled over phantoms; their errors from a bootstrap of seeds and patterns."""
    differences = lost[:, score, 0] - lost[:, score, 1]
    rng, drawn = np.random.default_rng(0), []
    for _ in range(300):
        seeds, patterns = (
            rng.integers(3, size=3),
            rng.integers(differences.shape[2], size=differences.shape[2]),
        )
        drawn.append(differences[:, seeds][:, :, patterns].mean())
    assert differences.mean() <= 2 * np.std(drawn)


def test_importances__name_the_features_that_scikit_learn_names():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 100)
    table = rng.standard_normal((400, 12)).astype(np.float32)
    table[:, 3] += labels
    table[:, 7] += 2 * labels
    ours = HistogramForest(100).fit(table, labels).feature_importances_
    theirs = RandomForestClassifier(100, random_state=0).fit(table, labels).feature_importances_
    assert ours.sum() == pytest.approx(1)
    np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_thresholds__lie_between_the_values():
    """Midway between the levels of two values, as scikit-learn's lie midway between the values."""
    table = np.array([[0.0]] * 5 + [[1.0]] * 5, np.float32)
    forest = HistogramForest(20).fit(table, np.repeat([0, 1], 5))
    assert forest.predict_proba(np.array([[0.2], [0.8]])).argmax(axis=1).tolist() == [0, 1]


def test_classes__keep_their_labels_where_one_is_missing():
    table, labels = blobs(n_classes=3)
    forest = HistogramForest(5).fit(table[labels != 1], labels[labels != 1])
    assert forest.classes_.tolist() == forest.forest_.classes.tolist() == [0, 2]
    assert forest.predict_proba(table).shape == (len(table), 2)


def test_two_patterns__are_enough():
    forest = HistogramForest(50).fit(np.array([[0.0, 1.0], [0.0, 2.0]]), np.array([4, 9]))
    votes = forest.predict_proba(np.array([[0.0, 1.0], [0.0, 2.0]]))
    assert votes.argmax(axis=1).tolist() == [0, 1]
    # Half of the bootstraps drew only one of both.
    assert 0.5 < votes[0, 0] < 1


def test_patterns_that_no_feature_tells_apart__share_the_votes():
    table = np.ones((300, 3), np.float32)
    forest = HistogramForest(30).fit(table, np.repeat([0, 1, 2], [150, 100, 50]))
    np.testing.assert_allclose(forest.predict_proba(table[:1])[0], [1 / 2, 1 / 3, 1 / 6], atol=0.03)
    assert forest.feature_importances_.tolist() == [0, 0, 0]


def test_constant_features__are_never_used():
    table, labels = blobs()
    table[:, [1, 4]] = 7
    forest = HistogramForest(5).fit(table, labels)
    assert forest.feature_importances_[[1, 4]].tolist() == [0, 0]
    odd = table.copy()
    odd[:, 1], odd[:, 4] = np.inf, -3e38
    np.testing.assert_array_equal(forest.predict_proba(odd), forest.predict_proba(table))


def test_one_class__gets_all_votes():
    assert HistogramForest(3).fit(np.ones((4, 2)), np.full(4, 5)).predict_proba(np.ones((1, 2))).tolist() == [
        [1]
    ]


def test_huge_and_tiny_features__are_learned():
    table, labels = blobs()
    for scale in (1e30, 1e-30):
        scaled = (table * np.float32(scale)).astype(np.float32)
        forest = HistogramForest(20).fit(scaled, labels)
        assert (forest.predict_proba(scaled).argmax(axis=1) == labels).mean() > 0.95


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_not_finite__are_refused(bad):
    table, labels = blobs()
    table[3, 2] = bad
    with pytest.raises(InputError, match="not finite"):
        HistogramForest(2).fit(table, labels)


@pytest.mark.parametrize(("shape", "labels"), [((0, 3), 0), ((3, 0), 3), ((5,), 5), ((4, 2), 3)])
def test_tables_without_patterns__are_refused(shape, labels):
    with pytest.raises(InputError, match="a label a pattern"):
        HistogramForest(2).fit(np.zeros(shape), np.zeros(labels, int))


def test_too_many_patterns__are_refused(monkeypatch):
    monkeypatch.setattr(histogram_forest, "MOST_SAMPLES", 100)
    with pytest.raises(InputError, match="at most 100 patterns"):
        HistogramForest(2).fit(*blobs())


def test_trees_that_four_bytes_do_not_hold__become_a_flat_forest_with_the_same_votes(monkeypatch):
    table, labels = blobs()
    small = HistogramForest(5).fit(table, labels)
    monkeypatch.setattr(histogram_forest, "pack", lambda *_: None)
    large = HistogramForest(5).fit(table, labels)
    assert isinstance(small.forest_, BinnedForest)
    assert isinstance(large.forest_, FlatForest)
    pixels = blobs(seed=1)[0]
    np.testing.assert_array_equal(large.predict_proba(pixels), small.predict_proba(pixels))
    monkeypatch.setattr(histogram_forest.flat_kernels, "MOST_NODES", 10)
    with pytest.raises(InputError, match="fewer noise_patterns"):
        HistogramForest(5).fit(table, labels)


def test_blocks__make_the_same_forest(monkeypatch: pytest.MonkeyPatch) -> None:
    table, labels = blobs()
    table[:, 3] = np.arange(len(table)) == 7  # nearly all alike
    whole = HistogramForest(8, seed=2).fit(table, labels).forest_
    monkeypatch.setattr("xafsflow.learning.samples.row_blocks.BLOCK_NUMBERS", 100)
    blocks = HistogramForest(8, seed=2).fit(table, labels).forest_
    for name in FLATS:
        np.testing.assert_array_equal(getattr(whole, name), getattr(blocks, name))
