"""Features of a spectrum against plain numpy, scipy and scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import cumulative_trapezoid
from scipy.signal import savgol_filter
from sklearn.decomposition import PCA

from xafsflow.errors import InputError
from xafsflow.learning.models.feature_map import FeatureMap
from xafsflow.learning.samples.spectrum_features import COMPONENTS, NAMES, denoising, feature_map

AXIS = 7100.0 + np.arange(80)
SPECTRA = (1 / (1 + np.exp(-(AXIS - 7120 - np.random.default_rng(0).normal(0, 3, (200, 1)))))).astype("f4")
SPECTRA += 0.05 * np.random.default_rng(1).standard_normal(SPECTRA.shape, np.float32)


def made(*names: str) -> Any:
    found = feature_map(names, AXIS, SPECTRA, 5.0)
    assert found is not None
    found.check()
    return found(SPECTRA.T).T


def test_derivatives__are_those_of_savitzky_and_golay() -> None:
    inner = slice(6, -6)
    first = savgol_filter(SPECTRA, 5, 2, deriv=1, axis=1)
    np.testing.assert_allclose(made("derivative")[:, inner], first[:, inner], atol=1e-5)
    second = savgol_filter(first, 5, 2, deriv=1, axis=1)
    np.testing.assert_allclose(made("second_derivative")[:, inner], second[:, inner], atol=1e-5)


def test_the_integral__is_that_of_trapezoids() -> None:
    wanted = cumulative_trapezoid(SPECTRA, AXIS, axis=1, initial=0) / np.ptp(AXIS)
    np.testing.assert_allclose(made("cumulative"), wanted, atol=1e-5)


def test_components__are_scikit_learns_but_for_the_sign() -> None:
    wanted = PCA(COMPONENTS, svd_solver="full").fit(SPECTRA).transform(SPECTRA)
    np.testing.assert_allclose(np.abs(made("pca"))[:, :5], np.abs(wanted)[:, :5], atol=1e-3)


def test_polynomials__are_those_of_each_window() -> None:
    found = made("polynomials").reshape(200, 8, 4)
    x = np.linspace(-1, 1, 10)
    wanted = np.polynomial.legendre.legfit(x, SPECTRA[:, 20:30].T, 3).T
    np.testing.assert_allclose(found[:, 2], wanted, atol=1e-5)


def test_several_features__come_in_units_of_their_largest_scatter() -> None:
    found = made("spectrum", "derivative", "cumulative").reshape(len(SPECTRA), 3, -1).std(axis=0)
    np.testing.assert_allclose(found.max(axis=1), 1, rtol=1e-4)


def noisy(covariance: np.ndarray, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Smooth spectra of a few shapes, and what such noise makes of them."""
    rng = np.random.default_rng(seed)
    clean = 1 / (1 + np.exp(-(AXIS - 7120 - rng.normal(0, 3, (3000, 1)))))
    clean += rng.normal(0, 0.3, (3000, 1)) * np.exp(-(((AXIS - 7128) / 4) ** 2))
    return clean, clean + rng.multivariate_normal(np.zeros(len(AXIS)), covariance, len(clean))


def test_denoising__is_near_the_best_linear_estimate() -> None:
    step = np.linspace(0, 1, len(AXIS))
    noise = 0.1**2 * (np.eye(len(AXIS)) + 2 * np.outer(step, step))
    clean, measured = noisy(noise)
    true = np.cov(clean.T)
    best = true @ np.linalg.inv(true + noise)
    other, seen = noisy(noise, 4)
    errors = [
        np.mean((clean.mean(axis=0) + (seen - clean.mean(axis=0)) @ matrix.T - other) ** 2)
        for matrix in (
            denoising(np.cov(measured.T), noise, 3000),
            best,
            denoising(np.cov(measured.T), 0.1**2 * np.eye(80), 3000),
        )
    ]
    assert errors[0] < 1.1 * errors[1] < 0.1 * np.mean((seen - other) ** 2)
    # What goes together in the noise must be known
    assert errors[2] > 1.5 * errors[0]


def test_denoising__finds_nothing_where_a_few_samples_hold_noise_alone() -> None:
    rows = np.random.default_rng(0).standard_normal((160, 80))
    assert np.abs(denoising(np.cov(rows.T), np.eye(80), 160)).max() < 0.1


def test_features__are_those_of_the_denoised_spectrum() -> None:
    noise = 0.05**2 * np.eye(len(AXIS))
    found = feature_map(["derivative"], AXIS, SPECTRA, 5.0, noise)
    assert found is not None
    mean = SPECTRA.mean(axis=0, dtype=float)
    clear = mean + (SPECTRA - mean) @ denoising(np.cov(SPECTRA.T, bias=True), noise, len(SPECTRA)).T
    plain = feature_map(["derivative"], AXIS, SPECTRA, 5.0)
    assert plain is not None
    np.testing.assert_allclose(found(SPECTRA.T), plain(clear.T.astype("f4")), atol=1e-5)


def test_descriptors__find_the_edge() -> None:
    clean = (1 / (1 + np.exp(-(AXIS - np.array([[7117.0], [7123.5]]))))).astype("f4")
    found = feature_map(["edge_position", "white_line"], AXIS, clean, 5.0)
    assert found is not None
    np.testing.assert_allclose(found(clean.T)[0], [7117.0, 7123.5], atol=0.1)
    assert found.count == 3


def test_the_spectrum_alone__needs_no_map() -> None:
    assert feature_map(["spectrum"], AXIS, SPECTRA, 5.0) is None


@pytest.mark.parametrize("names", [[], ["derivativ"], ["pca", "pca"]])
def test_names_that_mean_nothing__are_refused(names: list[str]) -> None:
    with pytest.raises(InputError, match="spectrum, derivative"):
        feature_map(names, AXIS, SPECTRA, 5.0)


def test_values_of_features__come_onto_the_axis() -> None:
    found = feature_map([name for name in NAMES if name != "spectrum"], AXIS, SPECTRA, 5.0)
    assert found is not None
    value = np.zeros(found.count)
    value[40] = 1.0  # the derivative at the 41st energy
    spread = found.onto_axis(value)
    assert spread.sum() == pytest.approx(1)
    assert set(np.flatnonzero(spread > 1e-12)) <= set(range(38, 43))


def test_a_map_of_another_axis__is_damaged() -> None:
    with pytest.raises(InputError, match="damaged map of features"):
        FeatureMap(AXIS[:-1], np.eye(80), np.zeros(80), ["spectrum"] * 80, []).check()
