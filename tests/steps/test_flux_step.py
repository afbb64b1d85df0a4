"""correct.flux on phantoms whose flux is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
from scipy import ndimage

import xafsflow as xf
from xafsflow.errors import ComputationError, InputError
from xafsflow.phantom import Phantom, as_dataset, spectrum, truth
from xafsflow.phantom.detector import flux_of
from xafsflow.steps import correct as steps

PHANTOM = Phantom(size=(80, 96), energies=50, seed=2, flux_jitter=0.01)


def cube_of(phantom: Phantom = PHANTOM, **settings: Any) -> xr.Dataset:
    cube = xf.correct.absorbance(as_dataset(phantom, **settings))
    return xf.correct.dead_pixels(cube)


def jitter(phantom: Phantom = PHANTOM) -> Any:
    return -np.log(flux_of(phantom, "sample") / flux_of(phantom, "flat"))


@pytest.mark.parametrize("flagged", [False, True])
def test_flux__takes_the_jitter_off(flagged: bool) -> None:
    cube = cube_of().compute()
    cube = xf.correct.background(cube, e0=7112.0) if flagged else cube
    found = steps.flux(cube)
    rest = found.flux_offset.values - jitter()
    assert np.std(rest) < 0.1 * np.std(jitter())
    assert np.std(rest) < 2 * found.flux_offset_error.values.mean()
    offset = found.flux_offset.values.astype(np.float32)
    np.testing.assert_allclose(
        cube.mu.values - found.mu.values, offset[:, None, None] + 0 * cube.mu.values, atol=1e-6
    )


def test_flux__of_a_given_region_is_its_mean() -> None:
    cube = cube_of().compute()
    empty = ndimage.distance_transform_edt(np.pad(truth(PHANTOM)["background"], 1))[1:-1, 1:-1]
    y, x = np.unravel_index(empty.argmax(), empty.shape)
    reach = int(empty.max() / 1.5)
    assert reach >= 4
    region = {dim: (int(middle) - reach, int(middle) + reach) for dim, middle in (("y", y), ("x", x))}
    found = steps.flux(cube, **region)
    part = cube.mu.isel({dim: slice(*limits) for dim, limits in region.items()}).mean(["y", "x"])
    assert np.abs(found.flux_offset - part).max() < found.flux_offset_error.max()
    assert np.std(found.flux_offset.values - jitter()) < 2 * found.flux_offset_error.values.mean()


def test_flux__leaves_the_absorbance_that_a_steady_beam_measures() -> None:
    cube = cube_of().compute()
    steady = cube_of(replace(PHANTOM, flux_jitter=0.0, noise=False)).compute()
    rest = [np.std((c.mu - steady.mu).median(["y", "x"]).values) for c in (cube, steps.flux(cube))]
    assert rest[1] < 0.1 * rest[0]


def test_flux__takes_counters() -> None:
    cube = cube_of().compute()
    readings = {
        name: ("energy", 1e5 * flux_of(PHANTOM, kind))
        for name, kind in (("counter", "sample"), ("flat_counter", "flat"))
    }
    found = steps.flux(cube.assign(readings), source="counter")
    np.testing.assert_allclose(found.flux_offset, jitter())
    assert found.flux_offset_error.isnull().all()


def test_flux__wants_the_counter_of_the_flat_field_too() -> None:
    cube = cube_of()
    with pytest.raises(InputError, match="without counter"):
        steps.flux(cube, source="counter")
    with pytest.raises(InputError, match="without flat_counter"):
        steps.flux(cube.assign(counter=("energy", np.ones(50))), source="counter")


def test_flux__refuses_a_sample_without_holes() -> None:
    cube = cube_of(Phantom(size=(64, 64), energies=30, hole_share=0, seed=1))
    found = steps.flux(cube)
    with pytest.raises(ComputationError, match="leave correct"):
        found.mu.compute()
    with pytest.raises(InputError, match="Mend y and x"):
        steps.flux(cube, y=(70, 80))


@pytest.mark.long
def test_flux__is_lazy_and_does_not_depend_on_chunking(nothing_computes: None) -> None:
    whole, parts = (steps.flux(cube_of(band=band)) for band in (80, 9))
    assert whole.flux_offset.chunks is not None
    with dask.config.set(scheduler="threads"):
        for name in ("mu", "flux_offset", "flux_offset_error"):
            np.testing.assert_array_equal(whole[name].values, parts[name].values, err_msg=name)


THIN = Phantom(size=(80, 96), thickness=(0.1, 0.2), counts=24000, flux_jitter=0.003)
WINDOWS = {"e0": 7112.0, "pre1": -60.0, "pre2": -12.0, "norm1": 40.0, "nnorm": 1}


def through_the_chain(phantom: Phantom, steady: bool = False) -> xr.Dataset:
    cube = xf.correct.background(cube_of(phantom), e0=7112.0)
    cube = cube if steady else steps.flux(cube)
    return xf.normalize.edge_step(xf.correct.average(cube), **WINDOWS).compute()


def weights_of_the_step(cube: xr.Dataset) -> Any:
    """The edge step is a weighted sum over energies."""
    base, touch = np.linspace(0, 1, cube.sizes["energy"]), 1e-3
    mu = base[:, None] + np.column_stack([0 * base, touch * np.eye(len(base))])
    small = xr.Dataset({"mu": (("energy", "y", "x"), mu[:, None])}, {"energy": cube.energy.values})
    small = xf.ingest.as_measured(small.assign(flags=(("y", "x"), np.zeros((1, mu.shape[1]), np.uint8))))
    step = xf.normalize.edge_step(small, **WINDOWS).edge_step.values[0].astype(float)
    return (step[1:] - step[0]) / touch


@pytest.mark.parametrize("seed", range(3))
def test_flux__of_a_thin_sample_leaves_edge_steps_right_within_their_errors(seed: int) -> None:
    phantom = replace(THIN, seed=seed)
    found = through_the_chain(phantom)
    wanted = through_the_chain(replace(phantom, noise=False, flux_jitter=0.0), steady=True)
    inside = ndimage.binary_erosion(
        ~truth(phantom)["background"] & (found.flags.values == 0), np.ones((5, 5))
    )
    assert inside.sum() > 1000
    weights = weights_of_the_step(found)
    common = np.sqrt((weights**2 * found.flux_offset_error.values**2).sum())
    alone = np.sqrt((weights[:, None, None] ** 2 * found.mu_noise.values**2).sum(axis=0)) / 3
    off = (found.edge_step.values - wanted.edge_step.values)[inside]
    assert abs(np.median(off)) < 3 * common
    assert np.std((off - np.median(off)) / alone[inside]) == pytest.approx(1, abs=0.1)
    assert np.median(alone[inside] / wanted.edge_step.values[inside]) < 0.05


@pytest.mark.parametrize("film", [0.1, 0.5])
def test_flux__refuses_a_film_over_the_whole_field(film: float) -> None:
    thick = as_dataset(replace(THIN, seed=1))
    cube = xf.correct.dead_pixels(xf.correct.absorbance(thick)).compute()
    edge = 0.15 * film * spectrum("Fe2O3", cube.energy.values)
    cube = cube.assign(mu=cube.mu + edge.astype(np.float32)[:, None, None])
    for one in (cube, xf.correct.background(cube, e0=7112.0)):
        with pytest.raises(ComputationError, match="of the sample's edge"):
            steps.flux(one).flux_offset.compute()


def test_flux__says_when_the_sample_has_too_little_of_an_edge_to_tell() -> None:
    cube = cube_of(replace(THIN, thickness=(0.001, 0.002), matrix=0.5, flux_jitter=0.01))
    with pytest.raises(ComputationError, match="which tells nothing"):
        steps.flux(cube).flux_offset.compute()
