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
from xafsflow.phantom import Phantom, as_dataset, truth
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
