"""correct.average: a mean and a local quadratic, and what later steps know of them."""

from __future__ import annotations

from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.blocks.field import values_over_field
from xafsflow.errors import InputError
from xafsflow.phantom import Phantom, as_dataset, spectrum, truth
from xafsflow.phantom.settings import nominal_energies
from xafsflow.sampling import replay
from xafsflow.vocabulary import MAP, Flag, cube_dims

QUADRATIC: dict[str, Any] = {"window": 5, "method": "quadratic"}
WINDOWS: dict[str, Any] = {"e0": 7112.0, "pre1": -60.0, "pre2": -12.0, "norm1": 40.0, "nnorm": 1}
SIGMA = 0.02


def even(size: int = 48, seed: int = 0) -> xr.Dataset:
    """A sample of one phase with noise that is known."""
    energy = nominal_energies(90, 7112.0)
    random = np.random.default_rng(seed)
    mu = spectrum("Fe2O3", energy)[:, None, None] + SIGMA * random.standard_normal((90, size, size))
    cube = xr.Dataset({"mu": (cube_dims(), mu.astype(np.float32))}, {"energy": energy})
    cube["mu_noise"] = (cube_dims(), np.full(mu.shape, SIGMA, np.float32))
    return xf.ingest.as_measured(cube.assign(flags=(MAP, np.zeros((size, size), np.uint8))))


def test_quadratic__leaves_out_what_the_mean_leaves_out() -> None:
    y, x = np.mgrid[:9, :11].astype(np.float32) / 10
    surface = 1 + x - 2 * y + 3 * x * y - y**2
    mu = np.stack([surface, surface, surface])
    flags = np.zeros((9, 11), np.uint8)
    flags[4, 4], flags[6, 8], flags[0, :3] = Flag.DEAD, Flag.SATURATED, Flag.BACKGROUND
    mu[:, 4, 4], mu[:, 6, 8], mu[:, 0, :3], mu[1, 2, 7] = 70, -50, 30, np.nan
    cube = xr.Dataset({"mu": (cube_dims(), mu), "flags": (MAP, flags)}, {"energy": [1.0, 2.0, 3.0]})
    found = xf.correct.average(cube, **QUADRATIC).mu.values
    assert np.isnan(found[:, 0, :3]).all()
    there = flags & int(Flag.BACKGROUND) == 0
    np.testing.assert_allclose(found[:, there], np.stack([surface] * 3)[:, there], atol=1e-5)


def test_quadratic__wants_five_pixels() -> None:
    with pytest.raises(InputError, match=r"Use window: 5"):
        xf.correct.average(even(8), method="quadratic")
    with pytest.raises(InputError, match="odd"):
        xf.correct.average(even(8), window=6, method="quadratic")


def test_quadratic__is_the_same_in_blocks_and_without_dask() -> None:
    phantom = Phantom(size=(31, 37), energies=60, seed=1, dead_share=0.01)
    cubes = [
        xf.correct.dead_pixels(xf.correct.absorbance(as_dataset(phantom, band=band))) for band in (31, 5)
    ]
    cubes = [xf.correct.average(xf.correct.background(cube, e0=7112.0), **QUADRATIC) for cube in cubes]
    whole, parts = (cube.mu.compute(scheduler="synchronous").values for cube in cubes)
    assert np.isfinite(whole).any()
    np.testing.assert_array_equal(whole, parts)
    np.testing.assert_array_equal(values_over_field({"mu": cubes[1].mu})["mu"], whole)


@pytest.mark.parametrize("settings", [{"window": 3}, QUADRATIC])
def test_noise__is_what_the_average_leaves(settings: dict[str, Any]) -> None:
    cubes = [xf.correct.average(even(seed=seed), **settings) for seed in range(24)]
    found = xf.derive.noise(xf.normalize.edge_step(cubes[0], **WINDOWS)).compute()
    norms = np.stack([xf.normalize.edge_step(cube, **WINDOWS).norm.values for cube in cubes])
    wanted = norms.std(axis=0, ddof=1)
    # Over energies and blocks of alike pixels: the inside, sides and corners of the image.
    for part in (np.s_[:, 8:-8, 8:-8], np.s_[:, 8:-8, 0], np.s_[:, 0, 8:-8], np.s_[:, 0, 0]):
        spread = np.sqrt((wanted[part] ** 2).mean())
        assert np.sqrt((found.norm_noise.values[part] ** 2).mean()) == pytest.approx(spread, rel=0.08)
    assert float(found.noise_ratio) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("settings", [{"window": 3}, QUADRATIC])
def test_patterns__are_as_noisy_as_the_pixels(settings: dict[str, Any]) -> None:
    cube = xf.normalize.edge_step(xf.correct.average(even(), **settings), **WINDOWS)
    with dask.config.set(scheduler="synchronous"):
        pixels = replay.sampled_pixels(cube, 0)
    inner = np.median(pixels.noise)
    assert inner == pytest.approx(SIGMA, rel=0.02)
    n = 600
    drawn = pixels.take(np.random.default_rng(1).integers(len(pixels.edge_step), size=n))
    # With a step of one as the scan's normalization finds it.
    height = np.nanmedian(cube.edge_step.values)
    spectra = np.repeat(spectrum("Fe2O3", cube.energy.values)[:, None] / height, n, axis=1)
    plan = replay.replayed(cube)
    found = replay.through(cube, plan, spectra, drawn, np.random.default_rng(2)).norm.values[:, 0]
    rows = np.unique(np.linspace(0, 47, 14).astype(int)[1:-1])
    wanted = cube.norm.values[:, rows].reshape(len(found), -1)
    assert found.std(axis=1).mean() == pytest.approx(wanted.std(axis=1).mean(), rel=0.05)


@pytest.mark.long
@pytest.mark.parametrize(
    ("pattern", "counts", "left"),
    [("smooth", 24000.0, 0.8), ("grains", 24000.0, 0.9), ("grains", 2000.0, 0.9)],
)
def test_quadratic__lowers_the_error_of_a_sharp_sample(pattern: Any, counts: float, left: float) -> None:
    """By a fifth where the composition bends from pixel to pixel; less at borders of grains, where no polynomial fits."""
    phantom = Phantom(size=(64, 80), energies=90, pattern=pattern, grain=8.0, counts=counts, seed=5)
    answer = truth(phantom)
    cube = xf.correct.dead_pixels(xf.correct.absorbance(as_dataset(phantom)))
    cube = xf.correct.flux(xf.correct.background(cube, e0=7112.0))
    calibration = xf.calibrate.constant(cube, shift=0.0).assign(energy_shift=(MAP, answer["shift"]))
    cube = xf.calibrate.apply(cube, calibration).compute()
    misses = []
    for settings in ({"window": 3}, QUADRATIC):
        smooth = xf.derive.noise(xf.normalize.edge_step(xf.correct.average(cube, **settings), **WINDOWS))
        shares = xf.classify.combination(smooth, xf.ingest.phantom_references()).lcf_fraction.values
        miss = (shares - answer["fractions"])[:, ~answer["background"] & ~answer["dead"]]
        misses.append(np.sqrt(np.nanmean(miss**2)))
    assert misses[1] < left * misses[0]
