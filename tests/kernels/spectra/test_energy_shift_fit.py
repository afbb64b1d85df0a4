"""Shifts of simulated spectra that are known, with noise, flux that images share, and what does not belong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares

from xafsflow.errors import ComputationError
from xafsflow.kernels.spectra.energy_shift_fit import fit_shifts, with_other_curves
from xafsflow.kernels.spectra.shift_model import Spectra

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


def gaussian(sigma: float) -> Any:
    """The first curve seen through a Gaussian, by a dense sum."""
    around = np.linspace(-5, 5, 101)
    weight = np.exp(-0.5 * around**2) / np.exp(-0.5 * around**2).sum()

    def seen(energy: Any, order: int) -> Any:
        return np.asarray(
            sum(w * first(energy + sigma * a, order) for w, a in zip(weight, around, strict=True))
        )

    return seen


def at(variance: float) -> Any:
    """The first curve at another resolution, as a fit asks for it."""
    if variance >= 0:
        return gaussian(variance**0.5)
    once, twice = gaussian((-variance) ** 0.5), gaussian((-2 * variance) ** 0.5)
    return lambda energy, order: 3 * first(energy, order) - 3 * once(energy, order) + twice(energy, order)


@pytest.mark.parametrize("sigma", [0.0, 0.5, 1.2])
def test_fit__finds_how_much_blunter_the_images_are(sigma: float) -> None:
    shifts, wrong, pulls = np.linspace(-1, 1, 30), [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        mu = 1.1 * gaussian(sigma)(ENERGY + shifts[:, None], 0)[0] + 3e-3 * rng.standard_normal(ENERGY.size)
        found = fitted(mu + 1e-3 * rng.standard_normal(mu.shape), seen=at)
        wrong.append(found.shift - shifts)
        pulls.append((found.blur - sigma**2) / found.blur_error)
        assert not found.flux_at_limit
    assert np.sqrt(np.mean(np.square(wrong))) < 0.01
    assert 0.2 < np.sqrt(np.mean(np.square(pulls))) < 2.5
    assert found.blur_error < 0.1


def test_fit__finds_that_the_images_are_sharper() -> None:
    shifts = np.linspace(-1, 1, 30)
    mu = first(ENERGY + shifts[:, None], 0)[0] + 1e-4 * np.random.default_rng(0).standard_normal(
        (30, ENERGY.size)
    )

    def blunt(variance: float) -> Any:
        """Of a standard that is blunter by 0.3 eV."""
        return at(variance + 0.09)

    found = fitted(mu, shapes=blunt(0.0), seen=blunt)
    assert found.blur == pytest.approx(-0.09, abs=0.01)
    assert np.abs(found.shift - shifts).max() < 0.005


def test_fit__of_a_resolution_that_is_none_tells_that_it_ended_at_a_limit() -> None:
    shifts = np.linspace(-1, 1, 30)
    mu = gaussian(4.0)(ENERGY + shifts[:, None], 0)[0]
    mu = mu + 1e-3 * np.random.default_rng(0).standard_normal(mu.shape)
    assert fitted(mu, seen=at).resolution_at_limit
    assert not fitted(simulated(shifts), seen=at).resolution_at_limit


def test_fit__tells_that_the_flux_took_up_what_the_curves_do_not_explain() -> None:
    shifts = np.linspace(-0.1, 0.1, 30)
    wrong = simulated(shifts, share=0.6)
    assert fitted(wrong, shapes=first).flux_at_limit
    assert not fitted(wrong, shapes=curves).flux_at_limit
