"""Zarr of both versions and OME-TIFF: axes, energies and sizes by what they tell of themselves."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import tifffile
import xarray as xr
import zarr

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers import is_readable, list_inside, open_scan
from xafsflow.io.readers.image_scan import ImageScan

ENERGIES = np.array([7100.0, 7110.0, 7112.5, 7115.0, 7140.0])
VALUES = (np.arange(210) + 1).reshape(5, 7, 6).astype("u2")


def check(scan: ImageScan) -> None:
    stack = pickle.loads(pickle.dumps(scan.images))
    np.testing.assert_array_equal(stack.read_rows(0, 7, threads=2), VALUES)
    np.testing.assert_array_equal(
        stack.take([4, 1]).read_rows(2, 6, columns=slice(1, 3)), VALUES[[4, 1], 2:6, 1:3]
    )


@pytest.mark.parametrize("version", [2, 3])
def test_an_array__is_images_rows_and_columns(tmp_path: Path, version: int) -> None:
    path = tmp_path / "scan.zarr"
    zarr.create_array(path, shape=VALUES.shape, chunks=(2, 3, 6), dtype="u2", zarr_format=version)[:] = VALUES
    assert is_readable(path, "images")
    scan = open_scan([path])
    check(scan)
    assert scan.images.row_quantum == 3


@pytest.mark.parametrize("version", [2, 3])
def test_what_xarray_wrote__has_its_energies(tmp_path: Path, version: int) -> None:
    path = tmp_path / "cube.zarr"
    energy = ("energy", ENERGIES / 1000, {"units": "keV"})
    cube = xr.Dataset({"mu": (("y", "energy", "x"), VALUES.swapaxes(0, 1))}, {"energy": energy})
    cube.to_zarr(path, zarr_format=version, consolidated=False)
    scan = open_scan([path])
    check(scan)
    assert (scan.inside, scan.energy_unit) == ("/mu", "keV")
    np.testing.assert_array_equal(scan.energies, ENERGIES)


def test_one_of_several_arrays__is_named(tmp_path: Path) -> None:
    path = tmp_path / "cube.zarr"
    dims = ("energy", "y", "x")
    xr.Dataset({"a": (dims, VALUES), "b": (dims, VALUES + 1)}).to_zarr(path, consolidated=False)
    assert [one.path for one in list_inside(path)] == ["/a", "/b"]
    with pytest.raises(InputError, match=r"::/a \(5, 7, 6\), ::/b"):
        open_scan([path])
    check(open_scan([path], "/a"))
    for wrong in ("/c", "../cube.zarr/a"):
        with pytest.raises(InputError, match=r"choose one of ::/a, ::/b|Choose one of ::/a, ::/b"):
            open_scan([path], wrong)


def ome_zarr(
    path: Path, axes: list[dict], shape: tuple[int, ...], omero: dict | None = None, **change: list
) -> Path:
    group = zarr.open_group(path, mode="w")
    group.create_array("0", shape=shape, chunks=(*(1 for _ in shape[:-2]), 4, 6), dtype="u2")[:] = (
        VALUES.reshape(shape)
    )
    changes = [{"type": kind, kind: values} for kind, values in change.items()]
    scales = [
        {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": changes}, {"path": "1"}]}
    ]
    group.attrs["ome"] = {"version": "0.5", "multiscales": scales} | ({"omero": omero} if omero else {})
    return path


SPACE = [{"name": axis, "type": "space", "unit": "nanometer"} for axis in "yx"]


def test_ome_zarr__has_the_full_size_and_energies_of_channels(tmp_path: Path) -> None:
    axes = [
        {"name": "t", "type": "time"},
        {"name": "c", "type": "channel"},
        {"name": "z", "type": "space"},
        *SPACE,
    ]
    labels = {"channels": [{"label": f"{energy / 1000} keV"} for energy in ENERGIES]}
    scan = open_scan(
        [ome_zarr(tmp_path / "a.zarr", axes, (1, 5, 1, 7, 6), labels, scale=[1, 1, 1, 32.5, 32.5])]
    )
    check(scan)
    assert (scan.layout, scan.pixel_size_um) == ("OME-Zarr", 0.0325)
    np.testing.assert_allclose(scan.energies, ENERGIES)


def test_ome_zarr__has_an_even_axis_of_energy(tmp_path: Path) -> None:
    axes = [{"name": "energy", "type": "energy", "unit": "electronvolt"}, *SPACE]
    path = ome_zarr(tmp_path / "a.zarr", axes, (5, 7, 6), scale=[0.5, 65, 65], translation=[7110, 0, 0])
    np.testing.assert_allclose(open_scan([path]).energies, 7110 + 0.5 * np.arange(5))


def test_ome_zarr_over_time_and_channels__is_refused(tmp_path: Path) -> None:
    axes = [{"name": "t"}, {"name": "c"}, {"name": "y"}, {"name": "x"}]
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.create_array("0", shape=(2, 5, 7, 6), dtype="u2")[:] = 1
    group.attrs["ome"] = {"multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}]}
    with pytest.raises(InputError, match="images over one axis beside y and x"):
        open_scan([tmp_path / "a.zarr"])


def test_missing_chunks_of_zarr__are_told(tmp_path: Path) -> None:
    path = tmp_path / "scan.zarr"
    array = zarr.create_array(path, shape=(5, 7, 6), chunks=(1, 7, 6), dtype="u2", fill_value=0)
    with pytest.raises(InputError, match="nothing was written"):
        open_scan([path])
    array[:3] = VALUES[:3]
    with pytest.warns(XafsflowWarning, match="2 of 5 chunks are missing and read as 0"):
        open_scan([path])


@pytest.mark.parametrize(
    "damage", ["{", "[]", '{"zarr_format": 3}', '{"zarr_format": 9, "node_type": "array"}']
)
def test_a_zarr_folder_that_is_damaged__is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "scan.zarr"
    zarr.create_array(path, shape=(5, 7, 6), dtype="u2")[:] = VALUES
    (path / "zarr.json").write_text(damage)
    with pytest.raises(InputError, match=r"scan\.zarr: damaged"):
        open_scan([path])


def test_a_chunk_that_does_not_decode__is_refused_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "scan.zarr"
    zarr.create_array(path, shape=(5, 7, 6), chunks=(5, 7, 6), dtype="u2")[:] = VALUES
    stack = open_scan([path]).images
    (path / "c" / "0" / "0" / "0").write_bytes(b"none")
    with pytest.raises(InputError, match=r"scan\.zarr: damaged"):
        stack.read_rows(0, 1)


def ome_tiff(path: Path, names: list[str], axes: str = "CYX", shape: tuple[int, ...] = (5, 7, 6)) -> Path:
    told = {"axes": axes, "Channel": {"Name": names}, "PhysicalSizeX": 32.5, "PhysicalSizeXUnit": "nm"}
    told |= {"PhysicalSizeY": 32.5, "PhysicalSizeYUnit": "nm"}
    tifffile.imwrite(path, VALUES.reshape(shape), metadata=told, photometric="minisblack", ome=True)
    return path


def test_ome_tiff__has_the_energies_of_its_channels(tmp_path: Path) -> None:
    scan = open_scan([ome_tiff(tmp_path / "a.ome.tif", [f"{energy:.2f} eV" for energy in ENERGIES])])
    check(scan)
    assert (scan.layout, scan.pixel_size_um, scan.energy_unit) == ("OME-TIFF", 0.0325, "eV")
    np.testing.assert_array_equal(scan.energies, ENERGIES)


def test_pages_of_ome_tiff_in_another_order__have_the_energies_of_their_channels(tmp_path: Path) -> None:
    path = ome_tiff(tmp_path / "a.ome.tif", [f"{energy:.2f} eV" for energy in ENERGIES])
    with tifffile.TiffFile(path) as file:
        text = str(file.ome_metadata)
    data = "".join(f'<TiffData IFD="{4 - k}" FirstC="{k}" PlaneCount="1"/>' for k in range(5))
    start = text.index("<TiffData")
    turned = text[:start] + data + text[text.index("/>", start) + 2 :]
    tifffile.imwrite(path, VALUES, description=turned.encode(), metadata=None, photometric="minisblack")
    np.testing.assert_array_equal(open_scan([path]).energies, ENERGIES[::-1])


@pytest.mark.parametrize(
    "names",
    [
        ["Fe K", "7110 eV", "7111 eV", "7112 eV", "7113 eV"],
        ["7110 eV"] * 5,
        [f"{k} keV to {k + 1} keV" for k in range(5)],
        [f"image {k}" for k in range(5)],
    ],
)
def test_channels_that_are_no_energies__are_none(tmp_path: Path, names: list[str]) -> None:
    assert open_scan([ome_tiff(tmp_path / "a.ome.tif", names)]).energies is None


def test_ome_tiff_over_depth__has_no_energies(tmp_path: Path) -> None:
    path = ome_tiff(tmp_path / "a.ome.tif", ["7112 eV"], "CZYX", (1, 5, 7, 6))
    assert open_scan([path]).energies is None


def test_labels_of_imagej__are_energies_in_several_files_too(tmp_path: Path) -> None:
    paths = []
    for name, part in (("a", slice(0, 3)), ("b", slice(3, 5))):
        labels = [f"{energy} eV" for energy in ENERGIES[part]]
        told = {"Labels": labels, "unit": "um"}
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, VALUES[part], imagej=True, metadata=told, resolution=(1 / 0.0325, 1 / 0.0325))
        paths.append(path)
    scan = open_scan(paths)
    check(scan)
    np.testing.assert_array_equal(scan.energies, ENERGIES)
    assert scan.pixel_size_um == pytest.approx(0.0325, rel=1e-6)
