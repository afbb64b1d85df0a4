"""A library as CSV: a row a spectrum; columns whose names are numbers are energies, all others say what the sample is."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.libraries.library_arrays import FEWEST


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
        with path.open(newline="", encoding="utf-8-sig") as file:
            names = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False  # whoever reads it as a spectrum says what is wrong
    return sum(_number(name) is not None for name in names) >= FEWEST


def read_table(path: Path) -> dict[str, Any]:
    r"""Columns of a CSV file as arrays: `mu` (row, energy) and `energy` of the columns named by numbers, in rising order.

    Other columns by their names: whole numbers, numbers, or texts.

    Raises
    ------
    InputError
        A cell of a spectrum is no number (names line and column), or an energy stands twice.

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
    found: dict[str, Any] = {
        str(name): _texts_or_numbers(table[name]) for name in table.columns if name not in energies
    }
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


def _frame(path: Path) -> Any:
    import pandas as pd  # type: ignore[import-untyped]

    try:
        # A class named NA or None is a class
        table = pd.read_csv(
            path,
            encoding="utf-8-sig",
            keep_default_na=False,
            na_values=["", "nan", "NaN"],
            # The name of a file may look like a number
            dtype={"file": str},
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: {error}", "a table (CSV) with a line of names", "export it as CSV in UTF-8"
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
