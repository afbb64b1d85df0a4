"""Patterns without background and noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import grey_opening

from xafsflow.kernels.diffraction.prepared_pattern import (
    DEPTHS,
    WINDOWS,
    background,
    continued,
    means,
    noise_of_means,
    opening,
    prepared,
)

ANGLE = np.linspace(10, 90, 4001)
PLACES, HEIGHTS = np.array([28.0, 33.0, 47.5, 56.3, 69.0, 76.5]), np.array([1000, 400, 500, 250, 60, 120])


def peaked(width: float = 0.15) -> np.ndarray:
    return HEIGHTS @ np.exp(-0.5 * ((ANGLE - PLACES[:, None]) / width) ** 2)


def ground(level: float = 100.0) -> np.ndarray:
    """Scattering of air at low angles, and a hump of glass."""
    return level * (1 + 2 * np.exp(-(ANGLE - 10) / 8) + 0.3 * np.exp(-0.5 * ((ANGLE - 25) / 8) ** 2))


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    return float((first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum()))


IDEAL = np.sqrt(peaked()[:4000].reshape(1000, 4).mean(axis=1) / 1000)


@pytest.fixture(scope="module")
def noisy() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.poisson(peaked() + ground(), (20, ANGLE.size)).astype(np.float32)


@pytest.mark.parametrize("half", [2, 5, 19])
def test_opening__is_scipys(half):
    values = np.random.default_rng(half).normal(size=301).cumsum()
    inside = slice(2 * half, values.size - 2 * half)
    expected = grey_opening(values, 2 * half + 1)[inside]
    np.testing.assert_array_equal(opening(values, half), expected)


def test_opening__leaves_gaps_out():
    values = np.random.default_rng(0).normal(size=200)
    values[80:90] = np.nan
    opened = opening(values, 5)
    eroded = [np.nanmin(values[k - 5 : k + 6]) for k in range(5, 195)]
    expected = [np.nanmax(eroded[k - 5 : k + 6]) for k in range(5, 185)]
    np.testing.assert_array_equal(opened, expected)


def test_background__is_a_straight_line_where_the_pattern_is():
    line = 300 - 2.0 * np.arange(200)
    np.testing.assert_allclose(background(line, 7), line, rtol=1e-12)
    beside = line.copy()
    beside[60:63] += 500
    np.testing.assert_allclose(
        background(beside, 7), line, atol=7.1
    )  # the flat window cuts a step at the peak


def test_background__does_not_dip_beside_a_peak_at_the_end():
    flat = np.full(300, 10.0)
    flat[5:9] += 1000
    np.testing.assert_allclose(background(flat, 10), 10.0, rtol=1e-12)


def test_continued__reflects_at_points():
    values = np.array([np.nan, 1.0, 3.0, 4.0, 8.0])
    np.testing.assert_array_equal(continued(values, 1, 4, 2, 1), [-2, -1, 1, 3, 4, 8, 12, 13])
    np.testing.assert_array_equal(continued(values, 1, 4, 2, 2), [-4, 0, 1, 3, 4, 8, 9, 11])


@pytest.mark.parametrize("sigma", [1.0, 30.0])
def test_noise__is_found_beside_peaks(sigma):
    row = 500 + peaked() + sigma * np.random.default_rng(0).normal(size=ANGLE.size)
    found = noise_of_means(means(row, 4), np.full(1000, 500.0), 0.0)
    np.testing.assert_allclose(found, sigma / 2, rtol=0.1)


def test_noise__goes_with_the_root_of_the_background():
    level = ground()
    row = np.random.default_rng(0).poisson(level).astype(float)
    found = noise_of_means(means(row, 4), means(level, 4), 0.0)
    np.testing.assert_allclose(found, np.sqrt(means(level, 4)) / 2, rtol=0.1)


@pytest.mark.parametrize(("level", "within"), [(0.3, 0.2), (1.0, 0.1), (10.0, 0.05)])
def test_noise__of_few_counts_is_found(level, within):
    rows = np.random.default_rng(0).poisson(level, (20, ANGLE.size)).astype(float)
    found = [noise_of_means(means(row, 4), np.full(1000, level), 0.0)[0] for row in rows]
    assert np.mean(found) == pytest.approx(np.sqrt(level) / 2, rel=within)
    assert np.std(found) < 0.1 * np.mean(found)


def test_noise__of_interpolated_points_is_found():
    coarse = np.linspace(10, 90, 1841)  # steps of .0435 degrees
    counts = np.random.default_rng(0).poisson(500, coarse.size).astype(float)
    found = noise_of_means(means(np.interp(ANGLE, coarse, counts), 4), np.full(1000, 500.0), 0.0)[0]
    values = means(np.interp(ANGLE, coarse, counts), 4)
    assert found == pytest.approx(values.std(), rel=0.1)


@pytest.mark.parametrize("half", [4, 19, 60])
def test_depth__is_how_far_noise_pulls_the_background_down(half):
    noise = np.random.default_rng(1).normal(size=20000)
    depth = np.interp(np.log(2 * half + 1), WINDOWS, DEPTHS)
    assert background(noise, half).mean() == pytest.approx(-depth, rel=0.03)


def test_prepared__is_the_root_of_the_peaks(noisy):
    found = prepared(ANGLE, noisy)
    assert found.shape == (20, 1000)
    assert found.dtype == np.float32
    assert (found.max(axis=1) == 1).all()
    assert min(likeness(row, IDEAL) for row in found) > 0.98
    weak = np.abs(ANGLE[:4000:4] - 69.0) < 0.2
    assert (found[:, weak].max(axis=1) > 0.15).all()  # 60 counts on 100, of noise 10
    away = (np.abs(ANGLE[:4000:4, None] - PLACES) > 0.8).all(axis=1)
    assert (found[:, away] > 0).mean() < 0.02


def test_prepared__without_noise_is_exact():
    found = prepared(ANGLE, (peaked() + 50)[None])[0]
    np.testing.assert_allclose(found, IDEAL / IDEAL.max(), atol=0.02)


def test_prepared__hardly_changes_with_a_constant_or_a_slope(noisy):
    slope = (ANGLE - 10).astype(np.float32)
    for changed in (noisy + 500, noisy - 50, noisy + 2 * slope, noisy + 50 - slope / 2):
        assert min(likeness(row, IDEAL) for row in prepared(ANGLE, changed)) > 0.98
    # Without noise nothing depends on where the background is high.
    still = (peaked() + 100)[None]
    for changed in (still + 500, still + 2 * slope):
        np.testing.assert_allclose(prepared(ANGLE, changed), prepared(ANGLE, still), atol=0.05)


def test_prepared__does_not_change_with_a_factor(noisy):
    for factor in (8.0, 0.37, 1e-6):
        # The root of what is nearly zero has few digits.
        np.testing.assert_allclose(prepared(ANGLE, noisy * factor), prepared(ANGLE, noisy), atol=1e-5)


def test_prepared__knows_one_pattern_at_a_time(noisy):
    together = prepared(ANGLE, noisy)
    alone = np.concatenate([prepared(ANGLE, row[None]) for row in noisy])
    np.testing.assert_array_equal(together, alone)


def test_prepared__takes_integers_and_columns(noisy):
    np.testing.assert_array_equal(prepared(ANGLE, noisy.astype(np.uint16)), prepared(ANGLE, noisy))
    np.testing.assert_array_equal(prepared(ANGLE, np.asfortranarray(noisy)), prepared(ANGLE, noisy))


def test_prepared__is_zero_where_nothing_was_measured(noisy):
    gaps = noisy.copy()
    gaps[:, :400] = gaps[:, 3600:] = gaps[:, 2000:2100] = np.nan
    found = prepared(ANGLE, gaps)
    assert not found[:, :100].any()
    assert not found[:, 900:].any()
    assert not found[:, 500:525].any()
    left = IDEAL.copy()
    left[:100] = left[900:] = left[500:525] = 0
    assert min(likeness(row, left) for row in found) > 0.98


def test_prepared__is_zero_without_peaks():
    rng = np.random.default_rng(0)
    noise = rng.poisson(ground(), (200, ANGLE.size)).astype(np.float32)
    assert prepared(ANGLE, noise).any(axis=1).mean() < 0.03
    for nothing in (np.full((1, 4001), np.nan), np.zeros((1, 4001)), np.full((1, 4001), 7.0)):
        assert not prepared(ANGLE, nothing).any()
    assert prepared(ANGLE, np.empty((0, 4001))).shape == (0, 1000)
