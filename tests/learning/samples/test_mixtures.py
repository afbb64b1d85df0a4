"""Compositions on a grid, their names, and noisy patterns."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError
from xafsflow.learning.samples.mixtures import (
    MOST_PATTERNS,
    check_size,
    class_names,
    noisy_block,
    simplex_grid,
)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.sampled_from([1, 2, 3, 4, 5, 8, 10]))
def test_simplex_grid__is_every_composition_once(references, parts):
    found = simplex_grid(references, 1 / parts)
    counts = np.rint(found * parts).astype(int)
    np.testing.assert_allclose(found * parts, counts, atol=1e-12)
    wanted = {c for c in product(range(parts + 1), repeat=references) if sum(c) == parts}
    assert {tuple(row) for row in counts.tolist()} == wanted
    assert len(found) == len(wanted) == comb(parts + references - 1, references - 1)


def test_simplex_grid__begins_with_the_first_reference_and_ends_with_the_last():
    found = simplex_grid(3, 0.5)
    assert found[[0, -1]].tolist() == [[1, 0, 0], [0, 0, 1]]


def test_simplex_grid__of_one_reference_is_that_reference():
    assert simplex_grid(1, 0.1).tolist() == [[1.0]]


@pytest.mark.parametrize("step", [0.0, -0.1, 0.3, 0.15, 1.5, 2.0, np.nan, 0.1001])
def test_simplex_grid__of_a_step_that_does_not_fill_one_is_refused(step):
    with pytest.raises(InputError, match="one over a whole number"):
        simplex_grid(3, step)


def test_simplex_grid__too_fine_for_the_memory_is_refused_before_it_is_made():
    with pytest.raises(InputError, match=f"at most {MOST_PATTERNS}"):
        simplex_grid(6, 0.001)


def test_check_size__tells_what_there_would_be():
    check_size(66, 1000)
    with pytest.raises(InputError, match="66 classes x 40000 noise patterns = 2640000 training spectra"):
        check_size(66, 40_000)


def test_class_names__tell_shares_in_percent():
    grid = simplex_grid(3, 0.25)
    names = class_names(["Fe", "FeO", "Fe2O3"], grid)
    assert names[0] == "Fe"
    assert names[-1] == "Fe2O3"
    assert "50 % Fe + 25 % FeO + 25 % Fe2O3" in names
    assert len(set(names)) == len(grid)


def block(noise=0.01, patch=3, seed=0, n_energy=40, n_patterns=300):
    rng = np.random.default_rng(1)
    spectra, steps = rng.random((n_energy, n_patterns)), rng.uniform(0.5, 2, n_patterns)
    sigma = noise * (1 + np.arange(n_energy))[:, None] * np.ones(n_patterns)
    return spectra, steps, sigma, noisy_block(spectra, steps, sigma, patch, np.random.default_rng(seed))


def test_noisy_block__gives_every_pixel_of_a_field_noise_of_its_own():
    spectra, steps, sigma, found = block()
    assert found.shape == (40, 3, 900)
    assert found.dtype == np.float32
    fields = found.reshape(40, 3, 300, 3)
    left = (fields - (spectra * steps)[:, None, :, None]) / sigma[:, None, :, None]
    assert left.std() == pytest.approx(1, rel=0.01)
    assert abs(left.mean()) < 0.01
    # The noise that was measured at an energy is put on that energy.
    np.testing.assert_allclose(left.std(axis=(1, 2, 3)), 1, rtol=0.07)
    pixels = left.transpose(0, 2, 1, 3).reshape(-1, 9)
    correlation = np.corrcoef(pixels.T) - np.eye(9)
    assert np.abs(correlation).max() < 0.05


def test_noisy_block__without_noise_is_the_spectrum_times_its_step():
    spectra, steps, _, found = block(noise=0.0, patch=1)
    np.testing.assert_allclose(found[:, 0], spectra * steps, rtol=1e-6)


def test_noisy_block__is_the_same_for_the_same_seed():
    np.testing.assert_array_equal(block(seed=4)[-1], block(seed=4)[-1])
    assert (block(seed=4)[-1] != block(seed=5)[-1]).any()
