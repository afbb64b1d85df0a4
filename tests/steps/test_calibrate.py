"""The steps of the calibration on phantoms, and on a scan made from measured spectra, whose shifts are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.calibration.shift_map import calibration_of
from xafsflow.errors import ComputationError, InputError, XafsflowWarning
from xafsflow.io.readers import read_spectrum
from xafsflow.io.readers.spectrum_library import library_of
from xafsflow.phantom import Phantom, as_dataset, truth
from xafsflow.provenance import history
from xafsflow.step_table import STEPS
from xafsflow.vocabulary import Flag

SIZE = (48, 60)


def scan(**kwargs: Any) -> tuple[xr.Dataset, Any]:
    """Absorbance of a phantom in blocks of rows, and its true shift."""
    phantom = Phantom(size=SIZE, **{"energies": 140, **kwargs})
    return xf.correct.absorbance(as_dataset(phantom, band=16)), truth(phantom)["shift"]


def rms(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


@pytest.fixture(scope="module")
def library() -> xr.Dataset:
    return xf.ingest.phantom_references()


@pytest.fixture(scope="module")
def measured() -> tuple[xr.Dataset, Any]:
    return scan(seed=5)


@pytest.fixture(scope="module")
def from_foil(measured: Any, library: xr.Dataset) -> Any:
    return xf.calibrate.foil(measured[0], library, standard="Fe")


@pytest.mark.parametrize(("tilt", "curvature"), [(2.2, 0.06), (-2.2, 0.06), (-4.0, 0.5), (1.0, -0.4)])
def test_foil__finds_the_shift_and_knows_how_well(tilt: float, curvature: float, library: xr.Dataset) -> None:
    cube, shift = scan(tilt=tilt, curvature=curvature, seed=1)
    found, told = xf.calibrate.foil(cube, library, standard="Fe")
    wrong = found.energy_shift.values - shift
    assert rms(wrong) < 0.012
    assert abs(wrong.mean()) < 0.01
    assert (np.abs(wrong) < 2.5 * found.energy_shift_error.values).mean() > 0.9
    assert found.energy_shift_error.values.max() < 0.03
    assert told.before.slope_y == pytest.approx(-tilt, abs=0.1)
    assert abs(told.after.slope_y) < 0.03


def test_foil__stated_errors_cover_the_true_ones(library: xr.Dataset) -> None:
    scores = []
    for seed in range(8):
        cube, shift = scan(seed=seed, tilt=1.5)
        found, _ = xf.calibrate.foil(cube, library, standard="Fe", tile=12)
        scores.append(((found.energy_shift - shift) / found.energy_shift_error).values)
    assert (np.abs(scores) < 2).mean() > 0.85
    assert 0.5 < rms(scores) < 1.5


def test_foil__is_the_same_in_any_blocks(measured: Any, library: xr.Dataset, from_foil: Any) -> None:
    parts, _ = xf.calibrate.foil(measured[0].chunk(y=7, x=11), library, standard="Fe")
    np.testing.assert_allclose(parts.energy_shift, from_foil[0].energy_shift, atol=1e-6)


def test_foil__goes_by_an_order_that_is_given(measured: Any, library: xr.Dataset) -> None:
    with pytest.warns(XafsflowWarning, match="known to"):
        found, told = xf.calibrate.foil(measured[0], library, standard="Fe", order=0, tile=12)
    assert told.order == 0
    assert np.ptp(found.energy_shift.values) < 1e-6
    with pytest.raises(InputError, match="a surface of order 4 through 4 tiles"):
        xf.calibrate.foil(measured[0], library, standard="Fe", order=4, tile=30)


def test_foil__takes_a_shift_far_from_zero(measured: Any, library: xr.Dataset) -> None:
    moved = library.assign(energy=library.energy - 12.0)
    with pytest.warns(XafsflowWarning, match=r"-12.0 eV from the standard"):
        found, _ = xf.calibrate.foil(measured[0], moved, standard="Fe")
    assert rms(found.energy_shift.values + 12 - measured[1]) < 0.012


def test_foil__leaves_a_hole_out_and_tells(library: xr.Dataset) -> None:
    phantom = Phantom(size=SIZE, energies=140, seed=5)
    counts = as_dataset(phantom).load()
    counts.foil.values[:, :20, :20] = counts.flat_field.values[:, :20, :20]
    with pytest.warns(XafsflowWarning, match="400 other step"):
        found, told = xf.calibrate.foil(xf.correct.absorbance(counts), library, standard="Fe")
    assert told.pixels.other_step == 400
    assert np.isnan(told.before.map[0, 0])
    assert rms(found.energy_shift.values - truth(phantom)["shift"]) < 0.012
    inside, outside = (found.energy_shift_error.values[part] for part in (np.s_[:10, :10], np.s_[-10:, -10:]))
    assert inside.mean() > outside.mean()


def test_foil__saturated_pixels_are_left_out_and_told(library: xr.Dataset) -> None:
    phantom = Phantom(size=SIZE, energies=140, counts=60000.0)
    with pytest.warns(XafsflowWarning, match="dead or saturated"):
        found, told = xf.calibrate.foil(xf.correct.absorbance(as_dataset(phantom)), library, standard="Fe")
    assert told.pixels.dead_or_saturated > 500
    assert rms(found.energy_shift.values - truth(phantom)["shift"]) < 0.02


def test_foil__saturated_everywhere_is_refused(library: xr.Dataset) -> None:
    cube = xf.correct.absorbance(as_dataset(Phantom(size=SIZE, energies=140, counts=4e5)))
    with pytest.raises(InputError, match="not saturated"):
        xf.calibrate.foil(cube, library, standard="Fe")


@pytest.mark.parametrize("foil", ["FeO", "Fe2O3", "FeS2"])
def test_foil__of_another_material_is_refused(foil: str, library: xr.Dataset) -> None:
    with pytest.raises(InputError, match="differs from Fe by"):
        xf.calibrate.foil(scan(foil=foil)[0], library, standard="Fe")


def test_foil__standard_of_another_element_is_refused(measured: Any, library: xr.Dataset) -> None:
    copper = library.assign(energy=library.energy + 1867.0)
    with pytest.raises(InputError, match="0 energies that the standard covers"):
        xf.calibrate.foil(measured[0], copper, standard="Fe")


def test_foil__images_without_an_edge_are_refused(measured: Any, library: xr.Dataset) -> None:
    empty = measured[0].assign(foil_mu=measured[0].foil_mu * 0 + 0.3)
    with pytest.raises(InputError, match="step of"):
        xf.calibrate.foil(empty, library, standard="Fe")


@pytest.mark.parametrize("energies", [4, 8])
def test_foil__with_too_few_energies_is_refused(energies: int, library: xr.Dataset) -> None:
    with pytest.raises(InputError, match="energies"):
        xf.calibrate.foil(scan(energies=energies)[0], library, standard="Fe")


def test_foil__a_standard_that_is_not_there_is_named(measured: Any, library: xr.Dataset) -> None:
    with pytest.raises(InputError, match=r"'Feo' \(did you mean"):
        xf.calibrate.foil(measured[0], library, standard="Feo")


def test_sample__finds_the_shift_without_a_foil(measured: Any, library: xr.Dataset) -> None:
    found, told = xf.calibrate.sample(measured[0], library)
    assert rms(found.energy_shift.values - measured[1]) < 0.03
    assert told.correlation > 0.5
    assert rms(found.energy_shift.values - measured[1]) < 3 * found.energy_shift_error.values.max()


def test_sample__refuses_references_that_differ_by_a_shift(library: xr.Dataset) -> None:
    other = library.assign(energy=library.energy + 0.5).assign_coords(spectrum=["a", "b", "c"])
    with pytest.raises(ComputationError, match="cannot be distinguished"):
        xf.calibrate.sample(
            scan(references=("Fe",))[0], xr.concat([library, other], "spectrum"), references=["Fe", "a"]
        )


def test_sample__refuses_what_the_references_do_not_explain(measured: Any, library: xr.Dataset) -> None:
    with pytest.raises(InputError, match="differs from Fe by"):
        xf.calibrate.sample(measured[0], library, references=["Fe"])


def test_sample__refuses_an_error_above_the_worst_that_is_asked_for(
    measured: Any, library: xr.Dataset
) -> None:
    with pytest.raises(ComputationError, match=r"known to .* eV only"):
        xf.calibrate.sample(measured[0], library, worst=1e-4)


def test_apply__puts_the_edge_of_all_pixels_at_one_energy(
    measured: Any, library: xr.Dataset, from_foil: Any
) -> None:
    cube = xf.calibrate.apply(measured[0], from_foil[0])
    told = xf.calibrate.check(cube, library, standard="Fe")
    assert told.before.slope_y == pytest.approx(-2.2, abs=0.1)
    assert abs(told.after.slope_y) < 0.03
    assert told.after.rms < 0.05 * told.before.rms
    sample = xf.calibrate.check(cube, library, images="mu")
    assert sample.after.rms < 0.1 * sample.before.rms


def test_apply__gives_the_absorbance_that_an_even_field_would_have() -> None:
    even = {"tilt": 0.0, "tilt_x": 0.0, "curvature": 0.0}
    cube, shift = scan(noise=False, flux_jitter=0.0, energies=210)
    wanted, _ = scan(noise=False, flux_jitter=0.0, energies=210, **even)
    moved = xf.calibrate.apply(cube, calibration_of(shift, 0 * shift))
    wrong, before = ((one.mu - wanted.mu).values for one in (moved, cube))
    good = np.isfinite(wrong)
    assert good[4:-4].all()
    assert rms(wrong[good]) < 0.05 * rms(before[good])


def test_apply__masks_and_flags_what_is_not_covered(measured: Any) -> None:
    cube = measured[0]
    shift = np.zeros(SIZE, np.float32)
    shift[0], shift[1] = 1.0, -1.0
    moved = xf.calibrate.apply(cube, calibration_of(shift, shift))
    missing = np.isnan(moved.mu.values) & np.isfinite(cube.mu.values)
    assert missing[0, 0].all()
    assert missing[-1, 1].all()
    assert missing.sum() == 2 * SIZE[1]
    flagged = (moved.flags.values & int(Flag.ENERGY_RANGE)) > 0
    assert flagged[:2].all()
    assert not flagged[2:].any()


@pytest.mark.parametrize("method", ["cubic", "linear"])
def test_apply__is_lazy_and_does_not_depend_on_blocks(measured: Any, from_foil: Any, method: Any) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise AssertionError("computed")

    with dask.config.set(scheduler=fail):
        whole = xf.calibrate.apply(measured[0], from_foil[0], method=method)
        parts = xf.calibrate.apply(measured[0].chunk(y=5, x=13), from_foil[0], method=method)
    for name in ("mu", "foil_mu", "flags", "energy_shift", "energy_shift_error"):
        np.testing.assert_array_equal(whole[name], parts[name])


def test_apply__leaves_its_input_and_the_measured_noise(measured: Any, from_foil: Any) -> None:
    before = dict(measured[0].data_vars)
    moved = xf.calibrate.apply(measured[0], from_foil[0])
    assert dict(measured[0].data_vars).keys() == before.keys()
    assert moved.mu_noise.data is measured[0].mu_noise.data
    assert history(moved)[-1]["step"] == "calibrate.apply"
    assert moved.energy_shift.attrs["units"] == "eV"


def test_apply__twice_or_on_another_field_is_refused(measured: Any, from_foil: Any) -> None:
    moved = xf.calibrate.apply(measured[0], from_foil[0])
    with pytest.raises(InputError, match="has moved"):
        xf.calibrate.apply(moved, from_foil[0])
    with pytest.raises(InputError, match="48 x 60 pixels for a cube of 24 x 60"):
        xf.calibrate.apply(measured[0].isel(y=slice(24)), from_foil[0])


def test_apply__is_replayed_on_training_spectra() -> None:
    passes = STEPS["calibrate.apply"].passes
    assert passes is not None
    assert passes.acts_on == "pixel"


def test_scan_of_measured_spectra__is_calibrated_within_the_limits(shared: Path) -> None:
    folder, files = shared / "scan_fe", {"Fe": "Fe_metal_rt_01", "FeO": "FeO_rt_01", "Fe2O3": "Fe2O3_rt_01"}
    patterns = {"flat_field": "flat/*.tif", "foil": "foil/*.tif", "dark": "dark/*.tif"}
    cube = xf.correct.absorbance(xf.ingest.tiff_stack(folder, energies="energies.csv", **patterns))
    spectra = [replace(read_spectrum(shared / "standards/Fe" / f"{f}.xdi"), name=n) for n, f in files.items()]
    shift = np.load(folder / "truth.npz")["shift"]
    found, _ = xf.calibrate.foil(cube, library_of(spectra), standard="Fe")
    wrong = found.energy_shift.values - shift
    assert rms(wrong) < 0.012
    assert abs(wrong.mean()) < 0.01
    assert (np.abs(wrong) <= 2 * found.energy_shift_error.values).mean() >= 0.95
    alone, _ = xf.calibrate.sample(cube, library_of(spectra))
    assert rms(alone.energy_shift.values - shift) < 0.1
