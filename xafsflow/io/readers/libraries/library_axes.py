"""The spectra of a library on one axis, aligned and cut so that the axis tells nothing of the sample."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers.libraries.library_arrays import FEWEST, Part
from xafsflow.io.readers.libraries.spectra_on_grid import (
    Extent,
    edges_at_step,
    edges_within,
    extents,
    rows_on_grid,
    step_at_edges,
)
from xafsflow.kernels.array_types import Doubles
from xafsflow.vocabulary import attributes, nearest

SEARCH = 10.0  # eV
EPSILON = 1e-6  # eV, beyond what any file is written to


@dataclass(frozen=True)
class _Placed:
    """A part with where its spectra begin and end, and by how much each is moved, eV."""

    part: Part
    extent: Extent
    shift: Doubles

    @property
    def low(self) -> Doubles:
        return self.extent.first + self.shift

    @property
    def high(self) -> Doubles:
        return self.extent.last + self.shift


def join(
    parts: Sequence[Part], *, align: bool = False, e0: float | str | None = None, search: float = SEARCH
) -> xr.Dataset:
    """Put all spectra on one axis and below each other.

    The axis is what all spectra cover, so that neither where a spectrum begins or ends, nor which of its points are missing,
    tells which file or class it comes from. Its points are those of the file, or of the spectrum, that has most of them
    there; others are interpolated by a cubic spline. Spectra that are on these points already stay as they are.

    Parameters
    ----------
    parts
        From `part_of`.
    align
        Move each spectrum so that its edge is where that of all others is.
    e0
        With `align`: where the edges are put, eV; None puts them at their median; a text is the name of the property that
        holds each spectrum's own edge, in place of the one that is found (see `spectra_on_grid.edges`).
    search
        An edge that is found is searched again within so many eV of the median, if it lies farther off.

    Returns
    -------
    Dataset
        `mu` (sample, energy) float32, lazy where a part is; `energy`; `group`, and what the parts have; with `align` also
        `edge_found` (sample), eV before it was moved.

    Raises
    ------
    InputError
        Spectra with gaps or without an edge, too few energies that all cover, variables that one of the parts lacks.

    Examples
    --------
    >>> from xafsflow.io.readers.libraries.library_arrays import Wanted, part_of
    >>> one, two = ({"mu": np.ones((2, 9)), "energy": np.arange(9.0) + k, "group": np.array(["a", "b"])} for k in (0, 3))
    >>> library = join([part_of(one, Wanted(), "one.npz"), part_of(two, Wanted(), "two.npz")])
    >>> library.energy.values, dict(library.sizes)
    (array([3., 4., 5., 6., 7., 8.]), {'sample': 4, 'energy': 6})
    """
    placed = _placed(parts, align, e0, search)
    grid = _common_grid(placed)
    tables = [_on(grid, one, align) for one in _same_variables(placed)]
    library = xr.concat(
        _same_atoms(tables),
        "sample",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="override",
        combine_attrs="override",
    )
    library = _with_groups(library)
    library.attrs = {"align": "edge" if align else "none", "grouped": bool(library.group.attrs["source"])}
    return library


def _placed(parts: Sequence[Part], align: bool, e0: float | str | None, search: float) -> list[_Placed]:
    found = [extents(part, edges=align and not isinstance(e0, str)) for part in parts]
    if not align:
        return [_Placed(*pair, np.zeros(len(pair[1].first))) for pair in zip(parts, found, strict=True)]
    known = [_given_edges(part, e0) if isinstance(e0, str) else None for part in parts]
    found = [one if edge is None else one.with_edges(edge) for one, edge in zip(found, known, strict=True)]
    for part, one in zip(parts, found, strict=True):
        lost = ~np.isfinite(one.edge)
        if lost.any():
            raise InputError(
                f"{int(lost.sum())} spectra of {part.place} without an edge, the first at sample {int(np.argmax(lost))}",
                "an edge in each spectrum",
                "leave them out, or do without `align`",
            )
    target = float(np.median(np.concatenate([one.edge for one in found])))
    if not isinstance(e0, str):
        found = _found_alike(parts, _searched_again(parts, found, target, search))
        target = target if e0 is None else float(e0)
    return [_Placed(part, one, target - one.edge) for part, one in zip(parts, found, strict=True)]


def _given_edges(part: Part, name: str) -> Doubles:
    if name not in part.data or part.data[name].attrs.get("role") != "property":
        raise InputError(
            f"e0 {name!r} for {part.place}",
            "a number of eV, or the name of a property of all spectra",
            f"check the name{nearest(name, map(str, part.data))}",
        )
    return np.asarray(part.data[name].values, np.float64)


def _searched_again(
    parts: Sequence[Part], found: Sequence[Extent], middle: float, search: float
) -> list[Extent]:
    """Edges that lie too far from the others' are taken within the reach of the search.

    The steepest rise of a spectrum may be that of a later peak; one such spectrum would cut the range of all.
    """
    result, count = [], 0
    for part, one in zip(parts, found, strict=True):
        far = np.flatnonzero(np.abs(one.edge - middle) > search)
        edge = one.edge.copy()
        edge[far] = edges_within(part, far, middle - search, middle + search)
        result.append(one.with_edges(edge))
        count += len(far)
    if count:
        _warn(
            f"{count} of {sum(len(one.edge) for one in found)} spectra are steepest more than {search:g} eV from "
            f"the median edge, {middle:.1f} eV: their edge is where they are steepest within that"
        )
    return result


def _found_alike(parts: Sequence[Part], found: Sequence[Extent]) -> list[Extent]:
    """Edges that are found on points as far apart in all spectra, where these have different axes."""
    first = parts[0].energy
    if not any(part.own_axes or not _equal(part.energy, first) for part in parts):
        return list(found)
    pairs = list(zip(parts, found, strict=True))
    step = max(step_at_edges(part, one.edge) for part, one in pairs)
    return [one.with_edges(edges_at_step(part, one.edge, step)) for part, one in pairs]


def _common_grid(placed: Sequence[_Placed]) -> Doubles:
    """The energies of the finest axis within what all spectra cover."""
    lows, highs = (np.concatenate([getattr(one, name) for one in placed]) for name in ("low", "high"))
    low, high = float(lows.max()), float(highs.min())
    grid = max((_inside(one, low, high) for one in placed), key=len)
    if len(grid) < FEWEST:
        raise InputError(
            f"{len(grid)} energies that all spectra cover: sample {int(lows.argmax())} begins at {low:.1f} eV, "
            f"sample {int(highs.argmin())} ends at {high:.1f} eV",
            f"{FEWEST} or more",
            "leave out the spectra that are too short, or of another edge",
        )
    return np.asarray(grid)


def _inside(one: _Placed, low: float, high: float) -> Doubles:
    """Energies between two of the axis of a part, or of that spectrum which has most there."""
    axis = np.asarray(one.part.energy if not one.part.own_axes else _finest(one, low, high), np.float64)
    return axis[(axis >= low - EPSILON) & (axis <= high + EPSILON)]


def _finest(one: _Placed, low: float, high: float) -> Doubles:
    energy = one.part.energy
    begin, end = (limit - one.shift[:, None] for limit in (low - EPSILON, high + EPSILON))
    row = int(np.argmax(np.asarray(((energy >= begin) & (energy <= end)).sum(axis=1))))
    return np.asarray(energy[row], np.float64) + one.shift[row]


def _on(grid: Doubles, one: _Placed, align: bool) -> xr.Dataset:
    mu, energy = one.part.data["mu"].data, one.part.energy
    start = -1 if one.part.own_axes else int(np.searchsorted(energy, grid[0] - EPSILON))
    here = slice(start, start + len(grid))
    if start >= 0 and not one.shift.any() and _equal(energy[here], grid):
        rows = mu[:, here].astype(np.float32)
    elif isinstance(mu, np.ndarray):
        rows = rows_on_grid(mu, energy, one.shift, grid)
    else:
        rows = _lazily(mu, energy, one.shift, grid)
    data = one.part.data.drop_vars("mu").assign(mu=(("sample", "energy"), rows, attributes("mu")))
    if align:
        told = {"units": "eV", "role": "alignment", "long_name": "edge before it was aligned"}
        data["edge_found"] = ("sample", one.extent.edge, told)
    return data.assign_coords(energy=("energy", grid, attributes("energy")))


def _equal(one: ArrayLike, other: Doubles) -> bool:
    return np.shape(one) == other.shape and bool(np.allclose(one, other, rtol=0, atol=EPSILON))


def _lazily(mu: Any, energy: Any, shift: Doubles, grid: Doubles) -> Any:
    import dask.array as da

    column = da.from_array(shift[:, None], chunks=(mu.chunks[0], 1))
    made = partial(_block, grid=grid)
    own = [] if np.ndim(energy) == 1 else [da.asarray(energy).rechunk(mu.chunks)]
    axis = {"energy": np.asarray(energy)} if not own else {}
    return da.map_blocks(
        made, mu, column, *own, dtype=np.float32, chunks=(mu.chunks[0], (len(grid),)), **axis
    )


def _block(mu: Any, shift: Any, energy: Any, grid: Any) -> Any:
    return rows_on_grid(mu, energy, shift[:, 0], grid)


def _same_variables(placed: Sequence[_Placed]) -> list[_Placed]:
    """Parts with the variables that all have; what some lack is told."""
    every = set.intersection(*(set(one.part.data.variables) for one in placed))
    some = set.union(*(set(one.part.data.variables) for one in placed)) - every
    if some:
        lacking = [one.part.place for one in placed if some - set(one.part.data.variables)]
        if some & {"group", "z"}:
            raise InputError(
                f"{', '.join(lacking)} without {' and '.join(sorted(map(str, some)))}, which other files have",
                "groups and structures in all files or in none",
                "add them, or read the files apart",
            )
        _warn(
            f"left out, since not all files have them: {', '.join(sorted(map(str, some)))} (not in {lacking[0]})"
        )
    return [
        replace(one, part=replace(one.part, data=one.part.data.drop_vars(some, errors="ignore")))
        for one in placed
    ]


def _same_atoms(tables: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Clusters padded to the atoms of the largest."""
    if "z" not in tables[0]:
        return list(tables)
    most = max(table.sizes["atom"] for table in tables)
    return [table.pad(atom=(0, most - table.sizes["atom"]), constant_values=0) for table in tables]


def _with_groups(library: xr.Dataset) -> xr.Dataset:
    if "group" in library:
        return library.set_coords("group")
    _warn("no group (material) is known: each spectrum is a group of its own, and like ones may be split")
    names = np.arange(library.sizes["sample"]).astype(np.str_)
    return library.assign_coords(group=("sample", names, {"source": ""}))


def _warn(text: str) -> None:
    warnings.warn(text, XafsflowWarning, stacklevel=4)
