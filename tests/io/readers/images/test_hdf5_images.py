"""HDF5: each layout that beamlines write, by the values that h5py put there."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.io.readers import list_inside, open_scan
from xafsflow.io.readers.image_scan import ImageScan
from xafsflow.io.readers.lazy_stack import lazy_stack

Written = Callable[..., Path]
ENERGIES = np.array([7100.0, 7110.0, 7112.5, 7115.0, 7140.0])


def images(dtype: str = "u2", count: int = 5, rows: int = 7, columns: int = 6) -> np.ndarray:
    """Images in which every pixel has a value of its own."""
    return (np.arange(count * rows * columns) + 1).reshape(count, rows, columns).astype(dtype)


def whole(scan: ImageScan) -> np.ndarray:
    return scan.images.read_rows(0, scan.images.shape[1])


@pytest.mark.parametrize("options", [{}, {"chunks": (2, 3, 4), "compression": "gzip"}])
@pytest.mark.parametrize("dtype", ["u2", ">u2", "i4", "f4", ">f8"])
def test_any_rows_columns_and_order__are_those_of_the_dataset(
    hdf5: Written, dtype: str, options: dict
) -> None:
    values = images(dtype)
    stack = open_scan([hdf5({"/exchange/data": values}, **options)]).images
    stack = pickle.loads(pickle.dumps(stack))
    assert stack.row_quantum == (3 if options else 1)
    assert stack.dtype == np.dtype(dtype).newbyteorder("=")
    for order in ([0, 1, 2, 3, 4], [4, 3, 2], [1, 3, 0, 1]):
        found = stack.take(order).read_rows(2, 6, columns=slice(1, 4))
        np.testing.assert_array_equal(found, values[order, 2:6, 1:4])
    out = np.zeros((5, 3, 6), stack.dtype)
    assert stack.read_rows(4, 7, out=out, threads=3) is out
    np.testing.assert_array_equal(out, values[:, 4:])
    for found, (start, stop) in zip(stack.read_bands([(0, 1), (5, 7)]), [(0, 1), (5, 7)], strict=True):
        np.testing.assert_array_equal(found, values[:, start:stop])


def test_blocks_of_several_threads__are_those_of_the_dataset(hdf5: Written) -> None:
    values = images("u2", 5, 40, 33)
    stack = open_scan([hdf5({"/exchange/data": values}, chunks=(2, 8, 16), compression="gzip")]).images
    for block in ((8, 33), (5, 7)):
        found = lazy_stack(stack, block, shared=1).compute(scheduler="threads", num_workers=4)
        np.testing.assert_array_equal(found, values)


def test_what_is_not_in_a_stack__is_refused(hdf5: Written, pixels: np.ndarray) -> None:
    stack = open_scan([hdf5({"/exchange/data": pixels})]).images
    for wrong in (lambda: stack.take([5]), lambda: stack.take([]), lambda: stack.read_rows(3, 8)):
        with pytest.raises(InputError):
            wrong()
    with pytest.raises(InputError, match="columns inside"):
        stack.read_rows(0, 1, columns=slice(0, 4, 2))
    with pytest.raises(ValueError, match="out is"):
        stack.read_rows(0, 1, out=np.zeros((5, 1, 5), "u2"))


def test_images_of_fxi__are_divided_already(hdf5: Written) -> None:
    flat = images("f4")
    content = {"/img_xanes": images("f4"), "/X_eng": ENERGIES / 1000, "/img_bkg": flat, "/img_dark": flat[:1]}
    scan = open_scan([hdf5(content | {"/Pixel Size": "20.3125nm"})])
    assert (scan.quantity, scan.flat_field, scan.dark) == ("transmission", None, None)
    assert (scan.layout, scan.energy_unit, scan.pixel_size_um) == ("NSLS-II FXI", "keV", 0.0203125)
    np.testing.assert_array_equal(scan.energies, ENERGIES)
    counts = open_scan([hdf5(content | {"/img_xanes": images("u2")}, name="raw.h5")])
    assert counts.quantity == "counts"
    assert counts.flat_field is not None
    assert counts.dark is not None


@pytest.mark.parametrize(
    "place", ["/exchange/energy", "/measurement/instrument/monochromator/energy", "/scan/mono_energy"]
)
@pytest.mark.parametrize("flat", ["data_white", "data_flat"])
def test_data_exchange__has_flat_dark_and_energies(hdf5: Written, place: str, flat: str) -> None:
    content = {
        "/exchange/data": images(),
        f"/exchange/{flat}": images() + 1,
        "/exchange/data_dark": images()[:2],
    }
    scan = open_scan([hdf5(content | {place: ENERGIES / 1000}, {f"{place}@units": "keV"})])
    np.testing.assert_array_equal(scan.energies, ENERGIES)
    assert scan.flat_field is not None
    assert scan.dark is not None
    np.testing.assert_array_equal(scan.flat_field.read_rows(0, 7), images() + 1)
    np.testing.assert_array_equal(scan.dark.read_rows(0, 7), images()[:2])


def test_an_angle_or_one_energy__is_no_energy_of_the_images(hdf5: Written) -> None:
    content = {"/exchange/data": images(), "/exchange/theta": ENERGIES, "/measurement/energy": 7112.0}
    assert open_scan([hdf5(content)]).energies is None
    angle = {"/exchange/data": images(), "/scan/energy_motor": ENERGIES}
    assert open_scan([hdf5(angle, {"/scan/energy_motor@units": "deg"})]).energies is None


@pytest.mark.parametrize(
    ("actual", "camera", "times", "found"),
    [
        (65e-9, 6.5e-6, 100.0, 0.065),
        (6.5e-6, None, 100.0, 0.065),
        (None, 6.5e-6, 10.0, 0.65),
        (None, 6.5e-6, None, None),
    ],
)
def test_data_exchange__tells_the_pixel_in_the_sample(
    hdf5: Written, actual: float | None, camera: float | None, times: float | None, found: float | None
) -> None:
    where = "/measurement/instrument/detector"
    told = {"actual_pixel_size_x": actual, "pixel_size_x": camera, "magnification": times}
    content = {"/exchange/data": images()} | {f"{where}/{k}": v for k, v in told.items() if v is not None}
    units = {f"{where}/{name}@units": "m" for name, value in told.items() if value and "size" in name}
    assert open_scan([hdf5(content, units)]).pixel_size_um == found


def stxm(
    channels: tuple[str, ...] = ("counter0",), default: bool = True, axes: str = "eyx"
) -> tuple[dict, dict]:
    names = {"e": "energy", "y": "sample_y", "x": "sample_x"}
    order = tuple("eyx".index(axis) for axis in axes)
    content, told = {"/entry1/definition": "NXstxm"}, {"/@NX_class": "NXroot", "/entry1@NX_class": "NXentry"}
    for number, channel in enumerate(channels):
        group = f"/entry1/{channel}"
        content |= {
            f"{group}/data": np.transpose(images("u4") + 1000 * number, order),
            f"{group}/energy": ENERGIES,
        }
        content |= {f"{group}/sample_y": 0.08 * np.arange(7), f"{group}/sample_x": 0.08 * np.arange(6)}
        told |= {f"{group}@NX_class": "NXdata", f"{group}@signal": "data", f"{group}/sample_y@units": "um"}
        told |= {f"{group}@axes": [names[axis] for axis in axes], f"{group}/sample_x@units": "um"}
    if default:
        told |= {"/@default": "entry1", "/entry1@default": channels[0]}
    return content, told


@pytest.mark.parametrize("axes", ["eyx", "yxe", "yex"])
def test_nxstxm__has_its_energy_where_the_axes_say(hdf5: Written, axes: str) -> None:
    scan = open_scan([hdf5(*stxm(axes=axes))])
    assert (scan.layout, scan.quantity, scan.pixel_size_um) == ("NXstxm", "counts", 0.08)
    np.testing.assert_array_equal(scan.energies, ENERGIES)
    np.testing.assert_array_equal(whole(scan), images("u4"))


def test_one_of_several_channels__is_the_default_or_is_named(hdf5: Written) -> None:
    two = ("counter0", "counter1")
    assert open_scan([hdf5(*stxm(two))]).inside == "/entry1/counter0/data"
    path = hdf5(*stxm(two, default=False), name="two.hdf5")
    with pytest.raises(InputError, match=r"2 things .*::/entry1/counter0/data.*::/entry1/counter1/data"):
        open_scan([path])
    for inside in ("/entry1/counter1", "entry1/counter1/data", "counter1/data"):
        np.testing.assert_array_equal(whole(open_scan([path], inside)), images("u4") + 1000)
    with pytest.raises(InputError, match=r"no /entry1/counter2.*Choose one of ::/entry1/counter0/data"):
        open_scan([path], "/entry1/counter2")


def test_a_detector_of_bliss__is_found_by_path_through_links_in_the_folder(
    hdf5: Written, tmp_path: Path
) -> None:
    lima = hdf5({"/entry_0000/measurement/data": images()}, name="scan0001/pco_0000.h5")
    path = hdf5({"/1.1/measurement/energy": ENERGIES / 1000}, {"/1.1@NX_class": "NXentry"})
    with h5py.File(path, "a") as file:
        layout = h5py.VirtualLayout((5, 7, 6), "u2")
        layout[:] = h5py.VirtualSource("scan0001/pco_0000.h5", "/entry_0000/measurement/data", (5, 7, 6))
        file.create_virtual_dataset("/1.1/instrument/pco/data", layout)
        file["/1.1/measurement/pco"] = h5py.SoftLink("/1.1/instrument/pco/data")
        file["/1.1/measurement/energy"].attrs["units"] = "keV"
        file["/1.1/measurement/other"] = h5py.ExternalLink(
            "scan0001/pco_0000.h5", "/entry_0000/measurement/data"
        )
    for inside in ("1.1/measurement/pco", "/1.1/measurement/other"):
        np.testing.assert_array_equal(whole(open_scan([path], inside)), images())
    np.testing.assert_array_equal(open_scan([path], "/1.1/measurement/pco").energies, ENERGIES)
    lima.rename(tmp_path / "away.h5")
    for inside in ("1.1/measurement/pco", "/1.1/measurement/other"):
        with pytest.raises(InputError, match=r"pco_0000\.h5, which is missing"):
            open_scan([path], inside)


def test_links_that_leave_the_folder_or_run_in_a_ring__are_refused(hdf5: Written, tmp_path: Path) -> None:
    secret = hdf5({"/data": images(), "/energies": ENERGIES}, name="elsewhere/secret.h5")
    path = hdf5({"/x": 1.0}, name="here/scan.h5")
    with h5py.File(path, "a") as file:
        file["/outside"] = h5py.ExternalLink("../elsewhere/secret.h5", "/data")
        file["/absolute"] = h5py.ExternalLink(str(secret), "/data")
        file["/ring"], file["/around"] = h5py.SoftLink("/around"), h5py.SoftLink("/ring")
        layout = h5py.VirtualLayout((5, 7, 6), "u2")
        layout[:] = h5py.VirtualSource(str(secret), "/data", (5, 7, 6))
        file.create_virtual_dataset("/virtual", layout)
        file.create_dataset("/raw", (5, 7, 6), "u1", external=[(str(secret), 0, 210)])
        file["/to itself"] = file["/"]
        file["/energy"] = h5py.ExternalLink("../elsewhere/secret.h5", "/energies")
        file["/inside"] = images()
    assert open_scan([path], "/inside").energies is None
    for inside in ("/outside", "/absolute", "/virtual", "/raw"):
        with pytest.raises(InputError, match=r"secret\.h5.*Expected files in .*here"):
            open_scan([path], inside)
    with pytest.raises(InputError, match="run in a ring"):
        open_scan([path], "/ring")
    assert {one.path for one in list_inside(path)} <= {"/virtual", "/raw", "/inside"}


def test_chunks_that_were_never_written__are_refused(hdf5: Written) -> None:
    path = hdf5({"/x": 1.0})
    with h5py.File(path, "a") as file:
        stopped = file.create_dataset("/stopped", (5, 7, 6), "u2", chunks=(1, 7, 6))
        stopped[:3] = images()[:3]
        file.create_dataset("/planned", (5, 7, 6), "u2")
        file.create_dataset("/immense", (10**6, 10**3, 10**3), "u2", chunks=(1, 1000, 1000))
        layout = h5py.VirtualLayout((10, 7, 6), "u2")
        layout[:3] = h5py.VirtualSource(".", "/whole", (5, 7, 6))[:3]
        file["/whole"] = images()
        file.create_virtual_dataset("/half", layout)
    for inside, found in {
        "/stopped": "3 of 5 chunks",
        "/planned": "never written",
        "/immense": "0 of 1000000 chunks",
        "/half": "of which its sources give 126",
    }.items():
        with pytest.raises(InputError, match=found):
            open_scan([path], inside)


def pyxrf(energy: float, maps: np.ndarray) -> tuple[dict, dict]:
    y, x = np.mgrid[:7, :6] * 0.15
    content = {"/xrfmap/detsum/xrf_fit": maps, "/xrfmap/detsum/xrf_fit_name": [b"Fe_K", b"Ca_K", b"Fe_L"]}
    content |= {"/xrfmap/positions/pos": np.array([x, y], "f4"), "/xrfmap/scalers/name": [b"i0", b"current"]}
    content["/xrfmap/scalers/val"] = np.stack([maps[0] + 1, maps[0] + 2], axis=-1)
    return content, {"/xrfmap/scan_metadata@instrument_mono_incident_energy": energy}


def test_maps_of_pyxrf__are_the_line_at_the_edge_one_file_an_energy(hdf5: Written) -> None:
    maps = images("f4", 3)
    told = {f"scan_{k}.h5": (energy / 1000, maps + 1000 * k) for k, energy in enumerate(ENERGIES)}
    paths = [hdf5(*pyxrf(*one), name=name) for name, one in told.items()]
    scan = open_scan(paths)
    assert (scan.inside, scan.quantity, scan.pixel_size_um) == (
        "/xrfmap/detsum/xrf_fit/Fe_K",
        "fluorescence",
        0.15,
    )
    np.testing.assert_array_equal(scan.energies, ENERGIES)
    np.testing.assert_array_equal(whole(scan), [one[1][0] for one in told.values()])
    for name, right in (("Ca_K", maps[1]), ("/xrfmap/scalers/val/current", maps[0] + 2)):
        np.testing.assert_array_equal(whole(open_scan(paths, name))[0], right)
    with pytest.raises(InputError, match="one energy, maps and not a stack"):
        open_scan(paths[:1])
    with pytest.raises(InputError, match=r"5 things .*Ca_K"):
        open_scan([paths[-1], paths[-1]])  # no edge lies between one energy and itself


def larch(energy: str, maps: np.ndarray) -> dict:
    y, x = np.mgrid[:7, :6] * 0.002
    regions = "/xrmmap/roimap/mcasum"
    content = {
        f"{regions}/Fe Ka/raw": maps[0],
        f"{regions}/Fe Ka/cor": maps[0] * 1.02,
        f"{regions}/Ca Ka/cor": maps[1],
    }
    content |= {
        "/xrmmap/config/environ/name": [b"Ring Current", b"Mono Energy"],
        "/xrmmap/scalars/I0": maps[2],
    }
    return content | {
        "/xrmmap/config/environ/value": [b"102.1", energy.encode()],
        "/xrmmap/positions/pos": np.stack([x, y], axis=-1),
    }


def test_maps_of_larch__are_corrected_counts_one_file_an_energy(hdf5: Written) -> None:
    maps = images("f4", 3)
    paths = [hdf5(larch(f"{energy}", maps), name=f"{energy}.h5") for energy in ENERGIES]
    scan = open_scan(paths)
    assert (scan.inside, scan.pixel_size_um) == ("/xrmmap/roimap/mcasum/Fe Ka/cor", 2.0)
    np.testing.assert_array_equal(scan.energies, ENERGIES)
    np.testing.assert_allclose(whole(scan)[2], maps[0] * 1.02, rtol=1e-6)
    np.testing.assert_array_equal(whole(open_scan(paths[:1], "Fe Ka/raw"))[0], maps[0])
    with pytest.raises(InputError, match="maps at 7100 eV: one energy"):
        open_scan(paths[:1])


def test_a_file_without_a_layout__is_read_by_path(hdf5: Written) -> None:
    path = hdf5({"/run/camera": images(), "/run/energies": ENERGIES, "/run/mean": images()[0], "/text": "a"})
    scan = open_scan([path])
    assert (scan.inside, scan.quantity) == ("/run/camera", None)
    np.testing.assert_array_equal(scan.energies, ENERGIES)
    one = open_scan([path], "run/mean")
    np.testing.assert_array_equal(whole(one), images()[:1])
    with pytest.raises(InputError, match=r"1 axes.*Choose another path"):
        open_scan([path], "/run/energies")
    with pytest.raises(InputError, match="integers or floating-point"):
        open_scan([path], "/text")


def test_energies_that_contradict__are_shown(hdf5: Written) -> None:
    path = hdf5({"/run/camera": images(), "/run/energy": ENERGIES, "/run/energy_set": ENERGIES + 5})
    with pytest.raises(InputError, match=r"different energies at /run/energy and /run/energy_set"):
        open_scan([path])


@pytest.mark.parametrize(
    ("values", "unit", "found"),
    [
        (ENERGIES, "mm", "energies in 'mm'"),
        (ENERGIES[:3], "eV", "5 images and 3 energies"),
        (ENERGIES * 1000, "keV", "7.1e"),
        (ENERGIES * np.nan, "eV", "nan at numbers"),
    ],
)
def test_energies_that_cannot_be__are_refused(
    hdf5: Written, values: np.ndarray, unit: str, found: str
) -> None:
    path = hdf5({"/img_xanes": images("f4"), "/X_eng": values}, {"/X_eng@units": unit})
    with pytest.raises(InputError, match=r"scan\.h5") as caught:
        open_scan([path])
    assert found in str(caught.value)


def test_files_of_another_kind__are_not_mixed(hdf5: Written) -> None:
    first = hdf5({"/exchange/data": images(), "/exchange/energy": ENERGIES})
    silent = hdf5({"/exchange/data": images()}, name="silent.h5")
    small = hdf5({"/exchange/data": images(rows=4), "/exchange/energy": ENERGIES}, name="small.h5")
    with pytest.raises(InputError, match=r"silent\.h5.* without energies, which 1 of 2 files have"):
        open_scan([first, silent])
    with pytest.raises(InputError, match=r"small\.h5.*4 x 6 uint16.*Expected 7 x 6 uint16"):
        open_scan([first, small])
    both = open_scan([first, first])
    assert both.images.shape == (10, 7, 6)
