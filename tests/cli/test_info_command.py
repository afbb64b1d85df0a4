"""`xafsflow info`: what it tells of files and folders, in 80 columns, as JSON, and with which status."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from click.testing import CliRunner, Result

from xafsflow.cli.main import main
from xafsflow.io.readers.images.source_stack import SourceStack

ENERGIES = np.array([7100.0, 7110.0, 7112.5, 7115.0, 7140.0])
VALUES = (np.arange(210) + 1).reshape(5, 7, 6).astype("u2")


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["info", *(str(word) for word in words)])


def told(*words: str | Path) -> list[dict]:
    result = call("--json", *words)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def exchange(tmp_path: Path) -> Path:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["/exchange/data"], file["/exchange/data_white"] = VALUES, VALUES[:1]
        file["/exchange/energy"], file["/exchange2/data"] = ENERGIES / 1000, VALUES
        file["/exchange/energy"].attrs["units"] = "keV"
    return path


def test_a_stack__is_told_without_its_pixels(exchange: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("pixels were read")

    monkeypatch.setattr(SourceStack, "_read", refuse)
    lines = call(exchange).stdout.splitlines()
    assert max(map(len, lines[1:])) <= 80
    text = "\n".join(lines)
    for wanted in (
        "images: HDF5 (APS Data Exchange)",
        "images     5 of 7 x 6 uint16",
        "energies   5, 7100 to 7140 eV, keV in the file",
        "quantity   counts",
        "flat field 1 image\n",
        "one flat image for all energies",
        "no dark images in the file",
        "::/exchange2/data  5 x 7 x 6 uint16",
    ):
        assert wanted in text, text


def test_json__has_the_numbers_themselves(exchange: Path) -> None:
    (one,) = told(exchange)
    facts = one["facts"]
    assert (one["kind"], one["refused"]) == ("images", "")
    assert [facts[name] for name in ("images", "rows", "columns", "dtype")] == [5, 7, 6, "uint16"]
    assert [facts[name] for name in ("first_energy", "last_energy", "energies")] == [7100.0, 7140.0, 5]
    assert (facts["flat_field_images"], facts["dark_images"], facts["beam_monitor"]) == (1, 0, False)
    assert [choice["path"] for choice in one["inside"]] == ["/exchange/data", "/exchange2/data"]
    (other,) = told(f"{exchange}::/exchange2/data")
    assert other["facts"]["inside"] == "/exchange2/data"


def test_what_is_no_stack_yet__shows_what_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "several.h5"
    with h5py.File(path, "w") as file:
        file["/a"], file["/b"] = VALUES, VALUES
    result = call(path)
    assert result.exit_code == 0
    assert "refused" in result.stdout
    assert "::/a  5 x 7 x 6 uint16" in result.stdout
    assert call(f"{path}::/c").exit_code == 2


def test_images_without_energies__say_so(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, VALUES, photometric="minisblack")
    text = " ".join(call(path).stdout.split())
    assert "no stack over energy as it is" in text
    assert "with 5 images, no energies" in text


def test_energies_that_were_taken_twice__are_told(tmp_path: Path) -> None:
    for energy in ENERGIES:
        for repeat in "12":
            tifffile.imwrite(tmp_path / f"fe_{energy:.2f}_eV_{repeat}of2.tif", VALUES[0])
    (one,) = told(tmp_path)
    assert (one["place"], one["facts"]["images"]) == ("fe_[0-9]*_eV_[0-9]*of2.tif", 10)
    assert one["facts"]["energies"] == 5
    assert "5 energies in 10 images" in one["notes"][0]


def test_a_spectrum_and_a_pattern__are_told_by_their_points(tmp_path: Path) -> None:
    spectrum, pattern = tmp_path / "foil.xdi", tmp_path / "quartz.xrdml"
    names = "# XDI/1.0\n# Element.symbol: Fe\n# Element.edge: K\n# Column.1: energy eV\n# Column.2: mutrans\n"
    spectrum.write_text(names + "\n".join(f"{7000 + 2 * k} {0.2 + k / 100}" for k in range(120)))
    (one,) = [entry for entry in told(spectrum) if entry["kind"] == "spectra"]
    assert one["facts"]["columns"] == ["energy", "mutrans"]
    assert one["facts"]["foil"]["points"] == 120
    assert "foil: Fe K, 120 points, 7000 to 7238 eV" in call(spectrum).stdout
    pattern = tmp_path / "quartz.xy"
    pattern.write_text("# wavelength: 0.7107 A\n" + "\n".join(f"{10 + k} {k % 7 + 1}" for k in range(100)))
    text = call(pattern).stdout
    assert "2 theta    10 to 109 degrees" in text
    assert "wavelength 0.7107 Angstrom" in text


def test_a_table_of_energies__is_one(tmp_path: Path) -> None:
    path = tmp_path / "energies.csv"
    path.write_text("energy_eV\n" + "\n".join(f"{energy}" for energy in ENERGIES))
    (one,) = told(path)
    assert (one["kind"], one["facts"]["energies"], one["facts"]["last_energy"]) == ("energies", 5, 7140.0)


def test_a_folder__has_one_line_for_each_group_of_files(tmp_path: Path, exchange: Path) -> None:
    (tmp_path / "sample").mkdir()
    for energy, image in zip(ENERGIES, VALUES, strict=True):
        tifffile.imwrite(tmp_path / "sample" / f"fe_{energy:.2f}_eV.tif", image)
    (tmp_path / "notes.txt").write_text("the beam was gone at noon\n")
    (tmp_path / "nothing.bin").write_bytes(b"\0\1")
    zarr.create_array(tmp_path / "cube.zarr", shape=(5, 7, 6), dtype="u2")[:] = VALUES
    lines = call(tmp_path).stdout.splitlines()
    text = " ".join(" ".join(lines).split())
    assert all(len(line) <= 80 or str(tmp_path) in line for line in lines)
    for wanted in (
        "sample/fe_[0-9]*_eV.tif: 5 files, TIFF",
        "5 x 7 x 6 uint16, 7100 to 7140 eV",
        "scan.h5: 1 file, HDF5 (APS Data Exchange)",
        "cube.zarr: 1 file, Zarr",
        "notes.txt: 1 file, unknown",
        "nothing.bin: 1 file, unknown",
    ):
        assert wanted in text, text
    assert told(tmp_path)[0]["place"] == "cube.zarr"
    assert len(list((tmp_path / "sample").glob("fe_[0-9]*_eV.tif"))) == 5


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"\0\1\2"])
def test_what_nothing_can_read__is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "scan.bin"
    path.write_bytes(content)
    result = call(path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "scan.bin" in result.stderr


def test_a_place_that_is_missing_or_empty__is_an_error(tmp_path: Path) -> None:
    for place in (tmp_path / "nowhere", tmp_path):
        result = call(place)
        assert result.exit_code == 2
        assert str(place) in result.stderr
