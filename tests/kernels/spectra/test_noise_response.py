"""The noise of a typical pixel against pixels whose response is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from xafsflow.kernels.spectra.noise_response import Followed, typical_response

SIZE = 12


def pixels(count: int, seed: int = 0) -> tuple[list[Followed], np.ndarray, np.ndarray]:
    """Pixels of unlike spectra whose norm changes by `J - norm q^T`, and the two."""
    rng = np.random.default_rng(seed)
    curves, step = np.eye(SIZE) + 0.1 * rng.normal(size=(SIZE, SIZE)), 0.2 * rng.normal(size=SIZE)
    found = []
    for _ in range(count):
        norm = rng.uniform(0, 1.5, SIZE)
        change = curves - np.outer(norm, step)
        found.append(Followed(norm, change, np.full(SIZE, 0.09), np.sqrt(0.09 * (change**2).sum(axis=1))))
    return found, curves, step


def test_typical_response__tells_the_curves_from_the_step() -> None:
    known, curves, step = pixels(9)
    _, response, by_step = typical_response(known, SIZE)
    scale = by_step[0] / -step[0]
    np.testing.assert_allclose(by_step, -scale * step, rtol=1e-9)
    np.testing.assert_allclose(response, scale * curves.T, rtol=1e-9, atol=1e-12)


def test_typical_response__does_not_depend_on_the_level_of_the_noise() -> None:
    known, _, _ = pixels(5)
    louder = [
        one._replace(variance=one.variance * k**2, sigma=one.sigma * k)
        for k, one in enumerate(known, start=1)
    ]
    for ours, theirs in zip(typical_response(known, SIZE), typical_response(louder, SIZE), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_typical_response__of_energies_that_some_pixels_lack_is_that_of_the_others() -> None:
    known, _, _ = pixels(9)
    norm, change, variance, sigma = (part.copy() for part in known[0][:4])
    norm[0] = sigma[0] = change[0] = np.nan
    found = typical_response([Followed(norm, change, variance, sigma), *known[1:]], SIZE)
    _, _, step = typical_response(known, SIZE)
    assert all(np.isfinite(part).all() for part in found)
    np.testing.assert_allclose(found[2] / found[2][0], step / step[0], rtol=1e-9)


def test_typical_response__without_a_pixel_is_that_of_independent_energies() -> None:
    sigma, response, step = typical_response([], 3)
    np.testing.assert_array_equal(sigma, np.ones(3))
    np.testing.assert_array_equal(response, np.eye(3))
    np.testing.assert_array_equal(step, np.zeros(3))


def test_typical_response__has_the_mean_of_what_weights_and_interpolations_make_of_noise() -> None:
    known, _, q = pixels(9)
    rng = np.random.default_rng(1)
    norm = np.mean([one.norm for one in known], axis=0)
    moved = []
    for one in known:
        alike = norm + 0.05 * (one.norm - norm)
        one = one._replace(norm=alike, change=one.change + np.outer(one.norm - alike, q))
        share = rng.uniform(0, 0.5)
        taken = (1 - share) * np.eye(SIZE) + share * np.eye(SIZE, k=1)
        sigma = np.sqrt(((one.change @ taken) ** 2) @ one.variance)
        moved.append(one._replace(taken=csr_array(taken), sigma=sigma))
    # Each pixel with its own weights, in units of its level.
    unit = np.median(np.sqrt(np.mean([one.sigma**2 for one in moved], axis=0)))
    mean = np.zeros((SIZE, SIZE))
    for one in moved:
        own = (one.change + np.outer(one.norm - norm, q)) @ one.taken.toarray() * np.sqrt(one.variance)
        weighted = unit * own / (own**2).sum(axis=1)[:, None]
        mean += weighted @ weighted.T / len(moved)

    def told(found: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        sigma, response, step = found
        weighted = (response.T + np.outer(norm, step)) / sigma[:, None] ** 2
        return (weighted @ weighted.T).diagonal() / mean.diagonal()

    found = told(typical_response(moved, SIZE))
    assert found.mean() == pytest.approx(1, abs=0.03)
    # The change by the step has the weights of the typical pixel throughout; here it is as large as all others.
    np.testing.assert_allclose(found, 1, atol=0.15)
    one_way = [one._replace(taken=None) for one in moved]
    assert np.abs(told(typical_response(one_way, SIZE)) - 1).mean() > 0.2
