"""Spectra in columns of text: XDI, Athena's column files, CSV, and the column files of beamlines."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers.column_roles import energies_of
from xafsflow.io.readers.text_columns import Columns, is_text, read_columns
from xafsflow.kernels.array_types import Doubles

FORMAT = "columns of text (XDI, CSV, Athena's column files, those of beamlines)"
detect = is_text


def read_tables(path: Path) -> list[Columns]:
    """The table of a text file.

    Raises
    ------
    InputError
        If the file cannot be read as a table; the message names the line.
    """
    return [read_columns(path)]


def read_two_columns(path: Path) -> tuple[Doubles, Doubles]:
    r"""Read a spectrum of counts, such as I0 for a flat field.

    Returns
    -------
    tuple of arrays
        Energies in eV, increasing, and counts, of shape (points): the column `i0` or `counts`, or the only
        one beside the energy. An energy measured several times has the mean of its counts, with a warning.

    Raises
    ------
    InputError
        If the file cannot be read so; the message names the line, or lists the columns.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "i0.xsp")
    ...     _ = path.write_text("7.0E+2 901.4\n7.00375E+2 903.6\n")
    ...     read_two_columns(path)
    (array([700.   , 700.375]), array([901.4, 903.6]))
    """
    table = read_columns(path)
    at, energy = energies_of(table)
    named = next((index for name in ("i0", "counts") if (index := table.find(name)) is not None), None)
    values = table.numbers(_only_other(table, at) if named is None else named)
    unique, place, times = np.unique(energy, return_inverse=True, return_counts=True)
    if len(unique) < len(energy):
        first = f"the first {unique[times > 1][0]:.10g} eV"
        text = f"{path}: {int((times > 1).sum())} energies repeat ({first}), their means are taken"
        warnings.warn(text, XafsflowWarning, stacklevel=2)
    return unique, np.bincount(place, weights=values) / times


def _only_other(table: Columns, at: int) -> int:
    """The index of the one column beside the energies."""
    others = [index for index in range(len(table.names)) if index != at]
    if len(others) != 1:
        found = f"{table.path} with {len(table.names)} columns: {table.listing}"
        raise InputError(found, "energy and one more, the counts", "leave two columns")
    return others[0]
