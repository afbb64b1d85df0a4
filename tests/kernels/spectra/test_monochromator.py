"""The geometry of a double-crystal monochromator against its published check value and small angles."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.kernels.spectra.monochromator import HC, SPACINGS, Layout, bragg_angle, geometric_shift


def test_shift__has_the_published_check_value() -> None:
    shift = geometric_shift(-512 * 4.6e-3, 7111.20, 3.13551, 29500.0, 25.0, -1)
    assert round(float(7111.20 + shift), 2) == 7109.24


@pytest.mark.parametrize("energy", [7112.0, 8979.0])
@pytest.mark.parametrize("crystal", SPACINGS)
def test_shift__is_e_cot_theta_for_small_angles(energy: float, crystal: str) -> None:
    spacing = SPACINGS[crystal]
    theta = np.arcsin(HC / (2 * spacing * energy))
    wanted = energy / np.tan(theta) * 0.1 / 50000.0
    np.testing.assert_allclose(geometric_shift(0.1, energy, spacing, 50000.0), wanted, rtol=1e-5)


def test_shift__over_5_mm_at_50_m_is_that_of_the_field() -> None:
    ends = geometric_shift(np.array([-2.5, 2.5]), 7112.0, SPACINGS["Si(111)"], 50000.0)
    assert round(float(np.ptp(ends)), 2) == 2.46


def test_shift__changes_sign_with_the_direction() -> None:
    down, up = (geometric_shift(1.0, 7112.0, 3.1356, 50000.0, 20.0, sign) for sign in (-1, 1))
    np.testing.assert_allclose(down, -up, rtol=1e-3)
    assert down > 0


def test_bragg_angle__is_nan_where_nothing_is_reflected() -> None:
    assert np.isnan(bragg_angle(1000.0, SPACINGS["Si(111)"]))


@pytest.mark.parametrize("axis", [0, 1])
def test_layout__puts_the_shift_along_its_axis(axis: int) -> None:
    field = Layout((6, 4), axis, 1.0, 3.1356, 10.0, 50.0).field(7112.0, 40.0)
    assert field.shape == (6, 4)
    np.testing.assert_allclose(field.take(1, axis), 0, atol=1e-9)
    assert np.ptp(field, axis=1 - axis).max() == 0
    assert (np.diff(field, axis=axis) > 0).all()


def test_layout__a_negative_distance_is_the_other_direction() -> None:
    layout = Layout((6, 4), 0, 2.5, 3.1356, 0.0, 50.0)
    np.testing.assert_allclose(layout.field(7112.0, -40.0), layout.field(7112.0, 40.0)[::-1], atol=1e-9)
