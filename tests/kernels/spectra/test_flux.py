"""Offsets of images from empty pixels and counters, against flux that is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from xafsflow.errors import ComputationError, InputError
from xafsflow.kernels.spectra import flux

EDGE = 0.5 + np.arctan(np.linspace(-20, 20, 80)) / np.pi
JITTER = 0.004 * np.random.default_rng(7).standard_normal(80)


def scan(
    empty: float = 0.1, shape: tuple[int, int] = (40, 50), seed: int = 0, thinnest: float = 0.2
) -> tuple[Any, Any]:
    """Absorbance with a common jitter, and where there is no sample."""
    random = np.random.default_rng(seed)
    hole = random.random(shape) < empty
    thickness = np.where(hole, 0, random.uniform(thinnest, 1, shape))
    mu = EDGE[:, None, None] * thickness + 0.5 * (thickness > 0) + JITTER[:, None, None]
    return (mu + 0.01 * random.standard_normal(mu.shape)).astype(np.float32), hole


def test_trimmed_mean__is_scipys() -> None:
    spectra = np.random.default_rng(0).standard_t(3, (6, 57))
    mean, error = flux.trimmed_mean(spectra)
    np.testing.assert_allclose(mean, stats.trim_mean(spectra, flux.TRIMMED, axis=1))
    wanted = [stats.mstats.trimmed_stde(row, limits=(flux.TRIMMED, flux.TRIMMED)) for row in spectra]
    np.testing.assert_allclose(error, np.ravel(wanted), rtol=0.03)


def test_trimmed_mean__knows_its_error() -> None:
    spectra = np.random.default_rng(0).standard_normal((4000, 60))
    mean, error = flux.trimmed_mean(spectra)
    assert np.std(mean) == pytest.approx(np.mean(error), rel=0.05)


def test_empty_offset__is_the_jitter() -> None:
    mu, hole = scan()
    offset, error = flux.empty_offset(mu, hole)
    assert np.std(offset - JITTER) == pytest.approx(np.median(error), rel=0.3)
    assert np.std(offset - JITTER) < 0.25 * np.std(JITTER)


@pytest.mark.parametrize("empty", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("flagged", [False, True])
def test_found_offset__finds_the_empty_pixels(empty: float, flagged: bool) -> None:
    mu, hole = scan(empty)
    offset, error = flux.found_offset(mu, np.ones(hole.shape, bool), hole & flagged)
    assert np.std(offset - JITTER) < 2 * np.median(error)
    assert abs(np.mean(offset - JITTER)) < 3 * np.median(error)


def test_found_offset__leaves_thin_sample_among_the_flagged_out() -> None:
    mu, hole = scan(0.3)
    thin = ~hole & (np.random.default_rng(1).random(hole.shape) < 0.05)
    offset, _ = flux.found_offset(mu, np.ones(hole.shape, bool), hole | thin)
    wanted, error = flux.empty_offset(mu, hole)
    np.testing.assert_allclose(offset, wanted, atol=3 * error.max())


def test_found_offset__refuses_a_sample_without_holes() -> None:
    mu, hole = scan(0.0, thinnest=0.05)
    with pytest.raises(ComputationError, match=r"absorb least|look empty"):
        flux.found_offset(mu, np.ones(hole.shape, bool), hole)


def test_found_offset__refuses_a_field_without_sample() -> None:
    mu, hole = scan(1.0)
    with pytest.raises(ComputationError, match=r"leave correct\.flux out"):
        flux.found_offset(mu, np.ones(hole.shape, bool), hole)


def test_found_offset__leaves_out_what_is_unusable_or_nan() -> None:
    mu, hole = scan(0.3)
    usable = np.random.default_rng(2).random(hole.shape) < 0.9
    mu[:, ~usable] = -5
    mu[3, :4] = np.nan
    offset, error = flux.found_offset(mu, usable, np.zeros(hole.shape, bool))
    assert np.std(offset - JITTER) < 2 * np.median(error)


def test_empty_offset__wants_pixels() -> None:
    mu, hole = scan(0.01)
    with pytest.raises(InputError, match="50 or more"):
        flux.empty_offset(mu, hole)
    with pytest.raises(ComputationError):
        flux.found_offset(mu, np.zeros(hole.shape, bool), hole)


@given(st.floats(-0.5, 0.5), st.floats(-2, 2), st.floats(-2, 2))
def test_edge_share__does_not_mind_lines(share: float, level: float, slope: float) -> None:
    line = level + slope * np.linspace(0, 1, 80)
    assert flux.edge_share(share * EDGE + line, EDGE + 0.3)[0] == pytest.approx(share, abs=1e-9)


def test_counter_offset__takes_the_flux_out() -> None:
    beam, flat_beam = np.array([100.0, 90, 105]), np.array([98.0, 91, 100])
    measured = -np.log(beam * np.exp(-0.7) / flat_beam)
    np.testing.assert_allclose(measured - flux.counter_offset(beam, flat_beam), 0.7)
    alone = -np.log(beam * np.exp(-0.7) / 98)
    np.testing.assert_allclose(np.ptp(alone - flux.counter_offset(beam, None)), 0, atol=1e-12)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_counter_offset__wants_readings_above_zero(bad: float) -> None:
    with pytest.raises(InputError, match="above zero"):
        flux.counter_offset(np.array([1.0, bad]), None)


@pytest.mark.parametrize("factor", [0.5, 1.03, 1.6])
@pytest.mark.parametrize("first", [10, 30, 70])
def test_found_offset__follows_another_exposure_time(factor: float, first: int) -> None:
    mu, hole = scan()
    jump = np.where(np.arange(80) >= first, -np.log(factor), 0.0)
    offset, error = flux.found_offset(
        (mu + jump[:, None, None]).astype(np.float32), np.ones(hole.shape, bool), np.zeros(hole.shape, bool)
    )
    assert np.abs(offset - JITTER - jump).max() < 6 * np.median(error)


def test_exposure_changes__an_edge_is_none() -> None:
    """Pixels that show a part of the sample's edge, however steep it is, have it in common with the others."""
    for share in (0.02, 0.3, 0.9):
        assert not flux.exposure_changes(share * EDGE + JITTER, (1 - share) * EDGE).size
