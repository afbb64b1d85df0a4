from __future__ import annotations

import numpy as np
import pytest

from xafsflow.kernels.diffraction.structure_factors import (
    geometric_sums,
    inverse_spacings,
    squared_structure_factors,
)

RNG = np.random.default_rng(0)
HKL = RNG.integers(-6, 7, (20, 3))


def test_sums__are_those_of_exponentials() -> None:
    places, role = RNG.uniform(-1, 2, (9, 3)), RNG.integers(3, size=9)
    found = np.zeros((3, 20), complex)
    geometric_sums(HKL, places, role, 2.0, found)
    each = 2 * np.exp(2j * np.pi * HKL @ places.T)
    expected = np.stack([each[:, role == n].sum(1) for n in range(3)])
    assert found == pytest.approx(expected, abs=1e-12)


def test_sums__are_added_to_what_is_there() -> None:
    there = np.full((1, 20), 1.5 + 0j)
    geometric_sums(HKL, np.zeros((1, 3)), np.zeros(1, int), 1.0, there)
    assert (there == 2.5).all()


def test_spacings__are_those_of_a_triclinic_metric() -> None:
    vectors = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
    metric = np.linalg.inv(vectors @ vectors.T)
    expected = np.linalg.norm(HKL @ np.linalg.inv(vectors).T, axis=1)
    assert inverse_spacings(HKL, metric) == pytest.approx(expected)


def test_squares__damp_form_factors_that_lie_between_points() -> None:
    sums = RNG.normal(size=(2, 5)) + 1j * RNG.normal(size=(2, 5))
    spacing, factors = np.linspace(0.1, 1.9, 5), np.array([np.linspace(20, 5, 11), np.linspace(8, 1, 11)])
    displacement = np.array([0.4, 1.1])
    s = spacing / 2
    f = np.stack([np.interp(s, np.arange(11) * 0.1, one) for one in factors])
    expected = abs((f * np.exp(-displacement[:, None] * s**2) * sums).sum(0)) ** 2
    assert squared_structure_factors(sums, spacing, factors, 0.1, displacement) == pytest.approx(expected)
