from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.kernels.spectra.edge_energy import _smoothed_slope, e0_half_step, e0_largest_derivative, find_e0

FINDERS = [find_e0, e0_largest_derivative, e0_half_step]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_find_e0__is_that_of_larch(spectra: Any, dtype: Any) -> None:
    for name, energy, mu, larch in spectra:
        assert find_e0(energy, mu.astype(dtype)) == pytest.approx(larch["find_e0"], abs=1e-6), name


def test_find_e0__smooths_as_larch_does() -> None:
    rng = np.random.default_rng(1)
    energy = np.cumsum(rng.uniform(0.3, 1.5, 40)) + 7100
    mu = rng.standard_normal(energy.size)
    step = 0.4
    low, high = (step * int(end / step) for end in (energy[0] - 5 * step, energy[-1] + 5 * step))
    grid = np.linspace(low, high, 1 + int(abs(high - low + step * 0.1) / step))
    slope = np.interp(grid, energy, np.gradient(mu) / np.gradient(energy))
    window = 1 / (1 + (np.arange(2 * grid.size) - grid.size) ** 2.0)
    mirrored = np.concatenate([slope[:0:-1], slope, slope[::-1]])
    truth = np.interp(energy, grid, np.convolve(window / window.sum(), mirrored, mode="valid"))
    np.testing.assert_allclose(_smoothed_slope(energy.tobytes(), step) @ mu, truth, atol=1e-12)


@pytest.mark.parametrize("find", FINDERS)
def test_finders__do_not_depend_on_the_block(find: Any, energy: Any, block: Any) -> None:
    values = (block() - 1) / np.ptp(block(), axis=0)
    values[:2, 0, 1], values[9, 2, 3], values[-1] = np.nan, np.nan, np.nan
    whole = find(energy, values)
    assert whole.shape == (3, 4)
    assert whole.dtype == np.float64
    for y in range(3):
        for x in range(4):
            np.testing.assert_array_equal(find(energy, values[:, y, x]), whole[y, x])
    np.testing.assert_array_equal(find(energy, values[:, 1:, 1:]), whole[1:, 1:])


@pytest.mark.parametrize("find", [find_e0, e0_half_step])
def test_finders__take_missing_energies_as_never_measured(find: Any, energy: Any, block: Any) -> None:
    values = (block() - 1) / np.ptp(block(), axis=0)
    gaps = np.zeros(energy.size, bool)
    gaps[[0, 3, 12, -1]] = True
    values[gaps, 1, 2] = np.nan
    assert find(energy, values)[1, 2] == find(energy[~gaps], values[~gaps, 1, 2])


@pytest.mark.parametrize("find", FINDERS)
def test_finders__bad_pixels_are_nan_and_input_is_left_alone(find: Any, energy: Any, block: Any) -> None:
    values = block(dtype=np.float32)
    values[:, 0, 0], values[:, 0, 1], values[4:, 0, 2] = np.nan, np.inf, np.nan
    before = values.copy()
    values.flags.writeable = False
    assert np.isnan(find(energy, values)[0, :2]).all()
    np.testing.assert_array_equal(values, before)


def test_find_e0__is_nan_with_fewer_than_14_energies(energy: Any, block: Any) -> None:
    values = block()
    values[13:] = np.nan
    values[13, 1] = 1
    assert np.isnan(find_e0(energy, values)[[0, 2]]).all()
    assert np.isfinite(find_e0(energy, values)[1]).all()
    with pytest.raises(InputError, match="Expected 14 or more"):
        find_e0(energy[:13], values[:13])


def test_e0_largest_derivative__is_that_of_numpy(energy: Any, block: Any) -> None:
    values = block((5, 6))
    slope = (values[2:] - values[:-2]) / (energy[2:] - energy[:-2])[:, None, None]
    np.testing.assert_array_equal(e0_largest_derivative(energy, values), energy[1:-1][slope.argmax(axis=0)])


def test_e0_largest_derivative__leaves_out_gaps_and_their_neighbors() -> None:
    energy = np.arange(8.0)
    values = np.array([0, 0, 0, 5, 9, 9, 9.5, 10])
    assert e0_largest_derivative(energy, values) == 3
    values[3] = np.nan
    assert e0_largest_derivative(energy, values) == 6


def test_e0_half_step__is_the_mean_of_the_outermost_crossings() -> None:
    energy = np.arange(6.0)
    assert e0_half_step(energy, [0, 0, 0.25, 0.75, 1, 1]) == 2.5
    assert e0_half_step(energy, [0, 1, 0, 0, 1, 1]) == (0.5 + 3.5) / 2
    assert e0_half_step(energy, [0, 0, 0.5, 1, 1, 1]) == 2
    assert np.isnan(e0_half_step(energy, [1, 1, 1, 1, 0.4, 0]))


def test_e0_half_step__of_many_noisy_spectra_is_what_one_spectrum_at_a_time_gives() -> None:
    rng, energy = np.random.default_rng(0), 7100 + np.cumsum(np.random.default_rng(1).uniform(0.3, 2, 40))
    values = 0.5 + np.arctan((energy - 7130)[:, None] / 3) / np.pi + rng.normal(0, 0.1, (40, 1100))
    values[rng.random(values.shape) < 0.05] = np.nan
    values[3, 5], values[9, 700] = np.inf, -np.inf
    wanted = []
    for spectrum in values.T:
        there = np.isfinite(spectrum)
        grid, height = energy[there], spectrum[there]
        rises = np.flatnonzero((height[:-1] <= 0.5) & (height[1:] > 0.5))
        share = (0.5 - height[rises]) / (height[rises + 1] - height[rises])
        places = grid[rises] + share * (grid[rises + 1] - grid[rises])
        wanted.append(places[[0, -1]].mean() if places.size else np.nan)
    np.testing.assert_allclose(e0_half_step(energy, values), wanted, rtol=1e-12)


@pytest.mark.parametrize("find", FINDERS)
def test_finders__refuse_energies_that_do_not_fit(find: Any, energy: Any, block: Any) -> None:
    with pytest.raises(InputError, match="one energy an image"):
        find(energy[1:], block())
    with pytest.raises(InputError, match="increasing energies"):
        find(energy[::-1], block())
