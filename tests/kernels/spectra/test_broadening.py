"""Spectra at another resolution, against closed forms and scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.special import erf

from xafsflow.kernels.spectra.broadening import broadened, broadening_of, variance_of
from xafsflow.phantom import spectrum

ENERGY = np.concatenate([np.arange(-120, -20, 5.0), np.arange(-20, 40, 0.3), np.arange(40, 200, 3.0)])


def edge(energy: Any, width: float) -> Any:
    return 0.5 + 0.5 * erf(energy / width / np.sqrt(2))


@pytest.mark.parametrize("sigma", [0.05, 0.2, 0.5, 0.7, 2.0])
def test_broadened__of_an_error_function_is_a_wider_one(sigma: float) -> None:
    found = broadened(ENERGY, edge(ENERGY, 1.2), sigma**2)
    assert np.abs(found - edge(ENERGY, np.hypot(1.2, sigma))).max() < 2e-4


@pytest.mark.parametrize(("sigma", "good"), [(0.2, 1e-4), (0.3, 1e-4), (0.5, 1e-3)])
def test_broadened__below_zero_undoes_a_blunter_instrument(sigma: float, good: float) -> None:
    found = broadened(ENERGY, edge(ENERGY, np.hypot(1.2, sigma)), -(sigma**2))
    assert np.abs(found - edge(ENERGY, 1.2)).max() < good
    # To first order only, it would be another spectrum.
    assert np.abs(edge(ENERGY, 1.2) - edge(ENERGY, np.hypot(1.2, sigma))).max() > 5 * good


@pytest.mark.parametrize("sigma", [0.2, 0.7, 1.5])
def test_broadened__agrees_with_scipys_filter(sigma: float) -> None:
    fine = np.arange(7000.0, 7250.0, 0.02)
    wanted = gaussian_filter1d(spectrum("Fe", fine), sigma / 0.02, truncate=6.0)
    own = fine[1000:-1000:25]
    found = broadened(own, spectrum("Fe", own), sigma**2)
    assert np.abs(found - wanted[1000:-1000:25])[10:-10].max() < 1e-4


def test_broadened__goes_through_zero_smoothly() -> None:
    mu = spectrum("Fe", 7112 + ENERGY)
    low, high = (broadened(ENERGY, mu, v) - mu for v in (-1e-4, 1e-4))
    np.testing.assert_allclose(low, -high, atol=2e-7)
    assert np.abs(high).max() > 5e-6
    assert broadened(ENERGY, mu, 0.0) is mu


@pytest.mark.parametrize("variance", [0.5, -0.2])
def test_broadened__leaves_a_line_a_line_up_to_its_ends(variance: float) -> None:
    line = 0.3 - 0.002 * ENERGY
    np.testing.assert_allclose(broadened(ENERGY, line, variance), line, atol=1e-12)


def test_broadened__never_raises_noise_by_more_than_three_times() -> None:
    noise = np.random.default_rng(0).standard_normal(ENERGY.size)
    assert broadened(ENERGY, noise, -0.36).std() < 3 * noise.std()


def test_broadening_of__is_the_signed_root_with_its_error() -> None:
    for sigma in (0.4, -0.4):
        assert broadening_of(variance_of(sigma), 0.008) == pytest.approx((sigma, 0.01), rel=1e-3)
    assert broadening_of(0.0, 0.04) == (0.0, pytest.approx(0.2))
