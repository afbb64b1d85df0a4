"""Steps that hold for the scan as a whole: motion of the sample, flux, noise, energy, against known answers."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import ComputationError, InputError
from xafsflow.phantom import Phantom, as_dataset, truth

CHAIN = {"e0": 7112.0, "pre2": -15.0, "norm1": 40.0, "nnorm": 1}


def measured(**settings: object) -> tuple[Phantom, xr.Dataset]:
    phantom = Phantom(**{"size": (96, 120), "energies": 60, "seed": 3, **settings})  # type: ignore[arg-type]
    return phantom, xf.correct.dead_pixels(xf.correct.absorbance(as_dataset(phantom)))


@pytest.mark.parametrize("way", [(6.0, -4.0), (-3.0, 6.0)])
def test_drift__finds_the_way_of_the_sample(way: tuple[float, float]) -> None:
    phantom, cube = measured(drift=way)
    found = xf.correct.drift(cube, most=6.0).drift.values
    true = truth(phantom)["drift"]
    apart = (found - np.median(found, axis=0)) - (true - np.median(true, axis=0))
    assert np.sqrt(np.mean(apart**2)) < 0.05


def test_drift__invents_none() -> None:
    _, cube = measured()
    found = xf.correct.drift(cube, most=6.0).drift.values
    assert np.sqrt(np.mean((found - np.median(found, axis=0)) ** 2)) < 0.02


def test_flux__takes_off_what_an_empty_region_tells() -> None:
    _, cube = measured(flux_jitter=0.01, hole_share=0.2)
    _, steady = measured(flux_jitter=0.0, hole_share=0.2)
    flagged = xf.correct.background(cube, e0=7112.0)
    found = xf.correct.flux(flagged)
    jitter = (cube.mu - steady.mu).median(["y", "x"]).values
    offset = found.flux_offset.values
    residual = (offset - offset.mean()) - (jitter - jitter.mean())
    assert np.std(jitter) > 0.005
    assert np.std(residual) < 0.2 * np.std(jitter)


@pytest.mark.long
def test_noise__agrees_with_the_scatter_within_5_percent() -> None:
    _, cube = measured(energies=150)
    cube = xf.normalize.edge_step(xf.correct.average(cube), **CHAIN)
    found = xf.derive.noise(cube)
    assert float(found.noise_ratio) == pytest.approx(1, abs=0.05)
    quiet = Phantom(size=(96, 120), energies=150, seed=3, noise=False)
    exact = xf.correct.average(xf.correct.dead_pixels(xf.correct.absorbance(as_dataset(quiet))))
    exact = xf.normalize.edge_step(exact, **CHAIN)
    score = ((found.norm - exact.norm) / found.norm_noise).values
    assert np.nanmedian(np.abs(score)) * 1.4826 == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("tilt", "curvature"), [(2.2, 0.06), (-2.2, 0.4), (0.0, 0.0)])
def test_foil__finds_the_shift_of_every_pixel(tilt: float, curvature: float) -> None:
    phantom, cube = measured(energies=120, tilt=tilt, curvature=curvature)
    calibration, findings = xf.calibrate.foil(cube, xf.ingest.phantom_references(), standard="Fe")
    apart = calibration.energy_shift.values - truth(phantom)["shift"]
    assert np.sqrt(np.mean(apart**2)) < 0.012
    assert abs(apart.mean()) < 0.01
    assert abs(findings.after.slope_y) < 0.02


@pytest.mark.long
def test_foil__states_an_error_that_holds_95_percent() -> None:
    # The error of a surface is one for large parts of a field: only several fields tell how often it is exceeded.
    inside = []
    for seed in range(1, 7):
        phantom, cube = measured(size=(64, 80), energies=120, seed=seed)
        calibration, _ = xf.calibrate.foil(cube, xf.ingest.phantom_references(), standard="Fe")
        apart = np.abs(calibration.energy_shift.values - truth(phantom)["shift"])
        inside.append((apart < 2 * calibration.energy_shift_error.values).mean())
    assert np.mean(inside) >= 0.95


def test_apply__brings_all_rows_to_one_edge() -> None:
    quiet = {"energies": 150, "noise": False, "flux_jitter": 0.0, "dead_share": 0.0}
    phantom, cube = measured(**quiet)
    shift = xr.DataArray(truth(phantom)["shift"].astype(np.float32), dims=("y", "x"))
    calibration = xf.calibrate.constant(cube, shift=0.0).assign(energy_shift=shift)
    moved = xf.calibrate.apply(cube, calibration)
    still = measured(**quiet, tilt=0.0, tilt_x=0.0, curvature=0.0)[1]
    inner = slice(8, -8)
    before = np.nanstd((cube.mu - still.mu).isel(energy=inner).values)
    after = np.nanstd((moved.mu - still.mu).isel(energy=inner).values)
    assert after < 0.05 * before


def test_foil__of_another_element_is_refused() -> None:
    _, cube = measured(energies=120)
    with pytest.raises((InputError, ComputationError)):
        xf.calibrate.foil(cube, xf.ingest.phantom_references(), standard="FeS2")
