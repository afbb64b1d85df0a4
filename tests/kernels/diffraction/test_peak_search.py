"""Peaks of made patterns are found where they were put."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.kernels.diffraction.peak_search import peaks

PLACES, HEIGHTS = np.array([28.013, 33.0, 47.507, 56.31, 69.0]), np.array([1000, 400, 500, 250, 120])
ORDER = np.argsort(-HEIGHTS)


def pattern(angle: np.ndarray, width: float = 0.12) -> np.ndarray:
    sharp = HEIGHTS @ np.exp(-0.5 * ((angle - PLACES[:, None]) / width) ** 2)
    return sharp + 100 * (1 + 2 * np.exp(-(angle - 10) / 8))


@pytest.mark.parametrize("step", [0.01, 0.02, 0.05])
def test_peaks__are_found_at_their_places(step):
    angle = np.arange(10, 90, step)
    rows = np.random.default_rng(0).poisson(pattern(angle), (20, angle.size)).astype(np.float32)
    place, height = peaks(angle, rows, 12)
    assert place.shape == height.shape == (20, 12)
    np.testing.assert_allclose(place[:, :4], np.tile(PLACES[ORDER[:4]], (20, 1)), atol=0.03)
    np.testing.assert_allclose(height[:, :4], np.tile(HEIGHTS[ORDER[:4]] / 1000, (20, 1)), atol=0.06)
    assert np.isfinite(place[:, 4]).all()
    assert np.isfinite(place[:, 5:]).sum() <= 4  # of noise
    assert (height[~np.isfinite(place)] == 0).all()


def test_peaks__without_noise_are_exact():
    angle = np.arange(10, 90, 0.02)
    place, height = peaks(angle, pattern(angle)[None], 5)
    np.testing.assert_allclose(place[0], PLACES[ORDER], atol=0.002)
    np.testing.assert_allclose(height[0], HEIGHTS[ORDER] / 1000, atol=0.01)


def test_peaks__keeps_the_highest():
    angle = np.arange(10, 90, 0.02)
    many, few = (peaks(angle, pattern(angle)[None], most) for most in (5, 2))
    for first, second in zip(many, few, strict=True):
        np.testing.assert_array_equal(first[:, :2], second)


def test_peaks__of_noise_or_nothing_are_none():
    angle = np.arange(10, 90, 0.02)
    noise = np.random.default_rng(0).poisson(300, (50, angle.size)).astype(np.float32)
    assert np.isfinite(peaks(angle, noise)[0]).sum() < 8
    for nothing in (np.full((1, 4000), np.nan), np.zeros((1, 4000))):
        place, height = peaks(angle, nothing)
        assert np.isnan(place).all()
        assert not height.any()


def test_peaks__in_a_gap_are_left_out_and_others_stay():
    angle = np.arange(10, 90, 0.02)
    row = pattern(angle)
    row[(angle > 46) & (angle < 49)] = np.nan
    place, _ = peaks(angle, row[None], 5)
    np.testing.assert_allclose(place[0, :4], PLACES[[0, 1, 3, 4]], atol=0.002)
    assert np.isnan(place[0, 4])
