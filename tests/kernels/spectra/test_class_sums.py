"""Sums of spectra against numpy's."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.kernels.spectra.class_sums import sums_of_finite


@pytest.mark.parametrize("energies", [1, 4, 6, 7])
def test_sums_of_finite__are_those_of_numpy(energies: int) -> None:
    rng = np.random.default_rng(energies)
    values = rng.standard_normal((energies, 50)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    values[0, 3], values[-1, 7] = np.inf, -np.inf
    pixels = np.flatnonzero(rng.random(50) < 0.7)
    sums, counts = sums_of_finite(values, pixels)
    there = np.isfinite(values[:, pixels])
    np.testing.assert_array_equal(counts, there.sum(axis=1))
    wanted = np.where(there, values[:, pixels], 0).astype(np.float64).cumsum(axis=1)[:, -1]
    np.testing.assert_array_equal(sums, wanted)


def test_sums_of_finite__of_no_pixel_are_zero() -> None:
    sums, counts = sums_of_finite(np.ones((5, 3), np.float32), np.zeros(0, np.int64))
    assert not sums.any()
    assert not counts.any()
