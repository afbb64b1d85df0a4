"""Distances against scipy.spatial.distance in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import distance as scipy_distance

from xafsflow.kernels.spectra.spectral_distance import METRICS, distances


def by_scipy(first, second):
    a, b = first.astype(float), second.astype(float)
    lowest = min(a.min(), b.min())
    return [
        scipy_distance.euclidean(a, b),
        scipy_distance.cityblock(a, b),
        scipy_distance.jensenshannon(a - lowest, b - lowest),
        scipy_distance.cosine(a, b),
    ]


def of(pixels, spectra, index=None):
    """Distances `(metric, pixel)` of pixels `(pixel, feature)`."""
    features = np.ascontiguousarray(np.asarray(pixels, np.float32).T[:, None, :])
    index = np.zeros(len(pixels), np.int16) if index is None else index
    return distances(features, index[None, :], np.asarray(spectra, np.float32))[:, 0]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 60),
    st.integers(1, 40),
    st.sampled_from([1e-3, 0.02, 1.0, 100.0]),
    st.sampled_from([0.0, 1.0, -3.0]),
    st.integers(0, 99),
)
def test_distances__are_scipys(n_features, n_pixels, apart, level, seed):
    rng = np.random.default_rng(seed)
    spectra = (level + rng.random((3, n_features))).astype(np.float32)
    index = rng.integers(0, 3, n_pixels).astype(np.int16)
    pixels = (spectra[index] + apart * rng.standard_normal((n_pixels, n_features))).astype(np.float32)
    found = of(pixels, spectra, index)
    wanted = np.array([by_scipy(p, spectra[c]) for p, c in zip(pixels, index, strict=True)]).T
    # What float32 leaves of a distance that is small against the spectra.
    np.testing.assert_allclose(found[:2], wanted[:2], rtol=1e-5)
    np.testing.assert_allclose(found[2], wanted[2], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found[3], wanted[3], rtol=1e-5, atol=1e-9)


def test_distances__of_a_noisy_spectrum_are_exact_to_a_part_in_a_million():
    x = np.linspace(-30, 100, 150)
    spectrum = 0.5 + np.arctan(x) / np.pi
    pixels = spectrum + 0.01 * np.random.default_rng(0).standard_normal((50, 150))
    wanted = np.array([by_scipy(p, spectrum.astype(np.float32)) for p in pixels.astype(np.float32)]).T
    np.testing.assert_allclose(of(pixels, [spectrum]), wanted, rtol=1e-6)


def test_distances__are_in_the_order_of_their_names():
    assert METRICS == ("euclidean", "manhattan", "jensen_shannon", "cosine")
    found = of([[0.0, 3.0]], [[4.0, 0.0]])[:, 0]
    # Disjoint distributions are sqrt(ln 2) apart, orthogonal spectra 1.
    np.testing.assert_allclose(found, [5, 7, np.sqrt(np.log(2)), 1], rtol=1e-6)


@given(st.integers(2, 40), st.integers(0, 99))
def test_distances__of_a_spectrum_to_itself_are_zero(n_features, seed):
    spectrum = np.random.default_rng(seed).normal(size=n_features).astype(np.float32)
    np.testing.assert_allclose(of([spectrum], [spectrum]), 0, atol=1e-6)


@settings(deadline=None)
@given(st.integers(2, 40), st.floats(1e-3, 1e3), st.integers(0, 99))
def test_jensen_shannon_and_cosine__do_not_see_the_scale(n_features, scale, seed):
    first, second = np.random.default_rng(seed).random((2, n_features))
    # From zero on, where taking the lowest value off changes nothing.
    first[0] = second[1] = 0
    np.testing.assert_allclose(
        of([first], [second])[2:], of([first * scale], [second])[2:], rtol=1e-3, atol=1e-6
    )


@settings(deadline=None)
@given(st.integers(2, 40), st.integers(0, 99))
def test_distances__are_symmetric_and_within_their_bounds(n_features, seed):
    first, second = np.random.default_rng(seed).normal(size=(2, n_features))
    there, back = of([first], [second]), of([second], [first])
    np.testing.assert_allclose(there, back, rtol=1e-5, atol=1e-7)
    assert there[0] <= there[1] * (1 + 1e-6)
    assert 0 <= there[2] <= np.sqrt(np.log(2)) + 1e-6
    assert -1e-6 <= there[3] <= 2 + 1e-6


def test_distances__of_a_pixel_without_class_are_nan():
    found = of(np.ones((3, 4)), [[1, 2, 3, 4]], np.array([-1, 0, -1], np.int16))
    assert np.isnan(found[:, [0, 2]]).all()
    assert np.isfinite(found[:2, 1]).all()


@pytest.mark.parametrize("place", [0, 2, 5])
def test_distances__of_a_pixel_with_a_nan_are_nan(place):
    pixel = np.linspace(0, 1, 6)
    pixel[place] = np.nan
    assert np.isnan(of([pixel], [np.linspace(0, 2, 6) ** 2])).all()


def test_distances__that_are_not_defined_are_nan_and_not_zero():
    zero, line = np.zeros(5), np.linspace(0, 1, 5)
    for first, second in ((zero, line), (line, zero)):
        found = of([first], [second])[:, 0]
        assert np.isfinite(found[:2]).all()
        assert np.isnan(found[2:]).all()


def test_distances__do_not_depend_on_where_a_pixel_stands():
    rng = np.random.default_rng(0)
    features, spectra = rng.random((30, 5, 41), np.float32), rng.random((4, 30), np.float32)
    index = rng.integers(-1, 4, (5, 41)).astype(np.int16)
    whole = distances(features, index, spectra)
    for part in (np.s_[:, 1:4, 3:7], np.s_[:, :, 17:], np.s_[:, 2:3, :]):
        found = distances(
            np.ascontiguousarray(features[part]), np.ascontiguousarray(index[part[1:]]), spectra
        )
        np.testing.assert_array_equal(found, whole[part])


def test_distances__of_more_pixels_than_go_side_by_side_are_those_of_each() -> None:
    rng = np.random.default_rng(1)
    features, spectra = rng.random((20, 7, 83), np.float32), rng.random((3, 20), np.float32)
    features[3, 2, 5] = np.nan
    index = rng.integers(-1, 3, (7, 83)).astype(np.int16)
    whole = distances(features, index, spectra)
    first, second = features.astype(np.float64), spectra.T[:, index].astype(np.float64)
    wanted = [
        np.sqrt(((first - second) ** 2).sum(axis=0)),
        abs(first - second).sum(axis=0),
        1 - (first * second).sum(axis=0) / np.sqrt((first**2).sum(axis=0)) / np.sqrt((second**2).sum(axis=0)),
    ]
    for found, known in zip(whole[[0, 1, 3]], wanted, strict=True):
        np.testing.assert_allclose(found, np.where(index < 0, np.nan, known), rtol=2e-6, atol=1e-7)
    for place in ((0, 0), (2, 5), (3, 40), (6, 82)):
        pixel = np.ascontiguousarray(features[(slice(None), *place)]).reshape(-1, 1, 1)
        alone = distances(pixel, index[place].reshape(1, 1), spectra)
        np.testing.assert_array_equal(alone[:, 0, 0], whole[(slice(None), *place)])
