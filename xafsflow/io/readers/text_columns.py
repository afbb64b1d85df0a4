"""Text files of numbers in columns: their names, units, header fields, and the line each number stands in.

One reader for what beamlines and their programs write: XDI (https://github.com/XraySpectroscopy/XAS-Data-Interchange),
Athena's column files, CSV, and columns with the headers of many beamlines, or with none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.io.readers.column_headers import header_fields, named_columns
from xafsflow.io.readers.text_blocks import blocks_of
from xafsflow.vocabulary import nearest

MAX_BYTES = 50_000_000
HUGE = 1e30
MOST_LISTED = 60
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, eq=False)
class Columns:
    """A table of numbers; `values` has shape (rows, columns), `lines` says where each row stands in the file.

    A column without a name has an empty one; `aliases` are further names, in small letters, with the index of their
    column. Header fields are those of XDI, keys in small letters; `notes` are all lines of the header. A file that holds
    several tables names each in `entry`; `row` is what a row is called in messages.
    """

    path: Path
    names: tuple[str, ...]
    units: tuple[str, ...]
    values: NDArray[np.float64]
    lines: NDArray[np.int64]
    header: dict[str, str]
    entry: str = ""
    notes: tuple[str, ...] = ()
    aliases: Mapping[str, int] = field(default_factory=dict)
    row: str = "line"

    @property
    def place(self) -> str:
        """The file, and the entry in it, for messages."""
        return f"{self.path}, {self.entry}" if self.entry else str(self.path)

    @property
    def listing(self) -> str:
        """All columns, for a message."""
        shown = [self.shown(index) for index in range(len(self.names))]
        return ", ".join(shown[:MOST_LISTED]) + (" and more" if len(shown) > MOST_LISTED else "")

    def shown(self, index: int) -> str:
        """The name of a column for a message or a record, or its number where it has no name."""
        return self.names[index] or str(index + 1)

    def find(self, wanted: str) -> int | None:
        """The index of a column by name in any case, or by its number from 1, as `3` or `$3`, where no column has that name.

        Raises
        ------
        InputError
            If several columns have the name.
        """
        key = wanted.strip().lower()
        matches = [index for index, name in enumerate(self.names) if name.lower() == key]
        if not matches and key in self.aliases:
            return self.aliases[key]
        if not matches and key:  # one component of a long name, as mcs03 of BL1606-ID1:mcs03:fbk
            parts = [re.split(r"[:/. ]", name.lower()) for name in self.names]
            matches = [index for index, words in enumerate(parts) if len(words) > 1 and key in words]
        if len(matches) > 1:
            found = f"{self.place} with {len(matches)} columns {wanted!r}"
            numbers = " or ".join(str(index + 1) for index in matches)
            raise InputError(found, "one", f"say which by its number, {numbers}")
        number = key.removeprefix("$")
        if not matches and number.isdecimal() and 1 <= int(number) <= len(self.names):
            return int(number) - 1
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
            raise InputError(f"{self.place} without a column {wanted!r}", "a column of the file", do)
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
            more = f" (and {int(wrong.sum()) - 1} {self.row}s more)" if wrong.sum() > 1 else ""
            found = f"{self.place}, {self.row} {self.lines[first]}: {column[first]:g}{more}"
            raise InputError(found, wanted, f"mend or remove the {self.row}")


def read_columns(path: Path) -> Columns:
    r"""Read a text file of numbers in columns, separated by blanks, tabs, commas or semicolons.

    The longest block of lines with as many numbers each is the data, whatever stands before it the header. Names are XDI's
    `Column.N`, what a beamline's header says, or the words of the last line of the header where it has as many. Behind
    may stand any text. Lines that begin with #, %, ! or ; are comments. Decimals may have commas where something else
    stands between numbers.

    Raises
    ------
    InputError
        If there is no such file, it is no text, or a line of the data is broken; the message names the line.

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
    return columns_of(text_of_file(Path(path)), Path(path))


def columns_of(text: str, path: Path) -> Columns:
    """As `read_columns`, of a text that was read already.

    Raises
    ------
    InputError
        A line of the data is broken, or there are none.
    """
    found = blocks_of(re.split(r"\r\n|\r|\n", text), str(path))
    header = header_fields(found.before)
    if "outer.value" in header or "outer.value" in header_fields(found.among):
        name = header.get("outer.name", "another axis")
        raise InputError(
            f"{path}, an XDI file over two axes (energy and {name})",
            "one spectrum",
            "export one of its lines",
        )
    names = named_columns(header, found.before, found.data.width, path)
    return Columns(
        path,
        names.names,
        names.units,
        np.array(found.data.rows),
        np.array(found.data.numbers),
        header,
        notes=tuple(found.before),
        aliases=names.aliases,
    )


def is_text(start: bytes) -> bool:
    """Whether bytes may be the beginning of a text: UTF-16 with its mark, or no zero and no signature of gzip."""
    return start[:2] in UTF_16 or (b"\0" not in start and not start.startswith(b"\x1f\x8b"))


def text_of_file(path: Path) -> str:
    """The text of a file: UTF-8, UTF-16 with its mark, else Latin-1, in which numbers are the same.

    Raises
    ------
    InputError
        There is no such file, it is larger than any spectrum, or it is no text.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{path} of {size} bytes", f"at most {MAX_BYTES}", "check the file")
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
        return raw.decode("utf-16" if raw[:2] in UTF_16 else "utf-8-sig")
    except UnicodeDecodeError:
        if raw[:2] in UTF_16:
            raise InputError(f"{path}, UTF-16 that is damaged", "whole text", "save it as UTF-8") from None
        return raw.decode("latin-1")  # old headers have a degree or micro sign; numbers are the same in both
