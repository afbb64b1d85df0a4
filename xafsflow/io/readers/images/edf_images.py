"""EDF of the ESRF: blocks of a header in text and of plain pixels, one image or several in a file.

Reference: the ESRF data format, as fabio reads it. A header is `{ name = value ; ... }`, filled up with blanks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.image_scan import ImageScan
from xafsflow.io.readers.images.plain_source import Piece, PlainSource
from xafsflow.io.readers.images.scan_parts import ScanPart, scan_of
from xafsflow.io.readers.images.text_headers import check_size, damaged, no_inside, read_start
from xafsflow.io.readers.images.told_values import NUMBER, energies_ev, energy_scale

FORMAT = "EDF (ESRF)"
USUAL_HEADER, LARGEST_HEADER = 2**13, 2**20
# It ends a line, so that a brace in a value is none; no further blank, which may be the first byte of a pixel.
MARK = re.compile(rb"\}\r?\n")
DTYPES = {
    "signedbyte": "i1", "unsignedbyte": "u1", "signedshort": "i2", "unsignedshort": "u2", "signedinteger": "i4",
    "unsignedinteger": "u4", "signedlong": "i4", "unsignedlong": "u4", "float": "f4", "floatvalue": "f4",
    "real": "f4", "double": "f8", "doublevalue": "f8", "signed64": "i8", "unsigned64": "u8",
}  # fmt: skip
ORDERS = {"lowbytefirst": "<", "highbytefirst": ">"}
# Fields with the energy, and mnemonics of it among motors and counters; in lower case.
ENERGIES = ("energy", "photon_energy", "mono_energy", "energy_kev", "energy_ev")
MONITORS = ("i0", "mon", "monitor", "izero")


def detect(start: bytes) -> bool:
    """Whether a file that begins so has a header of this format."""
    text = start.lstrip()
    return (
        text.startswith(b"{") and re.match(rb"\{\s*[A-Za-z_][\w .-]*\s*=", text) is not None and b";" in text
    )


def open_scan(paths: Sequence[Path], inside: str | None = None) -> ImageScan:
    """The images of EDF files, with the energies and the readings of a monitor (`i0`, `mon`) in their headers.

    Raises
    ------
    InputError
        A file is compressed, truncated or damaged, tells an energy that is none, or differs from the first.
    """
    no_inside(paths[0], inside)
    scan = scan_of([_part(str(path.absolute())) for path in paths])
    if scan.energies is None:
        return scan
    # Of all files, since the unit that no header tells shows in the range of the energies.
    energies = energies_ev(scan.energies, scan.energy_unit, f"headers of {paths[0]} and so on")
    unit = scan.energy_unit or ("eV" if energies[0] == scan.energies[0] else "keV")
    return replace(scan, energies=energies, energy_unit=unit)


def _part(path: str) -> ScanPart:
    headers: list[Mapping[str, str]] = []
    pieces: list[tuple[Piece, ...]] = []
    size, at = Path(path).stat().st_size, 0
    while at < size:
        header, start = _header(path, at)
        if header is None:
            break
        form = _form(path, header)
        rows, columns, dtype = form
        length = rows * columns * np.dtype(dtype).itemsize
        check_size(path, f"{path}, image {len(headers) + 1}", rows, columns, start + length)
        if headers and form != _form(path, headers[0]):
            raise damaged(path, f"image {len(headers) + 1} of another shape or type than the first")
        headers.append(header)
        pieces.append(((start, length),))
        at = start + max(length, _number(header, "edf_binarysize") or 0)
    if not headers:
        raise damaged(path, "no header of an image")
    return _told(path, headers, tuple(pieces))


def _told(path: str, headers: Sequence[Mapping[str, str]], pieces: tuple[tuple[Piece, ...], ...]) -> ScanPart:
    rows, columns, dtype = _form(path, headers[0])
    found = [_energy(header, path) for header in headers]
    energies = None if None in found else np.array([one[0] for one in found if one is not None])
    counts = [_mnemonic(header, "counter", MONITORS) for header in headers]
    monitor = None if None in counts else np.array([one for one in counts if one is not None], float)
    return ScanPart(
        images=PlainSource(path, rows, columns, dtype, pieces),
        energies=energies,
        quantity="counts" if np.dtype(dtype).kind in "iu" else None,
        counter=monitor,
        energy_unit=None if energies is None or found[0] is None else found[0][1] or None,
    )


def _header(path: str, at: int) -> tuple[Mapping[str, str] | None, int]:
    """The fields of a header, names in lower case, and the first byte behind it; None where there is none."""
    start = read_start(path, USUAL_HEADER, at)
    if MARK.search(start) is None:
        start = read_start(path, LARGEST_HEADER, at)
    if not start.lstrip().startswith(b"{"):
        if start.strip(b"\0 \r\n\t"):
            raise damaged(path, f"no header at byte {at}")
        return None, at
    end = MARK.search(start)
    if end is None:
        raise damaged(path, f"a header at byte {at} that does not end")
    text = start[: end.end()].decode("latin-1").lstrip()[1:]
    told_fields = (field.partition("=") for field in text.split(";"))
    fields = {name.strip().lower(): value.strip() for name, mark, value in told_fields if mark}
    told = _number(fields, "edf_headersize")
    return fields, at + (told if told and told >= end.end() else end.end())


def _form(path: str, header: Mapping[str, str]) -> tuple[int, int, str]:
    """Rows, columns, type of the pixels in the byte order of the file."""
    packed = header.get("compression", "none").lower()
    if packed not in ("none", "no", "nocompression", "null", ""):
        raise InputError(
            f"{path} with compressed pixels ({packed})", "plain pixels", "write it without compression"
        )
    columns, rows = _number(header, "dim_1"), _number(header, "dim_2")
    if columns is None or rows is None or (_number(header, "dim_3") or 1) != 1:
        raise damaged(path, "no two dimensions (Dim_1, Dim_2) in a header")
    dtype = DTYPES.get(header.get("datatype", "").replace(" ", "").lower())
    order = ORDERS.get(header.get("byteorder", "LowByteFirst").lower())
    if dtype is None or order is None:
        told = header.get("datatype") if dtype is None else header.get("byteorder")
        raise InputError(f"{path} with {told!r} as type or byte order", "those of EDF", "mend the header")
    return rows, columns, order + dtype


def _number(header: Mapping[str, str], name: str) -> int | None:
    value = header.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


def _energy(header: Mapping[str, str], path: str) -> tuple[float, str] | None:
    """The energy of a header as it stands there, and its unit, empty where none is told."""
    for name in ENERGIES:
        if name in header:
            number = NUMBER.match(header[name])
            if number is None:
                raise damaged(path, f"the energy {header[name]!r}")
            told = header[name][number.end() :].strip() or name.rpartition("_")[2]
            return float(number[0]), told if energy_scale(told) is not None else ""
    value = _mnemonic(header, "motor", ENERGIES)
    return None if value is None else (value, "")


def _mnemonic(header: Mapping[str, str], kind: str, names: Sequence[str]) -> float | None:
    """The value of a motor or counter, of the two lists of names and of values."""
    words, values = header.get(f"{kind}_mne", "").split(), header.get(f"{kind}_pos", "").split()
    for name, value in zip(words, values, strict=False):
        if name.lower() in names:
            try:
                return float(value)
            except ValueError:
                return None
    return None
