"""Measurements as cameras and beamlines leave them, read as one cube."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.phantom import Defects, Phantom, write_phantom

ENERGY = np.array([7100.0, 7110.0, 7112.0, 7120.0])


def write(folder: Path, name: str, images: np.ndarray, **how: Any) -> None:
    (folder / name).mkdir()
    for number, image in enumerate(images):
        tifffile.imwrite(folder / name / f"{name}_{number:04d}.tif", image, **how)


@pytest.fixture
def counts() -> np.ndarray:
    return np.random.default_rng(0).integers(100, 60000, (4, 6, 5)).astype(np.uint16)


@pytest.fixture
def folder(tmp_path: Path, counts: np.ndarray) -> Path:
    write(tmp_path, "sample", counts)
    (tmp_path / "energies.csv").write_text("energy_eV\n" + "\n".join(map(str, ENERGY)))
    return tmp_path


def test_tiff_stack__sorts_images_of_any_order_by_energy(folder: Path, counts: np.ndarray) -> None:
    order = [2, 0, 3, 1]
    (folder / "energies.csv").write_text("\n".join(str(ENERGY[k]) for k in order))
    cube = xf.ingest.tiff_stack(folder, energies="energies.csv")
    np.testing.assert_array_equal(cube.energy, ENERGY)
    np.testing.assert_array_equal(cube.sample[order], counts)
    assert cube.sample.dtype == np.uint16


def test_tiff_stack__converts_kev_aloud(folder: Path) -> None:
    (folder / "energies.csv").write_text("\n".join(map(str, ENERGY / 1000)))
    with pytest.warns(XafsflowWarning, match="keV"):
        cube = xf.ingest.tiff_stack(folder, energies="energies.csv")
    np.testing.assert_allclose(cube.energy, ENERGY)


def test_tiff_stack__reads_energies_off_the_names(tmp_path: Path, counts: np.ndarray) -> None:
    (tmp_path / "sample").mkdir()
    for energy, image in zip(ENERGY, counts, strict=True):
        tifffile.imwrite(tmp_path / "sample" / f"scan_{energy:08.2f}_eV.tif", image)
    np.testing.assert_array_equal(xf.ingest.tiff_stack(tmp_path).energy, ENERGY)


@pytest.mark.parametrize("kind", ["stack", "one image", "spectrum"])
def test_tiff_stack__takes_a_flat_field_of_any_kind(folder: Path, counts: np.ndarray, kind: str) -> None:
    flat = {"stack": counts + 1, "one image": counts[:1] + 1}.get(kind)
    pattern = "flat/*.tif"
    if flat is None:
        pattern = "i0.txt"
        (folder / pattern).write_text("\n".join(f"{e} {1000 + e - 7100}" for e in [7090.0, *ENERGY, 7130.0]))
    else:
        write(folder, "flat", flat)
    cube = xf.ingest.tiff_stack(folder, flat_field=pattern, energies="energies.csv")
    wanted = {"stack": counts + 1.0, "one image": counts[0] + 1.0, "spectrum": ENERGY - 6100}[kind]
    np.testing.assert_allclose(cube.flat_field, wanted)
    assert np.isfinite(xf.correct.absorbance(cube).mu).all()


def test_tiff_stack__interpolates_between_flat_fields_before_and_after(
    folder: Path, counts: np.ndarray
) -> None:
    write(folder, "flat", np.full((1, 6, 5), 100, np.uint16))
    write(folder, "later", np.full((1, 6, 5), 400, np.uint16))
    cube = xf.ingest.tiff_stack(
        folder, flat_field="flat/*.tif", flat_after="later/*.tif", energies="energies.csv"
    )
    assert cube.flat_field.dims == ("energy", "y", "x")
    np.testing.assert_allclose(cube.flat_field[:, 0, 0], [137.5, 212.5, 287.5, 362.5], rtol=1e-6)


def test_tiff_stack__takes_the_mean_of_dark_frames_and_counters(folder: Path) -> None:
    write(folder, "dark", np.stack([np.full((6, 5), k, np.uint16) for k in (10, 20, 60)]))
    (folder / "ring.txt").write_text(
        "\n".join(f"{e} {n}" for n, e in enumerate(ENERGY, start=5)) + "\n7130 1"
    )
    cube = xf.ingest.tiff_stack(folder, dark="dark/*.tif", counter="ring.txt", energies="energies.csv")
    np.testing.assert_allclose(cube.dark, 30)
    np.testing.assert_allclose(cube.counter, [5, 6, 7, 8])


def test_tiff_stack__reads_big_endian_compressed_pages(tmp_path: Path, counts: np.ndarray) -> None:
    how = {"byteorder": ">", "compression": "zlib", "bigtiff": True, "photometric": "minisblack"}
    tifffile.imwrite(tmp_path / "all.tif", counts.astype(np.float32), **how)
    (tmp_path / "e.txt").write_text("\n".join(map(str, ENERGY)))
    cube = xf.ingest.tiff_stack(tmp_path, sample="all.tif", energies="e.txt")
    np.testing.assert_array_equal(cube.sample, counts)


@pytest.mark.parametrize("name", ["flat_field", "foil", "dark"])
def test_tiff_stack__refuses_images_of_another_shape(folder: Path, name: str) -> None:
    write(folder, "other", np.zeros((4, 3, 3), np.uint16))
    with pytest.raises(InputError, match=f"{name} of 3 x 3 pixels.*Expected 6 x 5"):
        xf.ingest.tiff_stack(folder, energies="energies.csv", **{name: "other/*.tif"})


def test_references__move_by_their_offsets_and_keep_their_order(tmp_path: Path) -> None:
    for name in "ba":
        (tmp_path / f"{name}.txt").write_text("\n".join(f"{7100 + k} {k / 10}" for k in range(8)))
    library = xf.ingest.references(tmp_path, files={"b": "b.txt", "a": "a.txt"}, offsets={"a": 1.5})
    assert library.spectrum.values.tolist() == ["b", "a"]
    np.testing.assert_allclose(library.energy[:, 0], [7100, 7101.5])
    with pytest.raises(InputError, match="'c' in offsets"):
        xf.ingest.references(tmp_path, files={"b": "b.txt"}, offsets={"c": 1.0})


def test_references__are_told_what_a_column_is(tmp_path: Path) -> None:
    energy = 7000.0 + 5 * np.arange(60)
    mu = 1 / (1 + np.exp(7112 - energy))
    i0 = 1e5 + energy
    columns = np.column_stack([energy, i0, i0 * np.exp(-mu), 2 * mu]).tolist()
    rows = "\n".join(" ".join(map(repr, row)) for row in columns)
    (tmp_path / "a.txt").write_text("# E_mono alpha 'beta-2' pyrite\n" + rows)
    (tmp_path / "b.txt").write_text("# energy i0 it sulfur\n" + rows)
    files = {"a": "a.txt", "b": "b.txt"}
    said = {"a": "ln(alpha/'beta-2')", "b": 4}
    library = xf.ingest.references(tmp_path, files=files, energy={"a": "E_mono"}, mu=said)
    np.testing.assert_allclose(library.mu, [mu, 2 * mu], atol=1e-12)
    both = xf.ingest.references(tmp_path, files=files, energy=1, mu="$4/2")
    np.testing.assert_allclose(both.mu, [mu, mu])
    with pytest.raises(InputError, match=r"a.txt with 4 columns.*mu: pyrite` \(edge at 711"):
        xf.ingest.references(tmp_path, files=files, energy="$1")
    for setting in ("energy", "mu", "entry"):
        with pytest.raises(InputError, match=f"'c' in {setting}"):
            xf.ingest.references(tmp_path, files=files, **{setting: {"c": "x"}})
    with pytest.warns(XafsflowWarning, match="a.txt is left out"):
        found = xf.ingest.candidates(tmp_path, files=["*.txt"])
    assert found.spectrum.values.tolist() == ["b"]
    assert xf.ingest.candidates(tmp_path, files=["*.txt"], mu="$4").sizes["spectrum"] == 2


def scan_with(folder: Path, **settings: Any) -> Path:
    """A phantom's files of 20 images each."""
    write_phantom(Phantom(size=(12, 14), energies=20, counts=3000, **settings), folder)
    return folder


def test_tiff_stack__leaves_blank_images_out_and_names_them(tmp_path: Path) -> None:
    good = scan_with(tmp_path / "good")
    struck = scan_with(tmp_path / "struck", defects=Defects(blank=(3, 11)))
    images = {name: f"{name}/*.tif" for name in ("sample", "foil", "dark")} | {"flat_field": "flat/*.tif"}
    whole = xf.ingest.tiff_stack(good, energies="energies.csv", **images)
    blank = whole.energy.values[[3, 11]]
    with pytest.warns(
        XafsflowWarning, match=rf"{blank[0]:g} eV \(sample is blank.*{blank[1]:g} eV \(sample is"
    ):
        cube = xf.ingest.tiff_stack(struck, energies="energies.csv", **images)
    xr.testing.assert_identical(cube.compute(), whole.drop_sel(energy=blank).compute())


def test_tiff_stack__sees_a_blank_flat_field_or_foil(tmp_path: Path) -> None:
    folder = scan_with(tmp_path / "scan")
    for name, number in (("flat", 5), ("foil", 6)):
        path = sorted((folder / name).glob("*.tif"))[number]
        tifffile.imwrite(path, np.full_like(tifffile.imread(path), 100))
    images = {name: f"{name}/*.tif" for name in ("foil", "dark")} | {"flat_field": "flat/*.tif"}
    with pytest.warns(XafsflowWarning) as caught:
        cube = xf.ingest.tiff_stack(folder, energies="energies.csv", **images)
    assert cube.sizes["energy"] == 18
    (told,) = (str(one.message) for one in caught)
    assert "(flat_field is blank: flat_0005" in told
    assert "(foil is blank: foil_0006" in told


def test_tiff_stack__leaves_out_what_is_named(folder: Path, counts: np.ndarray) -> None:
    cube = xf.ingest.tiff_stack(folder, energies="energies.csv", leave_out=[7112.0])
    np.testing.assert_array_equal(cube.sample, counts[[0, 1, 3]])
    with pytest.raises(InputError, match=r"7111.5 eV in leave_out.*such as 7112 eV"):
        xf.ingest.tiff_stack(folder, energies="energies.csv", leave_out=[7111.5])


def test_tiff_stack__keeps_a_thick_sample_behind_its_edge(tmp_path: Path) -> None:
    folder = scan_with(tmp_path / "scan", thickness=(2.4, 2.8), hole_share=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cube = xf.ingest.tiff_stack(folder, energies="energies.csv", dark="dark/*.tif")
    assert cube.sizes["energy"] == 20
