"""What was understood of a recipe and its data: which images and spectra are what, and where windows lie on the scan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.spectra.edge_energy import find_e0
from xafsflow.kernels.spectra.normalization_windows import Windows, larch_ranges
from xafsflow.pipeline.cost import images_of, size_text
from xafsflow.pipeline.products import Products
from xafsflow.pipeline.recipe import Recipe
from xafsflow.vocabulary import AXES, VARIABLES, cube_dims, is_cube, spectral_axis

# eV between the edge that is given and that of a reference, from which on one of them may be of another element.
APART = 20.0


def understood(recipe: Recipe, products: Products) -> list[tuple[str, str]]:
    """What is told before a run, line by line: the name of a thing, and what it was taken for.

    Parameters
    ----------
    recipe
        Checked.
    products
        As `execution.preview` gives them.

    Examples
    --------
    >>> from xafsflow.io.folders import Folders
    >>> from pathlib import Path
    >>> understood(Recipe("", "r.yaml", ()), Products(Folders(Path())))
    [('measurement', 'the recipe reads none')]
    """
    cube, library = products.cube, products.library
    written = _files(recipe)
    lines = [("measurement", "the recipe reads none")] if cube is None else list(_of_cube(cube, written))
    edges = np.array([] if library is None else [_edge(library, row) for row in range(len(library.spectrum))])
    if library is not None:
        lines += _of_library(library, edges)
    if cube is not None and "energy" in cube.dims:
        lines += _windows(recipe, cube.energy.values, edges)
    return lines


def _files(recipe: Recipe) -> Mapping[str, str]:
    """The patterns of files by the names of settings of ingest."""
    found: dict[str, str] = {}
    for planned in recipe.plan:
        if planned.step.station == "ingest":
            found |= {key: value for key, value in planned.settings.items() if isinstance(value, str)}
    return found


def _of_cube(cube: xr.Dataset, written: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    axis = spectral_axis(cube)
    points, rows, columns = (cube.sizes[dim] for dim in cube_dims(axis))
    values, unit = cube[axis].values, AXES[axis].unit
    names = "energies" if axis == "energy" else f"points of {axis}"
    source = f" ({written['energies']})" if "energies" in written else ""
    total = sum(cube[name].nbytes for name in images_of(cube))
    size = f", {size_text(total)} of images" if total else ""
    span = f"{points} {names} from {values[0]:g} to {values[-1]:g} {unit}{source}"
    yield "measurement", f"{span}, {rows} x {columns} pixels{size}"
    for name in ("sample", "flat_field", "foil", "dark", "counter", "flat_counter"):
        if name in cube:
            array = cube[name]
            what = (
                f"{points} images" if is_cube(array) else "one image" if "y" in array.dims else "a spectrum"
            )
            source = written.get(name, written.get("sample", "simulated"))
            yield name, f"{VARIABLES[name].meaning}: {what}, {array.dtype}, {source}"
    if "mu" in cube and "sample" not in cube:
        yield "mu", written.get("sample", "simulated")


def _of_library(library: xr.Dataset, edges: Doubles) -> Iterator[tuple[str, str]]:
    for row, name in enumerate(map(str, library.spectrum.values)):
        energy, edge = library.energy.values[row], edges[row]
        known = " ".join(
            str(library[one].values[row]) for one in ("element", "edge") if one in library.coords
        )
        rise = f", steepest at {edge:.1f} eV" if np.isfinite(edge) else ""
        where = f"{np.nanmin(energy):g} to {np.nanmax(energy):g} eV{rise}"
        source = f"; {library['columns'].values[row]} of {library.source.values[row]}"
        yield f"reference {name}", f"{known.strip() or 'element not told'}, {where}{source}"


def _edge(library: xr.Dataset, row: int) -> float:
    energy, mu = library.energy.values[row], library.mu.values[row]
    known = np.isfinite(energy) & np.isfinite(mu)
    try:
        return float(find_e0(energy[known], mu[known]))
    except InputError:
        return np.nan  # too few points


def _windows(recipe: Recipe, energy: Doubles, edges: Doubles) -> Iterator[tuple[str, str]]:
    """The windows of each normalization on the scan, and whether its edge is that of the references."""
    for planned in recipe.plan:
        settings: Mapping[str, Any] = planned.settings
        e0 = settings.get("e0")
        if planned.step.station != "normalize" or e0 is None:
            continue
        given = {key: settings[key] for key in Windows._fields if key in settings}
        at = larch_ranges(energy, e0, Windows(**given))
        parts = [
            f"{name} {at_low:g} to {at_high:g} eV ({stop - start} energies)"
            for name, at_low, at_high, start, stop in (
                ("pre-edge", at.pre1, at.pre2, at.pre_start, at.pre_stop),
                ("post-edge", at.norm1, at.norm2, at.post_start, at.post_stop),
            )
        ]
        yield planned.entry, f"edge at {e0:g} eV; {', '.join(parts)}"
        if np.isfinite(edges).any() and np.nanmin(np.abs(edges - e0)) > APART:
            near = edges[np.nanargmin(np.abs(edges - e0))]
            apart = f"{abs(near - e0):.0f} eV from the nearest edge of a reference, {near:.1f} eV"
            yield "note", f"e0 {e0:g} eV of {planned.entry} is {apart}"


def as_table(lines: list[tuple[str, str]]) -> list[str]:
    """Lines of text, in two columns.

    Examples
    --------
    >>> as_table([("sample", "images"), ("flat_field", "none")])
    ['  sample      images', '  flat_field  none']
    """
    width = max((len(name) for name, _ in lines), default=0)
    return [f"  {name:<{width}}  {text}" for name, text in lines]
