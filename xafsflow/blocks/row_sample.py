"""Arrays at some rows of a scan: which rows of the images they need, and what they are there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.interpreter import computed, images_of, joined, loaded
from xafsflow.blocks.pixel_regions import Region
from xafsflow.blocks.program import Program, over_field, program_of
from xafsflow.blocks.where import in_threads, place

Rows = np.ndarray | slice | None
# Bytes of images that a thread reads at once for a sample.
READ_BYTES = 48 * 2**20
# Where strips are decoded whole, which takes longer.
STRIPS_BYTES = 192 * 2**20


@dataclass(frozen=True, eq=False)
class Sample:
    """Arrays at some regions of their field.

    Attributes
    ----------
    program
        Of the arrays over the field.
    regions
        Side by side in the result, one below the other.
    whole
        The other arrays.
    order
        Names of all.
    """

    program: Program
    regions: tuple[Region, ...]
    whole: Mapping[str, xr.DataArray | None]
    order: tuple[str, ...]

    def outside(self) -> dict[str, xr.DataArray]:
        """Arrays that are not computed here: what is lazy, at the rows that are needed, other numbers, and whole arrays."""
        found = {f"whole {name}": array for name, array in self.whole.items() if array is not None}
        for slot, array in self.program.lazy.items():
            rows = [
                np.arange(r.y0, r.y1) for r in (self.program.slots[slot].region(one) for one in self.regions)
            ]
            found[f"lazy {slot}"] = array.isel(y=np.concatenate(rows)) if "y" in array.dims else array
        for slot, (_, array) in self.program.numbers.items():
            found[f"number {slot}"] = array
        return found

    def values(self, outside: Mapping[str, Any]) -> dict[str, Any]:
        """The arrays in memory, from those of `outside`."""
        groups = in_threads(partial(self._parts, outside), self._groups())
        found = {name: outside[f"whole {name}"] for name in self.whole}
        found |= joined(self.program, [part for parts in groups for part in parts])
        return {name: found[name] for name in self.order}

    def _groups(self) -> list[range]:
        """Numbers of regions whose images are read together: as many as `READ_BYTES` hold, some for each thread."""
        if not self.regions:
            return []
        stacks = self.program.stacks.items()
        most = max(
            sum(
                k.shape[0] * k.dtype.itemsize * math.prod(self.program.slots[n].region(one).shape)
                for n, k in stacks
            )
            for one in self.regions
        )
        count = len(self.regions)
        size = max(1, min(READ_BYTES // max(1, most), -(-count // place().threads)))
        if any(stack.row_quantum > 1 for stack in self.program.stacks.values()):
            # Strips that are decoded whole hold rows of many regions.
            size = max(1, STRIPS_BYTES // max(1, most))
        return [range(start, min(start + size, count)) for start in range(0, count, size)]

    def _parts(self, outside: Mapping[str, Any], group: range) -> list[dict[str, Any]]:
        """The results of some regions."""
        slots = self.program.slots
        numbers = {slot: outside[f"number {slot}"] for slot in self.program.numbers}
        found = []
        images = images_of(self.program, [self.regions[number] for number in group])
        for number in group:
            region, lazy = self.regions[number], {}
            for slot in self.program.lazy:
                values, own = outside[f"lazy {slot}"], slots[slot].region(region)
                start = sum(slots[slot].region(one).shape[0] for one in self.regions[:number])
                along = {"y": slice(start, start + own.shape[0]), "x": slice(own.x0, own.x1)}
                lazy[slot] = values[tuple(along.get(d, slice(None)) for d in slots[slot].dims)]
            inputs = loaded(self.program, region, images[number - group.start], lazy, numbers)
            images[number - group.start] = {}
            found.append(computed(self.program, region, inputs))
        return found


def sample_of(arrays: Mapping[str, xr.DataArray], y: Rows = None, x: slice = slice(None)) -> Sample:
    """Arrays at some rows of the field and between two columns, not computed yet."""
    over = over_field(arrays)
    program = program_of(over)
    regions = _regions(program.shape, y, x) if over else ()
    whole = {name: array for name, array in arrays.items() if name not in over}
    return Sample(program, regions, whole, tuple(arrays))


def _regions(shape: tuple[int, int], y: Rows, x: slice) -> tuple[Region, ...]:
    """Runs of rows side by side as one region each, in pieces that threads can share."""
    rows = np.arange(shape[0])[slice(None) if y is None else y]
    left, right, _ = x.indices(shape[1])
    runs = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1)
    return tuple(Region(int(run[0]), int(run[-1]) + 1, left, right) for run in runs if len(run))
