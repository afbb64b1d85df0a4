"""What made a lazy array, beside the array itself: so a recipe can be computed without Dask's tasks.

An array that a step gives is public Dask, and can be persisted, sliced and stored as such. Whoever wants many arrays of a
scan at once (`field`) or a few rows (`sample`) goes back along these notes to the images, and runs the same kernels on
plain arrays. A note belongs to a layer of Dask's graph: an array that was persisted, or changed by an expression, has
none, and is computed by Dask.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

import dask.array as da
import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import Output


@dataclass(frozen=True, eq=False)
class Operation:
    """A kernel over blocks of its inputs.

    `halos` are the pixels around its block that each input shows, NaN beyond the image; `rim` those that the results have
    too many on all sides. A pixel of the results stands for `bins` pixels of the inputs, along y and x.
    """

    kernel: Callable[..., Any]
    inputs: tuple[xr.DataArray, ...]
    outputs: tuple[Output, ...]
    halos: tuple[int, ...]
    rim: int
    bins: tuple[int, int]
    settings: Mapping[str, Any]

    def __getstate__(self) -> dict[str, Any]:
        """A kernel of a module travels by its name: numba would send its code, and every worker compile it anew."""
        state, kernel = dict(self.__dict__), self.kernel
        name = (getattr(kernel, "__module__", None), getattr(kernel, "__qualname__", None))
        if getattr(sys.modules.get(name[0] or ""), name[1] or "", None) is kernel:
            state["kernel"] = name
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        kernel = state["kernel"]
        if isinstance(kernel, tuple):
            kernel = getattr(import_module(kernel[0]), kernel[1])
        self.__dict__.update({**state, "kernel": kernel})


@dataclass(frozen=True, eq=False)
class Part:
    """A part of an array: its pixels from `y` and `x` on, and places on the spectral axis, None for all."""

    array: xr.DataArray
    y: int
    x: int
    places: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Number:
    """An array without y and x, one of those that a function makes of a sample of the scan."""

    sample: Any
    place: int


Note: TypeAlias = tuple[Operation, int] | Part | Number
_NOTES: dict[int, Note] = {}


def note(array: da.Array, made: Note) -> None:
    """Keep what made an array for as long as its layer of the graph is there."""
    layer = array.dask.layers[array.name]
    _NOTES[id(layer)] = made
    weakref.finalize(layer, _NOTES.pop, id(layer), None)


def made_by(array: da.Array) -> Note | None:
    """What made an array, where it is known."""
    layers = getattr(array.dask, "layers", {})
    return _NOTES.get(id(layers[array.name])) if array.name in layers else None
