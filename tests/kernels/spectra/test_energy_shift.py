"""Moved spectra against numpy's and scipy's interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BarycentricInterpolator

from xafsflow.kernels.spectra.energy_shift import covered, move

ENERGY = 7112.0 + np.concatenate([np.arange(-60, -12, 4.0), np.arange(-10, 40, 0.7), np.arange(42, 120, 2.5)])


def cube(shape: tuple[int, int] = (3, 5), seed: int = 0, energy: Any = ENERGY) -> Any:
    return np.random.default_rng(seed).standard_normal((energy.size, *shape)).astype(np.float32)


def lagrange(energy: Any, spectrum: Any, place: float) -> float:
    """The cubic through the four energies around a place, by scipy; the outermost four at either end."""
    if not energy[0] <= place <= energy[-1]:
        return np.nan
    below = int(np.clip(np.searchsorted(energy, place, "right") - 2, 0, energy.size - 4))
    near = slice(below, below + 4)
    return float(BarycentricInterpolator(energy[near] - place, spectrum[near].astype(float))(0.0))


@pytest.mark.parametrize("wide", [0.0, 0.3, 9.0])
def test_move_linear__is_numpys_interp(wide: float) -> None:
    values, rng = cube(), np.random.default_rng(1)
    shift = (0.41 + wide * rng.uniform(-1, 1, (3, 5))).astype(np.float32)
    found = move(ENERGY, values, shift, False)
    for place in np.ndindex(3, 5):
        spectrum = values[(slice(None), *place)]
        wanted = np.interp(ENERGY - shift[place], ENERGY, spectrum, left=np.nan, right=np.nan)
        np.testing.assert_allclose(found[(slice(None), *place)], wanted, atol=2e-5)


@pytest.mark.parametrize("wide", [0.0, 0.3, 9.0])
def test_move_cubic__is_the_cubic_through_four_energies(wide: float) -> None:
    values, rng = cube(), np.random.default_rng(2)
    shift = (-0.37 + wide * rng.uniform(-1, 1, (3, 5))).astype(np.float32)
    found = move(ENERGY, values, shift, True)
    for place in np.ndindex(3, 5):
        spectrum = values[(slice(None), *place)]
        wanted = [lagrange(ENERGY, spectrum, e - float(shift[place])) for e in ENERGY]
        np.testing.assert_allclose(found[(slice(None), *place)], wanted, atol=3e-5)


@settings(max_examples=30, deadline=None)
@given(
    steps=st.lists(st.floats(0.2, 5), min_size=3, max_size=20),
    shift=st.floats(-6, 6, width=32),
    powers=st.tuples(*[st.floats(-1, 1)] * 4),
)
def test_move__is_exact_for_cubics_on_any_grid(
    steps: list[float], shift: float, powers: tuple[float, ...]
) -> None:
    energy = 7000.0 + np.concatenate([[0.0], np.cumsum(steps)])
    x = (energy - energy[0]) / (energy[-1] - energy[0])
    values = np.polyval(powers, x).astype(np.float32)[:, None, None]
    found = move(energy, values, np.full((1, 1), shift, np.float32)).ravel()
    inside = np.isfinite(found)
    place = (energy - np.float32(shift) - energy[0]) / (energy[-1] - energy[0])
    np.testing.assert_allclose(found[inside], np.polyval(powers, place)[inside], atol=3e-5)
    clear = (place > 1e-4) & (place < 1 - 1e-4)
    assert inside[clear].all()
    assert not inside[(place < -1e-4) | (place > 1 + 1e-4)].any()


@pytest.mark.parametrize("cubic", [True, False])
def test_move__leaves_an_unmoved_spectrum(cubic: bool) -> None:
    values = cube()
    np.testing.assert_allclose(move(ENERGY, values, np.zeros((3, 5), np.float32), cubic), values, atol=1e-6)


def test_move__by_a_whole_step_of_an_even_grid_moves_by_one() -> None:
    energy = np.arange(7000.0, 7050.0, 0.5)
    values = cube(energy=energy)
    found = move(energy, values, np.full((3, 5), 0.5, np.float32))
    np.testing.assert_allclose(found[1:], values[:-1], atol=1e-5)
    assert np.isnan(found[0]).all()


def test_move__undoes_itself_for_a_smooth_spectrum() -> None:
    energy = np.arange(7050.0, 7250.0, 0.5)
    values = np.tanh((energy - 7120) / 5).astype(np.float32)[:, None, None] * np.ones((1, 2, 3), np.float32)
    shift = np.linspace(-1.3, 1.3, 6, dtype=np.float32).reshape(2, 3)
    back = move(energy, move(energy, values, shift), -shift)
    good = np.isfinite(back)
    assert good[5:-5].all()
    np.testing.assert_allclose(back[good], values[good], atol=2e-5)


def test_move__a_gap_touches_only_the_energies_that_need_it() -> None:
    values = cube((1, 3))
    values[40, 0, 1] = np.nan
    shift = np.array([[0.2, 0.2, 0.0]], np.float32)
    found = move(ENERGY, values, shift)
    assert np.flatnonzero(np.isnan(found[1:, 0, 1])).tolist() == [39, 40]  # energies 40 and 41
    whole = move(ENERGY, cube((1, 3)), shift)
    far = np.setdiff1d(np.arange(ENERGY.size), np.arange(37, 46))
    np.testing.assert_array_equal(found[far], whole[far])
    line = move(ENERGY, cube((1, 3)), shift, False)
    np.testing.assert_allclose(found[[39, 42], 0, 1], line[[39, 42], 0, 1], atol=1e-6)
    assert np.isfinite(found[1:, 0, [0, 2]]).all()


def test_move__an_unmoved_gap_stays_where_it_was() -> None:
    values = cube((1, 2))
    values[30, 0, 0] = np.nan
    found = move(ENERGY, values, np.zeros((1, 2), np.float32))
    assert np.flatnonzero(np.isnan(found[:, 0, 0])).tolist() == [30]


def test_move__a_shift_that_is_not_known_gives_nothing() -> None:
    shift = np.array([[np.nan, 0.1, np.nan, -0.1, 0.0]] * 3, np.float32)
    found = move(ENERGY, cube(), shift)
    assert np.isnan(found[:, :, [0, 2]]).all()
    assert np.isfinite(found[1:-1, :, [1, 3, 4]]).all()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_move__takes_scans_of_few_energies(size: int) -> None:
    energy = np.array([7000.0, 7001.0, 7003.0])[:size]
    values = energy.astype(np.float32)[:, None, None] - np.float32(7000)
    found = move(energy, values, np.full((1, 1), 0.5, np.float32)).ravel()
    np.testing.assert_allclose(found, [np.nan, 0.5, 2.5][:size], atol=1e-6)


@pytest.mark.parametrize("cubic", [False, True])
@pytest.mark.parametrize("power", [1, 2])
def test_move__of_many_rows_is_that_of_each_row(cubic: bool, power: int) -> None:
    values, rng = cube((30, 71)), np.random.default_rng(3)
    values[rng.random(values.shape) < 0.001] = np.nan
    shift = rng.uniform(-3, 3, (30, 71)).astype(np.float32)
    shift[4], shift[7, 11] = np.nan, np.inf
    found = move(ENERGY, values, shift, cubic, power)
    for y in range(30):
        row = np.ascontiguousarray(values[:, y : y + 1])
        np.testing.assert_array_equal(
            found[:, y : y + 1], move(ENERGY, row, shift[y : y + 1], cubic, power), strict=True
        )


def test_move__does_not_depend_on_the_other_pixels_of_a_row() -> None:
    values, rng = cube((2, 33)), np.random.default_rng(4)
    shift = rng.uniform(-3, 3, (2, 33)).astype(np.float32)
    whole = move(ENERGY, values, shift)
    parts = [
        move(ENERGY, np.ascontiguousarray(values[:, :, part]), np.ascontiguousarray(shift[:, part]))
        for part in (slice(0, 7), slice(7, 33))
    ]
    np.testing.assert_array_equal(whole, np.concatenate(parts, axis=2))


@pytest.mark.parametrize(("cubic", "least"), [(True, np.sqrt(164) / 16), (False, np.sqrt(0.5))])
def test_squared_weights__give_the_scatter_of_moved_noise(cubic: bool, least: float) -> None:
    energy = np.arange(7000.0, 7040.0, 0.5)
    sigma = np.full((energy.size, 1, 4000), 0.02, np.float32)
    shift = np.full((1, 4000), 0.25, np.float32)
    noise = 0.02 * cube((1, 4000), 5, energy)
    wanted = move(energy, noise, shift, cubic).std(axis=(1, 2))
    found = np.sqrt(move(energy, sigma**2, shift, cubic, 2))[:, 0, 0]
    np.testing.assert_allclose(found[1:], wanted[1:], rtol=0.06)
    np.testing.assert_allclose(found[5:-5], 0.02 * least, rtol=1e-5)


def test_squared_weights__leave_what_is_not_moved() -> None:
    sigma = np.abs(cube()) + np.float32(0.1)
    np.testing.assert_allclose(move(ENERGY, sigma, np.zeros((3, 5), np.float32), True, 2), sigma, rtol=1e-5)


def test_covered__names_the_energies_that_no_pixel_lacks() -> None:
    shift = np.random.default_rng(6).uniform(-5, 3, (3, 5)).astype(np.float32)
    found = move(ENERGY, cube(), shift)
    np.testing.assert_array_equal(covered(ENERGY, shift), np.isfinite(found).all(axis=(1, 2)))
