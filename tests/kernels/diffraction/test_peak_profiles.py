from __future__ import annotations

import numpy as np
import pytest

from xafsflow.kernels.diffraction.peak_profiles import (
    add_background,
    add_pattern,
    add_peak,
    lorentz_polarization,
    peak_width,
)

START, STEP, POINTS = 10.0, 0.01, 4001
GRID = START + STEP * np.arange(POINTS)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_peak__has_its_area_width_and_place(share: float) -> None:
    y = np.zeros(POINTS, np.float32)
    add_peak(y, START, STEP, 30.003, 2.0, 0.3, share, 0.0)
    # A Lorentzian that ends at 25 widths has lost 1.3 % of its area, and its foot as much again.
    assert y.sum() * STEP == pytest.approx(2.0, rel=1e-3 + 0.03 * share)
    assert np.ptp(GRID[y > y.max() / 2]) == pytest.approx(0.3, abs=2 * STEP)
    assert GRID[y.argmax()] == pytest.approx(30.0, abs=STEP)


def test_peak__ends_where_it_is_below_the_floor() -> None:
    whole, cut = np.zeros(POINTS, np.float32), np.zeros(POINTS, np.float32)
    add_peak(whole, START, STEP, 30.0, 1.0, 0.2, 0.8, 0.0)
    add_peak(cut, START, STEP, 30.0, 1.0, 0.2, 0.8, 0.01)
    assert (cut > 0).sum() < (whole > 0).sum()
    assert abs(whole - cut).max() < 0.012


def test_peak_outside_the_grid__leaves_its_tail() -> None:
    y = np.zeros(POINTS, np.float32)
    add_peak(y, START, STEP, 9.5, 1.0, 0.3, 1.0, 0.0)
    assert y[0] == y.max() > 0
    before = y.copy()
    add_peak(y, START, STEP, 90.0, 1.0, 0.3, 1.0, 0.0)
    add_peak(y, START, STEP, 30.0, 1.0, 0.0, 1.0, 0.0)
    assert (y == before).all()


def test_width__is_that_of_size_alone_and_of_strain_alone() -> None:
    theta = np.radians(20)
    width, share = peak_width(theta, 1.5, 100.0, 0.0, 0.0)
    assert np.radians(width) == pytest.approx(0.9 * 1.5 / (100 * np.cos(theta)))
    assert share == pytest.approx(1, abs=1e-4)
    width, share = peak_width(theta, 1.5, 1e12, 0.002, 0.0)
    assert np.radians(width) == pytest.approx(4 * 0.002 * np.tan(theta))
    assert share == pytest.approx(0, abs=1e-4)
    assert peak_width(theta, 1.5, 1e12, 0.0, 0.1)[0] == pytest.approx(
        0.1 * np.sqrt(1 - 0.4 * np.tan(theta) + 0.6 * np.tan(theta) ** 2)
    )


def test_lorentz_polarization__is_its_formula() -> None:
    # At 90 degrees: 1 / (1/2 / sqrt 2).
    assert lorentz_polarization(np.array([90.0])) == pytest.approx([2 * np.sqrt(2)])


def test_pattern__puts_each_line_where_braggs_law_does() -> None:
    y = np.zeros(POINTS, np.float32)
    lines = np.array([[1.5, 0.75], [1.6, 0.25]])
    add_pattern(
        y,
        START,
        STEP,
        np.array([0.3, 0.4]),
        np.array([5.0, 0.0]),
        lines,
        np.array([3000.0, 0.0, 0.05]),
        np.zeros(2),
        1e-3,
    )
    one, two = 2 * np.degrees(np.arcsin(0.15 * lines[:, 0]))
    heights = [y[abs(GRID - place).argmin()] for place in (one, two)]
    assert heights[1] / heights[0] == pytest.approx(0.25 / 0.75 * (1.5 / 1.6) ** 2, rel=0.05)
    away = (abs(GRID - one) > 0.5) & (abs(GRID - two) > 0.5)
    assert y[away].max() < 0.01 * y.max()


def test_lines_beyond_braggs_law__give_no_peak() -> None:
    y = np.zeros(POINTS, np.float32)
    add_pattern(
        y,
        START,
        STEP,
        np.array([2.0]),
        np.ones(1),
        np.array([[1.5, 1.0]]),
        np.array([300.0, 0.0, 0.1]),
        np.zeros(2),
        1e-3,
    )
    assert not y.any()


def test_background__has_its_level_at_the_low_end_and_falls() -> None:
    y = np.zeros(POINTS, np.float32)
    add_background(y, 0.3, 40.0, np.array([10.0, 0.5, 0.0, 0.3, 0.1]))
    assert y[0] == pytest.approx(0.3, rel=1e-5)
    assert (np.diff(y) <= 1e-7).all()
    assert y[-1] == pytest.approx(0.3 * (0.5 + 0.5 * np.exp(-4)), rel=1e-4)
    hump = np.zeros(POINTS, np.float32)
    add_background(hump, 0.3, 40.0, np.array([10.0, 0.5, 0.5, 0.3, 0.1]))
    assert hump[0] == pytest.approx(0.3, rel=1e-5)
    assert (hump / y).argmax() == pytest.approx(0.33 * POINTS, abs=0.1 * POINTS)
