"""A format is one module and one line: files are given to the first format that knows them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.io.readers import READERS, is_readable, open_scan, read_spectra, read_spectrum
from xafsflow.io.readers.spectrum_library import Spectrum


@pytest.fixture
def own_format(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A format of spectra that begins with its name and has pairs of numbers behind."""

    def read(path: Path, column: str | None = None) -> Spectrum:
        energy, mu = np.array(path.read_text().split()[1:], float).reshape(-1, 2).T
        return Spectrum(path.stem, energy, mu, "", "", ("energy", "mu"), path, {})

    module = ModuleType("own_format")
    module.__dict__.update(
        FORMAT="own spectra",
        detect=lambda start: start.startswith(b"OWN"),
        read=read,
        read_all=lambda path: [read(path)],
    )
    monkeypatch.setitem(sys.modules, "own_format", module)
    monkeypatch.setitem(READERS, "spectra", ("own_format", *READERS["spectra"]))
    return module


def test_a_format_of_one_s_own__is_read_when_it_is_registered(tmp_path: Path, own_format: ModuleType) -> None:
    path = tmp_path / "foil.own"
    path.write_text("OWN 7110 0.1 7112 0.5")
    assert read_spectrum(path).energy.tolist() == [7110.0, 7112.0]
    assert [one.name for one in read_spectra(path)] == ["foil"]
    path.write_text("".join(f"{7110 + k} {k}\n" for k in range(6)))
    assert len(read_spectrum(path).energy) == 6


def test_an_unknown_file__is_refused_with_all_that_can_be_read(
    tmp_path: Path, own_format: ModuleType
) -> None:
    path = tmp_path / "a.prj"
    path.write_bytes(b"\x1f\x8bproject")
    with pytest.raises(InputError, match=r"a\.prj, which starts with .*: own spectra; columns of text"):
        read_spectrum(path)
    with pytest.raises(InputError, match=r"no known format of images\. Expected one of these formats: TIFF"):
        open_scan([path])
    assert not is_readable(path, "images")
