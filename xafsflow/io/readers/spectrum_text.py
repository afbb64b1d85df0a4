"""Spectra from text files: energies in eV, absorbance, and what the file says of itself."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers.column_roles import (
    PREFERRED,
    Floats,
    absorbance_of,
    energies_of,
    likeliest,
    only_other,
)
from xafsflow.io.readers.text_columns import read_columns
from xafsflow.vocabulary import attributes, nearest

MIN_POINTS = 5
SAME_EV = 1e-6  # beyond what any file is written to, and more than the rounding of keV


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One spectrum; `energy` in eV, strictly increasing, and `mu`, both float64 of shape (points).

    `columns` are the columns of the file that it was made from, `metadata` the fields of the file's header.
    Element and edge are empty where the file does not tell them.
    """

    name: str
    energy: Floats
    mu: Floats
    element: str
    edge: str
    columns: tuple[str, ...]
    source: Path
    metadata: Mapping[str, str]


def read_spectrum(path: Path, *, column: str | None = None) -> Spectrum:
    r"""Read an absorption spectrum from XDI, Athena's column files, CSV or plain columns of text.

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
        Sorted by energy. An energy that was measured several times has the mean of its values, which is told
        by an XafsflowWarning: every measurement counts once, where Larch moves such energies apart. Energies
        in keV are converted and told; an angle becomes energy by hc / (2 d sin(theta)) with the header's
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
    ...     spectrum = read_spectrum(path)
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


def read_two_columns(path: Path) -> tuple[Floats, Floats]:
    r"""Read a spectrum of counts, such as I0 for a flat field.

    Returns
    -------
    tuple of arrays
        Energies in eV, increasing, and counts, of shape (points): the column `i0` or `counts`, or the only
        one beside the energy. An energy measured several times has the mean of its counts, told by a warning.

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


def tabulated_edge(element: str, edge: str) -> float:
    """The energy of an absorption edge in eV, by Elam, Ravel and Sieber (2002) through xraydb.

    Raises
    ------
    InputError
        If there is no such element, or it has no such edge.

    Examples
    --------
    >>> tabulated_edge("Fe", "K")
    7112.0
    """
    import xraydb

    try:
        edges = xraydb.xray_edges(element)
    except ValueError as error:
        raise InputError(f"the element {element!r}", "a symbol such as Fe", "check the symbol") from error
    if edge not in edges:
        raise InputError(
            f"the edge {edge!r} of {element}{nearest(edge, edges)}",
            f"one of {', '.join(edges)}",
            "check the edge",
        )
    return float(edges[edge].energy)


def edge_inside(energy: Floats, tabulated: float) -> bool:
    """Whether energies, of shape (points), reach below and above an edge, all in eV.

    Examples
    --------
    >>> edge_inside(np.array([7050.0, 7200.0]), tabulated_edge("Fe", "K"))
    True
    """
    return bool(np.min(energy) < tabulated < np.max(energy))


def library_of(spectra: Sequence[Spectrum]) -> xr.Dataset:
    """Put spectra side by side, each on its own energies.

    Returns
    -------
    xarray.Dataset
        `energy` (spectrum, point) in eV and `mu` (spectrum, point), short spectra filled up with NaN at their
        ends; coordinates `spectrum` (the names), `element`, `edge` and `source` (the file's name), all text.

    Raises
    ------
    InputError
        If there is no spectrum, or two have one name.

    Examples
    --------
    >>> from pathlib import Path
    >>> foil = Spectrum("Fe", np.arange(5.0), np.ones(5), "Fe", "K", ("energy", "mu"), Path("foil.dat"), {})
    >>> dict(library_of([foil]).sizes)
    {'spectrum': 1, 'point': 5}
    """
    names = [spectrum.name for spectrum in spectra]
    if not names or len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        found = f"two spectra named {', '.join(twice)}" if twice else "no spectrum"
        raise InputError(found, "one spectrum or more, each with its own name", "give names in the recipe")
    shape = (len(names), max(len(spectrum.energy) for spectrum in spectra))
    energy, mu = np.full(shape, np.nan), np.full(shape, np.nan)
    for row, spectrum in enumerate(spectra):
        energy[row, : len(spectrum.energy)] = spectrum.energy
        mu[row, : len(spectrum.mu)] = spectrum.mu
    texts = {
        "spectrum": names,
        "element": [spectrum.element for spectrum in spectra],
        "edge": [spectrum.edge for spectrum in spectra],
        "source": [spectrum.source.name for spectrum in spectra],
    }
    return xr.Dataset(
        {
            "energy": (("spectrum", "point"), energy, attributes("energy")),
            "mu": (("spectrum", "point"), mu, attributes("mu")),
        },
        {name: ("spectrum", np.array(values, dtype=np.str_)) for name, values in texts.items()},
    )


def on_grid(
    library: xr.Dataset, energy: ArrayLike, method: Literal["cubic", "linear"] = "cubic"
) -> xr.Dataset:
    """Put all spectra of a library on the same energies.

    Parameters
    ----------
    library
        From `library_of`.
    energy
        The new energies in eV, of shape (energies).
    method
        A cubic spline through the points (not-a-knot), as Larch takes for linear combinations, or straight
        lines. Through every second point of 75 measured K-edge spectra, e0 - 30 to e0 + 60 eV, the spline
        misses the points between by 0.0027 of the edge step (median of the root mean squares, with noise),
        lines by 0.0040; at a glitch of one point lines do less harm.

    Returns
    -------
    xarray.Dataset
        `mu` (spectrum, energy), NaN where a spectrum has no points on both sides: nothing is extrapolated.

    Raises
    ------
    InputError
        If the energies are not a list of finite numbers.

    Examples
    --------
    >>> from pathlib import Path
    >>> points = np.arange(5.0)
    >>> foil = Spectrum("Fe", points, points, "Fe", "K", ("energy", "mu"), Path("foil.dat"), {})
    >>> on_grid(library_of([foil]), [0.5, 1.5, 4.5]).mu.values
    array([[0.5, 1.5, nan]])
    """
    grid = np.asarray(energy, dtype=np.float64)
    if grid.ndim != 1 or not grid.size or not np.isfinite(grid).all():
        raise InputError(
            f"energies of shape {grid.shape} or not finite", "a list of numbers", "give one grid in eV"
        )
    rows = [
        _interpolate(x[np.isfinite(x)], y[np.isfinite(x)], grid, method)
        for x, y in zip(library["energy"].values, library["mu"].values, strict=True)
    ]
    fresh = library.drop_vars(["energy", "mu"]).assign_coords(energy=("energy", grid, attributes("energy")))
    return fresh.assign(mu=(("spectrum", "energy"), np.array(rows), library["mu"].attrs))


def _interpolate(x: Floats, y: Floats, grid: Floats, method: str) -> Floats:
    ends = np.clip(grid, x[0], x[-1])
    grid = np.where(abs(ends - grid) <= SAME_EV, ends, grid)
    if method == "linear":
        return np.interp(grid, x, y, left=np.nan, right=np.nan)
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(x, y, extrapolate=False)(grid))


def _in_order(energy: Floats, values: Floats, path: Path) -> tuple[Floats, Floats]:
    """Sorted by energy, with the mean of what was measured at one energy."""
    unique, place, times = np.unique(energy, return_inverse=True, return_counts=True)
    if len(unique) < len(energy):
        repeated = unique[times > 1]
        first = f"the first {repeated[0]:.10g} eV"
        text = f"{path}: {len(repeated)} energies repeat ({first}), their means are taken"
        warnings.warn(text, XafsflowWarning, stacklevel=3)
    return unique, np.bincount(place, weights=values) / times
