"""What a table says of files with patterns: labels as texts, and the wavelength."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers.libraries.library_table import read_columns

FILE, WAVELENGTH = "file", "wavelength"
TAKEN = {"mu", "two_theta", "group", "sample", "measured_wavelength"}


def read_labels(table: Path, names: Sequence[str]) -> dict[str, list[str]]:
    r"""The columns of a table in the order of the files, as texts; whole numbers without a point.

    Parameters
    ----------
    table
        CSV with a column `file`: the name of each file, with or without folder and suffix.
    names
        The files that are read, relative to their folder.

    Raises
    ------
    InputError
        A file has no line in the table (names it), or the table no column `file`, a file twice or a name that is taken.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "labels.csv")
    ...     _ = path.write_text("file,structure_type,year\na.xy,fluorite,2024\nb.xy,garnet,2025\n")
    ...     read_labels(path, ["b.xy", "a.xy"])
    {'structure_type': ['garnet', 'fluorite'], 'year': ['2025', '2024']}
    """
    columns = read_columns(table)
    if FILE not in columns or TAKEN & set(columns):
        raise InputError(
            f"{table} with the columns {', '.join(columns)}",
            f"a column `{FILE}` with the name of each file, and none of {', '.join(sorted(TAKEN))}",
            "add or rename it",
        )
    listed = [str(name) for name in columns.pop(FILE)]
    twice = [name for name, count in Counter(listed).items() if count > 1]
    if twice:
        raise InputError(f"{table} with {twice[0]!r} twice", "one line for each file", "remove one")
    line = {name: number for number, name in enumerate(listed)}
    order = [line_of(name, line) for name in names]
    missing = [name for name, at in zip(names, order, strict=True) if at is None]
    if missing:
        raise InputError(
            f"{len(missing)} files without a line in {table}: {_some(missing)}",
            "a line for each file",
            "add the lines, or narrow the pattern in `files`",
        )
    used = [at for at in order if at is not None]
    taken = set(used)
    unused = [name for number, name in enumerate(listed) if number not in taken]
    if unused:
        text = f"{table} has lines for {len(unused)} files that are not among those read: {_some(unused)}"
        warnings.warn(text, XafsflowWarning, stacklevel=3)
    return {name: [_text(values[at]) for at in used] for name, values in columns.items()}


def line_of(name: str, line: Mapping[str, int]) -> int | None:
    """The line of a file among those of a table, None where it has none; by its name with or without folder and suffix.

    Examples
    --------
    >>> line_of("a/b.xy", {"c": 0, "b": 1})
    1
    """
    path = Path(name)
    # The longest name first: files of one name may lie in several folders
    choices = (name, str(path.with_suffix("")), path.name, path.stem)
    return next((line[one] for one in choices if one in line), None)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    number = float(value)
    if number != number:
        return ""
    # A cell that is empty makes pandas give whole numbers of the others a point
    return str(int(number)) if number.is_integer() else str(value)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
