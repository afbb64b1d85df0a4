"""A library as files of one spectrum each, with a table that says what each is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers import read_spectrum
from xafsflow.io.readers.libraries.library_table import read_columns

FILE = "file"  # the column of the table that names the files


def read_folder(paths: Sequence[Path], table: Path | None) -> dict[str, Any]:
    """Spectra of many files as arrays: `mu` and `energy` (file, point), NaN behind the end, and the columns of the table.

    Where all have the same energies, `energy` is (point,).

    Parameters
    ----------
    paths
        XDI or columns of text, one spectrum each.
    table
        CSV with a column `file`: the name of each file, with or without its suffix. None where nothing is known.

    Raises
    ------
    InputError
        A file holds no spectrum or has no line in the table.
    """
    spectra = [read_spectrum(path) for path in paths]
    shape = (len(spectra), max(len(one.energy) for one in spectra))
    energy, mu = np.full(shape, np.nan), np.full(shape, np.nan, np.float32)
    for row, one in enumerate(spectra):
        energy[row, : len(one.energy)], mu[row, : len(one.mu)] = one.energy, one.mu
    same = np.isfinite(energy).all() and (energy == energy[0]).all()
    found = {} if table is None else _rows(paths, table)
    return found | {"mu": mu, "energy": energy[0] if same else energy}


def _rows(paths: Sequence[Path], table: Path) -> dict[str, Any]:
    """The columns of a table in the order of the files."""
    columns = read_columns(table)
    taken = {"mu", "energy"} & set(columns)
    if taken:
        raise InputError(
            f"{table} with a column {min(taken)!r}", "names that the spectra do not have", "rename it"
        )
    if FILE not in columns:
        raise InputError(
            f"{table} with the columns {', '.join(columns)}",
            f"a column `{FILE}` with the name of each file",
            "add it",
        )
    names = [str(name) for name in columns.pop(FILE)]
    twice = sorted(name for name, lines in Counter(names).items() if lines > 1)
    if twice:
        raise InputError(f"{table} with {twice[0]!r} twice", "one line for each file", "remove one")
    line = {name: number for number, name in enumerate(names)}
    order = [line.get(path.name, line.get(path.stem, -1)) for path in paths]
    missing = [path.name for path, at in zip(paths, order, strict=True) if at < 0]
    if missing:
        raise InputError(
            f"{len(missing)} files without a line in {table}, such as {missing[0]}",
            "a line for each file",
            "add the lines, or narrow the pattern in `files`",
        )
    return {name: values[order] for name, values in columns.items()}
