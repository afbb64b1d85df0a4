"""Maps at rest, computed and written band by band."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.store.damage import BlockFailures
from xafsflow.store.verify import refuse_missing
from xafsflow.store.zarr_groups import begun, finish, is_complete, open_group, partial_of, storable
from xafsflow.vocabulary import VARIABLES, attributes, axis_of

# Rows computed and written together: enough blocks for every core, little enough to hold several times.
BAND_BYTES = 96 * 2**20
# What a scan brings is no result of a run.
RESULTS = set(VARIABLES) - {"sample", "flat_field", "foil", "dark", "counter", "flat_counter"}
Progress = Callable[[int, int], None]
Compute = Callable[[int], dict[str, Any] | None]


def bands(cube: xr.Dataset, band_bytes: int = BAND_BYTES) -> Iterator[tuple[slice, slice]]:
    """Bands of whole blocks along y: their rows, and the numbers of their blocks.

    The blocks are those that `y_block` counts; without it, those of the last lazy variable.

    Examples
    --------
    >>> cube = xr.Dataset({"mu": (("energy", "y", "x"), np.zeros((4, 10, 5), "f4"))}).chunk(y=4)
    >>> [(rows.start, rows.stop, blocks.stop) for rows, blocks in bands(cube, 400)]
    [(0, 4, 1), (4, 8, 2), (8, 10, 3)]
    """
    # Variables may differ in their blocks: those thinner than a halo are joined.
    layouts = [a.chunksizes["y"] for a in cube.data_vars.values() if "y" in a.chunksizes]
    counted = [layout for layout in layouts if len(layout) == cube.sizes.get("y_block")]
    heights = (counted or layouts or [(cube.sizes["y"],)])[-1]
    row_bytes = 4 * cube.sizes.get(axis_of(cube.dims), 1) * cube.sizes["x"]
    first, row, start = 0, 0, 0
    for number, height in enumerate(heights, start=1):
        row += height
        if number == len(heights) or (row - start + heights[number]) * row_bytes > band_bytes:
            yield slice(start, row), slice(first, number)
            start, first = row, number


def write_maps(
    cube: xr.Dataset, path: Path, *, identity: str = "", progress: Progress | None = None
) -> xr.Dataset:
    """Compute everything that has no spectral axis over the field, band by band, and store it.

    Memory holds the blocks of one band. The folder gets its name when it is complete; what an interrupted call with the
    same `identity` left in `<path>.partial` is checked and gone on with, and ends with the same bytes.

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
    wanted = [str(n) for n, a in cube.data_vars.items() if is_map(str(n), a)]
    if not wanted:
        raise InputError("a cube without maps", "variables over y, x", "run the steps that make them first")
    if is_complete(path, identity):
        return open_maps(path)
    partial, plan = partial_of(path), list(bands(cube))
    summed = [str(name) for name, array in cube.data_vars.items() if "y_block" in array.dims]
    told = {"of": identity, "bands": [[rows.start, rows.stop] for rows, _ in plan], "summed": summed}
    chunk = {"y": max(rows.stop - rows.start for rows, _ in plan)}
    arrays, written = begun(cube[wanted], partial, chunk, told)
    todo = [number for number in range(len(plan)) if number not in written]
    together = _together(plan, todo)
    failures = BlockFailures(cube[wanted], arrays, together)

    def parts_of(number: int) -> tuple[slice, dict[str, xr.DataArray]]:
        rows, blocks = plan[number]
        # Were there more blocks than the bands know of, the last band would add them.
        added = {"y_block": slice(blocks.start, None) if number + 1 == len(plan) else blocks}
        return rows, {name: cube[name].isel(added) for name in summed}

    done, again = len(plan) - len(todo), []
    for number, found in _computed(lambda number: failures.whole(*parts_of(number)), todo, together):
        if found is None:
            again.append(number)
            continue
        written.add(number, found)
        done += 1
        if progress:
            progress(done, len(plan))
    for number in again:
        found = failures.by_block(*parts_of(number))
        if found is not None:
            written.add(number, found)
    failures.stop_if_any()
    few = _few_numbers(cube).assign(
        _sums_over_bands(cube, summed, [written.sums(n) for n in range(len(plan))])
    )
    if few:
        storable(few).to_zarr(partial, mode="a", zarr_format=3, consolidated=False)
    finish(partial, path)
    return open_maps(path)


def _sums_over_bands(
    cube: xr.Dataset, summed: Sequence[str], bands_sums: Sequence[dict[str, Any]]
) -> xr.Dataset | dict[str, Any]:
    """Means over the whole field from the sums of its bands, added in their order; nothing where none are summed."""
    if not summed:
        return {}
    totals = {name: reduce(add, (sums[name] for sums in bands_sums)) for name in summed}
    found = xr.Dataset()
    for label in {cube[name].attrs.get("label"): None for name in summed}:
        sums = {
            cube[name].attrs.get("variable", name): cube[name]
            .isel(y_block=0, x_block=0)
            .copy(data=totals[name])
            for name in summed
            if cube[name].attrs.get("label") == label
        }
        for name, array in with_means(xr.Dataset(sums).drop_attrs()).items():
            own = {} if label is None else {"variable": name, "label": label}
            found[f"{name}_{label}" if own else name] = array.assign_attrs(own)
    return found


def _together(plan: Sequence[tuple[slice, slice]], todo: Sequence[int]) -> int:
    """Bands at a time: one, but on a cluster as many as keep all its threads at work."""
    from xafsflow.store.parts import bands_at_once, threads_of
    from xafsflow.store.schedulers import client_of, scheduler

    client = client_of(scheduler())
    if client is None or not todo:
        return 1
    rows = min(plan[number][1].stop - plan[number][1].start for number in todo)
    return bands_at_once(threads_of(client), rows, len(todo))


def _computed(compute: Compute, todo: Sequence[int], together: int) -> Iterator[tuple[int, Any]]:
    """Bands, in their order, with what came of them."""
    from xafsflow.store.schedulers import computing_with, scheduler

    if together == 1:
        yield from ((number, compute(number)) for number in todo)
        return
    get = scheduler()

    def told(number: int) -> Any:
        # What computes is told to threads one by one.
        with computing_with(get):
            return compute(number)

    with ThreadPoolExecutor(together) as pool:
        try:
            yield from zip(todo, pool.map(told, todo), strict=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _few_numbers(cube: xr.Dataset) -> xr.Dataset:
    """Results for the scan as a whole, such as the drift, computed; means over blocks come from their sums."""
    field = {"y", "x", "y_block", "x_block"}
    names = [n for n, a in cube.data_vars.items() if n in RESULTS and not field & set(a.dims)]
    return cube[[name for name in names if name not in ("mean_norm", "mean_pixels")]].compute()


def is_map(name: str, array: xr.DataArray) -> bool:
    """Whether a variable is a result over the field; what a scan brings, such as `dark`, is none."""
    variable = array.attrs.get("variable", name)
    return variable in RESULTS and "y" in array.dims and axis_of(array.dims) is None


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
