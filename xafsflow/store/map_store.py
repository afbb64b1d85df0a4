"""Maps at rest, computed and written band by band."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.field import (
    Field,
    as_they_are,
    bands_of,
    field_of,
    over_bands,
    values_over_field,
)
from xafsflow.blocks.interpreter import joined
from xafsflow.blocks.pixel_regions import Region
from xafsflow.blocks.program import over_field
from xafsflow.blocks.scan_numbers import resolved
from xafsflow.errors import InputError
from xafsflow.store.band_writer import BandWriter
from xafsflow.store.damage import by_tile, stop_if_any
from xafsflow.store.verify import refuse_missing
from xafsflow.store.written_chunks import Written
from xafsflow.store.zarr_groups import begun, finish, is_complete, open_group, partial_of, storable
from xafsflow.vocabulary import VARIABLES, attributes, axis_of, variable_of

# What a scan brings is no result of a run.
MEASURED = {"sample", "flat_field", "foil", "dark", "counter", "flat_counter", "exposures", "flat_exposures"}
RESULTS = set(VARIABLES) - MEASURED
Progress = Callable[[int, int], None]


def write_maps(
    cube: xr.Dataset, path: Path, *, identity: str = "", progress: Progress | None = None
) -> xr.Dataset:
    """Compute everything that has no spectral axis over the field, band by band, and store it.

    Whoever computes a band writes it, on a cluster its workers. The folder gets its name when it is complete; what an
    interrupted call with the same `identity` left in `<path>.partial` is checked and gone on with, and ends with the
    same bytes.

    Parameters
    ----------
    cube
        Lazy or not. Its `norm_sum` and `norm_count` over `y_block`, `x_block` are added up over all blocks,
        and stored as `mean_norm` and `mean_pixels`; so are those with a label.
    path
        A new Zarr folder.
    identity
        What the maps are made of and how; the caller answers for it.
    progress
        Called with the bands done and the bands in all.

    Returns
    -------
    Dataset
        The maps, opened lazily from the store.

    Raises
    ------
    InputError
        The path is taken, or there is nothing to store.
    ComputationError
        Workers died on some blocks; everything else is written.
    """
    return write_maps_and(cube, path, {}, identity=identity, progress=progress)[0]


def write_maps_and(
    cube: xr.Dataset,
    path: Path,
    others: Mapping[str, xr.DataArray],
    *,
    identity: str = "",
    progress: Progress | None = None,
) -> tuple[xr.Dataset, dict[str, Any]]:
    """As `write_maps`; in the same pass other arrays over the field and sums over its blocks, which come back in memory."""
    wanted = [str(n) for n, a in cube.data_vars.items() if is_map(str(n), a)]
    if not wanted:
        raise InputError("a cube without maps", "variables over y, x", "run the steps that make them first")
    if is_complete(path, identity):
        return open_maps(path), values_over_field(others) if others else {}
    partial = partial_of(path)
    sums = {str(name): array for name, array in cube.data_vars.items() if "y_block" in array.dims}
    summed, over = list(over_field(sums)), over_field(others)
    field = field_of({name: cube[name] for name in (*wanted, *summed)} | over)
    plan = bands_of(field.program)
    told = {"of": identity, "bands": [[one.y0, one.y1] for one in plan], "summed": summed}
    written = begun(cube[wanted], partial, {"y": plan[0].shape[0]}, told)
    todo = {number: one for number, one in enumerate(plan) if number not in written}
    write = BandWriter(partial, {name: tuple(map(str, cube[name].dims)) for name in wanted})
    found = _write(field, todo, write, written, summed, len(plan), progress)
    if over and len(todo) < len(plan):
        # An earlier attempt has written maps of these bands, but nothing of what others want to know.
        again = {number: one for number, one in enumerate(plan) if number not in todo}
        found |= dict(over_bands(field_of(over), again, as_they_are))
    totals = resolved({name: array for name, array in sums.items() if name not in summed})
    for name in summed:
        totals[name] = reduce(add, (written.sums(number)[name] for number in range(len(plan))))
    few = _few_numbers(cube).assign(_means(cube, totals))
    if few:
        storable(few).to_zarr(partial, mode="a", zarr_format=3, consolidated=False)
    finish(partial, path)
    gathered = joined(field.program, [{name: found[n][name] for name in over} for n in sorted(found)])
    return open_maps(path), gathered | resolved({n: a for n, a in others.items() if n not in over})


def _write(
    field: Field,
    todo: Mapping[int, Region],
    write: BandWriter,
    written: Written,
    summed: Sequence[str],
    count: int,
    progress: Progress | None,
) -> dict[int, Any]:
    """Compute and write bands; those that took their workers down are tried tile by tile, to name the ones that do."""
    again, known = {}, {}

    def add(number: int, results: dict[str, Any]) -> None:
        known[number] = results
        written.add(number, {name: results[name] for name in summed})

    for number, found in over_bands(field, todo, write):
        if isinstance(found, BaseException):
            again[number] = found
            continue
        add(number, found)
        if progress:
            progress(len(written.bands), count)
    failed = []
    for number in again:
        results, tiles = by_tile(field, todo[number])
        failed += tiles
        if results is not None:
            add(number, write(number, todo[number], results))
    stop_if_any(failed, next(iter(again.values()), None))
    return known


def _means(cube: xr.Dataset, totals: Mapping[str, Any]) -> xr.Dataset | dict[str, Any]:
    """Means over the whole field from sums over all blocks, by name; nothing where none are summed."""
    if not totals:
        return {}
    found = xr.Dataset()
    for label in {cube[name].attrs.get("label"): None for name in totals}:
        sums = {
            cube[name].attrs.get("variable", name): cube[name]
            .isel(y_block=0, x_block=0)
            .copy(data=total.sum(axis=tuple(map(cube[name].get_axis_num, ("y_block", "x_block")))))
            for name, total in totals.items()
            if cube[name].attrs.get("label") == label
        }
        for name, array in with_means(xr.Dataset(sums).drop_attrs()).items():
            own = {} if label is None else {"variable": name, "label": label}
            found[f"{name}_{label}" if own else name] = array.assign_attrs(own)
    return found


def _few_numbers(cube: xr.Dataset) -> xr.Dataset:
    """Results for the scan as a whole, such as the drift, computed; means over blocks come from their sums."""
    field = {"y", "x", "y_block", "x_block"}
    names = [n for n, a in cube.data_vars.items() if n in RESULTS and not field & set(a.dims)]
    few = cube[[name for name in names if name not in ("mean_norm", "mean_pixels")]]
    values = resolved({str(name): array for name, array in few.data_vars.items()})
    return few.assign({name: few[name].copy(data=found) for name, found in values.items()})


def is_map(name: str, array: xr.DataArray) -> bool:
    """Whether a variable is a result over the field; what a scan brings, such as `dark`, is none."""
    variable = array.attrs.get("variable", name)
    known = variable in RESULTS or variable_of(str(variable)) == "property"
    return known and "y" in array.dims and axis_of(array.dims) is None


def with_means(sums: xr.Dataset) -> xr.Dataset:
    """`mean_norm` and `mean_pixels` from `norm_sum`, `norm_count`; NaN for a reference that leads nowhere."""
    count = sums.norm_count
    means = (sums.norm_sum / count.where(count > 0)).astype(np.float32)
    # Some pixels do not cover the ends of the scan: as many as enter the mean anywhere.
    axis = axis_of(count.dims)
    pixels = count if axis is None else count.max(axis)
    found = xr.Dataset({"mean_norm": means, "mean_pixels": pixels})
    for name, array in found.data_vars.items():
        array.attrs.update(attributes(str(name)))
    return found


def open_maps(path: Path) -> xr.Dataset:
    """The maps of a run, lazily.

    Raises
    ------
    InputError
        The folder holds no stored maps.
    ComputationError
        A chunk of them is missing.
    """
    found = open_group(path, "stored maps", "run the recipe to its end", chunks={})
    refuse_missing(path)
    return found
