"""The noise of a typical pixel against pixels whose response is known."""

from __future__ import annotations

import numpy as np

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
