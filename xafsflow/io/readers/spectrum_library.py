"""Spectra as they come from files, side by side in a library, on one grid of energies, and of another resolution."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.spectra.broadening import gaussian_mean
from xafsflow.vocabulary import attributes, nearest

SAME_EV = 1e-6  # beyond what any file is written to, and more than the rounding of keV


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One spectrum; `energy` in eV, strictly increasing, and `mu`, both float64 of shape (points).

    `columns` are the columns of the file that it was made from, `metadata` the fields of the file's header.
    Element and edge are empty where the file does not say.
    """

    name: str
    energy: Doubles
    mu: Doubles
    element: str
    edge: str
    columns: tuple[str, ...]
    source: Path
    metadata: Mapping[str, str]


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


def edge_inside(energy: Doubles, tabulated: float) -> bool:
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
        ends; coordinates `spectrum` (the names), `element`, `edge`, `source` (the file's name) and `columns` (of
        it that were used), all text.

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
        "columns": [", ".join(spectrum.columns) for spectrum in spectra],
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


def _interpolate(x: Doubles, y: Doubles, grid: Doubles, method: str) -> Doubles:
    ends = np.clip(grid, x[0], x[-1])
    grid = np.where(abs(ends - grid) <= SAME_EV, ends, grid)
    if method == "linear":
        return np.interp(grid, x, y, left=np.nan, right=np.nan)
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(x, y, extrapolate=False)(grid))


def broadened(energy: Doubles, mu: Doubles, variance: float) -> Doubles:
    """A spectrum at its own energies as an instrument blunter by a variance shows it; a sharper one below zero.

    Parameters
    ----------
    energy, mu
        `(k,)`, rising and finite; between the points goes a cubic spline.
    variance
        Of the Gaussian, eV^2; its negative where the spectrum is made sharper.

    Examples
    --------
    >>> energy = np.arange(-20, 20, 0.5)
    >>> edge = lambda width: np.array([0.5 * math.erfc(-e / width / 2**0.5) for e in energy])
    >>> [round(float(np.abs(broadened(energy, edge(1.5), v) - edge((2.25 + v) ** 0.5)).max()), 4) for v in (0.5, -0.2)]
    [0.0, 0.0002]
    """
    if variance == 0:
        return mu
    from scipy.interpolate import CubicSpline

    spline = CubicSpline(energy, mu)
    factors = np.ascontiguousarray(spline.c)
    once = gaussian_mean(spline.x, factors, energy, math.sqrt(abs(variance)))
    if variance > 0:
        return once
    return 3 * (mu - once) + gaussian_mean(spline.x, factors, energy, math.sqrt(2 * abs(variance)))
