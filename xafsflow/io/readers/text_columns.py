"""Text files of numbers in columns: their names, units, header fields, and the line each number stands in.

One reader for what beamlines and their programs write: XDI (https://github.com/XraySpectroscopy/XAS-Data-Interchange),
Athena's column files, CSV, and plain columns with or without a header.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.vocabulary import nearest

MAX_BYTES = 50_000_000
HUGE = 1e30
COMMENT = re.compile(r"\s*(?:[#%!;]|//)")
NUMBER = re.compile(r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?|nan|inf(?:inity)?)\Z", re.IGNORECASE)
DECIMAL_COMMAS = re.compile(r"\s*[-+]?\d+,\d+[\s;]+[-+]?\d+,\d+")
FIELD = re.compile(r"#\s*([A-Za-z]\w*\.[\w-]+)\s*:\s*(.*)")
NAME_AND_UNIT = re.compile(
    r"(?P<name>.*?)(?:[\s_]*[(\[]\s*|[\s_]+)(?P<unit>k?ev|counts|degrees|radians|deg|rad)\s*[)\]]?\Z",
    re.IGNORECASE,
)
USER_COMMENTS = re.compile(r"#\s*///")


@dataclass(frozen=True, eq=False)
class Columns:
    """A table of numbers; `values` has shape (rows, columns), `lines` says where each row stands in the file.

    A column without a name has an empty one. Header fields are those of XDI, keys in small letters.
    """

    path: Path
    names: tuple[str, ...]
    units: tuple[str, ...]
    values: NDArray[np.float64]
    lines: NDArray[np.int64]
    header: dict[str, str]

    @property
    def listing(self) -> str:
        """All columns, for a message."""
        return ", ".join(self.shown(index) for index in range(len(self.names)))

    def shown(self, index: int) -> str:
        """The name of a column for a message or a record, or its number where it has no name."""
        return self.names[index] or str(index + 1)

    def find(self, wanted: str) -> int | None:
        """The index of a column by name in any case, or by its number from 1 where no column has that name.

        Raises
        ------
        InputError
            If several columns have the name.
        """
        matches = [index for index, name in enumerate(self.names) if name.lower() == wanted.lower()]
        if len(matches) > 1:
            found = f"{self.path} with {len(matches)} columns {wanted!r}"
            numbers = " or ".join(str(index + 1) for index in matches)
            raise InputError(found, "one", f"say which by its number, {numbers}")
        if not matches and wanted.isdecimal() and 1 <= int(wanted) <= len(self.names):
            return int(wanted) - 1
        return matches[0] if matches else None

    def index(self, wanted: str) -> int:
        """As `find`, for a column that must be there.

        Raises
        ------
        InputError
            If there is none; the message lists the columns.
        """
        index = self.find(wanted)
        if index is None:
            do = f"choose one of {self.listing}{nearest(wanted, self.names)}"
            raise InputError(f"{self.path} without a column {wanted!r}", "a column of the file", do)
        return index

    def numbers(self, index: int) -> NDArray[np.float64]:
        """A column, all of it finite and below 1e30, as nothing measured is above.

        Raises
        ------
        InputError
            If a number is neither; the message names its line.
        """
        column = self.values[:, index]
        self.refuse(~(np.abs(column) < HUGE), column, "a finite number")
        return column

    def refuse(self, wrong: NDArray[np.bool_], column: NDArray[np.float64], wanted: str) -> None:
        """Raise an InputError that names the first wrong row's line, if there is a wrong row."""
        if wrong.any():
            first = int(np.argmax(wrong))
            more = f" (and {int(wrong.sum()) - 1} lines more)" if wrong.sum() > 1 else ""
            found = f"{self.path}, line {self.lines[first]}: {column[first]:g}{more}"
            raise InputError(found, wanted, "mend or remove the line")


def read_columns(path: Path) -> Columns:
    r"""Read a text file of numbers in columns, separated by blanks, tabs, commas or semicolons.

    Whatever stands before the first line of numbers is header; the last line of it names the columns where it
    has as many words. XDI's `Column.N` go before it. Behind, lines that begin with #, %, ! or ; are comments.

    Raises
    ------
    InputError
        If there is no such file, it is no text, a line is not of numbers or has another number of them, or
        decimals are written with commas; the message names the line.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "foil.dat")
    ...     _ = path.write_text("# Energy(eV) mu\n7110 0.1\n7112 0.5\n")
    ...     table = read_columns(path)
    >>> table.names, table.units, table.values.tolist()
    (('Energy', 'mu'), ('eV', ''), [[7110.0, 0.1], [7112.0, 0.5]])
    """
    lines = re.split(r"\r\n|\r|\n", _text(Path(path)))
    rows: list[list[float]] = []
    numbers: list[int] = []
    before: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = None if COMMENT.match(line) else _row(line, f"{path}, line {number}", bool(rows))
        if row is None:
            before.extend([] if rows else [line.strip()])
            continue
        if rows and len(row) != len(rows[0]):
            raise InputError(
                f"{path}, line {number}: {len(row)} numbers",
                f"{len(rows[0])}, as in line {numbers[0]}",
                "mend or remove the line",
            )
        rows.append(row)
        numbers.append(number)
    if not rows:
        raise InputError(f"{path} without a line of numbers", "numbers in columns", "check the file")
    header = _header(before)
    names, units = _names(header, before, len(rows[0]), path)
    return Columns(Path(path), names, units, np.array(rows), np.array(numbers), header)


def is_text(start: bytes) -> bool:
    """Whether bytes may be the beginning of a text: no zero, and no signature of gzip."""
    return b"\0" not in start and not start.startswith(b"\x1f\x8b")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(
                f"{path} of {path.stat().st_size} bytes", f"at most {MAX_BYTES}", "check the file"
            )
        raw = path.read_bytes()
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: {why}", "a readable file", "check the path") from error
    if not is_text(raw):
        found = f"{path}, which is compressed or binary"
        raise InputError(
            found, "text with numbers in columns", "export it as a column file, from Athena as mu(E)"
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # old headers have a degree or micro sign; numbers are the same in both


def _row(line: str, place: str, within: bool) -> list[float] | None:
    """The numbers of a line; None for a line of the header, which does not begin with a number."""
    if DECIMAL_COMMAS.match(line):
        found = f"{place}: {line.strip()[:40]!r} with decimal commas"
        raise InputError(found, "decimal points", "write the numbers with points")
    separator = next((mark for mark in ";," if mark in line), None)
    fields = [field.strip() for field in line.strip().rstrip(separator or " ").split(separator)]
    if all(NUMBER.match(field) for field in fields):
        return [float(re.sub("[dD]", "e", field)) for field in fields]
    if within or NUMBER.match(fields[0]):
        wrong = next(field for field in fields if not NUMBER.match(field))
        raise InputError(f"{place}: {wrong[:40]!r}", "a number", "mend or remove the line")
    return None


def _header(before: list[str]) -> dict[str, str]:
    """The fields `# Family.member: value`, up to the user's comments."""
    fields: dict[str, str] = {}
    for line in before:
        if USER_COMMENTS.match(line):
            break
        if found := FIELD.match(line):
            fields[found[1].lower()] = (
                found[2].partition("||")[0].strip()
            )  # behind || stands a control system's name
    return fields


def _names(
    header: dict[str, str], before: list[str], count: int, path: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and units of the columns: `Column.N` of XDI, else the last line of the header."""
    last = re.sub(r"^[#%!;/\s]+", "", before[-1]) if before else ""
    separator = next((mark for mark in ";,\t" if mark in last), None)
    words = [word.strip(" \t\"'") for word in last.split(separator)]
    texts = words if len(words) == count and not any(NUMBER.match(word) for word in words) else [""] * count
    for key, text in header.items():
        if key.startswith("column.") and key[7:].isdecimal():
            if not 1 <= int(key[7:]) <= count:
                found = f"{path} with {count} columns and a header for column {key[7:]}"
                raise InputError(found, "a header that fits the numbers", "mend the header")
            texts[int(key[7:]) - 1] = text
    split = [NAME_AND_UNIT.match(text) for text in texts]
    names = tuple(unit["name"] if unit else text for unit, text in zip(split, texts, strict=True))
    return names, tuple(unit["unit"] if unit else "" for unit in split)
