"""Rigaku's text files (.ras): a header and three columns for every scan."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.patterns.measured_pattern import (
    Light,
    Pattern,
    check_axis,
    light_of,
    one_of,
    pattern_of,
)
from xafsflow.io.readers.patterns.safe_files import number_in, numbers_in, read_bytes, text_of
from xafsflow.kernels.array_types import Doubles

FORMAT = "Rigaku .ras"
FIELD = re.compile(r"\*(\S+)\s+\"?(.*?)\"?\s*\Z")
LINE_OF_BOTH = "KA"  # what the program calls light of both lines, as against that of the first alone


def detect(path: Path, start: bytes) -> bool:
    """Whether a file begins as this format does."""
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"*RAS_", b"*DSC_"))


def read(path: Path, scan: int | None = None) -> Pattern:
    """The pattern of a scan; counts are multiplied by the attenuator's factors, the third column.

    Raises
    ------
    InputError
        There is no scan, it has no end (a truncated file), or it is not over 2 theta.
    """
    scans = list(_scans(text_of(read_bytes(path), str(path)), path))
    if not scans:
        raise InputError(
            f"{path} without a scan", "lines between *RAS_INT_START and *RAS_INT_END", "export it again"
        )
    return one_of(scans, lambda one: _pattern(path, *one), scan)


def _scans(text: str, path: Path) -> Iterator[tuple[Mapping[str, str], list[str], str]]:
    header: dict[str, str] = {}
    rows: list[str] | None = None
    count = 0
    for line in map(str.strip, text.splitlines()):
        if line == "*RAS_HEADER_START":
            header = {}
        elif line == "*RAS_INT_START":
            rows, count = [], count + 1
        elif line == "*RAS_INT_END" and rows is not None:
            yield header, rows, f"scan {count}"
            rows = None
        elif rows is not None:
            rows.extend([line] if line else [])
        elif found := FIELD.match(line):
            header[found[1]] = found[2]
    if rows is not None:
        raise InputError(
            f"{path}, scan {count} without *RAS_INT_END", "a whole file", "copy or export it again"
        )


def _pattern(path: Path, header: Mapping[str, str], rows: list[str], scan: str) -> Pattern:
    place = f"{path}, {scan}"
    axis = header.get("MEAS_SCAN_AXIS_X_INTERNAL") or header.get("MEAS_SCAN_AXIS_X")
    if axis:
        check_axis(axis, place)
    table = profile("\n".join(rows), place)
    told = header.get("MEAS_DATA_COUNT")
    count = number_in(told, f"{place}, MEAS_DATA_COUNT")
    if count is not None and count != len(table):
        raise InputError(
            f"{place} with {len(table)} points", f"{told}, as its header says", "copy or export it again"
        )
    light = light_from(header, place)
    return pattern_of(path, table[:, 0], table[:, 1] * table[:, 2], light, scan)


def light_from(header: Mapping[str, str], place: str) -> Light:
    """The lines in the header of a scan; the first alone where that is the light's type."""
    keys = {"Ka1": "HW_XG_WAVE_LENGTH_ALPHA1", "Ka2": "HW_XG_WAVE_LENGTH_ALPHA2"}
    lines = {name: number_in(header.get(key), f"{place}, {key}") for name, key in keys.items()}
    return light_of(lines, ratio_of(header.get("MEAS_COND_XG_WAVE_TYPE", "")), place)


def ratio_of(kind: str) -> float | None:
    """The share of K alpha 2 in light of a type (`Ka`, `Ka1`): none, or not told.

    Examples
    --------
    >>> ratio_of("Ka1"), ratio_of("Ka") is None
    (0.0, True)
    """
    return 0.0 if re.sub(r"lpha|[\s_]", "", kind).upper().endswith(f"{LINE_OF_BOTH}1") else None


def profile(text: str, place: str) -> Doubles:
    """The numbers of a scan, of shape (points, 3): angle, counts, factor of the attenuator, 1 where it has no column.

    Raises
    ------
    InputError
        A line has another number of numbers than the first, or not 2 or 3.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{place} without points", "a measured scan", "export the scan")
    width = len(lines[0].split())
    odd = next((n for n, line in enumerate(lines, 1) if len(line.split()) != width), 0)
    if odd or width not in (2, 3):
        shown = lines[odd - 1 if odd else 0].strip()[:60]
        raise InputError(
            f"{place}, point {max(odd, 1)}: {shown!r}", "angle, counts and attenuator", "export it again"
        )
    table = numbers_in(text, place).reshape(-1, width)
    return table if width == 3 else np.column_stack([table, np.ones(len(table))])
