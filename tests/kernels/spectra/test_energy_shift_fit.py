"""Shifts of simulated spectra that are known, with noise, flux that images share, and what does not belong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares

from xafsflow.errors import ComputationError
from xafsflow.kernels.spectra.energy_shift_fit import Spectra, fit_shifts, with_other_curves

ENERGY = np.concatenate([np.arange(-50, -10, 4.0), np.arange(-10, 30, 0.5), np.arange(32, 90, 3.0)])


def curves(energy: Any, order: int) -> Any:
    """An edge with a white line, and one that lies higher."""
    places = np.array([0.0, 4.0]).reshape(2, *np.ones(np.ndim(energy), int))
    x = (energy - places) / 2.5
    peak = np.exp(-(((x - 2) / 2) ** 2))
    if order == 0:
        return 0.5 + 0.5 * np.tanh(x) + 0.4 * peak
    return (0.5 / np.cosh(x) ** 2 - 0.4 * peak * (x - 2) / 2) / 2.5


def first(energy: Any, order: int) -> Any:
    return curves(energy, order)[:1]


def simulated(
    shifts: Any, *, noise: float = 1e-3, jitter: float = 4e-3, seed: int = 0, share: Any = 1.0
) -> Any:
    rng = np.random.default_rng(seed)
    one, two = curves(ENERGY + shifts[:, None], 0)
    share = np.broadcast_to(share, shifts.shape)[:, None]
    edge = (1 + 0.001 * ENERGY) * 1.1 * (share * one + (1 - share) * two)
    clean = edge + 0.4 - 0.002 * ENERGY + 5e-6 * ENERGY**2
    return clean + noise * rng.standard_normal(clean.shape) + jitter * rng.standard_normal(ENERGY.size)


def fitted(mu: Any, basis: Any = None, start: float = 0.0, shapes: Any = first, **kwargs: Any) -> Any:
    basis = np.eye(len(mu)) if basis is None else basis
    begin = (
        np.full(basis.shape[1], start)
        if basis.shape[1] == len(mu)
        else np.r_[start, np.zeros(basis.shape[1] - 1)]
    )
    return fit_shifts(Spectra(ENERGY, mu, np.ones(mu.shape), shapes, **kwargs), basis, begin)


def test_fit__agrees_with_scipys_least_squares() -> None:
    mu = simulated(np.array([0.37]), jitter=0.0)

    def left(p: Any) -> Any:
        x = ENERGY / 50
        return (p[1] + p[2] * x) * first(ENERGY + p[0], 0)[0] + p[3] + p[4] * x + p[5] * x**2 - mu[0]

    wanted = least_squares(left, [0, 1, 0, 0, 0, 0])
    sigma = np.sqrt(2 * wanted.cost / (ENERGY.size - 6) * np.linalg.inv(wanted.jac.T @ wanted.jac)[0, 0])
    found = fitted(mu)
    assert found.shift[0] == pytest.approx(wanted.x[0], abs=0.1 * sigma)
    assert np.sqrt(found.covariance[0, 0]) == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize("sign", [1, -1])
def test_fit__finds_the_flux_of_the_images_with_the_shifts(sign: int) -> None:
    shifts = sign * np.linspace(-1.2, 1.2, 60)
    wrong, stated = [], []
    for seed in range(8):
        found = fitted(simulated(shifts, seed=seed))
        wrong.append(found.shift - shifts)
        stated.append(np.sqrt(np.diag(found.covariance)))
        assert found.jitter == pytest.approx(4e-3, rel=0.4)
    common = np.mean(wrong, axis=1)
    # Without the flux it would be 0.02 eV, alike for all spectra of a scan.
    assert np.sqrt(np.mean(common**2)) < 0.004
    assert np.sqrt(np.mean(np.square(wrong))) == pytest.approx(np.sqrt(np.mean(np.square(stated))), rel=0.4)


def test_fit__on_a_surface_knows_more_than_the_tiles() -> None:
    shifts = np.linspace(-1, 1, 40)
    mu = simulated(shifts, noise=4e-3)
    basis = np.stack([np.ones(40), np.linspace(-1, 1, 40)], axis=1)
    free, smooth = fitted(mu), fitted(mu, basis)
    assert (smooth.shift - shifts).std() < 0.5 * (free.shift - shifts).std()
    np.testing.assert_allclose(smooth.parameters, [0, 1], atol=4 * np.sqrt(np.diag(smooth.covariance).max()))


def test_fit__one_bad_image_does_not_matter() -> None:
    shifts = np.linspace(-1, 1, 40)
    mu = simulated(shifts)
    mu[:, 30] += 0.25
    assert np.sqrt(np.mean((fitted(mu).shift - shifts) ** 2)) < 0.01


def test_fit__single_wild_values_do_not_matter() -> None:
    shifts, rng = np.linspace(-1, 1, 40), np.random.default_rng(1)
    mu = simulated(shifts)
    mu[np.arange(40), rng.integers(ENERGY.size, size=40)] += 0.3
    assert np.sqrt(np.mean((fitted(mu).shift - shifts) ** 2)) < 0.01


def test_fit__takes_two_curves_in_any_amount() -> None:
    shifts, share = np.linspace(-1, 1, 40), np.tile([0.1, 0.4, 0.7, 1.0], 10)
    found = fitted(simulated(shifts, share=share), shapes=curves)
    assert np.sqrt(np.mean((found.shift - shifts) ** 2)) < 0.02
    amounts = found.amplitude[:, 0] / found.amplitude.sum(axis=1)
    assert np.abs(amounts - share).max() < 0.02
    assert found.correlation.min() > fitted(simulated(shifts), shapes=first).correlation.max()


def test_fit__knows_the_spread_of_shifts_within_a_tile() -> None:
    inside = np.linspace(-0.75, 0.75, 31)
    means = np.array([-1.0, 0.0, 1.0, 0.5])
    mu = np.stack([1.1 * first(ENERGY + m + inside[:, None], 0)[0].mean(axis=0) for m in means])
    mu = mu + 1e-4 * np.random.default_rng(0).standard_normal(mu.shape)
    plain, known = fitted(mu), fitted(mu, spread=np.full(4, inside.var()))
    assert np.abs(known.shift - means).max() < 0.002
    assert known.misfit.max() < 0.2 * plain.misfit.max()


def test_fit__from_fixed_shifts_finds_what_is_missing() -> None:
    fixed = np.linspace(-1, 1, 20)
    spectra = Spectra(ENERGY, simulated(fixed + 0.3), np.ones((20, ENERGY.size)), first)
    found = fit_shifts(spectra, np.ones((20, 1)), np.zeros(1), fixed)
    assert found.parameters[0] == pytest.approx(0.3, abs=0.01)
    np.testing.assert_allclose(found.shift, fixed + found.parameters[0])


def test_fit__that_leaves_the_standard_says_so() -> None:
    def short(energy: Any, order: int) -> Any:
        return np.where(np.abs(energy) < 85, first(energy, order), np.nan)

    with pytest.raises(ComputationError, match="where the standard is not known"):
        fitted(simulated(np.zeros(1)), shapes=short)


def test_fit__without_an_edge_ends_with_an_error() -> None:
    mu = 1 + 1e-3 * np.random.default_rng(3).standard_normal((5, ENERGY.size))
    with pytest.raises(ComputationError):
        fitted(mu)


def test_with_other_curves__tells_how_far_the_answer_would_move() -> None:
    mu = simulated(np.linspace(-1, 1, 20))
    found = fitted(mu, np.eye(20))

    def other(energy: Any, order: int) -> Any:
        return first(energy - 0.02, order)

    moved = with_other_curves(Spectra(ENERGY, mu, np.ones(mu.shape), other), np.eye(20), found)
    np.testing.assert_allclose(moved, 0.02, atol=2e-3)
