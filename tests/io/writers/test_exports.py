from __future__ import annotations

import csv
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import tifffile
import xarray as xr
from PIL import Image

from xafsflow.errors import InputError
from xafsflow.io.writers import WRITERS, csv_tables, ome_tiff, png_figures, tiff_maps, write
from xafsflow.vocabulary import Flag

REFERENCES = ["Fe", "../a/b <&>", "A\\B <&>", "日本 é"]


@pytest.fixture
def maps() -> xr.Dataset:
    random = np.random.default_rng(5)
    shape = (7, 11)
    fraction = random.dirichlet(np.ones(4), size=shape).transpose(2, 0, 1).astype(np.float32)
    fraction[:, 2, 3] = np.nan
    flags = np.zeros(shape, np.uint8)
    flags[2, 3] = Flag.BACKGROUND | Flag.DEAD
    index = fraction.argmax(axis=0).astype(np.int16)
    index[2, 3] = -1
    return xr.Dataset(
        {
            "fraction": (("reference", "y", "x"), fraction),
            "class_index": (("y", "x"), index),
            "flags": (("y", "x"), flags),
            "e0": (("y", "x"), random.normal(7112, 1, shape).astype(np.float32)),
            "edge_step": (("y", "x"), random.uniform(0.1, 1, shape)),
            "mean_norm": (("reference", "energy"), random.random((4, 5))),
        },
        {"reference": REFERENCES, "energy": np.arange(5.0), "y": np.arange(100, 107), "x": np.arange(11)},
        {"pixel_size_um": 0.5},
    )


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_export_csv__gives_every_value_back_exactly(maps: xr.Dataset, tmp_path: Path) -> None:
    pixels, _ = csv_tables.write(maps, tmp_path / "new" / "csv")
    head, *rows = rows_of(pixels)
    named = [f"fraction_{name}" for name in REFERENCES]
    assert head == ["y", "x", "e0", "edge_step", "flags", "class_index", *named]
    assert len(rows) == 77
    table = np.array([[float(cell or "nan") for cell in row] for row in rows], np.float32)
    np.testing.assert_array_equal(table[:, 0].reshape(7, 11), np.arange(100, 107)[:, None].repeat(11, 1))
    np.testing.assert_array_equal(table[:, 1].reshape(7, 11)[0], np.arange(11))
    for column, name in zip(table.T[2:6], head[2:6], strict=True):
        np.testing.assert_array_equal(column.reshape(7, 11), maps[name].values.astype(np.float32))
    np.testing.assert_array_equal(table.T[6:].reshape(4, 7, 11), maps.fraction.values)


def test_export_csv__leaves_cells_without_a_value_empty(maps: xr.Dataset, tmp_path: Path) -> None:
    pixels, _ = csv_tables.write(maps, tmp_path)
    row = rows_of(pixels)[1 + 2 * 11 + 3]
    assert row[4:] == ["3", "-1", "", "", "", ""]


def test_export_csv__does_not_depend_on_bands_or_chunks(
    maps: xr.Dataset, tmp_path: Path, monkeypatch
) -> None:
    whole = [path.read_bytes() for path in csv_tables.write(maps, tmp_path / "whole")]
    monkeypatch.setattr("xafsflow.io.writers.csv_tables.CELLS", 1)
    parts = [path.read_bytes() for path in csv_tables.write(maps.chunk({"y": 3, "x": 4}), tmp_path / "parts")]
    assert parts == whole


def test_export_csv__sums_up_means_and_counts(maps: xr.Dataset, tmp_path: Path) -> None:
    _, summary = csv_tables.write(maps, tmp_path)
    found = {(quantity, name): float(number) for quantity, name, number in rows_of(summary)[1:]}
    assert found["pixels", "all"] == 77
    assert found["pixels", "with an answer"] == 76
    assert found["pixels with flag", "background"] == found["pixels with flag", "dead"] == 1
    means = np.nanmean(maps.fraction.values.astype(float), axis=(1, 2))
    np.testing.assert_allclose([found["mean fraction", name] for name in REFERENCES], means, rtol=1e-6)
    counts = [found["pixels of class", str(i)] for i in range(4)]
    assert counts == [found["pixels where it dominates", name] for name in REFERENCES]
    assert sum(counts) == 76


def test_export_tiff__writes_one_float32_file_a_map_with_safe_names(maps: xr.Dataset, tmp_path: Path) -> None:
    paths = tiff_maps.write(maps, tmp_path)
    assert [path.name for path in paths] == [
        "e0.tif", "edge_step.tif", "flags.tif", "class_index.tif",
        "fraction_Fe.tif", "fraction_.._a_b_.tif", "fraction_A_B_.tif", "fraction_日本_é.tif",
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)
    for path, name in zip(paths[:4], ("e0", "edge_step", "flags", "class_index"), strict=True):
        image = tifffile.imread(path)
        assert image.dtype == np.float32
        np.testing.assert_array_equal(image, maps[name].values.astype(np.float32))
    np.testing.assert_array_equal([tifffile.imread(path) for path in paths[4:]], maps.fraction.values)


def test_export_tiff__tells_imagej_unit_size_and_meaning(maps: xr.Dataset, tmp_path: Path) -> None:
    paths = tiff_maps.write(maps, tmp_path)
    with tifffile.TiffFile(paths[0]) as file:
        assert file.is_imagej
        about = file.imagej_metadata
        tags = file.pages[0].tags
        assert about["units"] == "eV"
        assert about["long_name"] == "absorption edge"
        assert about["unit"] == "micron"
        assert tags["XResolution"].value == tags["YResolution"].value == (2, 1)
    with tifffile.TiffFile(paths[-1]) as file:
        assert file.imagej_metadata["label"] == r"\u65e5\u672c \xe9"


def test_export_tiff__has_no_resolution_without_a_pixel_size(maps: xr.Dataset, tmp_path: Path) -> None:
    del maps.attrs["pixel_size_um"]
    with tifffile.TiffFile(tiff_maps.write(maps, tmp_path)[0]) as file:
        assert "unit" not in file.imagej_metadata
        assert file.pages[0].tags["XResolution"].value == (1, 1)


def test_export_tiff__as_ome_names_the_channels(maps: xr.Dataset, tmp_path: Path) -> None:
    (path,) = ome_tiff.write(maps.chunk({"y": 2}), tmp_path)
    assert path.name == "maps.ome.tif"
    with tifffile.TiffFile(path) as file:
        assert file.series[0].axes == "CYX"
        assert file.series[0].dtype == np.float32
        root = ElementTree.fromstring(file.ome_metadata)
        images = file.series[0].asarray()
    pixels = next(element for element in root.iter() if element.tag.endswith("Pixels"))
    assert (pixels.get("PhysicalSizeX"), pixels.get("PhysicalSizeYUnit")) == ("0.5", "µm")
    names = [element.get("Name") for element in root.iter() if element.tag.endswith("Channel")]
    named = [f"fraction_{name}" for name in REFERENCES]
    assert names == ["e0 [eV]", "edge_step", "flags [bits]", "class_index", *named]
    np.testing.assert_array_equal(images[0], maps.e0.values)
    np.testing.assert_array_equal(images[4:], maps.fraction.values)


def test_export_png__writes_numbered_figures_on_white(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    fraction = random.dirichlet(np.ones(2), size=(5, 6)).transpose(2, 0, 1)
    maps = xr.Dataset({"fraction": (("reference", "y", "x"), fraction)}, {"reference": ["Fe", "FeO"]})
    paths = png_figures.write(maps, tmp_path, dpi=40)
    names = ["01_chemical_state.png", "02_rgb.png", "03_fraction_Fe.png", "04_fraction_FeO.png"]
    assert [path.name for path in paths] == names
    for path in paths:
        with Image.open(path) as image:
            assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
            assert image.info["Title"]


@pytest.mark.parametrize("kind", WRITERS)
def test_exports__refuse_a_folder_that_holds_something(kind: str, maps: xr.Dataset, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds mine\.txt. Expected a new or an empty folder. "):
        write(maps, kind, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(InputError, match="is a file"):
        write(maps, kind, tmp_path / "mine.txt")


@pytest.mark.parametrize("kind", WRITERS)
def test_exports__make_no_folder_for_a_dataset_without_maps(kind: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one map"):
        write(xr.Dataset(), kind, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("value", [0.5, np.nan, np.inf])
def test_exports__work_for_a_single_pixel(kind: str, value: float, tmp_path: Path) -> None:
    maps = xr.Dataset({"e0": (("y", "x"), [[value]]), "flags": (("y", "x"), [[np.uint8(1)]])})
    assert all(path.stat().st_size for path in write(maps, kind, tmp_path))


def test_write__names_the_nearest_format(maps: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'ome-tiff'"):
        write(maps, "ometiff", tmp_path)


@pytest.mark.parametrize("kind", ["csv", "tiff", "ome-tiff"])
def test_exports__leave_no_part_of_a_file_where_they_fail(
    kind: str, maps: xr.Dataset, tmp_path: Path, monkeypatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write(maps, kind, tmp_path)
    assert list(tmp_path.iterdir()) == []
