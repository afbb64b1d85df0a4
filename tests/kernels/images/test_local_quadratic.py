"""The local quadratic against least squares by numpy, pixel by pixel, and against simulated noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.kernels.images.local_quadratic import local_quadratic, neighbor_weights


def white(shape: tuple[int, ...], seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def everywhere(values: Any) -> Any:
    return np.ones(values.shape[-2:], bool)


def weights_by_numpy(y: Any, x: Any) -> Any:
    """What pixels at these distances weigh in the middle of the fit of the highest order that they determine."""
    for powers in ([(0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0)], [(0, 0), (0, 1), (1, 0)], [(0, 0)]):
        design = np.stack([y**i * x**j for i, j in powers], axis=1).astype(float)
        if np.linalg.matrix_rank(design) == len(powers):
            weights = np.linalg.pinv(design)[0]
            if (weights**2).sum() < 1 + 1e-6:
                return weights
    raise AssertionError("no neighbors")


def by_numpy(values: Any, keep: Any, center: Any, half: int, power: int = 1) -> Any:
    """Pixel by pixel, energy by energy."""
    out = np.full((len(values), *(size - 2 * half for size in keep.shape)), np.nan)
    for e, row, column in np.ndindex(out.shape):
        part = np.s_[row : row + 2 * half + 1, column : column + 2 * half + 1]
        there = keep[part] & np.isfinite(values[e][part])
        if center[row + half, column + half] and there.any():
            weights = weights_by_numpy(*(np.argwhere(there) - half).T)
            out[e, row, column] = weights**power @ values[e][part][there].astype(float)
    return out


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7), st.integers(1, 9), st.integers(2, 3), st.integers(0, 99), st.data())
def test_local_quadratic__is_the_fit_to_kept_finite_neighbors(
    rows: int, columns: int, half: int, seed: int, data: Any
) -> None:
    random = np.random.default_rng(seed)
    values = 1 + white((3, rows + 2 * half, columns + 2 * half), seed)
    keep = random.random(values.shape[1:]) < data.draw(st.sampled_from([1.0, 0.9, 0.5, 0.1]))
    center = random.random(values.shape[1:]) < 0.9
    missing = random.random(values.shape) < data.draw(st.sampled_from([0, 0.02, 0.5, 0.95]))
    values[missing] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    values[0] = 1 + white(values.shape[1:], seed + 1)
    found = local_quadratic(values, keep, center, half, False)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_numpy(values, keep, center, half), rtol=1e-4, atol=1e-4)
    found = local_quadratic(values**2, keep, center, half, True)
    np.testing.assert_allclose(found, by_numpy(values**2, keep, center, half, 2), rtol=1e-3, atol=1e-4)


def test_local_quadratic__of_images_with_holes_and_ends_is_the_fit() -> None:
    values, half = white((4, 26, 34)), 2
    keep = everywhere(values)
    keep[:half] = keep[-half:] = keep[:, :half] = keep[:, -half:] = False
    keep[8:13, 20:29] = keep[15, 5] = False
    # An energy that part of the rows does not reach, as after an interpolation, and one that a spike was taken from.
    values[0, :11] = np.nan
    values[2, 6, 7] = np.nan
    found = local_quadratic(values, keep, everywhere(values), half, False)
    np.testing.assert_allclose(found, by_numpy(values, keep, everywhere(values), half), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("half", [2, 3, 4])
def test_local_quadratic__leaves_quadratic_surfaces_as_they_are_beside_gaps_too(half: int) -> None:
    y, x = np.mgrid[-1:1:24j, -1:1:31j]
    values = (
        (1 + 0.3 * x - 0.2 * y + 0.5 * x**2 - 0.4 * x * y + 0.7 * y**2).astype(np.float32)[None].repeat(2, 0)
    )
    keep = everywhere(values)
    keep[:half] = keep[:, -half:] = False
    keep[10:13, 8:12] = False
    keep[18, 20] = False
    inner = np.s_[half:-half, half:-half]
    found = local_quadratic(values, keep, keep, half, False)
    there = np.broadcast_to(keep[inner], found.shape)
    assert there.mean() > 0.5
    np.testing.assert_allclose(found[there], values[:, *inner][there], atol=2e-6)
    assert np.isnan(found[~there]).all()


def test_neighbor_weights__are_those_of_the_published_table() -> None:
    y, x = np.mgrid[-2:3, -2:3]
    np.testing.assert_allclose(neighbor_weights(np.ones((5, 5), bool), False), (27 - 5 * (x**2 + y**2)) / 175)
    np.testing.assert_allclose(neighbor_weights(np.ones((5, 5), bool), True).sum(), 27 / 175)


@pytest.mark.parametrize(
    ("present", "order"),
    [
        ([(0, 0)], "mean"),
        ([(0, 0), (4, 3)], "mean"),
        ([(2, column) for column in range(5)], "mean"),  # a line
        ([(1, 2), (2, 1), (2, 2), (2, 3), (3, 2)], "plane"),
        ([(1, 1), (1, 3), (3, 1), (3, 3), (1, 2), (3, 2)], "plane"),  # two lines are a conic
        ([(row, column) for row in (1, 2, 3) for column in (1, 2, 3)], "quadratic"),
        ([(0, 0), (0, 1), (1, 0)], "mean"),  # a plane would be noisier in the middle than one pixel
    ],
)
def test_neighbor_weights__are_of_the_highest_order_that_is_determined(present: Any, order: str) -> None:
    there = np.zeros((5, 5), bool)
    there[tuple(np.transpose(present))] = True
    weights = neighbor_weights(there, False)
    y, x = np.mgrid[-2:3, -2:3]
    moments = [abs((weights * of).sum()) for of in (x, y, x**2, x * y, y**2)]
    assert weights.sum() == pytest.approx(1)
    assert (weights[~there] == 0).all()
    assert (weights**2).sum() <= 1 + 1e-9
    exact = {"mean": 0, "plane": 2, "quadratic": 5}[order]
    np.testing.assert_allclose(moments[:exact], 0, atol=1e-9)
    if exact < 5:
        assert max(moments[exact:]) > 0.1


def test_local_quadratic__squares_say_what_noise_is_left() -> None:
    values = white((3000, 9, 11))
    keep = everywhere(values)
    keep[:3, 4:] = False
    keep[6, 5] = False
    found = local_quadratic(values, keep, everywhere(values), 2, False).var(axis=0)
    wanted = local_quadratic(np.ones((1, 9, 11), np.float32), keep, everywhere(values), 2, True)[0]
    # A variance of 3000 values is known to 2.6 %.
    np.testing.assert_allclose(found, wanted, rtol=0.12)
    np.testing.assert_allclose(np.mean(found / wanted), 1, atol=0.02)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 3), st.integers(0, 8), st.integers(1, 8), st.integers(0, 9))
def test_local_quadratic__of_a_part_with_a_halo_is_the_part(
    half: int, first: int, width: int, seed: int
) -> None:
    random, values = np.random.default_rng(seed), white((2, 12, 24), seed)
    values[1][random.random((12, 24)) < 0.03] = np.nan
    keep = random.random((12, 24)) < 0.95
    part = np.s_[..., first : first + width + 2 * half]
    whole = local_quadratic(values, keep, everywhere(values), half, False)
    found = local_quadratic(
        np.ascontiguousarray(values[part]),
        np.ascontiguousarray(keep[part]),
        everywhere(values[part]),
        half,
        False,
    )
    np.testing.assert_array_equal(found, whole[..., first : first + width])


def test_local_quadratic__blurs_less_than_a_mean_of_equal_noise() -> None:
    y, x = np.mgrid[:60, :60]
    places = np.arange(-2, 3)
    weights = (27 - 5 * (places[:, None] ** 2 + places**2)) / 175
    for period, fewer in ((9, 0.71), (12, 0.44)):
        wave = np.cos(2 * np.pi * places / period)
        sharp = np.cos(2 * np.pi * x / period) * np.cos(2 * np.pi * y / period)
        part = everywhere(sharp)
        fitted = local_quadratic(sharp[None].astype(np.float32), part, part, 2, False)[0]
        kept = wave @ weights @ wave
        np.testing.assert_allclose(fitted, kept * sharp[2:-2, 2:-2], atol=1e-6)
        assert 1 - kept < fewer * (1 - wave[1:4].mean() ** 2)


def test_local_quadratic__without_neighbors_enough_is_refused() -> None:
    values = white((2, 9, 9))
    with pytest.raises(ValueError, match="half is below 2"):
        local_quadratic(values, everywhere(values), everywhere(values), 1, False)
