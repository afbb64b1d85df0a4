"""Files of images that are cut, empty, changed or of another kind: one message that names the file, never another error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.io.readers import list_inside, open_scan

Written = Callable[..., Path]
ENERGIES = np.array([7100.0, 7110.0, 7112.5, 7115.0, 7140.0])
VALUES = (np.arange(210) + 1).reshape(5, 7, 6).astype("u2")
KINDS = ("fxi", "exchange", "nexus", "txrm", "itex", "edf", "hdr")


@pytest.fixture
def file_of(hdf5: Written, txrm: Written, make: SimpleNamespace, tmp_path: Path) -> Callable[[str], Path]:
    def made(kind: str) -> Path:
        if kind == "fxi":
            return hdf5({"/img_xanes": VALUES.astype("f4"), "/X_eng": ENERGIES / 1000})
        if kind == "exchange":
            content = {"/exchange/data": VALUES, "/exchange/data_white": VALUES, "/exchange/energy": ENERGIES}
            return hdf5(content, chunks=(1, 7, 6), compression="gzip")
        if kind == "nexus":
            content = {"/e/d/data": VALUES, "/e/d/energy": ENERGIES}
            told = {"/e@NX_class": "NXentry", "/e/d@NX_class": "NXdata", "/e/d@signal": "data"}
            return hdf5(content, told | {"/e/d@axes": ["energy", "y", "x"]})
        if kind == "txrm":
            return txrm(VALUES)
        if kind == "itex":
            return Path(make.itex(tmp_path / "scan.img", VALUES[0]))
        if kind == "edf":
            path = tmp_path / "scan.edf"
            path.write_bytes(b"".join(make.edf(image, energy="7112 eV") for image in VALUES))
            return path
        return Path(make.stxm(tmp_path, VALUES, ENERGIES - 6400))

    return made


def opened(path: Path) -> None:
    """Open and read all; what a user cannot correct would be another error than these."""
    scan = open_scan([path])
    scan.images.read_rows(0, scan.images.shape[1])
    list_inside(path)


def refusal(path: Path) -> str | None:
    """The message where it is refused; any other error fails the test."""
    try:
        opened(path)
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_anywhere__is_refused(file_of: Callable[[str], Path], kind: str) -> None:
    path = file_of(kind)
    whole = path.read_bytes()
    opened(path)
    told = []
    for share in np.linspace(0, 0.99, 23):
        path.write_bytes(whole[: int(share * len(whole))])
        told.append(refusal(path))
    assert all(path.name in one for one in told if one)
    # An EDF file cut between two images is a file of fewer; a header of STXM may lose what stands behind the scan.
    assert sum(one is not None for one in told) >= 17


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_with_other_bytes__is_read_or_refused(file_of: Callable[[str], Path], kind: str) -> None:
    path = file_of(kind)
    whole, rng = bytearray(path.read_bytes()), np.random.default_rng(4)
    for _ in range(60):
        changed = whole.copy()
        for at in rng.integers(0, min(len(whole), 4000), 6):
            changed[at] = rng.integers(256)
        path.write_bytes(changed)
        told = refusal(path)
        assert told is None or path.name in told


@pytest.mark.parametrize(
    "start", [b"\x89HDF\r\n\x1a\n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"IM" + b"\0" * 4]
)
@pytest.mark.parametrize("rest", [b"", b"\0" * 600, b"\xff" * 600])
def test_the_mark_of_a_format_alone__is_refused(tmp_path: Path, start: bytes, rest: bytes) -> None:
    path = tmp_path / "scan.bin"
    path.write_bytes(start + rest)
    with pytest.raises(InputError, match=r"scan\.bin"):
        open_scan([path])


def test_a_path_inside_a_file_with_one_thing__is_refused(file_of: Callable[[str], Path]) -> None:
    for kind in ("txrm", "itex", "edf"):
        with pytest.raises(InputError, match="/data"):
            open_scan([file_of(kind)], "/data")


def test_text_and_immense_chunks_in_place_of_images__are_refused(hdf5: Written) -> None:
    path = hdf5({"/img_xanes": np.full((5, 7, 6), b"a"), "/X_eng": ENERGIES / 1000})
    with pytest.raises(InputError, match=r"/img_xanes of type"):
        open_scan([path])
    text = hdf5({"/img_xanes": VALUES, "/X_eng": [b"7.1"] * 5}, name="text.h5")
    with pytest.raises(InputError, match=r"text\.h5::/X_eng of type"):
        open_scan([text])
    with h5py.File(path, "a") as file:
        file.create_dataset("/large", (10, 50_000, 50_000), "u2", chunks=(1, 30_000, 30_000))
    with pytest.raises(InputError, match=r"/large in chunks of"):
        open_scan([path], "/large")


def test_a_file_that_changes_while_it_is_open__is_refused(hdf5: Written, txrm: Written) -> None:
    path = hdf5({"/exchange/data": VALUES})
    stack = open_scan([path]).images
    hdf5({"/exchange/data": VALUES[:4]})
    with pytest.raises(InputError, match="as it was when it was opened"):
        stack.read_rows(0, 1)
    path.unlink()
    with pytest.raises(InputError, match=r"no file .*scan\.h5"):
        stack.read_rows(0, 1)
    path = txrm(VALUES)
    stack = open_scan([path]).images
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(InputError, match=r"scan\.txrm, image 1"):
        stack.read_rows(0, 1)
