"""Files that were made to take all memory or time are refused, or read, in a short time."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.io.readers import read_spectrum, text_columns

ROWS = "".join(f"{7100 + k} {k / 10}\n" for k in range(30))
SECONDS = 5.0


HOSTILE = {
    "long name": "# energy " + "a_" * 40_000 + "\n" + ROWS,
    "name of blanks": "# energy" + " " * 40_000 + "x mu\n" + ROWS,
    "long header line": "# " + "1) x 2" * 30_000 + "\n" + ROWS,
    "quotes": '# "' + '" "' * 30_000 + "\n" + ROWS,
    "many columns": "# energy"
    + "".join(f" a{k}" for k in range(400))
    + "\n"
    + "".join(f"{7100 + k} " + " ".join(str(1 + (j * k) % 7) for j in range(400)) + "\n" for k in range(40)),
    "alternating rows": "".join(f"{k} 1\n{k}\n" for k in range(30_000)),
    "blank lines": "# energy mu\n" + "\n" * 200_000 + ROWS,
    "project of blank lines": "# Athena project file\n" + "\n" * 300_000,
    "project of statements": "# Athena project file\n" + "$a = '1';\n" * 30_000,
    "project of brackets": "# Athena project file\n@x = (" + "[" * 100_000,
    "project without an end": "# Athena project file\n@x = ('" + "1','" * 100_000,
    "json of brackets": '{"_____header": ' + "[" * 200_000,
    "spec of scans": "#S 1 ascan\n" * 30_000,
    "9809": "  9809 \n" + "Mono : " * 20_000 + "\n" + ROWS,
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.filterwarnings("ignore::xafsflow.errors.XafsflowWarning")
def test_read_spectrum__answers_soon_whatever_the_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bad.dat"
    path.write_text(HOSTILE[kind])
    start = time.process_time()
    refused = ""
    try:
        spectrum = read_spectrum(path)
    except InputError as error:
        refused = str(error)
    assert time.process_time() - start < SECONDS
    assert len(refused) < 30_000
    assert "bad.dat" in refused or np.isfinite(spectrum.mu).all()


def test_read_spectrum__refuses_what_is_larger_than_any_spectrum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_columns, "MAX_BYTES", 100)
    path = tmp_path / "large.dat"
    path.write_text(ROWS)
    with pytest.raises(InputError, match=r"bytes\. Expected at most 100"):
        read_spectrum(path)


def test_read_spectrum__refuses_half_a_utf_16_file(tmp_path: Path) -> None:
    path = tmp_path / "half.csv"
    path.write_bytes(("energy,mu\n" + ROWS.replace(" ", ",")).encode("utf-16")[:-1])
    with pytest.raises(InputError, match="UTF-16 that is damaged"):
        read_spectrum(path)
