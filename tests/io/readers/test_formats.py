"""A format is one module and one line: files are given to the first format that knows them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.io.readers import READERS, is_readable, open_scan, read_spectra, read_spectrum
from xafsflow.io.readers.text_columns import Columns


@pytest.fixture
def own_format(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A format of spectra that begins with its name and has pairs of numbers behind."""

    def read_tables(path: Path) -> list[Columns]:
        values = np.array(path.read_text().split()[1:], float).reshape(-1, 2)
        return [Columns(path, ("energy", "mu"), ("eV", ""), values, np.arange(len(values)), {})]

    module = ModuleType("own_format")
    module.__dict__.update(
        FORMAT="own spectra",
        detect=lambda start: start.startswith(b"OWN"),
        read_tables=read_tables,
    )
    monkeypatch.setitem(sys.modules, "own_format", module)
    monkeypatch.setitem(READERS, "spectra", ("own_format", *READERS["spectra"]))
    return module


def test_a_format_of_one_s_own__is_read_when_it_is_registered(tmp_path: Path, own_format: ModuleType) -> None:
    path = tmp_path / "foil.own"
    path.write_text("OWN 7110 0.1 7111 0.2 7112 0.5 7113 0.6 7114 0.7")
    assert read_spectrum(path).mu.tolist() == [0.1, 0.2, 0.5, 0.6, 0.7]
    assert [one.name for one in read_spectra(path)] == ["foil"]
    path.write_text("".join(f"{7110 + k} {k}\n" for k in range(6)))
    assert len(read_spectrum(path).energy) == 6


def test_an_unknown_file__is_refused_with_all_that_can_be_read(
    tmp_path: Path, own_format: ModuleType
) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes(b"\1\0binary")
    with pytest.raises(InputError, match=r"a\.dat, which starts with .*: own spectra; an Athena project"):
        read_spectrum(path)
    with pytest.raises(InputError, match=r"no known format of images\. Expected one of these formats: TIFF"):
        open_scan([path])
    assert not is_readable(path, "images")
