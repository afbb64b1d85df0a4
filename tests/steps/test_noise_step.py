"""derive.noise against the noise that phantoms really have: what they measure with and without it."""

from __future__ import annotations

from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.phantom import Phantom, as_dataset
from xafsflow.steps import calibrate
from xafsflow.steps.correct import drift_and_flux as motion

SETTINGS: dict[str, Any] = {"size": (64, 80), "energies": 120, "seed": 1, "dead_share": 0}


def normalized(
    cube: xr.Dataset, window: int = 0, shift: float | None = None, method: str = "edge_step"
) -> xr.Dataset:
    if shift is not None:
        cube = calibrate.apply(cube, calibrate.constant(cube, shift=shift))
    if window:
        cube = xf.correct.average(cube, window=window)
    step = getattr(xf.normalize, method)
    return (
        step(cube, e0=7112.0, pre1=-60.0, pre2=-12.0, norm1=40.0)
        if method == "mean"
        else step(cube, e0=7112.0, pre1=-60.0, pre2=-12.0, norm1=40.0, nnorm=1)
    )


def exact(cube: xr.Dataset, **settings: Any) -> xr.Dataset:
    """The cube with the absorbance that the phantom has without noise."""
    quiet = xf.correct.absorbance(as_dataset(Phantom(**{**SETTINGS, **settings}, noise=False)))
    return cube.assign(mu=quiet.mu.compute())


def real_over_predicted(noisy: xr.Dataset, still: xr.Dataset) -> float:
    """Standard deviation of what noise has made, over the predicted one: by energy, the median; robust."""
    relative = ((noisy.norm - still.norm) / noisy.norm_noise).isel(y=slice(6, -6), x=slice(6, -6)).values
    by_energy = [
        1.4826 * np.median(np.abs(row[np.isfinite(row)])) for row in relative if np.isfinite(row).sum() > 500
    ]
    return float(np.median(by_energy))


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return xf.correct.absorbance(as_dataset(Phantom(**SETTINGS))).compute()


@pytest.mark.parametrize("method", ["edge_step", "mean", "flat"])
@pytest.mark.parametrize(("window", "shift"), [(0, None), (3, None), (0, 0.7), (3, -0.9)])
def test_noise__is_what_the_phantom_has(
    cube: xr.Dataset, window: int, shift: float | None, method: str
) -> None:
    found = xf.derive.noise(normalized(cube, window, shift, method))
    still = normalized(exact(cube), window, shift, method)
    assert real_over_predicted(found, still) == pytest.approx(1, abs=0.05)
    assert float(found.noise_ratio) == pytest.approx(1, abs=0.05)


@pytest.mark.long
@pytest.mark.parametrize("window", [0, 3])
def test_noise__knows_what_the_interpolation_of_a_drift_has_damped(window: int) -> None:
    moving = {"drift": (2.0, -3.0), "energies": 60}
    cube = xf.correct.absorbance(as_dataset(Phantom(**{**SETTINGS, **moving}))).compute()
    drifted = xf.correct.drift(cube)
    mu, _ = motion._moved(exact(cube, **moving).mu.values, cube.flags.values, drifted.drift.values)
    found = xf.derive.noise(normalized(drifted, window))
    still = normalized(drifted.assign(mu=(cube.mu.dims, mu)), window)
    assert real_over_predicted(found, still) == pytest.approx(1, abs=0.05)
    assert float(found.noise_ratio) == pytest.approx(1, abs=0.05)


def test_noise__is_the_typical_noise_of_a_pixel(cube: xr.Dataset) -> None:
    found = xf.derive.noise(normalized(cube))
    np.testing.assert_allclose(found.noise, found.norm_noise.median("energy"), rtol=0.06)
    thick = found.edge_step > found.edge_step.quantile(0.8)
    thin = found.edge_step < found.edge_step.quantile(0.3)
    assert float(found.noise.where(thin).median()) > 1.2 * float(found.noise.where(thick).median())


@pytest.mark.long
def test_noise__tells_of_scatter_that_is_not_of_photons(cube: xr.Dataset) -> None:
    random = np.random.default_rng(0).standard_normal(cube.mu.shape).astype(np.float32)
    worse = cube.assign(mu=cube.mu + np.sqrt(3) * cube.mu_noise * random)
    assert float(xf.derive.noise(normalized(worse, 3)).noise_ratio) == pytest.approx(2, rel=0.06)


def test_noise__is_nan_where_there_is_no_sample(cube: xr.Dataset) -> None:
    flagged = xf.correct.background(cube, e0=7112.0)
    found = xf.derive.noise(normalized(flagged, 3))
    empty = found.flags.values & 1 > 0
    assert empty.any()
    assert np.isnan(found.noise.values[empty]).all()
    assert np.isfinite(found.noise.values[~empty]).all()


@pytest.mark.parametrize("method", ["edge_step", "flat"])
def test_noise__of_all_sources_together_is_that_of_each_energy(cube: xr.Dataset, method: str) -> None:
    found = xf.derive.noise(normalized(cube, 0, None, method))
    norm = found.norm.values.reshape(found.sizes["energy"], -1)
    mean = np.nanmedian(norm, axis=1)
    change = found.noise_response.values.T + np.outer(mean, found.step_response.values)
    together = np.sqrt((change**2).sum(axis=1)) / found.typical_noise.values
    assert np.median(together) == pytest.approx(1, abs=0.03)
    assert np.abs(together - 1).max() < 0.15


def test_noise__is_lazy_and_does_not_depend_on_chunking(nothing_computes: None) -> None:
    def chain(band: int) -> xr.Dataset:
        cube = xf.correct.absorbance(as_dataset(Phantom(**{**SETTINGS, "energies": 40}), band=band))
        return xf.derive.noise(normalized(cube, 3))

    whole, parts = chain(64), chain(9)
    assert whole.noise.chunks is not None
    with dask.config.set(scheduler="threads"):
        for name in ("noise", "norm_noise", "noise_ratio"):
            np.testing.assert_allclose(whole[name].values, parts[name].values, rtol=1e-6, err_msg=name)


def test_noise__agrees_with_the_scatter_of_the_measured_scan(shared: Any) -> None:
    folder = shared / "scan_fe"
    cube = xf.ingest.tiff_stack(
        folder, sample="sample/*.tif", flat_field="flat/*.tif", dark="dark/*.tif", energies="energies.csv"
    )
    cube = xf.correct.dead_pixels(xf.correct.absorbance(cube.isel(y=slice(20, 84), x=slice(20, 100))))
    cube = xf.correct.background(cube, e0=7112.0).compute()
    found = xf.derive.noise(normalized(cube, 3))
    assert float(found.noise_ratio) == pytest.approx(1, abs=0.05)
