"""A program on plain arrays: rows of the images are read once, and tiles that fit the cache pass through all kernels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from xafsflow.blocks.notes import Operation
from xafsflow.blocks.over_blocks import called
from xafsflow.blocks.pixel_regions import Region, cut_out
from xafsflow.blocks.program import Call, Program

# An array, and the region of its own pixels that it holds.
Held = tuple[Any, Region]


def images_of(program: Program, wanted: Sequence[Region]) -> list[dict[int, Held]]:
    """The rows of all stacks that regions of the results need, all between the same columns; each file is opened once."""
    found: list[dict[int, Held]] = [{} for _ in wanted]
    for slot, stack in program.stacks.items():
        regions = [program.slots[slot].region(one) for one in wanted]
        columns = slice(regions[0].x0, regions[0].x1)
        bands = stack.read_bands([(one.y0, one.y1) for one in regions], columns)
        for held, band, region in zip(found, bands, regions, strict=True):
            held[slot] = band, region
    return found


def loaded(
    program: Program,
    wanted: Region,
    images: Mapping[int, Held],
    lazy: Mapping[int, Any],
    numbers: Mapping[int, Any],
) -> dict[int, Held]:
    """All that a program starts from, as far as a region of the results needs it.

    Parameters
    ----------
    program
        What to compute.
    wanted
        Region of the results.
    images
        As `images_of` gives them for the region.
    lazy
        The region that each lazy array needs, in memory.
    numbers
        The numbers of the scan.
    """
    slots = program.slots
    found = dict(images)
    for slot, values in program.arrays.items():
        found[slot] = values, program.held.get(slot, Region(0, slots[slot].shape[0], 0, slots[slot].shape[1]))
    for slot, values in lazy.items():
        found[slot] = values, slots[slot].region(wanted)
    for slot, values in numbers.items():
        found[slot] = values, Region(0, 1, 0, 1)
    return found


def computed(program: Program, wanted: Region, inputs: Mapping[int, Held]) -> dict[str, Any]:
    """The results over a region, tile by tile, and the sums over it.

    Parameters
    ----------
    program
        What to compute.
    wanted
        Region of the results.
    inputs
        As `loaded` gives them.

    Returns
    -------
    dict
        By name. A sum has one value along `y_block` and `x_block`.
    """
    # What is wanted as it was read needs no tiles.
    found: dict[str, Any] = {
        name: inputs[slot][0][
            program.slots[slot].frame.of(wanted).slices(program.slots[slot].dims, inputs[slot][1])
        ]
        for name, slot in program.wanted.items()
        if slot in inputs
    }
    made = {name: slot for name, slot in program.wanted.items() if slot not in inputs}
    if made:
        tiles = (
            (tile, _tile(program, tile, _cut_to(program, tile, inputs), made))
            for tile in wanted.tiles(program.points)
        )
        found |= put_together(program, wanted, tiles)
    return found


def put_together(
    program: Program, wanted: Region, tiles: Iterable[tuple[Region, Mapping[str, Any]]]
) -> dict[str, Any]:
    """The results over a region from those over its tiles; sums in the order of these, so the last bits are always alike."""
    found: dict[str, Any] = {}
    for tile, results in tiles:
        for name, array in results.items():
            if program.is_sum(name):
                found[name] = found[name] + array if name in found else array
                continue
            one = program.slots[program.wanted[name]]
            own, whole = one.frame.of(tile), one.frame.of(wanted)
            if name not in found:
                sizes = dict(zip("yx", whole.shape, strict=True))
                shape = [sizes.get(d, n) for d, n in zip(one.dims, array.shape, strict=True)]
                found[name] = np.empty(shape, array.dtype)
            found[name][own.slices(one.dims, whole)] = array
    return found


def joined(program: Program, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The results over regions of whole width that lie below each other, from those over each."""
    found = {}
    for name in parts[0] if parts else ():
        values = [part[name] for part in parts]
        if program.is_sum(name):
            found[name] = sum(values[1:], values[0])
        else:
            found[name] = np.concatenate(values, program.slots[program.wanted[name]].dims.index("y"))
    return found


def _cut_to(program: Program, tile: Region, inputs: Mapping[int, Held]) -> dict[int, Held]:
    """The inputs of a tile; images are cut once for all kernels, since their short rows lie far from each other."""
    found = dict(inputs)
    for slot in program.stacks:
        array, held = inputs[slot]
        region = program.slots[slot].region(tile)
        found[slot] = np.ascontiguousarray(cut_out(array, program.slots[slot].dims, held, region)), region
    return found


def _tile(program: Program, tile: Region, values: dict[int, Held], made: Mapping[str, int]) -> dict[str, Any]:
    """All calls for one tile; what nobody needs any more goes at once. What is made, by name, without its neighbors."""
    for call in program.calls:
        region = program.slots[call.results[0]].region(tile)
        if isinstance(call.made, Operation):
            results = _results(program, call, call.made, region, values)
        else:
            results = (_cut(program, call, region, values),)
        for slot, result in zip(call.results, results, strict=True):
            values[slot] = result, region
        for slot in call.done:
            values.pop(slot, None)
    found = {}
    for name, slot in made.items():
        one, (array, held) = program.slots[slot], values[slot]
        found[name] = array if program.is_sum(name) else array[one.frame.of(tile).slices(one.dims, held)]
    return found


def _results(
    program: Program, call: Call, made: Operation, region: Region, values: Mapping[int, Held]
) -> tuple[Any, ...]:
    blocks = []
    for slot, halo in zip(call.inputs, call.halos, strict=True):
        array, held = values[slot]
        dims = program.slots[slot].dims
        if {"y", "x"} & set(dims):
            array = cut_out(array, dims, held, region.times(*made.bins).grown(halo))
        blocks.append(array if halo == 0 or array.dtype.kind == "f" else array.astype(np.float32))
    return called(made, blocks)


def _cut(program: Program, call: Call, region: Region, values: Mapping[int, Held]) -> Any:
    """The part of an array that a region of it shows, at the places that are left."""
    (slot,) = call.inputs
    array, held = values[slot]
    inner, frame = program.slots[slot], program.slots[call.results[0]].frame
    array = cut_out(array, inner.dims, held, region.moved(inner.frame.y - frame.y, inner.frame.x - frame.x))
    places = call.made.places if not isinstance(call.made, Operation) else None
    return array if places is None else array[places]
