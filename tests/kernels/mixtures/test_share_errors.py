"""Errors of shares against the sandwich written out in full."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xafsflow.kernels.mixtures.share_errors import NoiseSources, share_errors

ENERGIES, REFERENCES, PIXELS = 40, 3, 5
PLACES = np.arange(6, 37)
GROUP = (np.arange(ENERGIES) > 15).astype(np.int64)


def sources(rng: np.random.Generator) -> NoiseSources:
    """Noise of each energy alone, of curves that move many, and of a step."""
    curves, drawn = rng.normal(size=(ENERGIES, 2)), rng.normal(size=(2, ENERGIES))
    response = np.diag(rng.uniform(0.5, 1.5, ENERGIES)) - 0.1 * (curves @ drawn).T
    return NoiseSources(rng.uniform(0.5, 1.5, ENERGIES), response, 0.05 * rng.normal(size=ENERGIES), GROUP)


def dense(
    f: Any, level: Any, columns: Any, noise: NoiseSources, sum_to_one: bool, moved: bool, shift_error: float
) -> Any:
    """Of one pixel, by matrices over all energies."""
    slope = f @ columns[-REFERENCES:]
    fitted = np.concatenate([columns[:-REFERENCES], slope[None]]) if moved else columns[:-REFERENCES]
    norm = f @ columns[:REFERENCES]
    sigma = (noise.sigma * level[GROUP])[PLACES]
    change = (noise.response[:, PLACES] + np.outer(noise.step, norm)).T * level[GROUP]
    covariance = change @ change.T
    if not moved:
        covariance = covariance + shift_error**2 * np.outer(slope, slope)
    found = np.full(REFERENCES, np.nan)
    for r in range(REFERENCES):
        used = np.concatenate([f > 0, np.ones(len(fitted) - REFERENCES, bool)])
        used[r] = True
        weighted = fitted[used] / sigma**2
        inverse = np.linalg.inv(weighted @ fitted[used].T)
        if sum_to_one:
            ones = (np.flatnonzero(used) < REFERENCES).astype(float)
            inverse = inverse - np.outer(inverse @ ones, ones @ inverse) / (ones @ inverse @ ones)
        answer = inverse @ weighted
        found[r] = np.sqrt((answer @ covariance @ answer.T)[used[:r].sum(), used[:r].sum()])
    if sum_to_one and (f > 0).sum() == 1:
        found[f > 0] = found.max()
    return found


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
        [[0.2, 0.5, 0.3], [0.6, 0.4, 0.0], [1.0, 0.0, 0.0], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]]
    ).T
    levels = rng.uniform(0.01, 0.1, (PIXELS, 2))
    sigma = np.array([noise.sigma * level[GROUP] for level in levels]).T
    lost = rng.uniform(0, 0.02, PIXELS)
    found = share_errors(fraction, sigma, lost, columns, PLACES, noise, sum_to_one, moved)
    wanted = [
        dense(fraction[:, x], levels[x], columns, noise, sum_to_one, moved, lost[x]) for x in range(PIXELS)
    ]
    np.testing.assert_allclose(found, np.array(wanted).T, rtol=1e-9)


def test_share_errors__are_nan_where_shares_are_and_keep_the_shape_of_a_field() -> None:
    rng = np.random.default_rng(2)
    columns, fraction = rng.normal(size=(6, len(PLACES))), np.full((3, 2, 2), 1 / 3)
    fraction[:, 0, 1] = np.nan
    found = share_errors(
        fraction, np.full((ENERGIES, 2, 2), 0.1), None, columns, PLACES, sources(rng), True, False
    )
    assert found.shape == (3, 2, 2)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(fraction))


def test_share_errors__take_an_unknown_error_of_the_shift_for_none() -> None:
    rng = np.random.default_rng(3)
    columns, fraction, noise = rng.normal(size=(6, len(PLACES))), np.full((3, 1), 1 / 3), sources(rng)
    given = (columns, PLACES, noise, True, False)
    sigma = np.full((ENERGIES, 1), 0.1)
    sigma[:4] = np.nan  # energies that the pixel does not cover, outside of the fit
    none = share_errors(fraction, sigma, None, *given)
    np.testing.assert_array_equal(share_errors(fraction, sigma, np.array([np.nan]), *given), none)
    assert (share_errors(fraction, sigma, np.array([0.5]), *given) > none).all()
