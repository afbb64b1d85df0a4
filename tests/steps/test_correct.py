"""The steps of correct against a phantom whose answer is known, and against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import ndimage

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.phantom import Phantom, as_dataset, exact_mu, truth
from xafsflow.vocabulary import MAP, Flag, cube_dims


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return Phantom(size=(30, 36), energies=60, seed=2, dead_share=0.004)


@pytest.fixture(scope="module")
def cube(phantom: Phantom) -> xr.Dataset:
    return xf.correct.absorbance(as_dataset(phantom, band=7)).compute()


def counts_cube(sample: np.ndarray, flat: np.ndarray, dark: np.ndarray | None = None) -> xr.Dataset:
    found = {
        "sample": (cube_dims(), sample),
        "flat_field": (cube_dims()[-flat.ndim :] if flat.ndim > 1 else ("energy",), flat),
    }
    if dark is not None:
        found["dark"] = (MAP, dark)
    return xr.Dataset(found, {"energy": 7000.0 + np.arange(len(sample))})


def test_absorbance__is_the_phantoms_where_there_is_no_noise() -> None:
    quiet = Phantom(size=(12, 16), energies=20, noise=False, flux_jitter=0, dead_share=0, seed=1)
    mu = xf.correct.absorbance(as_dataset(quiet)).mu.values
    wanted = np.stack([exact_mu(quiet, "sample", k) for k in range(20)])
    # Counts are rounded to whole numbers: 0.5 of some thousand.
    np.testing.assert_allclose(mu, wanted, atol=2e-3)


@pytest.mark.parametrize("bad", [0, 5, np.nan, -3])
def test_absorbance__makes_nan_and_a_flag_of_counts_not_above_the_dark(bad: float) -> None:
    sample = np.full((4, 3, 3), 100.0, np.float32)
    sample[2, 1, 1] = bad
    found = xf.correct.absorbance(
        counts_cube(sample, np.full((4, 3, 3), 200.0), np.full((3, 3), 10.0, np.float32))
    )
    assert np.isnan(found.mu.values[2, 1, 1])
    assert np.isnan(found.mu.values).sum() == 1
    assert found.flags.values[1, 1] == Flag.NOT_FINITE
    assert (found.flags.values != 0).sum() == 1


def test_absorbance__takes_no_dark_off_an_i0_spectrum() -> None:
    sample = np.full((4, 2, 2), 110.0, np.float32)
    found = xf.correct.absorbance(
        counts_cube(sample, np.arange(1.0, 5.0) * 100, np.full((2, 2), 10.0, np.float32))
    )
    np.testing.assert_allclose(found.mu.values[:, 0, 0], np.log([1, 2, 3, 4]), atol=1e-6)


def test_mu_noise__is_the_scatter_of_the_scan() -> None:
    settings = {"size": (40, 48), "energies": 150, "seed": 1, "dead_share": 0}
    noisy = xf.correct.absorbance(as_dataset(Phantom(**settings)))
    exact = xf.correct.absorbance(as_dataset(Phantom(**settings, noise=False))).mu.values
    assert np.std((noisy.mu.values - exact) / noisy.mu_noise.values) == pytest.approx(1, abs=0.05)


def test_dead_pixels__are_found_and_filled_from_their_neighbors(phantom: Phantom, cube: xr.Dataset) -> None:
    mended = xf.correct.dead_pixels(cube)
    dead = truth(phantom)["dead"]
    assert dead.sum() >= 3
    np.testing.assert_array_equal(mended.flags.values & Flag.DEAD > 0, dead)
    assert np.isfinite(mended.mu.values[:, dead]).all()
    np.testing.assert_array_equal(mended.mu.values[:, ~dead], cube.mu.values[:, ~dead])
    y, x = np.argwhere(dead & (np.indices(dead.shape).min(axis=0) > 0) & (np.indices(dead.shape)[0] < 29))[0]
    near = cube.mu.values[:, y - 1 : y + 2, x - 1 : min(x + 2, 36)].reshape(60, -1)
    good = ~dead[y - 1 : y + 2, x - 1 : min(x + 2, 36)].ravel()
    np.testing.assert_allclose(mended.mu.values[:, y, x], near[:, good].mean(axis=1), rtol=1e-5)


def test_dead_pixels__flags_what_is_saturated_at_some_energies() -> None:
    sample = np.full((5, 8, 8), 1000, np.uint16)
    sample[3, 4, 4] = 65535
    found = xf.correct.dead_pixels(
        xf.correct.absorbance(counts_cube(sample, np.full((5, 8, 8), 2000, np.uint16)))
    )
    assert found.flags.values[4, 4] == Flag.SATURATED
    np.testing.assert_allclose(found.mu.values[:, 4, 4], np.log(2), atol=1e-6)


def test_background__is_what_holds_no_sample(phantom: Phantom, cube: xr.Dataset) -> None:
    mended = xf.correct.dead_pixels(cube)
    known = truth(phantom)
    found = xf.correct.background(mended, e0=7112.0).flags.values & Flag.BACKGROUND > 0
    assert known["background"].any()
    np.testing.assert_array_equal(found[~known["dead"]], known["background"][~known["dead"]])


def test_background__wants_points_on_both_sides(cube: xr.Dataset) -> None:
    with pytest.raises(InputError, match="4 or more"):
        xf.correct.background(cube, e0=7050.0)


def test_average__is_scipys_mean_away_from_flags(cube: xr.Dataset) -> None:
    clean = cube.assign(mu=cube.mu.fillna(0.5), flags=xr.zeros_like(cube.flags))
    found = xf.correct.average(clean, window=5).mu.values
    wanted = ndimage.uniform_filter(clean.mu.values.astype(float), (0, 5, 5))
    np.testing.assert_allclose(found[:, 2:-2, 2:-2], wanted[:, 2:-2, 2:-2], atol=1e-6)


def test_average__leaves_masked_pixels_out_and_background_empty() -> None:
    mu = np.ones((3, 5, 5), np.float32)
    mu[:, 2, 2], mu[:, 0, 0] = 100, 50
    flags = np.zeros((5, 5), np.uint8)
    flags[2, 2], flags[0, 0] = Flag.DEAD, Flag.BACKGROUND
    cube = xr.Dataset({"mu": (cube_dims(), mu), "flags": (MAP, flags)}, {"energy": [1.0, 2.0, 3.0]})
    found = xf.correct.average(cube).mu.values
    assert np.isnan(found[:, 0, 0]).all()
    found[:, 0, 0] = 1
    np.testing.assert_array_equal(found, 1)


def test_average__counts_a_pixel_with_a_gap_at_its_other_energies() -> None:
    mu = np.ones((3, 3, 3), np.float32)
    mu[1, 1, 1], mu[2, 1, 1] = np.nan, 10
    cube = xr.Dataset(
        {"mu": (cube_dims(), mu), "flags": (MAP, np.zeros((3, 3), np.uint8))}, {"energy": [1.0, 2.0, 3.0]}
    )
    np.testing.assert_allclose(xf.correct.average(cube).mu.values[:, 1, 1], [1, 1, 2])


def test_average__wants_an_odd_window(cube: xr.Dataset) -> None:
    with pytest.raises(InputError, match="odd"):
        xf.correct.average(cube, window=4)


def test_crop__keeps_what_it_names(cube: xr.Dataset) -> None:
    found = xf.correct.crop(cube, y=(3, 9), x=(None, 5), energy=(7100.0, 7150.0))
    assert (found.sizes["y"], found.sizes["x"]) == (6, 5)
    assert found.energy.values.min() >= 7100
    assert found.energy.values.max() <= 7150
    with pytest.raises(InputError, match="something left"):
        xf.correct.crop(cube, energy=(8000.0, None))


def test_bin__is_the_mean_and_its_noise_falls_as_a_root(cube: xr.Dataset) -> None:
    clean = cube.assign(mu=cube.mu.fillna(0.5))
    found = xf.correct.bin(clean, y=2, x=3)
    wanted = clean.mu.values.reshape(60, 15, 2, 12, 3).mean(axis=(2, 4), dtype=float)
    np.testing.assert_allclose(found.mu.values, wanted, rtol=1e-6)
    uniform = xf.correct.bin(clean.assign(mu_noise=xr.ones_like(clean.mu)), y=2, x=3)
    np.testing.assert_allclose(uniform.mu_noise.values, 1 / np.sqrt(6), rtol=1e-6)


def test_despike__takes_out_spikes_and_leaves_the_edge(phantom: Phantom, cube: xr.Dataset) -> None:
    spiked = cube.mu.fillna(0.5).copy(deep=True)
    places = [(20, 5, 7), (35, 11, 3), (50, 20, 30)]
    for place in places:
        spiked.values[place] += 1.0
    found = xf.correct.despike(cube.assign(mu=spiked)).mu.values
    before = cube.mu.fillna(0.5).values
    assert all(abs(found[place] - before[place]) < 0.2 for place in places)
    assert (found != before).sum() <= len(places) + 2
