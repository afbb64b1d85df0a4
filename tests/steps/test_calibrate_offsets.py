"""One shift for a field or a set of references, the geometry of the monochromator, and calibrations that are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.calibration.shift_map import calibration_of
from xafsflow.errors import ComputationError, InputError, XafsflowWarning
from xafsflow.phantom import Phantom, as_dataset, truth

SIZE = (48, 60)


def scan(**kwargs: Any) -> tuple[xr.Dataset, Any]:
    """Absorbance of a phantom, and its true shift."""
    phantom = Phantom(size=SIZE, energies=140, **kwargs)
    return xf.correct.absorbance(as_dataset(phantom)), truth(phantom)["shift"]


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
    return xf.calibrate.foil(measured[0], library, standard="Fe", tile=12)


def test_save_and_load__keep_a_calibration(tmp_path: Path, from_foil: Any) -> None:
    kept = xf.calibrate.save(from_foil[0], tmp_path)
    assert kept.identical(from_foil[0])
    assert [path.name for path in tmp_path.iterdir()] == ["calibration.npz"]
    assert xf.calibrate.load(tmp_path, file="calibration.npz").identical(from_foil[0])
    with pytest.raises(InputError, match="exists"):
        xf.calibrate.save(from_foil[0], tmp_path)


@pytest.mark.parametrize("file", ["../c.npz", "a/c.npz", "c.txt"])
def test_save__stays_in_its_folder(tmp_path: Path, from_foil: Any, file: str) -> None:
    with pytest.raises(InputError, match="a name without a folder"):
        xf.calibrate.save(from_foil[0], tmp_path, file=file)


@pytest.mark.parametrize("content", [b"", b"not a calibration", b"PK\x03\x04 cut off"])
def test_load__refuses_other_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.npz").write_bytes(content)
    with pytest.raises(InputError, match="a calibration that xafsflow saved"):
        xf.calibrate.load(tmp_path, file="c.npz")
    with pytest.raises(InputError, match="no file"):
        xf.calibrate.load(tmp_path, file="d.npz")


def test_calibration__names_what_made_it(from_foil: Any) -> None:
    attrs = from_foil[0].attrs
    assert attrs["method"] == "foil"
    assert attrs["standard"] == "Fe"
    assert len(attrs["digest"]) == 64
    assert from_foil[0].energy_shift.dims == ("y", "x")
    with pytest.raises(InputError, match="two images of one shape"):
        calibration_of(np.zeros((2, 3)), np.zeros((3, 2)))


def test_offset__adds_what_a_calibration_lacks(measured: Any, library: xr.Dataset) -> None:
    cube, shift = measured
    known = calibration_of(shift - 0.7, np.full(SIZE, 0.01))
    found, told = xf.calibrate.offset(cube, known, library, standard="Fe")
    assert told.offset == pytest.approx(0.7, abs=0.012)
    assert rms(found.energy_shift.values - shift) < 0.012
    assert found.energy_shift_error.values.min() >= 0.01


def test_offset__tells_that_the_field_is_not_even(measured: Any, library: xr.Dataset) -> None:
    with pytest.warns(XafsflowWarning, match="differs over the field by 0.6"):
        _, told = xf.calibrate.offset(measured[0], xf.calibrate.constant(measured[0]), library, standard="Fe")
    assert told.offset == pytest.approx(measured[1].mean(), abs=0.012)


def test_offset__puts_the_edge_at_the_tabulated_energy(measured: Any, library: xr.Dataset) -> None:
    cube, shift = measured
    known = calibration_of(shift, 0 * shift)
    at = xf.calibrate.offset(cube, known, library, e0=7112.0)[1].offset
    later = xf.calibrate.offset(cube, known, library, e0=7112.4)[1].offset
    assert later - at == pytest.approx(0.4, abs=0.02)
    assert abs(at) < 1.0


@pytest.mark.parametrize("settings", [{}, {"standard": "Fe", "e0": 7112.0}])
def test_offset__wants_one_goal(measured: Any, library: xr.Dataset, settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="one of them"):
        xf.calibrate.offset(measured[0], xf.calibrate.constant(measured[0]), library, **settings)


def test_align__moves_a_set_by_what_its_shared_compound_is_off(library: xr.Dataset) -> None:
    other = library.assign(energy=library.energy + 1.3).assign_coords(spectrum=["Fe2", "FeO2", "Fe2O32"])
    both = xr.concat([library, other], "spectrum")
    found, told = xf.calibrate.align(both, fixed="Fe", moved="Fe2", others=["FeO2"])
    assert told.offset == pytest.approx(-1.3, abs=1e-3)
    moved = (found.energy - both.energy).isel(point=0).values
    np.testing.assert_allclose(moved, [0, 0, 0, told.offset, told.offset, 0], atol=1e-9)


def test_align__refuses_two_compounds(library: xr.Dataset) -> None:
    with pytest.raises(InputError, match="differs from Fe by"):
        xf.calibrate.align(library, fixed="Fe", moved="Fe2O3")
    with pytest.raises(InputError, match="the standard 'Cu'"):
        xf.calibrate.align(library, fixed="Fe", moved="Fe", others=["Cu"])


def test_monochromator__has_the_published_shift() -> None:
    cube = xr.Dataset(coords={"y": np.arange(1024), "x": np.arange(2), "energy": [7111.2]})
    found = xf.calibrate.monochromator(
        cube,
        e0=7111.2,
        distance_m=29.5,
        distance_error_m=0.295,
        gap_mm=25,
        pixel_size_um=4.6,
        spacing=3.13551,
        center=512,
    )
    assert found.energy_shift.values[0, 0] == pytest.approx(-1.96, abs=0.005)
    assert found.energy_shift_error.values[0, 0] == pytest.approx(0.0196, abs=0.0001)


def test_monochromator__without_its_error_or_pixel_size_says_so() -> None:
    cube = xr.Dataset(coords={"y": np.arange(4), "x": np.arange(2)})
    with pytest.raises(InputError, match="pixel_size_um"):
        xf.calibrate.monochromator(cube, e0=7112.0, distance_m=50.0)
    with pytest.raises(InputError, match="what they reflect"):
        xf.calibrate.monochromator(cube, e0=1000.0, distance_m=50.0, pixel_size_um=5.0)
    found = xf.calibrate.monochromator(
        cube.assign_attrs(pixel_size_um=5.0), e0=7112.0, distance_m=50.0, axis="x"
    )
    assert np.isnan(found.energy_shift_error.values).all()
    assert np.ptp(found.energy_shift.values, axis=0).max() == 0


@pytest.mark.parametrize("tilt", [2.0, -2.0])
def test_distance__is_fitted_with_its_direction(tilt: float, library: xr.Dataset) -> None:
    cube, shift = scan(tilt=tilt, tilt_x=0.0, curvature=0.0, offset=0.3, seed=3)
    found, told = xf.calibrate.distance(
        cube, library, standard="Fe", e0=7112.0, distance_m=20.0, pixel_size_um=100.0
    )
    # E cot(theta) = 24,575 eV over the angle of the field.
    assert told.distance_m == pytest.approx(24575 * 48 * 100e-6 / 2.0, rel=0.01)
    assert told.deflects == ("down" if tilt > 0 else "up")
    assert told.offset == pytest.approx(0.3, abs=0.012)
    assert rms(found.energy_shift.values - shift) < 0.012
    assert (np.abs(found.energy_shift.values - shift) < 3 * found.energy_shift_error.values).mean() > 0.9


def test_distance__along_the_wrong_axis_is_refused(library: xr.Dataset) -> None:
    cube, _ = scan(tilt_x=0.0, seed=3)
    with pytest.raises(ComputationError, match="along the axis"):
        xf.calibrate.distance(
            cube, library, standard="Fe", e0=7112.0, distance_m=20.0, pixel_size_um=100.0, axis="x"
        )
