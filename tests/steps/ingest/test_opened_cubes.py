"""A stored cube is opened, lazily, with the steps that it went through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.io.folders import Folders
from xafsflow.phantom import Phantom, write_phantom
from xafsflow.pipeline.execution import run
from xafsflow.pipeline.recipe import parse_recipe
from xafsflow.provenance import history

FIRST = """
recipe: 1
steps:
  - ingest.tiff_stack: {flat_field: flat/*.tif, foil: foil/*.tif, dark: dark/*.tif, energies: energies.csv}
  - ingest.references: {files: {Fe: references/Fe.xdi, FeO: references/FeO.xdi, Fe2O3: references/Fe2O3.xdi}}
  - correct.absorbance
  - ingest.store
  - calibrate.constant: {shift: 0.4}
  - calibrate.apply
  - normalize.edge_step: {e0: 7112.0, pre1: -60, pre2: -12, norm1: 40, nnorm: 1}
  - derive.noise
  - train.mixtures: {step: 0.5, noise_patterns: 20, check_patterns: 300, span: [-20, 100]}
  - train.fit: {trees: 5, as: forest}
  - classify.model
"""
# One setting of the normalization is another.
SECOND = """
recipe: 1
steps:
  - ingest.cube: {file: "references:cube.zarr"}
  - ingest.model: {file: "references:models/forest.npz"}
  - calibrate.load: {file: "references:maps.zarr"}
  - calibrate.apply
  - normalize.edge_step: {e0: 7112.0, pre1: -60, pre2: -12, norm1: 40, nnorm: 1}
  - derive.noise
  - classify.model
"""


@pytest.mark.long
def test_a_later_recipe__takes_cube_model_and_calibration_of_a_run(tmp_path: Path) -> None:
    scan = write_phantom(Phantom(size=(24, 28), energies=60, seed=1), tmp_path / "scan")
    first = run(parse_recipe(FIRST, "first"), Folders(scan), tmp_path / "first").maps
    (tmp_path / "empty").mkdir()
    folders = Folders(tmp_path / "empty", tmp_path / "first")
    second = run(parse_recipe(SECOND, "second"), folders, tmp_path / "second").maps
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(second.energy_shift, first.energy_shift)
    for name in ("edge_step", "class_vote", "noise"):
        np.testing.assert_allclose(second[name], first[name], rtol=1e-5)


def other_program(folder: Path, **changes: object) -> xr.Dataset:
    rng = np.random.default_rng(0)
    energy = np.arange(7100.0, 7130)
    mu = (energy > 7112)[:, None, None] + rng.normal(0, 0.01, (30, 12, 14))
    cube = xr.Dataset(
        {"mu": (("energy", "y", "x"), mu.astype("f4")), "name": ((), 3)}, {"energy": energy}
    ).assign(changes)
    cube.attrs["history"] = "written by another program"
    return cube


@pytest.mark.parametrize("kind", ["zarr", "zarr2", "nc"])
def test_cube__of_another_program_is_declared(tmp_path: Path, kind: str) -> None:
    stored = other_program(tmp_path)
    if kind == "nc":
        pytest.importorskip("h5netcdf")
        stored.transpose("x", "y", "energy").to_netcdf(tmp_path / "cube.nc", engine="h5netcdf")
    else:
        stored.to_zarr(tmp_path / f"cube.{kind}", zarr_format=2 if kind == "zarr2" else 3, consolidated=False)
    cube = xf.ingest.cube(tmp_path, file=f"cube.{kind}")
    assert cube.mu.chunks is not None
    assert set(cube.data_vars) == {"mu", "mu_noise", "flags"}
    with pytest.raises(InputError, match=r"ingest\.as_measured"):
        history(cube)
    cube = xf.ingest.as_measured(cube)
    np.testing.assert_array_equal(cube.mu, stored.mu)
    assert 0.009 < float(cube.mu_noise.compute().median()) < 0.011
    assert np.isfinite(xf.normalize.edge_step(cube, e0=7112.0, pre1=-10, pre2=-3, norm1=3).norm).all()


def test_cube__has_energies_in_ev_as_they_increase(tmp_path: Path) -> None:
    stored = other_program(tmp_path).isel(energy=slice(None, None, -1))
    energy = stored.energy.copy(data=stored.energy.values / 1000)
    energy.attrs["units"] = "keV"
    stored.assign_coords(energy=energy).to_zarr(tmp_path / "cube.zarr", consolidated=False)
    with pytest.warns(UserWarning, match="keV"):
        cube = xf.ingest.cube(tmp_path)
    np.testing.assert_allclose(cube.energy, np.arange(7100.0, 7130))
    np.testing.assert_array_equal(cube.mu, stored.mu[::-1])


def test_cube__says_what_is_missing(tmp_path: Path) -> None:
    stored = other_program(tmp_path)
    for name, odd, words in (
        ("a", stored.rename(mu="absorption"), "absorption.*one of mu"),
        ("b", stored.rename(energy="E"), r"E \(30\).*over energy, y, x"),
        ("c", stored.drop_vars("energy"), "without the coordinate energy"),
    ):
        odd.to_zarr(tmp_path / name, consolidated=False)
        with pytest.raises(InputError, match=words):
            xf.ingest.cube(tmp_path, file=name)
    (tmp_path / "text.nc").write_text("nothing")
    with pytest.raises(InputError, match=r"text\.nc"):
        xf.ingest.cube(tmp_path, file="text.nc")
    with pytest.raises(InputError, match=r"no file 'cube\.zarr'"):
        xf.ingest.cube(tmp_path)
