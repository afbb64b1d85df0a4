"""Baselines learn what a cubic or hexagonal lattice looks like, whatever the size of its cell."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.learning.union.baselines import (
    BASELINES,
    PatternTable,
    ShiftedMean,
    baseline_votes,
    binned,
    pattern_table,
    spacing_ratios,
)

ANGLE = np.linspace(15, 90, 2501)
WAVELENGTH = 1.5418
TYPES = ("simple_cubic", "bcc", "fcc", "hcp")
RANGE = np.arange(-4, 5)
H, K, L = (one.ravel() for one in np.meshgrid(RANGE, RANGE, RANGE, indexing="ij"))


def reflections(kind: str, a: float) -> tuple[np.ndarray, np.ndarray]:
    """1/d and intensities of all that are allowed, one for each h, k, l."""
    if kind == "hcp":
        c = 1.633 * a
        inverse = np.sqrt(4 / 3 * (H * H + H * K + K * K) / a**2 + L * L / c**2)
        factor = 2 * np.cos(np.pi * ((H + 2 * K) / 3 + L / 2))
    else:
        inverse = np.sqrt(H * H + K * K + L * L) / a
        even = (H + K) % 2 + (H + L) % 2 == 0
        factor = {"simple_cubic": 1.0, "bcc": (H + K + L) % 2 == 0, "fcc": even}[kind] * np.ones(H.size)
    keep = (factor**2 > 1e-9) & (inverse > 0)
    return inverse[keep], factor[keep] ** 2


def pattern(kind: str, a: float, rng: np.random.Generator) -> np.ndarray:
    """Counts with noise, background and heights disturbed by texture."""
    inverse, factor = reflections(kind, a)
    sine = WAVELENGTH * inverse / 2
    seen = sine < np.sin(np.radians(46))
    theta = np.arcsin(sine[seen])
    polarized = (1 + np.cos(2 * theta) ** 2) / (np.sin(theta) ** 2 * np.cos(theta))
    height = factor[seen] * polarized * np.exp(-3 * sine[seen] ** 2)
    place, one = np.unique(np.degrees(2 * theta).round(6), return_inverse=True)
    summed = np.bincount(one, height) * rng.uniform(0.5, 1.5, place.size)
    sharp = summed @ np.exp(-0.5 * ((ANGLE - place[:, None]) / 0.12) ** 2)
    return rng.poisson(800 * sharp / sharp.max() + 40 + 60 * np.exp(-(ANGLE - 15) / 10)).astype(np.float32)


def made(count: int, seed: int) -> tuple[PatternTable, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(TYPES)
    size = {"simple_cubic": 3.2, "bcc": 3.4, "fcc": 4.2, "hcp": 3.0}
    cells = [size[TYPES[n]] * rng.uniform(0.88, 1.12) for n in labels]
    counts = np.stack([pattern(TYPES[n], a, rng) for n, a in zip(labels, cells, strict=True)])
    return pattern_table(ANGLE, counts), labels


@pytest.fixture(scope="module")
def training() -> tuple[PatternTable, np.ndarray]:
    return made(240, 0)


@pytest.fixture(scope="module")
def check() -> tuple[PatternTable, np.ndarray]:
    return made(200, 1)


def accuracy(name: str, training, check) -> float:
    votes = baseline_votes(name, *training, check[0], n_classes=4, trees=50)
    assert votes.shape == (200, 4)
    return float((votes.argmax(axis=1) == check[1]).mean())


@pytest.mark.parametrize("name", BASELINES)
def test_baselines__learn_lattices_of_any_size(name, training, check):
    # Chance is .25 +- .03. A fixed place tells little where cells differ by a quarter.
    least = {"nearest_mean": 0.4, "forest_binned": 0.7, "extra_trees_binned": 0.7}.get(name, 0.95)
    assert accuracy(name, training, check) >= least


def test_shifts__are_worth_more_than_fixed_places(training, check):
    assert accuracy("log_d_correlation", training, check) > accuracy("nearest_mean", training, check) + 0.1


@pytest.mark.parametrize("name", ["log_d_correlation", "forest_peaks", "extra_trees_binned"])
def test_baselines__give_the_same_votes_again(name, training, check):
    first, second = (
        baseline_votes(name, *training, check[0], n_classes=4, trees=10, seed=3, alone=one)
        for one in (True, False)
    )
    np.testing.assert_array_equal(first, second)


def test_forests__grow_in_parts_of_other_trees(training, check):
    votes = baseline_votes("forest_binned", *training, check[0], n_classes=4, trees=60)
    np.testing.assert_allclose(votes.sum(axis=1), 1)
    shares = votes * 60
    np.testing.assert_allclose(shares, shares.round(), atol=1e-6)
    alone = baseline_votes("forest_binned", *training, check[0], n_classes=4, trees=25)
    assert not np.array_equal(votes, alone)


@pytest.mark.parametrize("name", BASELINES)
def test_baselines__do_not_vote_for_a_type_without_patterns(name, training, check):
    votes = baseline_votes(name, training[0], training[1] * 2, check[0], n_classes=8, trees=10)
    assert votes.shape == (200, 8)
    assert not votes[:, 1::2].any()
    assert votes[:, ::2].any(axis=1).all()


def test_shifted_mean__finds_each_training_pattern_at_its_size(training):
    table, labels = training
    found = ShiftedMean(4).fit(table, labels)
    own = found.votes(table)[np.arange(len(labels)), labels]
    assert np.median(own) > 0.85
    assert own.max() <= 1 + 1e-5


def test_spacing_ratios__do_not_know_the_cell():
    one, two = (np.array([[3.0, 4.0, 8.0, 11.0]]) ** 0.5 * WAVELENGTH / (2 * a) for a in (3.6, 4.4))
    heights = np.array([[1.0, 0.5, 0.3, 0.2]])
    features = [spacing_ratios(2 * np.degrees(np.arcsin(sine)), heights, 6) for sine in (one, two)]
    np.testing.assert_allclose(*features, rtol=1e-6)
    np.testing.assert_allclose(features[0][0, :3], np.sqrt(3 / np.array([4, 8, 11])), rtol=1e-6)
    np.testing.assert_allclose(features[0][0, 3:], [0, 0, 1, 0.5, 0.3, 0.2, 0, 0], rtol=1e-6)


def test_empty_patterns__get_no_cosine_and_no_error(training):
    empty = pattern_table(ANGLE, np.full((3, ANGLE.size), np.nan))
    for name in BASELINES:
        votes = baseline_votes(name, *training, empty, n_classes=4, trees=5)
        assert np.isfinite(votes).all()
        assert "forest" in name or "trees" in name or not votes.any()


def test_binned__is_the_mean_of_neighbors():
    rows = np.random.default_rng(0).random((3, 625)).astype(np.float32)
    assert binned(rows).shape == (3, 208)
    np.testing.assert_allclose(binned(rows)[:, 0], rows[:, :3].mean(axis=1), rtol=1e-6)


def test_memory__does_not_grow_with_the_patterns(training):
    table, labels = training
    found = ShiftedMean(4).fit(table, labels)
    peak = []
    for times in (20, 80):
        many = table[np.tile(np.arange(len(table)), times)]
        tracemalloc.start()
        votes = found.votes(many)
        peak.append(tracemalloc.get_traced_memory()[1] - votes.nbytes)
        tracemalloc.stop()
    assert peak[1] < 1.1 * peak[0] < 60e6


def test_baselines__name_what_is_wrong(training, check):
    with pytest.raises(InputError, match="nearest_mean"):
        baseline_votes("nearest_means", *training, check[0], n_classes=4)
    other = PatternTable(check[0].two_theta + 1, check[0].prepared, check[0].places, check[0].heights)
    with pytest.raises(InputError, match="the same points"):
        baseline_votes("nearest_mean", *training, other, n_classes=4)
