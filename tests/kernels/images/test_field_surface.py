"""Surfaces over the field: polynomials that are known, and the order that cross-validation finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xafsflow.kernels.images import field_surface as surface


def places(count: int = 100, seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(-1, 1, (2, count))


@pytest.mark.parametrize("order", range(5))
def test_terms__are_those_of_a_polynomial_of_that_order(order: int) -> None:
    found = surface.terms(order)
    assert len(set(found)) == (order + 1) * (order + 2) // 2
    assert max(i + j for i, j in found) == order
    assert surface.order_of(len(found)) == order


def test_basis__is_numpys_two_dimensional_legendre() -> None:
    v, u = places()
    for column, (i, j) in zip(surface.basis(v, u, 3).T, surface.terms(3), strict=True):
        one = np.zeros((4, 4))
        one[i, j] = 1
        np.testing.assert_allclose(column, np.polynomial.legendre.legval2d(v, u, one), atol=1e-12)


def test_tile_basis__is_the_mean_over_the_tile() -> None:
    v, u, half = np.array([0.3]), np.array([-0.2]), (0.2, 0.1)
    fine = np.linspace(-1, 1, 2001)
    down, across = (a.ravel() for a in np.meshgrid(v + half[0] * fine[::10], u + half[1] * fine[::10]))
    wanted = surface.basis(down, across, 4).mean(axis=0)
    np.testing.assert_allclose(surface.tile_basis(v, u, 4, half)[0], wanted, atol=1e-3)


@pytest.mark.parametrize("order", range(5))
def test_choose_order__finds_the_order(order: int) -> None:
    (v, u), rng = places(), np.random.default_rng(order)
    weights = np.where([sum(t) == order for t in surface.terms(order)], 0.05, 0.5)
    clean = surface.basis(v, u, order) @ weights
    choice = surface.choose_order(v, u, clean + 0.005 * rng.standard_normal(100), np.full(100, 0.005))
    assert choice.order == order
    assert len(choice.scores) == 5


def test_choose_order__does_not_mind_errors_that_are_stated_too_small() -> None:
    (v, u), rng = places(), np.random.default_rng(0)
    values = 1 + v + 0.02 * rng.standard_normal(100)
    assert surface.choose_order(v, u, values, np.full(100, 0.001)).order == 1


def test_choose_order__does_not_follow_outliers() -> None:
    (v, u), rng = places(), np.random.default_rng(1)
    values = 0.5 * v + 0.005 * rng.standard_normal(100)
    values[::12] += 1.0
    choice = surface.choose_order(v, u, values, np.full(100, 0.005))
    found, _, _ = surface.fit(surface.basis(v, u, choice.order), values, np.full(100, 0.005))
    assert choice.weight[::12].max() < 0.1
    assert found[2] == pytest.approx(0.5, abs=0.01)


def test_choose_order__with_few_places_stays_low() -> None:
    v, u = places(7)
    assert len(surface.choose_order(v, u, v, np.full(7, 0.01)).scores) == 1


def test_evaluate__gives_the_surface_and_its_error_at_every_pixel() -> None:
    rng = np.random.default_rng(2)
    root = rng.standard_normal((6, 6))
    weights, covariance = rng.standard_normal(6), root @ root.T
    found, error = surface.evaluate(weights, covariance, (5, 7))
    v, u = np.meshgrid(surface.normalized(range(5), 5), surface.normalized(range(7), 7), indexing="ij")
    columns = surface.basis(v.ravel(), u.ravel(), 2)
    np.testing.assert_allclose(found.ravel(), columns @ weights, rtol=1e-5, atol=1e-6)
    wanted = np.sqrt(np.einsum("pi,ij,pj->p", columns, covariance, columns))
    np.testing.assert_allclose(error.ravel(), wanted, rtol=1e-5)


def test_slopes__tell_tilt_and_scatter() -> None:
    (v, u), rng = places(400), np.random.default_rng(3)
    values = 0.2 + 0.5 * v - 0.1 * u + 0.01 * rng.standard_normal(400)
    found = surface.slopes(v, u, values, np.full(400, 0.002))
    assert found["slope_y"] == pytest.approx(1.0, abs=4 * found["slope_y_error"])
    assert found["slope_x"] == pytest.approx(-0.2, abs=4 * found["slope_x_error"])
    # The stated errors are too small, the scatter counts: 2 * 0.01 / sqrt(400 / 3).
    assert found["slope_y_error"] == pytest.approx(0.00173, rel=0.2)
    assert found["rms"] == pytest.approx(np.sqrt(np.mean(values**2)))


def test_slopes__of_too_few_places_is_a_mean() -> None:
    found = surface.slopes([0.0, 0.5], [0.0, 0.5], np.array([1.0, 3.0]), np.ones(2))
    assert found["mean"] == pytest.approx(2.0)
    assert np.isnan(found["slope_y"])
