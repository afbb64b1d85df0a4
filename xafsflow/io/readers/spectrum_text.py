"""Spectra in columns of text: XDI, Athena's column files, CSV, and columns with or without a header."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers.column_roles import (
    PREFERRED,
    absorbance_of,
    energies_of,
    likeliest,
    only_other,
)
from xafsflow.io.readers.spectrum_library import Spectrum
from xafsflow.io.readers.text_columns import is_text, read_columns
from xafsflow.kernels.array_types import Doubles

FORMAT = "columns of text (XDI, CSV, Athena's column files such as mu(E))"
MIN_POINTS = 5
detect = is_text


def read(path: Path, column: str | None = None) -> Spectrum:
    r"""Read an absorption spectrum from XDI, Athena's column files, CSV or columns of text.

    Parameters
    ----------
    path
        The file; its suffix does not matter.
    column
        The column to take, by name or by number from 1. Of the intensities, `itrans` gives -ln(itrans/i0),
        `ifluor` gives ifluor/i0 and `irefer` -ln(irefer/itrans); any other column is absorbance as it stands.
        By default the first that the file has of itrans, mutrans, mufluor, ifluor, xmu, mu, norm and such,
        else the only column beside the energy.

    Returns
    -------
    Spectrum
        Sorted by energy. An energy that was measured several times has the mean of its values, and an
        XafsflowWarning says so: every measurement counts once, where Larch moves such energies apart. Energies
        in keV are converted, with a warning; an angle becomes energy by hc / (2 d sin(theta)) with the header's
        `Mono.d_spacing`.

    Raises
    ------
    InputError
        If the file cannot be read as a spectrum: the message names the line, or lists the columns.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "foil.xdi")
    ...     names = "# XDI/1.0\n# Column.1: energy eV\n# Column.2: i0\n# Column.3: itrans\n"
    ...     _ = path.write_text(names + "\n".join(f"{7110 + k} 1.0 {np.exp(-0.1 * k)}" for k in range(6)))
    ...     spectrum = read(path)
    >>> spectrum.name, spectrum.columns, spectrum.mu.round(3).tolist()
    ('foil', ('energy', 'i0', 'itrans'), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    """
    table = read_columns(path)
    at, energy = energies_of(table)
    index = likeliest(table, at) if column is None else table.index(column)
    if index == at:
        raise InputError(
            f"{path} and the column of its energies", "one of absorbance", f"choose of {table.listing}"
        )
    mu, used = absorbance_of(table, index)
    energy, mu = _in_order(energy, mu, table.path)
    if len(energy) < MIN_POINTS:
        found = f"{path} with {len(energy)} energies"
        raise InputError(found, f"{MIN_POINTS} or more", "give a whole spectrum")
    own = table.names[index] if column is not None and table.names[index].lower() not in PREFERRED else ""
    return Spectrum(
        name=own or table.path.stem,
        energy=energy,
        mu=mu,
        element=table.header.get("element.symbol", "").capitalize(),
        edge=table.header.get("element.edge", "").upper(),
        columns=(table.shown(at), *used),
        source=table.path,
        metadata=table.header,
    )


def read_all(path: Path) -> list[Spectrum]:
    """Every spectrum of a file.

    A file with a column that is usually absorbance gives one spectrum, with the name of the file; a table of named
    spectra beside one energy gives them all.

    Raises
    ------
    InputError
        If the file cannot be read as spectra.
    """
    table = read_columns(path)
    at, _ = energies_of(table)
    others = [name for index, name in enumerate(table.names) if index != at]
    if len(others) == 1 or any(table.find(name) is not None for name in PREFERRED):
        return [read(path)]
    return [replace(read(path, name), name=name) for name in others]


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
    index = only_other(table, at, "the counts", "leave two columns") if named is None else named
    return _in_order(energy, table.numbers(index), table.path)


def _in_order(energy: Doubles, values: Doubles, path: Path) -> tuple[Doubles, Doubles]:
    """Sorted by energy, with the mean of what was measured at one energy."""
    unique, place, times = np.unique(energy, return_inverse=True, return_counts=True)
    if len(unique) < len(energy):
        repeated = unique[times > 1]
        first = f"the first {repeated[0]:.10g} eV"
        text = f"{path}: {len(repeated)} energies repeat ({first}), their means are taken"
        warnings.warn(text, XafsflowWarning, stacklevel=3)
    return unique, np.bincount(place, weights=values) / times
