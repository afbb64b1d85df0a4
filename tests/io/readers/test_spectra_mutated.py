from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError
from xafsflow.io.readers import read_spectrum

XDI = "# XDI/1.0\n# Column.1: energy eV\n# Column.2: i0\n# Column.3: itrans\n# Element.symbol: Fe\n#---\n"
XDI += "".join(f"  {7000 + 10 * k}.0000  {3e5 + k:.6f}  {2e5 - k:.6f}\n" for k in range(12))
pieces = st.sampled_from(
    [
        "\n",
        " ",
        "\t",
        ",",
        ";",
        "#",
        "e",
        "-",
        ".",
        "nan",
        "1e308",
        "1e-320",
        "0",
        "keV",
        "angle",
        "///",
        "Column.9:",
        "\0",
        "é",
    ]
)


@pytest.mark.long
@given(st.lists(st.tuples(st.integers(0, len(XDI)), st.integers(0, 30), pieces), min_size=1, max_size=5))
@settings(max_examples=300, deadline=None)
@pytest.mark.filterwarnings("ignore::xafsflow.errors.XafsflowWarning")
def test_read_spectrum__reads_or_refuses_whatever_is_done_to_a_file(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[tuple[int, int, str]]
) -> None:
    text = XDI
    for at, length, piece in cuts:
        text = text[:at] + piece + text[at + length :]
    reads_or_refuses(tmp_path_factory.getbasetemp() / "mutated.xdi", text.encode())


@pytest.mark.long
@given(st.binary(max_size=200) | st.text("0123456789 .,;-+eE#\n\t", max_size=300).map(str.encode))
@settings(max_examples=300, deadline=None)
@pytest.mark.filterwarnings("ignore::xafsflow.errors.XafsflowWarning")
def test_read_spectrum__reads_or_refuses_any_bytes(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    reads_or_refuses(tmp_path_factory.getbasetemp() / "any.xdi", raw)


def reads_or_refuses(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    try:
        spectrum = read_spectrum(path)
    except InputError:
        return
    assert (np.diff(spectrum.energy) > 0).all()
    assert (spectrum.energy > 0).all()
    assert np.isfinite(spectrum.mu).all()
    assert spectrum.mu.shape == spectrum.energy.shape
    assert spectrum.mu.dtype == spectrum.energy.dtype == np.float64
