"""Errors of shares against the sandwich written out in full."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xafsflow.kernels.mixtures.combination import fit_combination
from xafsflow.kernels.mixtures.share_errors import NoiseSources, share_errors

ENERGIES, REFERENCES, PIXELS = 40, 3, 5
PLACES = np.arange(6, 37)
RATIO = np.array([1.1, 0.9, 1.25])
GROUP = (np.arange(ENERGIES) > 15).astype(np.int64)


def sources(rng: np.random.Generator) -> NoiseSources:
    """Noise of each energy alone, of curves that move many, and of a step."""
    curves, drawn = rng.normal(size=(ENERGIES, 2)), rng.normal(size=(2, ENERGIES))
    response = np.diag(rng.uniform(0.5, 1.5, ENERGIES)) - 0.1 * (curves @ drawn).T
    return NoiseSources(rng.uniform(0.5, 1.5, ENERGIES), response, 0.05 * rng.normal(size=ENERGIES), GROUP)


def dense(
    c: Any, level: Any, columns: Any, noise: NoiseSources, sum_to_one: bool, moved: bool, shift_error: float
) -> Any:
    """Errors of the shares of one pixel by matrices over all energies, as if no share were bounded."""
    slope = c @ columns[-REFERENCES:]
    fitted = np.concatenate([columns[:-REFERENCES], slope[None]]) if moved else columns[:-REFERENCES]
    norm = c @ columns[:REFERENCES]
    sigma = (noise.sigma * level[GROUP])[PLACES]
    change = (noise.response[:, PLACES] + np.outer(noise.step, norm)).T * level[GROUP]
    covariance = change @ change.T
    if not moved:
        covariance = covariance + shift_error**2 * np.outer(slope, slope)
    weighted = fitted / sigma**2
    inverse = np.linalg.inv(weighted @ fitted.T)
    if sum_to_one:
        ones = (np.arange(len(fitted)) < REFERENCES).astype(float)
        inverse = inverse - np.outer(inverse @ ones, ones @ inverse) / (ones @ inverse @ ones)
    answer = (inverse @ weighted)[:REFERENCES]
    # The derivative of `c r/sum(c r)`, or of `c r`, by differences.
    touch = 1e-6 * np.eye(REFERENCES)
    turn = np.array([(shares(c + one, sum_to_one) - shares(c - one, sum_to_one)) / 2e-6 for one in touch]).T
    return np.sqrt(np.diag(turn @ answer @ covariance @ answer.T @ turn.T))


def shares(c: Any, sum_to_one: bool) -> Any:
    """Shares of the true step."""
    return c * RATIO / ((c * RATIO).sum() if sum_to_one else 1)


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("sum_to_one", [True, False])
@pytest.mark.parametrize("background", [0, 2])
def test_share_errors__are_those_of_the_sandwich_in_full(
    background: int, sum_to_one: bool, moved: bool
) -> None:
    rng = np.random.default_rng(1)
    noise = sources(rng)
    columns = rng.normal(size=(2 * REFERENCES + background, len(PLACES)))
    fraction = np.array(
        [[0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4], [0.5, 0.3, 0.2]]
    ).T
    levels = rng.uniform(0.01, 0.04, (PIXELS, 2))
    sigma = np.array([noise.sigma * level[GROUP] for level in levels]).T
    lost = rng.uniform(0, 0.01, PIXELS)
    found = share_errors(fraction, sigma, lost, columns, PLACES, noise, RATIO, sum_to_one, moved)
    wanted = [
        dense(fraction[:, x], levels[x], columns, noise, sum_to_one, moved, lost[x]) for x in range(PIXELS)
    ]
    np.testing.assert_allclose(found, np.array(wanted).T, rtol=1e-6)


@pytest.mark.parametrize("truth", [(0.0, 0.4, 0.6), (0.0, 0.0, 1.0), (0.015, 0.3, 0.685), (0.2, 0.3, 0.5)])
def test_share_errors__of_bounded_shares_are_the_scatter_of_bounded_fits(truth: tuple[float, ...]) -> None:
    rng = np.random.default_rng(5)
    columns = np.concatenate([rng.normal(size=(3, ENERGIES)), np.zeros((3, ENERGIES))])
    alone = NoiseSources(
        np.ones(ENERGIES), np.eye(ENERGIES), np.zeros(ENERGIES), np.zeros(ENERGIES, np.int64)
    )
    values = (np.array(truth) @ columns[:3])[:, None] + 0.1 * rng.standard_normal((ENERGIES, 4000))
    sigma, whole = np.full(values.shape, 0.1), np.arange(ENERGIES)
    fit = fit_combination(values, sigma, columns[:3], np.empty((0, ENERGIES)), True).fraction
    told = share_errors(fit, sigma, None, columns, whole, alone, np.ones(3), True, False)
    scatter, stated = fit.std(axis=1), np.sqrt((told**2).mean(axis=1))
    # That a share is zero is known as well as its error only: at zero more is stated than is true, never less.
    assert ((stated / scatter > 0.95) & (stated / scatter < (1.15, 1.3, 1.45)[truth.count(0.0)])).all()
    within = (np.abs(fit - fit.mean(axis=1, keepdims=True)) < 2 * told).mean()
    assert within > 0.93


def test_share_errors__are_nan_where_shares_are_and_keep_the_shape_of_a_field() -> None:
    rng = np.random.default_rng(2)
    columns, fraction = rng.normal(size=(6, len(PLACES))), np.full((3, 2, 2), 1 / 3)
    fraction[:, 0, 1] = np.nan
    found = share_errors(
        fraction, np.full((ENERGIES, 2, 2), 0.1), None, columns, PLACES, sources(rng), RATIO, True, False
    )
    assert found.shape == (3, 2, 2)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(fraction))


def test_share_errors__take_an_unknown_error_of_the_shift_for_none() -> None:
    rng = np.random.default_rng(3)
    columns, fraction, noise = rng.normal(size=(6, len(PLACES))), np.full((3, 1), 1 / 3), sources(rng)
    given = (columns, PLACES, noise, RATIO, True, False)
    sigma = np.full((ENERGIES, 1), 0.1)
    sigma[:4] = np.nan  # energies that the pixel does not cover, outside of the fit
    none = share_errors(fraction, sigma, None, *given)
    np.testing.assert_array_equal(share_errors(fraction, sigma, np.array([np.nan]), *given), none)
    assert (share_errors(fraction, sigma, np.array([0.5]), *given) > none).all()
