"""Arrays over the whole field, band by band: a task reads the rows of its band once and does all that is wanted of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, Generic, TypeVar, cast

import numpy as np
import xarray as xr

from xafsflow.blocks.interpreter import computed, images_of, joined, loaded
from xafsflow.blocks.pixel_regions import Frame, Region
from xafsflow.blocks.program import Program, over_field, program_of
from xafsflow.blocks.scan_numbers import resolved
from xafsflow.blocks.where import Place, in_threads, place
from xafsflow.io.readers.lazy_stack import READ_BYTES

T = TypeVar("T")
# Bytes of counts that a band reads, its neighbors' rows left out: enough rows that these are few, and little enough to
# hold one for each thread.
BAND_BYTES = 96 * 2**20
# What is done with the results of a band, where they were computed.
Work = Callable[[int, Region, dict[str, Any]], T]


def bands_of(program: Program) -> list[Region]:
    """The field in bands of whole rows, alike on every machine.

    Bands end between strips that are decoded whole, and between blocks of arrays that only Dask can compute.

    Examples
    --------
    >>> image = xr.DataArray(np.zeros((10, 4), "f4"), dims=("y", "x")).chunk(y=3)
    >>> [band.shape for band in bands_of(program_of({"image": image}))]
    [(10, 4)]
    """
    rows, columns = program.shape
    height = _height(program)
    edges = [0]
    blocks = _edges_of_blocks(program)
    while edges[-1] < rows:
        within = blocks[(blocks > edges[-1]) & (blocks <= edges[-1] + height)]
        edges.append(min(rows, int(within[-1]) if len(within) else edges[-1] + height))
    return [Region(a, b, 0, columns) for a, b in pairwise(edges)]


def _height(program: Program) -> int:
    """Rows of a band."""
    rows, columns = program.shape
    each = [s.shape[0] * s.shape[2] * s.dtype.itemsize for s in program.stacks.values()]
    height = max(1, BAND_BYTES // (sum(each) or 4 * program.points * columns))
    side = next(Region(0, rows, 0, columns).tiles(program.points)).shape[0]
    if height > side:
        # Whole tiles, so that none is thin.
        height = height // side * side
    unit = max((stack.row_quantum for stack in program.stacks.values()), default=1)
    if unit > 1:
        # A strip at either end is decoded for its neighbor as well.
        height = min(max(height, 4 * unit), max(1, READ_BYTES // max(each)))
        height = height // unit * unit or height
    return height


def _edges_of_blocks(program: Program) -> np.ndarray:
    """Rows at which blocks of all lazy arrays end."""
    common: set[int] | None = None
    for slot, array in program.lazy.items():
        if "y" in array.dims and program.slots[slot].frame == Frame():
            edges = set(np.cumsum(array.chunksizes["y"]).tolist())
            common = edges if common is None else common & edges
    return np.array(sorted(common or ()), int)


@dataclass(frozen=True)
class Field:
    """What is to be computed over a field, with the numbers of the scan."""

    program: Program
    numbers: Mapping[int, Any]

    def band(self, region: Region) -> Field:
        """What the task of a band needs: of arrays in memory its own rows."""
        arrays, held = {}, {}
        for slot, values in self.program.arrays.items():
            one = self.program.slots[slot]
            if "y" in one.dims:
                own = one.region(region)
                held[slot] = own
                arrays[slot] = values[own.slices(one.dims, Region(0, 0, 0, 0))]
            else:
                arrays[slot] = values
        return replace(self, program=replace(self.program.without_graphs(), arrays=arrays, held=held))

    def lazy(self, region: Region) -> dict[int, Any]:
        """Lazy arrays at the rows that a band needs of them."""
        found = {}
        for slot, array in self.program.lazy.items():
            own = self.program.slots[slot].region(region)
            part = {"y": slice(own.y0, own.y1), "x": slice(own.x0, own.x1)}
            found[slot] = array.isel({d: part[d] for d in ("y", "x") if d in array.dims}).data
        return found

    def done(self, region: Region, lazy: Mapping[int, Any]) -> dict[str, Any]:
        """The results of a band."""
        (images,) = images_of(self.program, [region])
        return computed(self.program, region, loaded(self.program, region, images, lazy, self.numbers))


def field_of(arrays: Mapping[str, xr.DataArray]) -> Field:
    """What arrays over y and x, and sums over their blocks, need; finds the numbers of the scan."""
    program = program_of(arrays)
    numbers = resolved({str(slot): array for slot, (_, array) in program.numbers.items()})
    return Field(program, {int(slot): values for slot, values in numbers.items()})


def over_bands(
    field: Field, bands: Mapping[int, Region], work: Work[T]
) -> Iterator[tuple[int, T | BaseException]]:
    """Compute bands and do something with each where it was computed; on a cluster, by its workers.

    Parameters
    ----------
    bands
        Their regions, by number.
    work
        Called with number, region and results; on a cluster it travels, as does what it gives back.

    Yields
    ------
    tuple
        Number, and what `work` gave: in order on threads, as they come on a cluster. A band that took its workers down
        gives the error.
    """
    here = place()
    if here.client is None:

        def one(number: int) -> tuple[int, T | BaseException]:
            region = bands[number]
            try:
                return number, work(number, region, field.done(region, _computed_here(field.lazy(region))))
            except MemoryError as error:
                return number, error

        yield from in_threads(one, bands)
        return
    yield from _on_cluster(here, field, bands, work)


def _computed_here(lazy: Mapping[int, Any]) -> Mapping[int, Any]:
    import dask

    # In this thread: the others have bands of their own.
    return dict(dask.compute(dict(lazy), scheduler="synchronous")[0]) if lazy else {}


def _on_cluster(
    here: Place, field: Field, bands: Mapping[int, Region], work: Work[T]
) -> Iterator[tuple[int, T | BaseException]]:
    import dask
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    client = here.client
    assert client is not None
    tasks = [
        # Not as arguments: dask would look into all of them.
        dask.delayed(partial(_band, field.band(region), number, region, work), pure=False)(field.lazy(region))
        for number, region in bands.items()
    ]
    futures = dict(zip(client.compute(tasks), bands, strict=True))
    try:
        for future in as_completed(futures):
            number = futures.pop(future)
            try:
                yield number, future.result()
            except (MemoryError, KilledWorker) as error:
                yield number, error
    finally:
        client.cancel(list(futures))


def _band(field: Field, number: int, region: Region, work: Work[T], lazy: Mapping[int, Any]) -> T:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        return work(number, region, field.done(region, lazy))


def values_over_field(arrays: Mapping[str, xr.DataArray]) -> dict[str, Any]:
    """Arrays over y and x in memory, and sums over their blocks, in one pass over the scan.

    Examples
    --------
    >>> image = xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("y", "x")).chunk(x=2)
    >>> values_over_field({"image": image})["image"]
    array([[0., 1., 2.],
           [3., 4., 5.]])
    """
    over = over_field(arrays)
    if not over:
        return resolved(arrays)
    field = field_of(over)
    bands = dict(enumerate(bands_of(field.program)))
    parts = dict[int, Any](over_bands(field, bands, as_they_are))
    for error in (part for part in parts.values() if isinstance(part, BaseException)):
        raise error
    whole = {name: array for name, array in arrays.items() if name not in field.program.wanted}
    return joined(field.program, [parts[number] for number in bands]) | resolved(whole)


def as_they_are(number: int, region: Region, results: dict[str, Any]) -> dict[str, Any]:
    """Work that gives back the results of a band."""
    return results


@dataclass(frozen=True, eq=False)
class Later(Generic[T]):
    """What will be known when arrays over the field are: a function of their values."""

    arrays: Mapping[str, xr.DataArray]
    finish: Callable[[Mapping[str, Any]], T]


_gathering: ContextVar[bool] = ContextVar("gathering", default=False)


@contextmanager
def gathering() -> Iterator[None]:
    """Let `from_field` give back what is to be done, so that one pass over the field serves several steps."""
    token = _gathering.set(True)
    try:
        yield
    finally:
        _gathering.reset(token)


def from_field(arrays: Mapping[str, xr.DataArray], finish: Callable[[Mapping[str, Any]], T]) -> T:
    """What a function makes of arrays over the whole field: at once, or `Later` where passes are gathered.

    Examples
    --------
    >>> image = xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("y", "x")).chunk(x=2)
    >>> from_field({"image": image}, lambda found: float(found["image"].sum()))
    15.0
    """
    if _gathering.get():
        return cast(T, Later(arrays, finish))
    return finish(values_over_field(arrays))
