"""Numbers that a part of the scan gives and every block needs, as one lazy task.

The task computes its part itself, one block after the other. Were the blocks of the part its inputs, all of them would
stay in memory until the number is known, for they are needed again behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from threading import RLock
from typing import Any

import dask
import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize

from xafsflow.blocks.over_blocks import Output, on_axis_of, over_blocks

_ONE = RLock()


class Part:
    """Arrays that a task computes for itself: to Dask no collection, but a value known by its token."""

    def __init__(self, arrays: Sequence[xr.DataArray]) -> None:
        self.arrays = tuple(array.data for array in arrays)
        self.token = str(tokenize(*self.arrays))

    def __dask_tokenize__(self) -> str:
        return self.token

    def __hash__(self) -> int:
        return hash(self.token)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Part) and self.token == other.token

    def values(self) -> tuple[np.ndarray, ...]:
        """The arrays in memory."""
        # In this thread: the others may wait for what comes of it, and a scheduler inside a worker would be a second.
        return tuple(np.asarray(values) for values in dask.compute(*self.arrays, scheduler="synchronous"))


def over_scan(
    function: Callable[..., Any],
    arrays: Sequence[xr.DataArray],
    outputs: Sequence[Output],
    **settings: Any,
) -> dict[str, xr.DataArray]:
    """Arrays without y and x from a part of the scan; lazy where an array is lazy, computed once a process.

    Parameters
    ----------
    function
        Called as `function(*arrays, **settings)` with arrays in memory; returns a tuple in the order of the outputs.
    arrays
        The part, cut out as small as it will do.
    outputs
        Names, dims and dtypes; sizes of all dims that the arrays do not have.
    settings
        Plain values.

    Examples
    --------
    >>> cube = xr.DataArray(np.ones((3, 4, 5)), dims=("energy", "y", "x")).chunk(y=2)
    >>> total = over_scan(lambda block: (block.sum(axis=(1, 2)),), [cube], [Output("total", ("energy",))])["total"]
    >>> total.values
    array([20., 20., 20.], dtype=float32)
    """
    outputs = on_axis_of(arrays, outputs)
    sizes: dict[Any, int] = {dim: n for array in arrays for dim, n in array.sizes.items()}
    shapes = [tuple({**sizes, **output.sizes}[dim] for dim in output.dims) for output in outputs]
    part, given = Part(arrays), tuple(sorted(settings.items()))
    if any(isinstance(array.data, da.Array) for array in arrays):
        task = dask.delayed(_found, pure=True)(function, part, given)
        data = [
            da.from_delayed(dask.delayed(_cast)(task, i, o.dtype), shape, o.dtype)
            for i, (o, shape) in enumerate(zip(outputs, shapes, strict=True))
        ]
    else:
        results = function(*part.values(), **settings)
        data = [np.asarray(result, output.dtype) for result, output in zip(results, outputs, strict=True)]
    return {
        o.name: xr.DataArray(values, dims=o.dims, name=o.name)
        for o, values in zip(outputs, data, strict=True)
    }


def _found(function: Callable[..., Any], part: Part, settings: tuple[tuple[str, Any], ...]) -> Any:
    # One at a time: a part may need what another thread is about to find.
    with _ONE:
        return _kept(function, part, settings)


@lru_cache(maxsize=8)
def _kept(function: Callable[..., Any], part: Part, settings: tuple[tuple[str, Any], ...]) -> Any:
    # A run stores its maps band by band, and every band asks.
    return function(*part.values(), **dict(settings))


def _cast(results: Any, place: int, dtype: Any) -> np.ndarray:
    return np.asarray(results[place], dtype)


def after(array: xr.DataArray, number: xr.DataArray) -> xr.DataArray:
    """The array, whose blocks are not computed before the number is: else they would pile up while it is."""
    return over_blocks(
        _first, [array, number], [Output(str(array.name), tuple(map(str, array.dims)), array.dtype)]
    )[str(array.name)]


def _first(block: Any, number: Any) -> Any:
    return block


def spread_rows(rows: int, most: int) -> np.ndarray:
    """At most `most` rows, evenly over the field.

    Examples
    --------
    >>> spread_rows(100, 4)
    array([12, 37, 62, 87])
    """
    count = min(rows, most)
    return ((np.arange(count) + 0.5) * rows / count).astype(int)
