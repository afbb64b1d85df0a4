"""The column of energies in a table of text: CSV, columns with comments, or XDI."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from xafsflow.errors import InputError
from xafsflow.io.readers.text_columns import UTF_16, is_text

FORMAT = "a table of text (CSV, XDI, columns), one energy a line"
detect = is_text
COMMENTS = "#%"
COLUMN = re.compile(r"^(?:(?:\w+[ _.-])*energ(?:y|ies).*|e?[\s_(\[]*k?ev[)\]]*|e)$", re.IGNORECASE)
EXACT = re.compile(r"^energ(?:y|ies)[\s_(\[]*(?:k?ev)?[)\]]*$", re.IGNORECASE)
UNIT = re.compile(r"(?:^|[^a-z])(k?ev)(?:$|[^a-z])", re.IGNORECASE)
XDI_COLUMN = re.compile(r"^[#%]\s*Column\.([0-9]+)\s*:([^|]*)", re.IGNORECASE)

Row = tuple[int, list[str]]


def read_column(path: Path) -> tuple[list[float], str | None]:
    """The numbers in the column of energies, and the unit that its header gives.

    Raises
    ------
    InputError
        There is no such file, no text in it, no column of energies, or something in it that is no finite
        number (names the line).
    """
    lines = _lines(path)
    comments = [line for _, line in lines if line[0] in COMMENTS]
    rows = [(number, line) for number, line in lines if line[0] not in COMMENTS]
    if not rows:
        raise InputError(f"{path} without numbers", "one energy a line", "write the energies into it")
    separator = next((mark for mark in ",;\t" if mark in rows[0][1]), "")
    table = [(number, _cells(line, separator)) for number, line in rows]
    names = table[0][1]
    if any(_is_number(name) for name in names):
        index, unit = _commented(path, comments, len(names), separator)
        if separator == ",":
            _refuse_decimal_commas(path, table)
    else:
        index, unit = _named(path, names)
        del table[0]
    if not table:
        found = f"{path} holds a header and no numbers"
        raise InputError(found, "one energy a line", "write the energies into it")
    return [_number(path, row, index) for row in table], unit


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
    return [part.strip(" \t\"'") for part in parts]


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


def _commented(path: Path, comments: Sequence[str], width: int, separator: str) -> tuple[int, str | None]:
    """The column of energies by the comments: XDI's, or names in the last one; else the first column."""
    xdi = {int(found[1]) - 1: found[2].strip() for line in comments if (found := XDI_COLUMN.match(line))}
    if xdi:
        places = sorted(xdi)
        place = places[_named(path, [xdi[k].partition(" ")[0] for k in places])[0]]
        return place, _unit(xdi[place])
    names = _cells(comments[-1].lstrip(COMMENTS + " \t"), separator) if comments else []
    if len(names) == width and any(COLUMN.match(name) for name in names):
        return _named(path, names)
    return 0, None


def _refuse_decimal_commas(path: Path, table: Sequence[Row]) -> None:
    """7112,5 without a header: a number with a decimal comma, or two columns."""
    if all(len(cells) == 2 and "".join(cells).isdecimal() for _, cells in table):
        number, cells = table[0]
        raise InputError(
            f"{path}, line {number}: {','.join(cells)}",
            "decimals after a point, or a header with the name energy_eV",
            "write points, or name the columns",
        )
