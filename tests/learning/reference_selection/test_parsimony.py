from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from xafsflow.learning.reference_selection.bin_regions import Bins
from xafsflow.learning.reference_selection.parsimony import (
    FOLDS,
    RUN,
    Prediction,
    bic,
    fewest,
    folds,
    intervals,
    predicted,
    squares,
)
from xafsflow.learning.reference_selection.set_judgement import Case
from xafsflow.learning.reference_selection.set_misfit import Fits, Scatter

ENERGY = np.linspace(7100, 7160, 61)
REFERENCES = np.array([0.5 + 0.5 * np.tanh((ENERGY - at) / 3) for at in (7118, 7124, 7130)])


def made(seed: int, count: int = 8, sigma: float = 0.01) -> Bins:
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.ones(2), count) @ REFERENCES[:2]
    y = shares + random.normal(0, sigma, shares.shape)
    even, number = np.ones(count), np.arange(count)
    return Bins(
        ENERGY, y, sigma * even, np.ones(61), even, 9 * number // number.clip(1), number * 0, number, number
    )


def test_folds__hold_every_run_out_once_and_none_whole() -> None:
    fold = folds(61)
    assert set(fold) == set(range(FOLDS))
    for number in range(FOLDS):
        held = np.flatnonzero(fold == number)
        assert len(held) < 0.35 * 61
        assert np.all(np.diff(held)[np.diff(held) > 1] > RUN)


def test_predicted__are_residuals_of_fits_that_did_not_see_the_energy() -> None:
    bins = made(0, 3)
    found = predicted(Fits(bins, REFERENCES), (0, 2))
    lines = np.stack([np.ones(61), ENERGY - 7130])
    columns = np.concatenate([REFERENCES[[0, 2]], lines, -lines])
    for number in range(FOLDS):
        held = folds(61) == number
        for row, y in zip(found, bins.spectra, strict=True):
            coefficients = nnls(columns[:, ~held].T, y[~held])[0]
            np.testing.assert_allclose(row[held], y[held] - coefficients @ columns[:, held], atol=1e-8)


def test_bic__ranks_as_the_closed_form_for_each_bin() -> None:
    bins = made(1)
    case = Case(bins, REFERENCES, Scatter(bins.noise, bins.flux), [np.ones(8, bool)], 0.0, 0)
    sets = [one for size in (1, 2, 3) for one in combinations(range(3), size)]
    lines = np.stack([np.ones(61), ENERGY - 7130])
    for judged in case.judge(sets):
        columns = np.concatenate([REFERENCES[list(judged.members)], lines, -lines])
        chi = sum((nnls(columns.T, y)[1] / 0.01) ** 2 for y in bins.spectra)
        terms = 8 * (len(judged.members) + 2)
        assert judged.bic[0] == pytest.approx(chi + terms * math.log(61))
        assert judged.bic[0] == pytest.approx(bic(np.array(chi), np.array(len(judged.members)), 8, 61))


def test_intervals__hold_the_truth_in_19_of_20_draws() -> None:
    random = np.random.default_rng(2)
    held = 0
    for seed in range(200):
        square = random.chisquare(3, (1, 120)) / 3
        [one] = intervals(square, seed)
        held += one.low <= 1 <= one.high
    assert 175 <= held <= 198


def test_intervals__are_the_same_for_the_same_seed() -> None:
    square = np.random.default_rng(3).chisquare(2, (2, 80))
    assert intervals(square, 5) == intervals(square, 5)
    assert intervals(square, 5) != intervals(square, 6)


def test_squares__are_means_over_bins_of_squares_over_the_noise() -> None:
    scatter = Scatter(np.array([1.0, 2.0, 4.0]), np.ones(3), 2.0)
    rows = np.array([True, True, False])
    found = squares(np.array([[1.0, 2.0], [2.0, 4.0], [9.0, 9.0]]), scatter, rows)
    np.testing.assert_allclose(found, [(1 / 2 + 4 / 8) / 2, (4 / 2 + 16 / 8) / 2])


def test_fewest__takes_an_overlap_that_is_just_there() -> None:
    best, near, far = Prediction(1, 0.9, 1.1), Prediction(1.2, 1.1, 1.3), Prediction(1.2, 1.11, 1.3)
    assert fewest([3, 2, 1], [best, near, far]) == (1, [0, 1])


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0.5, 3), st.floats(0, 0.5)), min_size=1, max_size=12))
def test_fewest__is_never_beaten_by_a_smaller_set_that_overlaps(told: list[tuple[int, float, float]]) -> None:
    sizes = [size for size, _, _ in told]
    errors = [Prediction(error, error - half, error + half) for _, error, half in told]
    place, near = fewest(sizes, errors)
    best = min(errors, key=lambda one: one.error)
    assert place in near
    assert near == [i for i, one in enumerate(errors) if one.low <= best.high]
    assert all((sizes[place], errors[place].error) <= (sizes[i], errors[i].error) for i in near)
