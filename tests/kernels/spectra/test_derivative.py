from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError
from xafsflow.kernels.spectra.derivative import _savgol_table, derivative, smooth

FILTERS = [derivative, smooth]


def by_numpy(energy: Any, values: Any, window: float, order: int, deriv: int) -> Any:
    """One polynomial a point by numpy.polyfit, in the window that the documentation describes."""
    found = np.empty_like(values)
    for i, at in enumerate(energy):
        near = np.abs(energy - at) < window / 2
        if at - energy[0] < window / 2:
            near = energy - energy[0] < window
        elif energy[-1] - at < window / 2:
            near = energy[-1] - energy < window
        while near.sum() <= order:
            near[np.where(near, np.inf, np.abs(energy - at)).argmin()] = True
        fit = np.polyfit(energy[near] - at, values[near].reshape(near.sum(), -1), order)
        found[i] = fit[order - deriv].reshape(values.shape[1:])
    return found


@pytest.mark.parametrize(("points", "order"), [(3, 1), (3, 2), (5, 2), (7, 3), (9, 4), (15, 5)])
@pytest.mark.parametrize("spacing", [0.1, 0.35, 1.0, 2.0])
def test_savgol__is_that_of_scipy_on_an_even_grid(points: int, order: int, spacing: float) -> None:
    from scipy.signal import savgol_filter

    energy = 7000 + spacing * np.arange(40)
    values = np.random.default_rng(0).standard_normal((40, 2, 3))
    for deriv, method in enumerate([smooth, derivative]):
        truth = savgol_filter(values, points, order, deriv, spacing, axis=0, mode="interp")
        found = method(energy, values, points * spacing, order)
        np.testing.assert_allclose(found, truth, atol=1e-9 / spacing)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(0, 1))
def test_savgol__is_exact_for_polynomials_on_any_grid(seed: int, order: int, deriv: int) -> None:
    rng = np.random.default_rng(seed)
    energy = 7100 + np.cumsum(rng.uniform(0.2, 4, rng.integers(order + 1, 30)))
    truth = np.polynomial.Polynomial(rng.standard_normal(order + 1), domain=[7100, 7150])
    found = FILTERS[1 - deriv](energy, truth(energy), rng.uniform(0.5, 30), order)
    np.testing.assert_allclose(found, truth.deriv(deriv)(energy) if deriv else truth(energy), atol=1e-7)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("window", [0.5, 4.0, 11.0, 40.0, 500.0])
def test_savgol__is_numpy_polyfit_on_any_grid(order: int, window: float, energy: Any, block: Any) -> None:
    for deriv, method in enumerate([smooth, derivative]):
        truth = by_numpy(energy, block(), window, order, deriv)
        np.testing.assert_allclose(method(energy, block(), window, order), truth, rtol=1e-7, atol=1e-9)


def test_savgol__window_grows_to_the_nearest_points() -> None:
    energy = np.array([0, 10, 11, 12, 30, 31, 60.0])
    start, weights = _savgol_table(energy.tobytes(), 0.1, 2, 1)
    assert start.tolist() == [0, 1, 1, 1, 3, 3, 4]
    assert weights.shape == (7, 3)
    np.testing.assert_allclose(weights.sum(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize("method", FILTERS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_savgol__does_not_depend_on_chunking(method: Any, dtype: Any, energy: Any, block: Any) -> None:
    values = block((3, 70), dtype)
    values[[0, 8], 1, 5], values[-1, :, 60:] = np.nan, np.nan
    whole = method(energy, values, 4.0)
    assert whole.dtype == dtype
    for part in (np.s_[1:, 3:9], np.s_[:, 55:], np.s_[0, 0]):
        np.testing.assert_array_equal(method(energy, values[:, *part], 4.0), whole[:, *part])


@pytest.mark.parametrize("method", FILTERS)
def test_savgol__takes_missing_energies_as_never_measured(method: Any, energy: Any, block: Any) -> None:
    values = block()
    gaps = np.zeros(energy.size, bool)
    gaps[[0, 9, 10, 20, -1]] = True
    values[gaps, 1, 2] = np.nan
    values[:, 0, 0], values[2:, 0, 1], values[5, 0, 2] = np.nan, np.nan, np.inf
    before = values.copy()
    values.flags.writeable = False
    found = method(energy, values, 4.0)
    np.testing.assert_array_equal(values, before)
    np.testing.assert_array_equal(found[~gaps, 1, 2], method(energy[~gaps], values[~gaps, 1, 2], 4.0))
    assert np.isnan(found[gaps, 1, 2]).all()
    assert np.isnan(found[:, 0, :2]).all()
    assert np.flatnonzero(np.isnan(found[:, 0, 2])).tolist() == [5]


def test_derivative__gives_float32_its_precision(energy: Any, block: Any) -> None:
    values = block(dtype=np.float32)
    truth = derivative(energy, values.astype(np.float64), 4.0)
    np.testing.assert_allclose(derivative(energy, values, 4.0), truth, atol=2e-6)


def test_savgol__refuses_what_makes_no_filter(energy: Any, block: Any) -> None:
    with pytest.raises(InputError, match="a width above 0 eV"):
        derivative(energy, block(), 0.0)
    with pytest.raises(InputError, match="a whole number from 1 on"):
        derivative(energy, block(), 3.0, order=0)
    with pytest.raises(InputError, match="3 or more"):
        derivative(energy[:2], block()[:2], 3.0)
    with pytest.raises(InputError, match="increasing energies"):
        smooth(energy[::-1], block(), 3.0)
