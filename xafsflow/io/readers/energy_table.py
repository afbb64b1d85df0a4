"""The column of energies in a table of text: CSV, columns with comments, or XDI."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from xafsflow.errors import InputError
from xafsflow.io.readers.text_blocks import DECIMAL_COMMA
from xafsflow.io.readers.text_columns import UTF_16, is_text

FORMAT = "a table of text (CSV, XDI, columns), one energy a line"
detect = is_text
COMMENTS = "#%"
WORD = r"[eé]nerg(?:y|ies?|[iíì]as?)"  # in English, German, French, Italian, Spanish
COLUMN = re.compile(rf"^(?:(?:\w+[ _.-])*{WORD}.*|e?[\s_(\[]*k?ev[)\]]*|e)$", re.IGNORECASE)
EXACT = re.compile(rf"^{WORD}[\s_(\[]*(?:k?ev)?[)\]]*$", re.IGNORECASE)
UNIT = re.compile(r"(?:^|[^a-z])(k?ev)(?:$|[^a-z])", re.IGNORECASE)
XDI_COLUMN = re.compile(r"^[#%]\s*Column\.([0-9]+)\s*:([^|]*)", re.IGNORECASE)
WIDEST_RATIO = 3.0  # a scan covers one edge, or a few near each other
LETTER = re.compile(r"[^\W\d_]")

Row = tuple[int, list[str]]


def read_column(path: Path) -> tuple[list[float], str | None]:
    """The numbers in the column of energies, and the unit that its header gives.

    Raises
    ------
    InputError
        There is no such file, no text in it, no column of energies, or something in it that is no finite
        number (names the line).
    """
    table, index, unit, _ = _table(path)
    return [_number(path, row, index) for row in table], unit


def read_beside(path: Path) -> dict[str, list[str]]:
    """What stands in each line beside the energy, by the name of its column, else by its number from 1.

    Raises
    ------
    InputError
        As for `read_column`.
    """
    table, index, _, names = _table(path)
    return {
        name or str(k + 1): [cells[k] if k < len(cells) else "" for _, cells in table]
        for k, name in enumerate(names)
        if k != index
    }


def _table(path: Path) -> tuple[list[Row], int, str | None, list[str]]:
    """The lines with numbers, the column of energies, its unit, and the names of all columns, empty where there are none."""
    lines = _lines(path)
    comments = [line for _, line in lines if line[0] in COMMENTS]
    rows = [(number, line) for number, line in lines if line[0] not in COMMENTS]
    if not rows:
        raise InputError(f"{path} without numbers", "one energy a line", "write the energies into it")
    separator = next((mark for mark in ";\t," if mark in rows[0][1]), "")
    table = [(number, _cells(line, separator)) for number, line in rows]
    names = table[0][1]
    if any(_is_number(name) for name in names):
        index, unit, names = _commented(path, comments, table, separator)
        if separator == ",":
            _refuse_decimal_commas(path, table)
    else:
        index, unit = _named(path, names)
        del table[0]
    if not table:
        found = f"{path} holds a header and no numbers"
        raise InputError(found, "one energy a line", "write the energies into it")
    return table, index, unit, names


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that are not empty, with their numbers."""
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        found = f"{path}: {error.strerror or error}"
        raise InputError(found, "a table of energies", "check the path and its spelling") from None
    text = raw.decode("utf-16" if raw[:2] in UTF_16 else "utf-8-sig", errors="replace")
    if "\0" in text:
        raise InputError(
            f"{path}, which is no text", "a table of energies: CSV, text or XDI", "check the path"
        )
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def _cells(line: str, separator: str) -> list[str]:
    # Without a separator, a unit in brackets belongs to the name before it.
    parts = line.split(separator) if separator else re.split(r"\s+(?![(\[])", line)
    cells = [part.strip(" \t\"'") for part in parts]
    if separator in (";", "\t"):  # then a comma is that of decimals
        cells = [cell.replace(",", ".") if DECIMAL_COMMA.match(cell) else cell for cell in cells]
    return cells


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # Python reads 7_112 as a number


def _number(path: Path, row: Row, index: int) -> float:
    number, cells = row
    text = cells[index] if index < len(cells) else ""
    if not _is_number(text) or not math.isfinite(float(text)):
        found = f"{path}, line {number}: {text!r}" if text else f"{path}, line {number}: {len(cells)} columns"
        wanted = f"a finite number in column {index + 1}, decimals after a point"
        raise InputError(found, wanted, "correct the line")
    return float(text)


def _unit(name: str) -> str | None:
    found = UNIT.search(name)
    return found[1] if found else None


def _named(path: Path, names: Sequence[str]) -> tuple[int, str | None]:
    """The column of energies by its name, and the unit in the name; an only column needs no name."""
    found = [k for k, name in enumerate(names) if COLUMN.match(name)] if len(names) > 1 else [0]
    if len(found) > 1:
        found = [k for k in found if EXACT.match(names[k])]
    if len(found) != 1:
        columns = f"{path}: columns {', '.join(names)}"
        raise InputError(columns, "one named energy, energy_eV or energy_keV", "name the column so")
    return found[0], _unit(names[found[0]])


def _commented(
    path: Path, comments: Sequence[str], table: Sequence[Row], separator: str
) -> tuple[int, str | None, list[str]]:
    """The column of energies by the comments, XDI's or names in the last one, else by the numbers; all names."""
    width = len(table[0][1])
    xdi = {int(found[1]) - 1: found[2].strip() for line in comments if (found := XDI_COLUMN.match(line))}
    if xdi:
        places = sorted(xdi)
        names = [xdi[k].partition(" ")[0] for k in places]
        place = places[_named(path, names)[0]]
        return place, _unit(xdi[place]), [xdi.get(k, "").partition(" ")[0] for k in range(width)]
    names = _cells(comments[-1].lstrip(COMMENTS + " \t"), separator) if comments else []
    if len(names) == width and any(COLUMN.match(name) for name in names):
        return *_named(path, names), names
    return _unnamed(path, table), None, [""] * width


def _unnamed(path: Path, table: Sequence[Row]) -> int:
    """The column of energies where nothing names one: the first, without those of words, and none that only counts."""
    able = [k for k, cell in enumerate(table[0][1]) if _is_number(cell) or not LETTER.search(cell)]
    columns = [[float(c[k]) for _, c in table if k < len(c) and _is_number(c[k])] for k in able]
    counts = len(table) > 2 and all(b - a == 1 for a, b in pairwise(columns[0]))
    if counts and any(_may_be_energies(one, len(table)) for one in columns[1:]):
        found = (
            f"{path}, whose first column counts from {columns[0][0]:g} to {columns[0][-1]:g} and has no name"
        )
        do = "write the names of the columns into its first line"
        raise InputError(found, "a header with the name energy_eV, as two columns may be energies", do)
    return able[0]


def _may_be_energies(values: Sequence[float], lines: int) -> bool:
    rises = all(b > a for a, b in pairwise(values)) or all(b < a for a, b in pairwise(values))
    return len(values) == lines and rises and 0 < max(values) < WIDEST_RATIO * min(values)


def _refuse_decimal_commas(path: Path, table: Sequence[Row]) -> None:
    """7112,5 without a header: a number with a decimal comma, or two columns."""
    if all(len(cells) == 2 and "".join(cells).isdecimal() for _, cells in table):
        number, cells = table[0]
        raise InputError(
            f"{path}, line {number}: {','.join(cells)}",
            "decimals after a point, or a header with the name energy_eV",
            "write points, or name the columns",
        )
