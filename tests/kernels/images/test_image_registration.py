"""Motion of scenes that were moved by a known way, against what is true and against other programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from xafsflow.errors import ComputationError, InputError
from xafsflow.kernels.images import image_registration as register
from xafsflow.kernels.images.band_pass import apodization, band_pass, specks


def scene(seed: int, shape: tuple[int, int] = (120, 140), width: float = 1.2) -> Any:
    """A texture without frequencies that pixels cannot show, and periodic, so that it can be moved exactly."""
    texture = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), width, mode="wrap")
    return texture / texture.std()


def moved(image: Any, by: Any) -> Any:
    spectrum = ndimage.fourier_shift(np.fft.fft2(image), by)
    return np.fft.ifft2(spectrum).real


def stack(path: Any, seed: int = 0, noise: float = 0.1, cut: int = 10) -> Any:
    """A moving scene seen through a window that stands still."""
    random = np.random.default_rng(seed + 100)
    images = np.stack([moved(scene(seed), by) for by in path])[:, cut:-cut, cut:-cut]
    return (images + noise * random.standard_normal(images.shape)).astype(np.float32)


def off(found: Any, path: Any) -> float:
    """Root mean square of what is wrong, along the worse axis; the middle of the path is a convention."""
    rest = found - path
    return float(np.sqrt(((rest - np.median(rest, axis=0)) ** 2).mean(axis=0)).max())


WAYS = {
    "steady": np.linspace((0, 0), (6, -6), 24),
    "back": np.linspace((0, 0), (-6, 6), 24),
    "jump": np.where(np.arange(24)[:, None] < 15, 0.0, (4.3, -2.7)),
    "walk": np.cumsum(np.random.default_rng(1).normal(0, 0.4, (24, 2)), axis=0),
}


@pytest.mark.parametrize("name", WAYS)
def test_motion__finds_the_way_of_a_scene(name: str) -> None:
    found, error = register.motion(stack(WAYS[name]), 10)
    assert off(found, WAYS[name]) < 0.01
    assert np.median(error) < 0.02
    np.testing.assert_allclose(np.median(found, axis=0), 0, atol=1e-12)


def test_motion__finds_none_where_there_is_none() -> None:
    found, _ = register.motion(stack(np.zeros((12, 2)), noise=0.5), 10)
    assert np.abs(found).max() < 0.02


def test_motion__is_that_of_scikit_image() -> None:
    from skimage import registration

    path = np.array([[0.0, 0.0], [1.3, -2.4]])
    images = stack(path, noise=0)
    window = np.outer(np.hanning(images.shape[1]), np.hanning(images.shape[2]))
    first, second = ((image - image.mean()) * window for image in images)
    theirs = registration.phase_cross_correlation(first, second, upsample_factor=50, normalization=None)[0]
    found, _ = register.motion(images, 10)
    np.testing.assert_allclose(found[0] - found[1], theirs, atol=0.03)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_motion__does_not_take_an_edge_for_motion(seed: int) -> None:
    """Contrasts grow tenfold, other materials brighten at other images, the ground tilts; the borders stay."""
    random = np.random.default_rng(seed)
    kinds = ndimage.gaussian_filter(random.standard_normal((3, 120, 140)), (0, 6, 6)).argmax(axis=0)
    matrix = np.where(scene(seed, width=9) > 1.2, 0.0, 0.5)
    tilt = np.linspace(-1, 1, 120)[:, None]
    images = []
    for e in range(24):
        heights = 1 / (1 + np.exp(-(e - np.array([8, 11, 14])) / 1.5))
        images.append(matrix * (1 + heights[kinds]) + 0.3 * tilt * np.exp(-((e - 11) ** 2) / 8))
    noise = 0.015 * random.standard_normal((24, 120, 140))
    found, _ = register.motion((np.stack(images) + noise).astype(np.float32), 10)
    assert np.sqrt((found**2).mean(axis=0)).max() < 0.02


def test_motion__knows_how_wrong_it_is() -> None:
    """Over many scenes the error that is told is the one that is made."""
    path = np.array([[0.0, 0.0], [0.4, 0.3], [-0.6, 0.2]])
    wrong, told = [], []
    for seed in range(12):
        found, error = register.motion(stack(path, seed=seed, noise=0.8), 5)
        rest = found - path
        wrong.append(rest - rest.mean(axis=0))
        told.append(error)
    ratio = np.std(wrong) / np.sqrt(np.mean(np.square(told)))
    assert 0.3 < ratio < 1.5


def test_motion__is_not_held_by_what_stands_still() -> None:
    path = np.linspace((0, 0), (2, -2), 16)
    images = stack(path)
    still = np.random.default_rng(0).random(images.shape[1:]) < 0.003
    images[:, still] = 30
    assert off(register.motion(images, 5, still)[0], path) < 0.02
    # Single pixels that nobody has flagged are seen.
    assert off(register.sample_path(images, np.zeros_like(still), 5)[0], path) < 0.05


def test_motion__takes_gaps() -> None:
    path = np.linspace((0, 0), (2, -2), 16)
    images = stack(path)
    images[:, 40:60, 30:50] = np.nan
    images[5, 10] = np.nan
    assert off(register.motion(images, 5)[0], path) < 0.02


def test_motion__does_not_depend_on_offsets_and_factors_of_images() -> None:
    images = stack(WAYS["walk"])
    random = np.random.default_rng(5)
    changed = images * random.uniform(0.5, 2, (24, 1, 1)) + random.normal(0, 1, (24, 1, 1))
    both = [register.motion(part.astype(np.float32), 10)[0] for part in (images, changed)]
    np.testing.assert_allclose(both[0], both[1], atol=0.01)


def test_sample_path__puts_a_failed_image_between_its_neighbors() -> None:
    path = np.linspace((0, 0), (3, -3), 20)
    images = stack(path)
    images[7] = 20 * np.random.default_rng(0).standard_normal(images[7].shape)
    images[12] = np.nan
    found, error = register.sample_path(images, np.zeros(images.shape[1:], bool), 5)
    assert np.isnan(error[[7, 12]]).all()
    assert np.isfinite(np.delete(error, [7, 12], axis=0)).all()
    assert off(found, path) < 0.01
    np.testing.assert_allclose(found[7], (found[6] + found[8]) / 2, atol=1e-3)


def test_sample_path__refuses_what_shows_nothing() -> None:
    noise = np.random.default_rng(0).standard_normal((12, 60, 60)).astype(np.float32)
    with pytest.raises(ComputationError, match="half of them or more"):
        register.sample_path(noise, np.zeros((60, 60), bool), 5)


def test_sample_path__refuses_what_goes_too_far() -> None:
    path = np.linspace((0, 0), (9, 0), 12)
    with pytest.raises(InputError, match="Raise most"):
        register.sample_path(stack(path), np.zeros((100, 120), bool), 3)


@pytest.mark.parametrize("holes", [False, True])
def test_details__are_scipys_difference_of_gaussians_over_what_is_finite(holes: bool) -> None:
    image = scene(3, (40, 50))
    good = np.ones(image.shape, bool)
    if holes:
        good[10:13, 20:22] = False
    value, parts = np.where(good, image - np.median(image[good]), 0), []
    for sigma in (1.4, 2.8):
        smooth = [
            ndimage.gaussian_filter(part, sigma, mode="constant", radius=int(np.ceil(4 * sigma)))
            for part in (value, good.astype(float))
        ]
        parts.append(smooth[0] / smooth[1])
    found = band_pass(np.where(good, image, np.nan), 1.4)
    np.testing.assert_allclose(found, parts[0] - parts[1], atol=2e-5)


def test_details__of_a_ramp_are_nothing_inside() -> None:
    ramp = np.add.outer(np.arange(50.0), 0.3 * np.arange(60))
    np.testing.assert_allclose(band_pass(ramp, 0.7)[12:-12, 12:-12], 0, atol=1e-4)


def test_fading__is_one_inside_and_falls_to_the_borders() -> None:
    window = apodization(20, 30)
    assert window.max() == 1
    assert (window[4:-4, 4:-4] == 1).all()
    assert (np.diff(window[:5, 15]) > 0).all()
    np.testing.assert_allclose(window, window[::-1, ::-1])


def test_specks__are_single_pixels_and_no_borders() -> None:
    image = np.where(np.arange(20) < 9, 0.0, 1.0) + 0.01 * np.sin(np.arange(16) / 3)[:, None]
    image[5, 5], image[7, 14] = 3.0, -2.0
    assert np.argwhere(specks(image)).tolist() == [[5, 5], [7, 14]]


@given(st.integers(1, 5000))
def test_fast__is_the_next_lower_product_of_small_primes(size: int) -> None:
    found = register.fast(size)
    assert found <= size < 2 * found or size == found
    for factor in (2, 3, 5):
        while found % factor == 0:
            found //= factor
    assert found == 1
