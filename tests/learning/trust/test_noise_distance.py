"""Expected distances are the medians that noise gives."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.spectra.spectral_distance import distances
from xafsflow.learning.trust.noise_distance import expected_at, learn_distances


def spectra(n_features=120):
    x = np.linspace(-4, 6, n_features)
    return np.stack(
        [0.5 + np.arctan(2 * (x - c)) / np.pi + 0.4 * np.exp(-((x - c - 1) ** 2)) for c in (0, 1)]
    )


def noisy(classes, noise, seed):
    return classes + noise[:, None] * np.random.default_rng(seed).standard_normal(
        (len(noise), classes.shape[1])
    )


def test_expected_distance__is_the_median_of_other_pixels_with_that_noise():
    centers, rng = spectra(), np.random.default_rng(0)
    labels, noise = rng.integers(0, 2, 3000), rng.uniform(0.004, 0.02, 3000)
    scale, power = learn_distances(noisy(centers[labels], noise, 1), labels, centers, noise)
    for level in (0.005, 0.015):
        for label in (0, 1):
            again = noisy(centers[[label] * 800], np.full(800, level), 2).astype(np.float32)
            where = np.full((1, 800), label, np.int16)
            measured = np.median(
                distances(np.ascontiguousarray(again.T)[:, None], where, centers.astype("f4")), axis=(1, 2)
            )
            told = expected_at(np.array([level]), np.array([label]), scale, power)[:, 0]
            np.testing.assert_allclose(told, measured, rtol=0.05)


def test_expected_distance__of_euclid_is_the_noise_times_the_root_of_the_features():
    centers, labels = spectra(), np.zeros(2000, int)
    noise = np.random.default_rng(0).uniform(0.004, 0.02, 2000)
    scale, power = learn_distances(noisy(centers[labels], noise, 1), labels, centers, noise)
    told = expected_at(np.array([0.01]), np.array([0]), scale, power)
    np.testing.assert_allclose(told[:2, 0], [0.01 * np.sqrt(120), 0.01 * 120 * np.sqrt(2 / np.pi)], rtol=0.02)
    assert np.isnan(scale[:, 1]).all()


def test_expected_distance__of_equal_noise_grows_as_it_must():
    centers, labels = spectra(), np.zeros(500, int)
    _, power = learn_distances(
        noisy(centers[labels], np.full(500, 0.01), 1), labels, centers, np.full(500, 0.01)
    )
    np.testing.assert_allclose(power, [1, 1, 1, 2])


def test_expected_distance__leaves_pixels_without_noise_out():
    centers, labels, noise = spectra(), np.zeros(400, int), np.full(400, 0.01)
    table = noisy(centers[labels], noise, 1)
    whole = learn_distances(table[:200], labels[:200], centers, noise[:200])
    noise[200:] = np.nan
    for found, wanted in zip(learn_distances(table, labels, centers, noise), whole, strict=True):
        np.testing.assert_allclose(found, wanted)
