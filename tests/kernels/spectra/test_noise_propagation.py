"""Noise through means and interpolations, against simulated noise that went the same way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from xafsflow.kernels.images.motion_correction import realigned
from xafsflow.kernels.images.neighborhood import Neighborhood, widest
from xafsflow.kernels.spectra import noise_propagation as noise

MEAN_3, MEAN_5, QUADRATIC = Neighborhood(3), Neighborhood(5), Neighborhood(5, "quadratic")


def white(shape: tuple[int, ...], seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def averaged(image: Any, window: Neighborhood) -> Any:
    """By scipy: a mean, or the middle of a fit whose weights are those of the published table of 5 x 5 pixels."""
    if window.method == "mean":
        return ndimage.uniform_filter(image, window.width)
    y, x = np.mgrid[-2:3, -2:3]
    return ndimage.convolve(image, (27 - 5 * (x**2 + y**2)) / 175)


@pytest.mark.parametrize("half", [0, 1, 2])
@pytest.mark.parametrize("inside", [False, True])
def test_mean_variance__is_the_sum_over_n_squared(half: int, inside: bool) -> None:
    random = np.random.default_rng(0)
    variance = random.uniform(1, 2, (3, 11, 13)).astype(np.float32)
    variance[1, 4, 5] = np.nan
    variance[2, 0, 7] = np.inf
    keep = random.random((11, 13)) < 0.8
    there = np.where(keep & np.isfinite(variance), 1.0, 0.0)
    box = np.ones((1, 2 * half + 1, 2 * half + 1))
    total = ndimage.convolve(np.where(there > 0, variance, 0).astype(float), box, mode="constant")
    count = ndimage.convolve(there, box, mode="constant")
    cut = slice(half, -half) if inside and half else slice(None)
    found = noise.mean_variance(variance, keep, half, inside)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(found, (total / count**2)[:, cut, cut], rtol=1e-5)


def test_mean_variance__of_none_is_nan() -> None:
    found = noise.mean_variance(np.ones((2, 3, 3), np.float32), np.zeros((3, 3), bool), 1)
    assert np.isnan(found).all()


WINDOWS = [(), (MEAN_3,), (MEAN_5,), (MEAN_3, MEAN_5), (QUADRATIC,), (QUADRATIC, MEAN_3), (MEAN_5, QUADRATIC)]


@pytest.mark.parametrize("windows", WINDOWS)
@pytest.mark.parametrize("by", [(0.0, 0.0), (0.5, 0.0), (1.3, -0.6)])
def test_sharing_and_difference__are_what_simulated_noise_shows(
    windows: tuple[Neighborhood, ...], by: tuple[float, float]
) -> None:
    path = np.array([by])
    values = realigned(white((1, 700, 800)), path)[0, 5:-5, 5:-5].astype(float)
    for window in windows:
        cut = slice(window.width, -window.width)
        values = averaged(values, window)[cut, cut]
    wanted = noise.sharing(path, windows, 1)[0] * widest(windows).noise_gain
    assert values.var() == pytest.approx(wanted, rel=0.03)
    apart = np.diff(values, axis=1).var() / 2 / values.var()
    assert apart == pytest.approx(noise.difference(path, windows, 1)[0], rel=0.03)


def test_sharing__is_one_where_nothing_is_moved() -> None:
    np.testing.assert_allclose(noise.sharing(None, (Neighborhood(7),), 4), 1)
    np.testing.assert_allclose(noise.difference(None, (), 4), 1)


def test_typical__is_nearly_the_median_over_energy() -> None:
    sigma = 1 + 0.1 * np.sin(np.arange(210) / 30)[:, None, None] + np.zeros((210, 2, 2), np.float32)
    sigma[:5, 0, 0] = np.nan
    sigma[:, 1, 1] = np.nan
    found = noise.typical(sigma.astype(np.float32))
    np.testing.assert_allclose(found[0], np.nanmedian(sigma[:, 0], axis=0), rtol=0.01)
    assert np.isnan(found[1, 1])


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("along", [1, 4])
def test_measured_over_predicted__finds_a_wrong_noise(factor: float, along: int) -> None:
    sigma = np.linspace(0.01, 0.02, 120)[:, None, None] * np.ones((120, 20, 30), np.float32)
    norm = np.tanh(np.linspace(-4, 4, 120))[:, None, None] + factor * sigma * white(sigma.shape)
    found = noise.measured_over_predicted(norm.astype(np.float32), sigma.astype(np.float32), along)
    assert found == pytest.approx(factor, rel=0.03)


def test_measured_over_predicted__does_not_take_a_patchwork_for_noise() -> None:
    """Two spectra in patches of four pixels, and some energies that nothing covers."""
    kind = (np.add.outer(np.arange(40) // 4, np.arange(60) // 4) % 2).astype(bool)
    energy = np.linspace(-10, 10, 120)
    spectra = np.stack([np.arctan(2 * energy), np.arctan(2 * (energy - 3)) + np.exp(-((energy - 4) ** 2))])
    sigma = np.full((120, 40, 60), 0.005, np.float32)
    norm = spectra[kind.astype(int)].transpose(2, 0, 1) + sigma * white(sigma.shape)
    norm[:3] = np.nan
    assert noise.measured_over_predicted(norm.astype(np.float32), sigma, 1) == pytest.approx(1, abs=0.03)


def test_measured_over_predicted__of_nothing_is_nan() -> None:
    nothing = np.full((20, 4, 4), np.nan, np.float32)
    assert np.isnan(noise.measured_over_predicted(nothing, nothing, 1))


def test_fit_noise__is_that_of_a_mean_taken_off() -> None:
    """norm = (mu - mean of the first four)/step has (1 + 1/4) times the variance behind them."""
    n, step = 10, 0.5
    change = np.eye(n) - np.where(np.arange(n) < 4, 0.25, 0.0)
    found = noise.fit_noise(np.column_stack([np.zeros(n), change / step]), np.eye(n), np.full(n, 0.3), step)
    np.testing.assert_allclose(found[4:], np.sqrt(1.25))
    np.testing.assert_allclose(found[:4], np.sqrt(0.75))
