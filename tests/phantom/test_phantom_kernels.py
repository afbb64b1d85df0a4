"""Kernels of phantoms against scipy's distributions and plain numpy."""

import numpy as np
import pytest
from scipy import stats

from xafsflow.kernels.images.phantom_images import (
    exp_row,
    expose,
    grains,
    layer_absorbance,
    mix,
    normal_row,
    transmitted_light,
    waves,
)


def random_bits(number, seed):
    return mix(np.arange(number).astype(np.uint64) + mix(np.array([seed], np.uint64)))


def exposure(mean, *, readout=0.0, dark=0.0, shape=(100, 400), seed=1, noisy=True):
    """Counts where the same number is expected everywhere."""
    light = np.full(shape, mean, np.float32)
    level = np.full(shape, dark, np.float32)
    keys = random_bits(shape[0], seed)
    return expose(light, level, np.zeros(shape, bool), keys, readout, noisy)


def test_mix__gives_evenly_distributed_independent_numbers():
    bits = random_bits(40000, 3)
    share = bits / 2.0**64
    assert stats.kstest(share, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(share[:-1], share[1:])[0, 1]) < 0.02
    assert np.unique(bits).size == bits.size


def test_normal_row__is_the_normal_quantile_of_its_bits():
    # The extremes of the 31 bits and of the sign bit, and a sample between.
    ends = np.array([0, 1, 2**33, 2**64 - 1, 2**64 - 2**33], np.uint64)
    bits = np.concatenate([ends, random_bits(20000, 5)])
    found = np.empty(bits.size, np.float32)
    normal_row(bits, found)
    tail = ((bits >> np.uint64(33)).astype(float) + 0.5) / 2**32
    sign = np.where(bits & np.uint64(1), 1, -1)
    expected = -sign * stats.norm.ppf(tail)
    central = abs(expected) < 5.5
    np.testing.assert_allclose(found[central], expected[central], atol=2e-6)
    np.testing.assert_allclose(found, expected, atol=3e-3)
    assert stats.kstest(found[5:], "norm").pvalue > 1e-3


def test_exp_row__agrees_with_numpy():
    values = np.linspace(-80, 80, 4001).astype(np.float32)
    found = np.empty_like(values)
    exp_row(values, found)
    # The argument's last digit alone makes 80 * 6e-8 = 5e-6.
    np.testing.assert_allclose(found, np.exp(values.astype(float)), rtol=8e-6)
    np.testing.assert_allclose(
        found[abs(values) < 8], np.exp(values[abs(values) < 8].astype(float)), rtol=1e-6
    )


def test_waves__are_a_sum_of_cosines():
    rng = np.random.default_rng(0)
    ky, kx, phase = rng.uniform(-1, 1, (3, 7))
    y, x = np.arange(5) - 2.5, np.arange(9.0)
    angle = ky[:, None, None] * y[:, None] + kx[:, None, None] * x + phase[:, None, None]
    np.testing.assert_allclose(
        waves(y, x, ky, kx, phase), np.sqrt(2 / 7) * np.cos(angle).sum(axis=0), atol=1e-12
    )


def test_grains__weigh_the_nine_sites_around_by_distance():
    rng = np.random.default_rng(1)
    site = np.indices((6, 7)) + rng.uniform(0.15, 0.85, (2, 6, 7))
    content = rng.dirichlet(np.ones(3), (6, 7))
    place_y, place_x = rng.uniform(1, 5, (4, 5)), rng.uniform(1, 6, (4, 5))
    mixture, seam = grains(place_y, place_x, site[0], site[1], content, 0.1)
    for index in np.ndindex(place_y.shape):
        a, b = int(place_y[index]), int(place_x[index])
        near = np.s_[a - 1 : a + 2, b - 1 : b + 2]
        distance = np.hypot(site[0][near] - place_y[index], site[1][near] - place_x[index])
        weight = np.exp((distance.min() - distance) / 0.1)
        expected = np.tensordot(weight, content[near], 2) / weight.sum()
        np.testing.assert_allclose(mixture[(slice(None), *index)], expected, rtol=1e-9)
        assert seam[index] == pytest.approx(min(1, 2 - 2 / weight.sum()))


@pytest.mark.parametrize("mean", [0.4, 4.0, 29.5, 30.5, 120.0])
def test_expose__counts_follow_the_poisson_distribution(mean):
    counts = exposure(mean, seed=int(mean * 10)).ravel()
    low, high = stats.poisson.ppf([0.001, 0.999], mean).astype(int)
    inside = np.clip(counts, low, high)
    found = np.bincount(inside - low, minlength=high - low + 1)
    expected = stats.poisson.pmf(np.arange(low, high + 1), mean)
    expected[0], expected[-1] = stats.poisson.cdf(low, mean), stats.poisson.sf(high - 1, mean)
    assert stats.chisquare(found, expected * counts.size).pvalue > 1e-3


@pytest.mark.parametrize("mean", [3.0, 300.0, 20000.0])
def test_expose__mean_variance_and_skewness_are_those_of_photons_and_readout(mean):
    counts = exposure(mean, readout=2.0, dark=100.0, shape=(200, 500)).astype(float).ravel() - 100
    # Rounding to whole counts adds 1/12.
    variance = mean + 4 + 1 / 12
    n = counts.size
    assert counts.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / n))
    assert counts.var() == pytest.approx(variance, rel=5 * np.sqrt((2 + 1 / mean) / n))
    assert stats.skew(counts) == pytest.approx(mean / variance**1.5, abs=5 * np.sqrt(6 / n))


def test_expose__without_noise_rounds_what_is_expected_and_stops_at_the_limit():
    assert (exposure(1234.4, dark=100.3, shape=(2, 3), noisy=False) == 1335).all()
    assert (exposure(70000.0, shape=(2, 3)) == 65535).all()
    assert (exposure(0.0, dark=-5.0, shape=(2, 3), noisy=False) == 0).all()


def test_transmitted_light__is_attenuated_by_the_layers():
    weights = np.array([[[1.0, 2.0, 1.0]], [[0.0, 1.0, 200.0]]], np.float32)
    table = np.array([[0.1, 0.3, 0.3], [0.2, 0.2, 0.2]], np.float32)
    place = np.array([[0.25, 1.0, 0.0]], np.float32)
    light = np.full((1, 3), 20000, np.float32)
    mu = [[0.15, 0.8, 40.1]]
    np.testing.assert_allclose(layer_absorbance(weights, place, table), mu, rtol=1e-6)
    found = transmitted_light(weights, place, table, 0.5, light)
    np.testing.assert_allclose(found, 1e4 * np.exp(-np.array(mu)), rtol=1e-5)


def test_expose__marks_dead_pixels():
    dead = np.array([[False, True, False]])
    found = expose(
        np.full((1, 3), 70, np.float32), np.zeros((1, 3), np.float32), dead, random_bits(1, 0), 0.0, False
    )
    assert found.tolist() == [[70, 65535, 70]]
