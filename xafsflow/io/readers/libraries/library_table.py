"""A library as CSV: a row a spectrum; columns whose names are numbers are energies, all others say what the sample is."""

from __future__ import annotations

import csv
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.libraries.library_arrays import FEWEST

SEPARATORS = (",", ";", "\t")  # only the first is read; files with the others are named


def is_table(path: Path) -> bool:
    r"""Whether a CSV file has energies as names of columns; a spectrum in columns has not.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "library.csv")
    ...     _ = path.write_text("site,7110,7111,7112,7113,7114\na,0,0,1,1,1\n")
    ...     is_table(path)
    True
    """
    if path.suffix.lower() != ".csv":
        return False
    try:
        return any(
            sum(_number(name) is not None for name in _names(path, mark)) >= FEWEST for mark in SEPARATORS
        )
    except (OSError, csv.Error):
        return False  # whoever reads it as a spectrum says what is wrong


def read_table(path: Path) -> dict[str, Any]:
    r"""Columns of a CSV file as arrays: `mu` (row, energy) and `energy` of the columns named by numbers, in rising order.

    Other columns by their names: whole numbers, numbers, or texts.

    Raises
    ------
    InputError
        A cell of a spectrum is no number (names line and column), a name or an energy stands twice, lines are longer than
        the names, or they are separated by something other than commas.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "library.csv")
    ...     _ = path.write_text("site,7110,7111,7112,7113,7114\na,0,0,1,1,1\n")
    ...     arrays = read_table(path)
    >>> arrays["site"].tolist(), arrays["mu"].shape, arrays["energy"][0]
    (['a'], (1, 5), np.float64(7110.0))
    """
    table = _frame(path)
    energies = {name: value for name in table.columns if (value := _number(name)) is not None}
    found = _columns(table, [name for name in table.columns if name not in energies])
    if not energies:
        return found
    names = sorted(energies, key=lambda name: energies[name])
    for name in names:
        if table[name].dtype.kind not in "fiu":
            line, cell = next(
                (n, c) for n, c in enumerate(table[name], 2) if _number(str(c)) is None and c == c
            )
            raise InputError(
                f"{path}, line {line}, column {name}: {cell!r}", "a number", "mend or remove the line"
            )
    found["mu"] = table[names].to_numpy(np.float32)
    found["energy"] = np.array([energies[name] for name in names])
    return found


def read_columns(path: Path) -> dict[str, Any]:
    r"""All columns of a CSV file as arrays: whole numbers, numbers, or texts.

    Raises
    ------
    InputError
        As `read_table`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "labels.csv")
    ...     _ = path.write_text("file,valence\na.xdi,2\nb.xdi,3\n")
    ...     read_columns(path)["valence"].tolist()
    [2, 3]
    """
    table = _frame(path)
    return _columns(table, table.columns)


def _columns(table: Any, names: Iterable[Any]) -> dict[str, Any]:
    return {str(name): _texts_or_numbers(table[name]) for name in names}


def _names(path: Path, separator: str = ",") -> list[str]:
    # What is no UTF-8 is refused when the table is read; here it still counts as a table
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        lines = csv.reader(file, delimiter=separator)
        return [name.strip() for name in next((line for line in lines if line), [])]


def _checked_names(path: Path) -> list[str]:
    """The names of the columns, as they stand in the file: pandas would make 7110.1 of a second 7110."""
    names = _names(path)
    if len(names) == 1 and any(mark in names[0] for mark in SEPARATORS):
        raise InputError(
            f"{path} with the names {names[0][:40]!r}, not separated by commas",
            "commas between columns, and decimal points",
            "export it so",
        )
    twice = [name for name, columns in Counter(names).items() if columns > 1 and name]
    if twice:
        raise InputError(f"{path} with the column {twice[0]!r} twice", "different names", "remove one")
    return [name or f"column {number}" for number, name in enumerate(names, 1)]


def _frame(path: Path) -> Any:
    import pandas as pd  # type: ignore[import-untyped]

    try:
        with warnings.catch_warnings():
            # What is behind the last name would be lost
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # A class named NA or None is a class
            table = pd.read_csv(
                path,
                header=0,
                names=_checked_names(path),
                encoding="utf-8-sig",
                keep_default_na=False,
                na_values=["", "nan", "NaN"],
                # The name of a file may look like a number
                dtype={"file": str},
                # A comma at the end of every line would move all columns by one
                index_col=False,
            )
    except (OSError, ValueError, csv.Error, pd.errors.ParserWarning) as error:
        told = str(error).strip()
        raise InputError(
            f"{path}: {told}",
            "a table (CSV) with a line of names, and as many cells in each other line",
            "export it as CSV in UTF-8",
        ) from error
    if not len(table):
        raise InputError(f"{path} without a row", "a row for each sample", "check the file")
    return table


def _texts_or_numbers(column: Any) -> Any:
    values = column.to_numpy()
    if values.dtype.kind in "fiub":
        return values
    return np.array(["" if value != value else str(value) for value in values.tolist()], np.str_)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
