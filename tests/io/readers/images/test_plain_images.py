"""Xradia, ITEX, EDF, STXM: what a hand wrote into them comes back, by rows, and only from the bytes that it takes."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers import list_inside, open_scan
from xafsflow.io.readers.image_scan import ImageScan

Written = Callable[..., Path]
ENERGIES = np.array([7100.0, 7110.0, 7112.5, 7115.0, 7140.0])


def images(dtype: str = "u2", count: int = 5, rows: int = 7, columns: int = 6) -> np.ndarray:
    """Images in which every pixel has a value of its own."""
    return (np.arange(count * rows * columns) + 1).reshape(count, rows, columns).astype(dtype)


def check(scan: ImageScan, values: np.ndarray) -> None:
    """All the ways to read a stack give the pixels."""
    stack = pickle.loads(pickle.dumps(scan.images))
    assert stack.shape == values.shape
    np.testing.assert_array_equal(stack.read_rows(0, values.shape[1]), values)
    order = [len(values) - 1, 0]
    found = stack.take(order).read_rows(1, 3, columns=slice(1, 4), threads=2)
    np.testing.assert_array_equal(found, values[order, 1:3, 1:4])
    for band, (start, stop) in zip(stack.read_bands([(0, 1), (2, 4)]), [(0, 1), (2, 4)], strict=True):
        np.testing.assert_array_equal(band, values[:, start:stop])


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("shape", [(5, 7, 6), (3, 70, 61)])  # in mini sectors, and in sectors
@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_images_of_xradia__lie_wherever_their_sectors_do(
    txrm: Written, dtype: str, shape: tuple[int, int, int], shuffled: bool
) -> None:
    values = images(dtype, *shape)
    scan = open_scan([txrm(values, ENERGIES[: shape[0]], shuffled=shuffled)])
    check(scan, values)
    np.testing.assert_array_equal(scan.energies, ENERGIES[: shape[0]])
    assert scan.pixel_size_um == pytest.approx(0.0325)
    assert scan.quantity == ("counts" if dtype == "u2" else None)
    assert scan.images.row_quantum == 1


def test_more_than_a_hundred_images_of_xradia__lie_in_further_storages(txrm: Written) -> None:
    values = images("u2", 203, 4, 5)
    check(open_scan([txrm(values, None)]), values)


def test_the_reference_of_xradia__is_the_flat_field(txrm: Written) -> None:
    reference = images("f4", 1)
    told = {"ReferenceData__Image": reference.tobytes(), "ReferenceData__DataType": b"\x0a\0\0\0"}
    flat = open_scan([txrm(images(), **told)]).flat_field
    assert flat is not None
    np.testing.assert_array_equal(flat.read_rows(0, 7), reference)
    other = told | {"ReferenceData__Image": reference.tobytes()[:-4]}
    assert open_scan([txrm(images(), name="other.xrm", **other)]).flat_field is None


def test_energies_of_xradia_that_are_zero__are_none(txrm: Written) -> None:
    assert open_scan([txrm(images(), 0 * ENERGIES)]).energies is None
    with pytest.raises(InputError, match="positive numbers"):
        open_scan([txrm(images(), ENERGIES - 7100)])


def test_a_stopped_scan_of_xradia__is_the_images_that_were_taken(txrm: Written) -> None:
    streams = {"ImageInfo__ImagesTaken": b"\x03\0\0\0", "ImageInfo__NoOfImages": b"\x05\0\0\0"}
    scan = open_scan([txrm(images(), ENERGIES, **streams)])
    assert scan.images.shape[0] == 3
    np.testing.assert_array_equal(scan.energies, ENERGIES[:3])


@pytest.fixture
def itex_scan(tmp_path: Path, make: SimpleNamespace) -> list[Path]:
    return [make.itex(tmp_path / f"scan_{k:04d}.img", image) for k, image in enumerate(images())]


@pytest.mark.parametrize(("kind", "dtype"), [(0, "u1"), (2, "u2"), (3, "u4")])
def test_images_of_itex__lie_behind_their_comment(
    tmp_path: Path, make: SimpleNamespace, kind: int, dtype: str
) -> None:
    values = images(dtype)
    paths = [make.itex(tmp_path / f"scan_{k}.img", image, b"x" * k, kind) for k, image in enumerate(values)]
    check(open_scan(paths), values)


def test_itex_beside_a_9809_file__has_its_energies(
    tmp_path: Path, make: SimpleNamespace, itex_scan: list[Path]
) -> None:
    assert open_scan(itex_scan).energies is None
    make.scan_9809(tmp_path / "other.dat", ENERGIES[:3])
    make.scan_9809(tmp_path / "scan.dat", ENERGIES)
    np.testing.assert_allclose(open_scan(itex_scan).energies, ENERGIES, atol=0.01)
    make.scan_9809(tmp_path / "again.dat", ENERGIES + 20)
    with pytest.raises(InputError, match=r"again\.dat and .*scan\.dat, two scans of 5 points"):
        open_scan(itex_scan)


def test_a_spacing_that_contradicts_the_header__is_refused(
    tmp_path: Path, make: SimpleNamespace, itex_scan: list[Path]
) -> None:
    make.scan_9809(tmp_path / "scan.dat", ENERGIES, told=3.1551)
    with pytest.raises(InputError, match=r"D= 3\.1551.* give 7055.* to .* asks for 7100\.0 to 7140\.0 eV"):
        open_scan(itex_scan)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u2", "f4", "i4"])
def test_images_of_edf__are_one_or_many_in_a_file(
    tmp_path: Path, make: SimpleNamespace, dtype: str, order: str
) -> None:
    values, path = images(dtype), tmp_path / "scan.edf"
    fields = [
        {"energy": f"{energy:.2f}", "counter_mne": "sec i0", "counter_pos": f"1 {energy / 10}"}
        for energy in ENERGIES
    ]
    blocks = [make.edf(image, order, **told) for image, told in zip(values, fields, strict=True)]
    path.write_bytes(b"".join(blocks))
    scan = open_scan([path])
    check(scan, values)
    np.testing.assert_array_equal(scan.energies, ENERGIES)
    np.testing.assert_allclose(scan.counter, ENERGIES / 10)
    single = [tmp_path / f"{k}.edf" for k in range(5)]
    for one, block in zip(single, blocks, strict=True):
        one.write_bytes(block)
    check(open_scan(single), values)


@pytest.mark.parametrize("blanks", [0, 20_000])
def test_pixels_of_edf_that_are_blanks_in_text__are_pixels(
    tmp_path: Path, make: SimpleNamespace, blanks: int
) -> None:
    path, image = tmp_path / "scan.edf", np.full((3, 4), 0x200A, "u2")
    path.write_bytes(make.edf(image, title="x" * blanks) + make.edf(image - 1))
    np.testing.assert_array_equal(open_scan([path]).images.read_rows(0, 3), [image, image - 1])


def test_energies_of_edf__have_the_unit_that_is_told_or_shows(tmp_path: Path, make: SimpleNamespace) -> None:
    path = tmp_path / "scan.edf"

    def energies(*fields: dict[str, str]) -> np.ndarray:
        path.write_bytes(b"".join(make.edf(images()[0], **one) for one in fields))
        found = open_scan([path]).energies
        assert found is not None
        return found

    motors = [{"motor_mne": "sx energy", "motor_pos": f"1 {energy / 1000}"} for energy in ENERGIES]
    with pytest.warns(XafsflowWarning, match="are keV"):
        np.testing.assert_allclose(energies(*motors), ENERGIES)
    np.testing.assert_allclose(energies({"Energy": "7.1121 keV"}), [7112.1])
    np.testing.assert_allclose(energies({"energy": "700"}, {"energy": "701"}), [700, 701])
    with pytest.raises(InputError, match="without a unit"):
        energies({"energy": "55"}, {"energy": "65"})  # eV of an L edge, or keV of a K edge
    with pytest.raises(InputError, match="the energy 'off'"):
        energies({"energy": "off"})


def test_images_of_stxm__are_text_beside_their_header(tmp_path: Path, make: SimpleNamespace) -> None:
    path = make.stxm(tmp_path, images("f8"), ENERGIES - 6400)
    scan = open_scan([path])
    check(scan, images("f8"))
    np.testing.assert_array_equal(scan.energies, ENERGIES - 6400)
    assert (scan.quantity, scan.pixel_size_um, scan.energy_unit) == ("counts", 0.05, "eV")
    assert scan.images.row_quantum == 7
    (tmp_path / "scan_a003.xim").unlink()
    with pytest.raises(InputError, match=r"without the images scan_a003\.xim"):
        open_scan([path])


def test_one_of_several_channels_of_stxm__is_named(tmp_path: Path, make: SimpleNamespace) -> None:
    path = make.stxm(tmp_path, images("f8"), ENERGIES - 6400, channels=2)
    assert [one.path for one in list_inside(path)] == ["/a", "/b"]
    with pytest.raises(InputError, match=r"2 channels or regions \(/a, /b\).*scan\.hdr::/a"):
        open_scan([path])
    check(open_scan([path], "/b"), images("f8") * 10)
    with pytest.raises(InputError, match=r"no /c in .*one of /a, /b"):
        open_scan([path], "/c")


def test_one_of_several_regions_of_stxm__is_named(tmp_path: Path, make: SimpleNamespace) -> None:
    path = make.stxm(tmp_path, images("f8"), ENERGIES - 6400, channels=2, regions=2)
    assert [one.path for one in list_inside(path)] == ["/a/0", "/a/1", "/b/0", "/b/1"]
    check(open_scan([path], "/b/1"), images("f8") * 10 + 1000)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("Points = (5,", "Points = (6,", "5 Points of StackAxis where it tells 6"),
        ('Flags = "Image Stack"', 'Flags = "Image"', "a scan of the kind 'Image'"),
        ("StackAxis", "OtherAxis", "no StackAxis"),
        ('Unit = "eV"', 'Unit = "mm"', "energies in 'mm'"),
        ("= (5, 700.000", "= (5, seven", "no numbers as Points"),
        ("Type", "= Type", "without ="),
        ("};", "", "a name or value is due"),
    ],
)
def test_a_header_of_stxm_that_is_damaged__is_refused(
    tmp_path: Path, make: SimpleNamespace, old: str, new: str, found: str
) -> None:
    path = make.stxm(tmp_path, images("f8"), ENERGIES - 6400)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=r"scan\.hdr") as caught:
        open_scan([path])
    assert found in str(caught.value)


@pytest.mark.parametrize("text", ["1 2 3", "a b c d e f\n" * 7, "1 2 3 4 5\n" * 7, "\0" * 40, ""])
def test_an_image_of_stxm_that_is_none__is_refused(tmp_path: Path, make: SimpleNamespace, text: str) -> None:
    stack = open_scan([make.stxm(tmp_path, images("f8"), ENERGIES - 6400)]).images
    (tmp_path / "scan_a002.xim").write_text(text)
    with pytest.raises(InputError, match=r"scan_a002\.xim"):
        stack.read_rows(0, 1)
