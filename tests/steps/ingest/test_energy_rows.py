"""A table of energies that says which line is that of which image is believed, in any order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.io.readers.stack_energies import read_energies

ENERGY = [7112.0, 7100.0, 7124.5, 7106.0]


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    (tmp_path / "sample").mkdir()
    for k in range(4):
        tifffile.imwrite(tmp_path / f"sample/ore_{k}.tif", np.full((4, 5), 100 + k, np.uint16))
    return tmp_path


def levels(scan: Path, text: str) -> dict[float, int]:
    """The energy of each image, by its value less 100."""
    (scan / "energies.csv").write_text(text)
    cube = xf.ingest.tiff_stack(scan, energies="energies.csv", bad_images="keep").compute()
    return {float(e): int(v) - 100 for e, v in zip(cube.energy, cube.sample[:, 0, 0], strict=True)}


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]])
@pytest.mark.parametrize(
    "line",
    ["ore_{k}.tif,{e}", "D:\\\\data\\\\ORE_{k}.TIF,{e}", "/raw/ore_{k}.tif,{e}", "{k},{e}"],
)
def test_tiff_stack__takes_the_line_of_each_image(scan: Path, line: str, order: list[int]) -> None:
    head = "image" if line.startswith("{k}") else "file name"
    rows = [line.format(k=k, e=ENERGY[k]) for k in order]
    assert levels(scan, f"{head},energy_eV\n" + "\n".join(rows)) == {e: k for k, e in enumerate(ENERGY)}


def test_tiff_stack__leaves_lines_of_other_images_out(scan: Path) -> None:
    rows = [f"flat_{k}.tif;{ENERGY[k]}\nore_{k}.tif;{ENERGY[k]}".replace(".0", ",0") for k in (1, 3, 0, 2)]
    assert levels(scan, "Datei;Energie (eV)\n" + "\n".join(rows)) == {e: k for k, e in enumerate(ENERGY)}


def test_tiff_stack__names_an_image_without_a_line(scan: Path) -> None:
    rows = [f"ore_{k}.tif,{ENERGY[k]}" for k in (0, 1, 3)]
    with pytest.raises(InputError, match="column file with no line for the file ore_2"):
        levels(scan, "file,energy_eV\n" + "\n".join(rows))
    with pytest.raises(InputError, match="the file ore_1 2 times"):
        levels(scan, "file,energy_eV\n" + "\n".join([*rows, rows[1], "ore_2.tif,7124.5"]))


def test_read_energies__takes_no_counter_for_energies(tmp_path: Path) -> None:
    path = tmp_path / "energies.txt"
    path.write_text("\n".join(f"{7000 + k} {7100 + k / 2}" for k in range(9)))
    with pytest.raises(InputError, match="counts from 7000 to 7008"):
        read_energies(path)
    path.write_text("\n".join(f"{7100 + k} {5000 + (-1) ** k}" for k in range(9)))  # energies, and I0
    assert read_energies(path)[-1] == 7108.0
    path.write_text("\n".join(f"ore_{k}.tif {7100 + k / 2}" for k in range(9)))
    assert read_energies(path)[-1] == 7104.0
