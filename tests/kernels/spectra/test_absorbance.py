"""Absorbance and its noise against numpy in float64, and the gain found in simulated counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xafsflow.kernels.spectra.absorbance import absorbance, log_of_row, photon_noise, scatter_scale

BAD = 8
SHAPE = (7, 5, 19)


def counts(dtype=np.uint16, shape=SHAPE, seed=0):
    return np.random.default_rng(seed).integers(500, 60_000, shape).astype(dtype)


def dark():
    return np.random.default_rng(2).normal(100, 3, SHAPE[1:]).astype(np.float32)


def by_numpy(sample, flat, dark, flat_dark):
    """I, I0 and mu in float64, NaN where one of the intensities is not above zero or not finite."""
    below, above = sample.astype(float) - dark, flat.astype(float) - flat_dark * dark
    below, above = np.broadcast_arrays(below, above)
    with np.errstate(all="ignore"):
        mu = np.where((below > 0) & (above > 0), -np.log(below / above), np.nan)
    return below, above, np.where(np.isfinite(mu), mu, np.nan)


def test_log__is_numpys_logarithm_over_all_normal_numbers():
    bits = np.linspace(0x00800000, 0x7F7FFFFF, 200_001).astype(np.uint32)
    near_one = (1 + np.linspace(-1e-3, 1e-3, 20_001)).astype(np.float32)
    for values in (bits.view(np.float32), near_one):
        found = np.empty_like(values)
        log_of_row(values, found)
        wanted = np.log(values.astype(np.float64))
        assert (np.abs(found - wanted) <= 2e-7 * np.maximum(1, np.abs(wanted))).all()


def test_log__is_as_exact_near_one_as_the_value_itself():
    values = (1 + np.linspace(1e-5, 1e-2, 10_001)).astype(np.float32)
    found = np.empty_like(values)
    log_of_row(values, found)
    np.testing.assert_allclose(found, np.log(values.astype(np.float64)), rtol=5e-7)


@given(hnp.arrays(np.uint32, st.integers(0, 40), elements=st.integers(0, 2**32 - 1)))
def test_log__of_what_has_none_is_finite(bits):
    found = np.empty(bits.size, np.float32)
    log_of_row(bits.view(np.float32), found)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("flat_dark", [0.0, 1.0])
@pytest.mark.parametrize(
    "flat_shape", [SHAPE, (1, *SHAPE[1:]), (SHAPE[0], 1, 1), (1, 1, 1), (SHAPE[0], 1, 19)]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_absorbance__is_the_formula(dtype, flat_shape, flat_dark):
    sample, flat = counts(dtype), counts(np.float64, flat_shape, 1)
    mu, flags = absorbance(sample, flat, dark(), flat_dark, BAD)
    _, _, wanted = by_numpy(sample, flat, dark(), flat_dark)
    assert mu.dtype == np.float32
    assert flags.dtype == np.uint8
    np.testing.assert_allclose(mu, wanted, rtol=2e-6, atol=5e-7)
    np.testing.assert_array_equal(flags, np.where(np.isnan(wanted).any(axis=0), BAD, 0))


ODD = [0.0, -0.0, -5.0, 100.0, 100.001, 65535.0, 1e-30, 3e38, np.inf, -np.inf, np.nan]


@settings(deadline=None)
@given(
    hnp.arrays(np.float32, (3, 2, 5), elements=st.sampled_from(ODD)),
    hnp.arrays(np.float32, (3, 2, 5), elements=st.sampled_from(ODD)),
    st.sampled_from([0.0, 1.0]),
)
def test_absorbance__of_what_cannot_be_measured_is_nan_and_flagged(sample, flat, flat_dark):
    plain = np.full((2, 5), 100, np.float32)
    mu, flags = absorbance(sample, flat, plain, flat_dark, BAD)
    with np.errstate(all="ignore"):
        below, above = sample - plain, flat - np.float32(flat_dark) * plain
        ratio = np.where((below > 0) & (above > 0), above / below, 0)
        good = (ratio > np.finfo(np.float32).tiny) & np.isfinite(ratio)
        tiny = (ratio > 0) & ~good & np.isfinite(ratio)
    np.testing.assert_array_equal(np.isfinite(mu) | tiny, good | tiny)
    np.testing.assert_array_equal(flags == BAD, np.isnan(mu).any(axis=0))
    np.testing.assert_allclose(mu[good], np.log(ratio[good].astype(float)), rtol=1e-6, atol=1e-6)


def test_absorbance__does_not_take_two_negative_intensities_for_a_good_one():
    sample, flat = np.full((1, 1, 1), 50.0), np.full((1, 1, 1), 40.0)
    mu, flags = absorbance(sample, flat, np.full((1, 1), 100.0), 1.0, BAD)
    assert np.isnan(mu).all()
    assert (flags == BAD).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(0, 39))
def test_absorbance__of_a_pixel_does_not_depend_on_its_neighbors(width, first):
    sample, flat, plain = (
        counts(shape=(3, 2, 80)),
        counts(shape=(3, 2, 80), seed=1),
        np.zeros((2, 80), np.float32),
    )
    part = slice(first, first + width)
    whole = absorbance(sample, flat, plain, 1.0, BAD)[0]
    np.testing.assert_array_equal(
        absorbance(sample[..., part], flat[..., part], plain[:, part], 1.0, BAD)[0], whole[..., part]
    )


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("flat_shape", [SHAPE, (1, *SHAPE[1:]), (SHAPE[0], 1, 1)])
def test_photon_noise__is_the_formula(flat_shape, share):
    sample, flat = counts(), counts(shape=flat_shape, seed=1)
    sample[2, 3, 4] = 0
    below, above, mu = by_numpy(sample, flat, dark(), 1.0)
    with np.errstate(all="ignore"):
        wanted = np.where(np.isfinite(mu), np.sqrt(1 / below + share / above), np.nan)
    found = photon_noise(sample, flat, dark(), 1.0, share)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_photon_noise__is_the_scatter_of_poisson_counts():
    rng = np.random.default_rng(3)
    none = np.zeros((100, 100), np.float32)
    sample, flat = rng.poisson(5000, (3, 100, 100)), rng.poisson(20_000, (3, 100, 100))
    mu, _ = absorbance(sample, flat, none, 1.0, BAD)
    assert mu.std() == pytest.approx(photon_noise(sample, flat, none, 1.0, 1.0).mean(), rel=0.02)


def reference(energy, place, height, width):
    """A step with a white line and a wave behind it."""
    wave = 0.05 * np.sin(energy / (8 + 2 * width)) * (energy > place)
    return (
        0.5
        + np.arctan((energy - place) / width) / np.pi
        + height * np.exp(-(((energy - place - 4) / 2) ** 2))
        + wave
    )


def simulated(gain, light, step, chemistry, shape=(12, 120), flat_once=False, tilt=2.2, seed=0):
    """Counts of a scan: neighbors of other composition, an energy that drifts over the field."""
    rng = np.random.default_rng(seed)
    energy = np.concatenate([np.arange(-62, -10, 2.0), np.arange(-10, 40, 0.6), np.arange(40, 190, 1.7)])
    y, x = np.mgrid[: shape[0], : shape[1]]
    true = energy[:, None, None] + tilt * (y / shape[0] - 0.5) + 0.3 * x / shape[1]
    parts = rng.dirichlet(np.full(3, chemistry), shape)
    states = [(0.0, 0.15, 0.8), (4.0, 0.6, 0.7), (9.0, 0.8, 0.6)]
    mu = 0.4 - 5e-4 * true
    mu += step * sum(parts[..., k] * reference(true, *state) for k, state in enumerate(states))
    photons = light / gain
    sample = gain * rng.poisson(photons * np.exp(-mu))
    flat = gain * rng.poisson(photons, (1, *shape) if flat_once else mu.shape)
    return sample.astype(np.float32), flat.astype(np.float32), np.zeros(shape, np.float32)


@pytest.mark.parametrize("flat_once", [False, True])
@pytest.mark.parametrize(
    ("gain", "light", "step", "chemistry"),
    [(1.0, 12_000, 1.0, 1.0), (0.5, 40_000, 1.0, 0.3), (4.0, 30_000, 0.5, 3.0), (2.0, 60_000, 2.0, 0.5)],
)
def test_scatter_scale__finds_the_gain_in_spite_of_chemistry_and_energy_tilt(
    gain, light, step, chemistry, flat_once
):
    scan = simulated(gain, light, step, chemistry, flat_once=flat_once)
    mu, _ = absorbance(*scan, 1.0, BAD)
    relative = photon_noise(*scan, 1.0, 0.0 if flat_once else 1.0)
    # The scale is a standard deviation, the gain a variance.
    assert scatter_scale(mu, relative) ** 2 == pytest.approx(gain, rel=0.02)


def test_scatter_scale__leaves_out_dead_pixels():
    scan = simulated(1.0, 20_000, 1.0, 1.0)
    mu, _ = absorbance(*scan, 1.0, BAD)
    relative = photon_noise(*scan, 1.0, 1.0)
    mu[:, 3, ::7] = np.nan
    mu[:, 5, ::40] = 50 * np.random.default_rng(0).standard_normal((mu.shape[0], 3))
    assert scatter_scale(mu, relative) ** 2 == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("shape", [(2, 4, 9), (9, 4, 1), (9, 0, 4)])
def test_scatter_scale__of_too_little_is_nan(shape):
    assert np.isnan(scatter_scale(np.ones(shape, np.float32), np.ones(shape, np.float32)))


def test_scatter_scale__of_nothing_but_nan_is_nan_without_a_warning():
    nothing = np.full((5, 3, 4), np.nan, np.float32)
    assert np.isnan(scatter_scale(nothing, nothing))
