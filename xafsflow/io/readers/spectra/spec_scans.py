"""SPEC files: several scans, each with `#S` (number and command) and `#L` (names, two blanks between them)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.column_headers import header_fields
from xafsflow.io.readers.text_columns import Columns, text_of_file

FORMAT = "SPEC scans"
SCAN = re.compile(r"^#S\s+(\d+)\s*(.*)$")
MARK = re.compile(rb"^#S\s+\d+\s|\A#F \S.*\s+#[EDS] ", re.MULTILINE)


def detect(start: bytes) -> bool:
    """Whether a file that begins so is of SPEC."""
    return MARK.search(start) is not None


def read_tables(path: Path) -> list[Columns]:
    """The scans of a file that have data, by their numbers; a number that stands there again has `.2` behind it.

    Raises
    ------
    InputError
        No scan has data, or a line of the data is broken; the message names the line.
    """
    lines = re.split(r"\r\n|\r|\n", text_of_file(path))
    tables = [
        table for start, stop in _scans(lines) if (table := _table(path, lines, start, stop)) is not None
    ]
    if not tables:
        raise InputError(
            f"{path}, a SPEC file without a scan with data", "a scan over the energy", "check the file"
        )
    seen: Counter[str] = Counter()
    named = []
    for table in tables:
        seen[table.entry] += 1
        again = seen[table.entry]
        named.append(replace(table, entry=f"{table.entry}.{again}") if again > 1 else table)
    return named


def _scans(lines: list[str]) -> Iterator[tuple[int, int]]:
    """From which to before which line each scan stands."""
    starts = [at for at, line in enumerate(lines) if SCAN.match(line)]
    yield from pairwise([*starts, len(lines)])


def _table(path: Path, lines: list[str], start: int, stop: int) -> Columns | None:
    """The data of a scan, None where it has none."""
    head = SCAN.match(lines[start])
    number, command = (head[1], head[2].strip()) if head else ("", "")
    names: list[str] = []
    notes: list[str] = []
    rows: list[list[float]] = []
    numbers: list[int] = []
    spectrum = False  # within `@A`, a detector's spectrum, whose lines end with a backslash
    for at in range(start + 1, stop):
        line = lines[at].strip()
        if line.startswith("@") or spectrum:
            spectrum = line.endswith("\\")
        elif line.startswith("#"):
            notes.append(line)
            names = re.split(r"\s{2,}|\t", line[2:].strip()) if line.startswith("#L") else names
        elif line:
            rows.append(_row(path, number, at + 1, line, len(names)))
            numbers.append(at + 1)
    if not rows:
        return None
    header = {"scan.command": command, **header_fields(notes)}
    units = ("",) * len(names)
    values, places = np.array(rows), np.array(numbers)
    return Columns(path, tuple(names), units, values, places, header, entry=number, notes=tuple(notes))


def _row(path: Path, scan: str, number: int, line: str, count: int) -> list[float]:
    try:
        row = [float(word) for word in line.split()]
    except ValueError:
        row = []
    if len(row) != count or not row:
        found = f"{path}, scan {scan}, line {number}: {line[:40]!r}"
        raise InputError(
            found, f"{count} numbers, as #L has names" if count else "names in #L before", "mend the line"
        )
    return row
