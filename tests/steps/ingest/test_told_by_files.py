"""What files tell of a scan is used, and two sources that differ are refused with both values."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import xafsflow as xf
from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.folders import Folders
from xafsflow.pipeline.execution import preview
from xafsflow.pipeline.recipe import parse_recipe

ENERGY = np.array([7100.0, 7110.0, 7112.0, 7120.0])
Write = Callable[..., Path]


@pytest.fixture
def counts() -> np.ndarray:
    return np.random.default_rng(0).integers(100, 60000, (4, 6, 5)).astype(np.uint16)


def named(folder: Path, name: str, images: np.ndarray, energies: Any) -> None:
    (folder / name).mkdir()
    for number, (image, energy) in enumerate(zip(images, energies, strict=True)):
        tifffile.imwrite(folder / name / f"{name}_{number:04d}_{energy:08.2f}_eV.tif", image)


def test_tiff_stack__takes_what_the_file_tells(tmp_path: Path, scan_file: Write, counts: np.ndarray) -> None:
    order = [2, 0, 3, 1]
    flat, dark = counts + 1, np.stack([np.full((6, 5), k, np.uint16) for k in (10, 30)])
    scan_file(
        "scan.h5",
        images=counts[order],
        energies=ENERGY[order],
        flat_field=flat[order],
        dark=dark,
        counter=np.array([5.0, 6, 7, 8])[order],
        pixel_size_um=0.5,
    )
    cube = xf.ingest.tiff_stack(tmp_path, sample="scan.h5")
    np.testing.assert_array_equal(cube.energy, ENERGY)
    np.testing.assert_array_equal(cube.sample, counts)
    np.testing.assert_array_equal(cube.flat_field, flat)
    np.testing.assert_array_equal(cube.dark, 20)
    np.testing.assert_array_equal(cube.counter, [5, 6, 7, 8])
    assert cube.attrs["pixel_size_um"] == 0.5
    assert np.isfinite(xf.correct.absorbance(cube).mu).all()


def test_tiff_stack__prefers_what_the_recipe_names(
    tmp_path: Path, scan_file: Write, counts: np.ndarray
) -> None:
    scan_file("scan.h5", images=counts, energies=ENERGY, flat_field=counts + 1)
    tifffile.imwrite(tmp_path / "flat.tif", np.full((6, 5), 7, np.uint16))
    cube = xf.ingest.tiff_stack(tmp_path, sample="scan.h5", flat_field="flat.tif")
    np.testing.assert_array_equal(cube.flat_field, 7)


def test_tiff_stack__takes_images_inside_a_file(tmp_path: Path, scan_file: Write, counts: np.ndarray) -> None:
    scan_file("scan.h5", **{"/a/data": {"images": counts, "energies": ENERGY}})
    np.testing.assert_array_equal(xf.ingest.tiff_stack(tmp_path, sample="scan.h5::/a/data").sample, counts)


def test_tiff_stack__takes_the_mean_of_flat_fields_of_no_energy(
    tmp_path: Path, scan_file: Write, counts: np.ndarray
) -> None:
    flat = np.stack([np.full((6, 5), k, np.uint16) for k in (10, 20, 60)])
    scan_file("scan.h5", images=counts, energies=ENERGY, flat_field=flat)
    np.testing.assert_array_equal(xf.ingest.tiff_stack(tmp_path, sample="scan.h5").flat_field, 30)


def test_energies__of_the_file_and_a_table_must_agree(
    tmp_path: Path, scan_file: Write, counts: np.ndarray
) -> None:
    scan_file("scan.h5", images=counts, energies=ENERGY)
    (tmp_path / "energies.csv").write_text("\n".join(map(str, ENERGY + 30)))
    with pytest.raises(
        InputError, match=r"7130 eV.*energies\.csv, and 7100 eV by the file scan\.h5 \(4 of 4"
    ):
        xf.ingest.tiff_stack(tmp_path, sample="scan.h5", energies="energies.csv")


def test_energies__of_names_and_a_table_must_agree(tmp_path: Path, counts: np.ndarray) -> None:
    named(tmp_path, "sample", counts, ENERGY)
    (tmp_path / "energies.csv").write_text("\n".join(map(str, ENERGY + 30)))
    with pytest.raises(InputError, match=r"7130 eV for sample_0000_07100\.00_eV\.tif.*7100 eV by its name"):
        xf.ingest.tiff_stack(tmp_path, energies="energies.csv")
    cube = xf.ingest.tiff_stack(tmp_path, energies="energies.csv", ignore_names=True)
    np.testing.assert_array_equal(cube.energy, ENERGY + 30)
    # A measured energy is not the nominal one.
    (tmp_path / "energies.csv").write_text("\n".join(map(str, ENERGY + 0.2)))
    np.testing.assert_allclose(xf.ingest.tiff_stack(tmp_path, energies="energies.csv").energy, ENERGY + 0.2)


def test_energies__of_a_table_in_another_order_than_the_names_are_refused(
    tmp_path: Path, counts: np.ndarray
) -> None:
    named(tmp_path, "sample", counts, ENERGY[[1, 0, 2, 3]])
    (tmp_path / "energies.csv").write_text("\n".join(map(str, ENERGY)))
    with pytest.raises(InputError, match=r"\(2 of 4 images differ\)"):
        xf.ingest.tiff_stack(tmp_path, energies="energies.csv")


def test_energies__by_a_pattern(tmp_path: Path, counts: np.ndarray) -> None:
    (tmp_path / "sample").mkdir()
    for text, image in zip(("7112_100", "7112_800", "7113_500", "7114_200"), counts, strict=True):
        tifffile.imwrite(tmp_path / "sample" / f"fe_{text}eV.tif", image)
    wanted = [7112.1, 7112.8, 7113.5, 7114.2]
    found = xf.ingest.tiff_stack(tmp_path)
    np.testing.assert_array_equal(found.energy, wanted)
    assert found.energy.attrs["source"] == "names, as fe_{energy}eV.tif"
    np.testing.assert_array_equal(xf.ingest.tiff_stack(tmp_path, energies="fe_{energy}eV").energy, wanted)


def test_flat_field__belongs_to_images_by_the_energy_in_its_names(tmp_path: Path, counts: np.ndarray) -> None:
    named(tmp_path, "sample", counts, ENERGY)
    named(tmp_path, "flat", (counts + 1)[::-1], ENERGY[::-1])
    cube = xf.ingest.tiff_stack(tmp_path, flat_field="flat/*.tif")
    np.testing.assert_array_equal(cube.flat_field, counts + 1)
    named(tmp_path, "other", counts, ENERGY + 4)
    with pytest.raises(
        InputError, match=r"flat_field at 7104 eV \(other_0000.*the sample has 7100 eV \(sample_0000"
    ):
        xf.ingest.tiff_stack(tmp_path, flat_field="other/*.tif")
    named(tmp_path, "few", counts[:3], ENERGY[:3])
    with pytest.raises(InputError, match=r"flat_field without an image at 7120 eV.*leave_out"):
        xf.ingest.tiff_stack(tmp_path, flat_field="few/*.tif")
    left = xf.ingest.tiff_stack(tmp_path, flat_field="few/*.tif", leave_out=[7120.0])
    assert left.sizes["energy"] == 3


def test_saturated_flat_fields__are_refused(tmp_path: Path, counts: np.ndarray) -> None:
    named(tmp_path, "sample", counts, ENERGY)
    flat = np.minimum(counts + np.uint32(30000), 65535).astype(np.uint16)
    named(tmp_path, "flat", flat, ENERGY)
    with pytest.raises(
        InputError, match=r"flat_field with \d+% of its pixels at 65535 counts in most images"
    ):
        xf.ingest.tiff_stack(tmp_path, flat_field="flat/*.tif")


@pytest.mark.parametrize(
    ("way", "quantity"),
    [("absorbance", "transmission"), ("tiff_stack", "absorbance"), ("transmission", "counts")],
)
def test_ways__refuse_what_the_file_says_to_be_something_else(
    tmp_path: Path, scan_file: Write, counts: np.ndarray, way: str, quantity: str
) -> None:
    scan_file("scan.h5", images=counts, energies=ENERGY, quantity=quantity)
    right = "tiff_stack" if quantity == "counts" else quantity
    with pytest.raises(InputError, match=rf"its images are {quantity}.*[Uu]se ingest\.{right}"):
        getattr(xf.ingest, way)(tmp_path, sample="scan.h5")


def test_case_18__shows_both_energies(shared: Path) -> None:
    folder = shared / "formats" / "cases" / "18-names-against-csv"
    images = {"flat_field": "flat/*.tif", "dark": "dark/*.tif"}
    with pytest.raises(InputError, match=r"7080 eV.*energies\.csv.*7050 eV by its name"):
        xf.ingest.tiff_stack(folder, energies="energies.csv", **images)
    assert float(xf.ingest.tiff_stack(folder, **images).energy[0]) == 7050.0


def test_case_12__is_read_with_its_decimals(shared: Path, tmp_path: Path, counts: np.ndarray) -> None:
    names = (shared / "formats" / "cases" / "12-underscore-decimals" / "names.txt").read_text().split()
    for name, image in zip(names, counts, strict=True):
        tifffile.imwrite(tmp_path / name, image)
    found = xf.ingest.tiff_stack(tmp_path, sample="*.tif").energy
    np.testing.assert_array_equal(found, [7112.1, 7112.8, 7113.5, 7114.2])


def test_case_13__leaves_the_blank_image_out(shared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "case"
    shutil.copytree(shared / "formats" / "cases" / "13-one-blank-image", folder)
    files = {"sample": "sample.tif", "flat_field": "flat.tif", "dark": "dark.tif", "energies": "energies.csv"}
    with pytest.warns(XafsflowWarning, match=r"7138 eV \(sample is blank: image 49 of sample\.tif\)"):
        cube = xf.ingest.tiff_stack(folder, **files)
    assert cube.sizes["energy"] == 104
    assert 7138.0 not in cube.energy.values


RECIPE = """\
recipe: 1
steps:
  - ingest.tiff_stack: {sample: scan.h5}
  - correct.absorbance
"""


def test_recipe__takes_the_flat_field_of_the_file(
    tmp_path: Path, scan_file: Write, counts: np.ndarray
) -> None:
    scan_file("scan.h5", images=counts, energies=ENERGY, flat_field=counts + 1)
    cube = preview(parse_recipe(RECIPE, "r.yaml"), Folders(tmp_path)).cube
    assert cube is not None
    assert "mu" in cube


def test_recipe__is_refused_when_the_file_turns_out_without_one(
    tmp_path: Path, scan_file: Write, counts: np.ndarray
) -> None:
    scan_file("scan.h5", images=counts, energies=ENERGY)
    with pytest.raises(InputError, match=r"Give the setting flat_field of ingest\.tiff_stack"):
        preview(parse_recipe(RECIPE, "r.yaml"), Folders(tmp_path))
