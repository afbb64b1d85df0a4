from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.kernels.spectra.mback import mback
from xafsflow.kernels.spectra.normalization import edge_step
from xafsflow.kernels.spectra.normalization_windows import Windows, larch_ranges

E0 = 7112.0
WINDOWS = Windows(pre2=-30, norm1=40)


@pytest.fixture
def f2(energy: Any) -> Any:
    """Like a table: falling on both sides of a step."""
    return np.where(energy > E0, 3.9, 0.47) * (E0 / energy) ** 1.7


def test_mback__is_that_of_larch(spectra: Any, recorded: Any) -> None:
    import xraydb

    compared = [spectrum for spectrum in spectra if "mback" in spectrum.larch]
    assert compared
    for spectrum in compared:
        energy, truth = spectrum.energy, spectrum.larch["mback"]
        norm, step = mback(energy, spectrum.mu, E0, xraydb.f2_chantler(26, energy))
        at = np.linspace(0, len(energy) - 1, recorded["samples"]).astype(int)
        assert step == pytest.approx(truth["edge_step"], rel=1e-6)
        np.testing.assert_allclose(norm[at], truth["norm"], atol=1e-6)


def test_mback__is_the_least_squares_match(energy: Any, block: Any, f2: Any) -> None:
    mu, order = block()[:, 1, 2], 3
    norm, step = mback(energy, mu, E0, f2, WINDOWS, order)
    edge = energy[np.abs(energy - E0).argmin()]
    before = np.arange(energy.size) <= np.abs(energy - edge + 30).argmin()
    after = np.arange(energy.size) >= np.abs(energy - edge - 40).argmin()
    sigma = np.sqrt(np.where(before, before.sum(), after.sum()))[before | after]
    design = np.column_stack([mu, *(-(((energy - edge) / 50) ** k) for k in range(order + 1))])
    inside = before | after
    scale, *polynomial = np.linalg.lstsq(design[inside] / sigma[:, None], f2[inside] / sigma, rcond=None)[0]
    matched = f2 + sum(c * ((energy - edge) / 50) ** k for k, c in enumerate(polynomial))
    limits = Windows(energy[0] - edge, -30, 40, energy[-1] - edge, nnorm=2)
    _, height = edge_step(energy, matched, edge, limits)
    ranges = larch_ranges(energy, edge, limits)
    window = slice(ranges.pre_start, ranges.pre_stop)
    line = np.polynomial.Polynomial.fit(energy[window], matched[window], 1)(energy)
    assert step == pytest.approx(height / scale, rel=1e-9)
    np.testing.assert_allclose(norm, (scale * mu - line) / height, atol=1e-9)


def test_mback__finds_a_table_hidden_in_a_line(energy: Any, f2: Any) -> None:
    mu = (0.3 * f2 + 0.2 - 0.005 * (energy - E0))[:, None] * [1.0, 7.0]
    norm, step = mback(energy, mu, E0, f2, WINDOWS)
    truth, height = mback(energy, f2, E0, f2, WINDOWS)
    np.testing.assert_allclose(norm, truth[:, None] * [1, 1], atol=1e-9)
    np.testing.assert_allclose(step, 0.3 * height * np.array([1.0, 7.0]), rtol=1e-9)


@pytest.mark.parametrize("as_map", [False, True])
def test_mback__pixel_by_pixel_without_its_missing_energies(
    as_map: bool, energy: Any, block: Any, f2: Any
) -> None:
    mu, e0 = block((2, 3)), np.array([[7108.0, 7109, 7110], [7111, 7112, 7113]])
    mu[[0, 9, -2], 0, 1], mu[:, 1, 0], mu[4:, 1, 1], mu[:, 1, 2] = np.nan, np.nan, np.nan, 0.0
    norm, step = mback(energy, mu, e0 if as_map else E0, f2, WINDOWS)
    for x in range(3):
        there = np.isfinite(mu[:, 0, x])
        edge = float(e0[0, x]) if as_map else E0
        alone, height = mback(energy[there], mu[there, 0, x], edge, f2[there], WINDOWS)
        np.testing.assert_array_equal(norm[there, 0, x], alone)
        assert step[0, x] == height
    assert np.isnan(norm[:, 1]).all()
    small = mback(energy, mu.astype(np.float32), e0 if as_map else E0, f2, WINDOWS)
    np.testing.assert_allclose(small[0][:, 0], norm[:, 0], atol=1e-5)


def test_mback__refuses_a_table_that_does_not_fit(energy: Any, block: Any, f2: Any) -> None:
    with pytest.raises(InputError, match="a finite value for each of"):
        mback(energy, block(), E0, f2[1:])
    with pytest.raises(InputError, match="1 values not finite"):
        mback(energy, block(), E0, np.where(energy == energy[3], np.nan, f2))
    with pytest.raises(InputError, match="Expected pre2 and norm1"):
        mback(energy, block(), E0, f2, Windows())
    with pytest.raises(InputError, match="order 7"):
        mback(energy, block(), E0, f2, order=7)
