"""From lazy arrays back to the images: the kernels that make them, in order, and how far each of them must reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from xafsflow.blocks.notes import Number, Operation, Part, made_by
from xafsflow.blocks.over_blocks import without_inputs
from xafsflow.blocks.pixel_regions import Frame, Region
from xafsflow.io.readers import ImageStack
from xafsflow.io.readers.lazy_stack import source
from xafsflow.vocabulary import axis_of


@dataclass
class Slot:
    """An array of a program: its dims, its rows and columns (1 where it has none), where it lies, and how far it reaches."""

    dims: tuple[Any, ...]
    shape: tuple[int, int]
    frame: Frame
    reach: int = 0

    def region(self, wanted: Region) -> Region:
        """The pixels that a region of the results needs of it."""
        return self.frame.of(wanted).grown(self.reach).within(self.shape)


@dataclass(frozen=True, eq=False)
class Cut:
    """Places on the spectral axis that a part of an array has; None for all."""

    places: np.ndarray | None


@dataclass
class Call:
    """A kernel, or the cut of a part: with the slots of its inputs and results.

    After it nobody needs those that are `done`.
    """

    made: Operation | Cut
    inputs: tuple[int, ...]
    results: tuple[int, ...]
    halos: tuple[int, ...]
    done: tuple[int, ...] = ()


@dataclass
class Program:
    """Calls in their order, and what they start from, by slot.

    `stacks` of images, `arrays` in memory, `lazy` ones that only Dask can compute, and `numbers` that are found before.
    `wanted` names the slots of the results; `held` tells the region of those arrays in memory that are not whole.
    """

    slots: list[Slot] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    stacks: dict[int, ImageStack] = field(default_factory=dict)
    arrays: dict[int, Any] = field(default_factory=dict)
    lazy: dict[int, xr.DataArray] = field(default_factory=dict)
    numbers: dict[int, tuple[Number, xr.DataArray]] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)
    held: dict[int, Region] = field(default_factory=dict)
    points: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the results."""
        return next(self.slots[slot].shape for slot in self.wanted.values())

    def without_graphs(self) -> Program:
        """What can travel: where lazy arrays and numbers are put is known, but not what makes them."""
        return replace(self, lazy=dict.fromkeys(self.lazy), numbers=dict.fromkeys(self.numbers))  # type: ignore[arg-type]

    def is_sum(self, name: str) -> bool:
        """Whether a result is one that is added up over blocks."""
        return "y_block" in self.slots[self.wanted[name]].dims


def over_field(arrays: Mapping[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """Those over y and x, and the sums over their blocks that are not known yet."""
    return {name: a for name, a in arrays.items() if {"y", "x"} <= set(a.dims) or _is_sum(a)}


def _is_sum(array: xr.DataArray) -> bool:
    lazy = isinstance(array.data, da.Array)
    return "y_block" in array.dims and lazy and isinstance(made_by(array.data), tuple)


def program_of(arrays: Mapping[str, xr.DataArray]) -> Program:
    """All that arrays over one field are made of.

    Parameters
    ----------
    arrays
        Over y and x, or sums over `y_block`, `x_block`; what is neither is computed whole.

    Examples
    --------
    >>> from xafsflow.blocks.outputs import Output
    >>> from xafsflow.blocks.over_blocks import over_blocks
    >>> image = xr.DataArray(np.ones((4, 6), "f4"), dims=("y", "x")).chunk(y=2)
    >>> twice = over_blocks(lambda block: 2 * block, [image], [Output("twice", ("y", "x"))], halo=1)
    >>> program = program_of(twice)
    >>> len(program.calls), program.shape, program.slots[0].reach
    (1, (4, 6), 1)
    """
    build = _Build(Program(), {}, {})
    for name, array in arrays.items():
        build.program.wanted[name] = build.slot_of(array, Frame())
    return _with_reach(build.program)


@dataclass
class _Build:
    program: Program
    known: dict[Any, int]
    called: dict[Any, Call]

    def slot_of(self, array: xr.DataArray, frame: Frame) -> int:
        data = array.data
        lazy = isinstance(data, da.Array)
        made = made_by(data) if lazy else None
        if isinstance(made, tuple):
            return self.called_for(made[0], frame).results[made[1]]
        key = (data.name if lazy else id(data), frame)
        if key in self.known:
            return self.known[key]
        stack = source(data) if lazy else None
        if isinstance(made, Part):
            call = self.cut(made, array, frame)
            self.known[key] = call.results[0]
            return call.results[0]
        slot = self.new(array.dims, array.sizes, frame)
        self.known[key] = slot
        if stack is not None:
            self.program.stacks[slot] = stack
        elif isinstance(made, Number):
            self.program.numbers[slot] = (made, array)
        elif lazy:
            self.program.lazy[slot] = array
        else:
            self.program.arrays[slot] = array.values
        return slot

    def new(self, dims: Any, sizes: Mapping[Any, int], frame: Frame) -> int:
        axis = axis_of(dims)
        if axis is not None and {"y", "x"} <= set(dims):
            self.program.points = max(self.program.points, sizes[axis])
        self.program.slots.append(Slot(tuple(dims), (sizes.get("y", 1), sizes.get("x", 1)), frame))
        return len(self.program.slots) - 1

    def called_for(self, made: Operation, frame: Frame) -> Call:
        key = (id(made), frame)
        if key not in self.called:
            inner = frame.binned(made.bins)
            inputs = tuple(self.slot_of(array, inner) for array in made.inputs)
            sizes = {dim: n for array in made.inputs for dim, n in array.sizes.items()}
            own = {"y": sizes["y"] // made.bins[0], "x": sizes["x"] // made.bins[1]}
            results = tuple(self.new(o.dims, {**sizes, **o.sizes, **own}, frame) for o in made.outputs)
            # Only arrays over the field have neighbors.
            halos = tuple(
                h if {"y", "x"} <= set(a.dims) else 0 for h, a in zip(made.halos, made.inputs, strict=True)
            )
            self.called[key] = Call(without_inputs(made), inputs, results, halos)
            self.program.calls.append(self.called[key])
        return self.called[key]

    def cut(self, made: Part, array: xr.DataArray, frame: Frame) -> Call:
        inner = self.slot_of(made.array, frame.cut(made.y, made.x))
        slot = self.new(array.dims, array.sizes, frame)
        call = Call(Cut(made.places), (inner,), (slot,), (0,))
        self.program.calls.append(call)
        return call


def _with_reach(program: Program) -> Program:
    """Tell every slot how many pixels around a region it must have, and every call which slots nobody needs after it."""
    slots, needed = program.slots, set(program.wanted.values())
    kept = []
    for call in reversed(program.calls):
        if needed.isdisjoint(call.results):
            continue
        reach = max(slots[k].reach for k in call.results)
        for k in call.results:
            slots[k].reach = reach
        if reach and any("y_block" in slots[k].dims for k in call.results):
            raise ValueError("a sum beside a result whose neighbors are needed would count pixels twice")
        bins = call.made.bins if isinstance(call.made, Operation) else (1, 1)
        for k, halo in zip(call.inputs, call.halos, strict=True):
            slots[k].reach = max(slots[k].reach, max(bins) * reach + halo)
        call.done = tuple(k for k in dict.fromkeys((*call.inputs, *call.results)) if k not in needed)
        needed.update(call.inputs)
        kept.append(call)
    program.calls = kept[::-1]
    for held in (program.stacks, program.arrays, program.lazy, program.numbers):
        for slot in set(held) - needed:
            del held[slot]
    return program
