"""Blocks that kill their worker: found, named, and left out while everything else is written."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.errors import ComputationError
from xafsflow.store.zarr_groups import region


class BlockFailures:
    """Bands computed and written; where a worker dies on a block, the others of its band are still written.

    Parameters
    ----------
    maps
        Lazy variables over y, x.
    arrays
        The arrays they go to, by name.
    together
        How many bands are computed at a time, each in a thread of its own.
    """

    def __init__(self, maps: xr.Dataset, arrays: Mapping[str, Any], together: int = 1) -> None:
        self.maps, self.arrays, self.together, self.failed = maps, arrays, together, list[str]()
        self.last: BaseException | None = None

    def whole(self, rows: slice, sums: Mapping[str, xr.DataArray]) -> dict[str, Any] | None:
        """Compute a band and write it, and add up what has one value a block; None where that was too much for a worker."""
        try:
            return self._write({"y": rows}, sums)
        except _deadly() as error:
            self.last = error
            return None

    def by_block(self, rows: slice, sums: Mapping[str, xr.DataArray]) -> dict[str, Any] | None:
        """As `whole`, block by block; None where a block failed, which then has a name.

        Nothing else may be at work: whatever is on a worker that dies is told to have failed.
        """
        failed = []
        for place in self._blocks(rows):
            try:
                self._write(place, {})
            except _deadly() as error:
                self.last = error
                told = (f"{dim} {part.start} to {part.stop - 1}" for dim, part in place.items())
                failed.append(" and ".join(told))
        if failed:
            self.failed += failed
            return None
        # Too much together, or workers that ended for another reason: one by one all of them are there.
        try:
            return _sums_by_block(sums)
        except _deadly() as error:
            self.last = error
            self.failed.append(f"y {rows.start} to {rows.stop - 1}")
            return None

    def _write(self, place: Mapping[str, slice], sums: Mapping[str, xr.DataArray]) -> dict[str, Any]:
        from xafsflow.store.fused import compute_blocks

        part = {str(name): array.isel(place) for name, array in self.maps.data_vars.items()}
        values_of = compute_blocks({**part, **sums}, self.together)
        for name in part:
            values = values_of[name]
            where = region(self.maps[name], place["y"])
            if "x" in place:
                where = tuple(
                    place["x"] if d == "x" else w for d, w in zip(self.maps[name].dims, where, strict=True)
                )
            self.arrays[name][where] = values
        return {name: _total(array, values_of[name]) for name, array in sums.items()}

    def _blocks(self, rows: slice) -> list[dict[str, slice]]:
        """The blocks of a band, by the first lazy variable."""
        lazy = next(array for array in self.maps.data_vars.values() if array.chunks)
        edges = {dim: list(accumulate(lazy.chunksizes[dim], initial=0)) for dim in ("y", "x")}
        inside = [
            (a, b) for a, b in zip(edges["y"], edges["y"][1:], strict=False) if rows.start <= a < rows.stop
        ]
        across = list(zip(edges["x"], edges["x"][1:], strict=False))
        return [{"y": slice(*y), "x": slice(*x)} for y in inside for x in across]

    def stop_if_any(self) -> None:
        """Name the blocks that failed.

        Raises
        ------
        ComputationError
            There are any.
        """
        if self.failed:
            shown = "; ".join(self.failed[:5]) + ("; ..." if len(self.failed) > 5 else "")
            raise ComputationError(
                f"workers died on {len(self.failed)} block(s): {shown} ({type(self.last).__name__})",
                "workers with enough memory for a block",
                "give each worker more memory, and run the same command again: only these blocks are left",
            ) from self.last


def _total(array: xr.DataArray, values: Any) -> Any:
    return values.sum(axis=tuple(array.get_axis_num(dim) for dim in ("y_block", "x_block")))


def _sums_by_block(sums: Mapping[str, xr.DataArray]) -> dict[str, Any]:
    """What one computation of a band gives, from one for each of its blocks; added up alike, to the last bit."""
    from xafsflow.store.fused import compute_blocks

    found = {name: np.empty(array.shape, array.dtype) for name, array in sums.items()}
    sizes = [array.sizes[dim] for array in list(sums.values())[:1] for dim in ("y_block", "x_block")]
    for i, j in np.ndindex(*sizes or (0, 0)):
        place = {"y_block": slice(i, i + 1), "x_block": slice(j, j + 1)}
        for name, values in compute_blocks({name: array.isel(place) for name, array in sums.items()}).items():
            found[name][tuple(place.get(str(dim), slice(None)) for dim in sums[name].dims)] = values
    return {name: _total(array, found[name]) for name, array in sums.items()}


def _deadly() -> tuple[type[BaseException], ...]:
    """What a block raises that was too much for its worker."""
    scheduler = sys.modules.get("distributed.scheduler")
    return (MemoryError, scheduler.KilledWorker) if scheduler else (MemoryError,)
