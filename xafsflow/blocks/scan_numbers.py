"""Numbers that a sample of the scan gives and every block needs, and arrays at some of its rows.

A number reads its own rows and what lies around them, once; nothing else of the scan is touched.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import RLock
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize

from xafsflow.blocks.notes import Number, made_by, note
from xafsflow.blocks.outputs import BLOCK_DIMS, Output, on_axis_of
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.blocks.row_sample import Rows, Sample, sample_of
from xafsflow.blocks.where import compute

# Numbers that this process has found last, by what they are made of.
_FOUND: OrderedDict[str, tuple[Any, ...]] = OrderedDict()
_MOST = 32
# Pixels of a row beyond which fewer rows make a sample.
ROW = 1024
_ONE = RLock()


def values_at(arrays: Mapping[str, xr.DataArray], y: Rows = None, x: slice = slice(None)) -> dict[str, Any]:
    """Arrays at some rows of the field, in memory; sums over blocks are sums over these rows.

    Parameters
    ----------
    arrays
        Over y and x, computed at the rows; sums over `y_block`, `x_block`; others, computed whole.
    y
        Rows in increasing order, or a slice; None: all.
    x
        Columns.

    Examples
    --------
    >>> image = xr.DataArray(np.arange(12).reshape(4, 3), dims=("y", "x")).chunk(y=1)
    >>> values_at({"image": image}, y=np.array([0, 3]))["image"]
    array([[ 0,  1,  2],
           [ 9, 10, 11]])
    """
    sample = sample_of(arrays, y, x)
    return sample.values(resolved(sample.outside()))


def resolved(arrays: Mapping[str, xr.DataArray]) -> dict[str, Any]:
    """Arrays in memory: numbers of the scan as they were found, others by Dask; those over blocks added up."""
    found, lazy = dict[str, Any](), dict[str, Any]()
    for name, array in arrays.items():
        made = made_by(array.data) if isinstance(array.data, da.Array) else None
        if isinstance(made, Number):
            found[name] = _numbers(made.sample)[made.place]
        elif isinstance(array.data, da.Array):
            lazy[name] = array.data
        else:
            found[name] = array.values
    if lazy:
        found |= compute(lazy)[0]
    return {name: _added(found[name], array.dims) for name, array in arrays.items()}


def _added(values: Any, dims: Sequence[Any]) -> Any:
    blocks = tuple(place for place, dim in enumerate(dims) if dim in BLOCK_DIMS)
    return values.sum(axis=blocks, keepdims=True) if blocks else values


@dataclass(frozen=True, eq=False)
class _Finder:
    """A function of a sample."""

    function: Callable[..., Any]
    sample: Sample
    outputs: tuple[Output, ...]
    settings: Mapping[str, Any]
    token: str

    def __dask_tokenize__(self) -> str:
        return self.token

    def found(self, outside: Mapping[str, Any]) -> tuple[Any, ...]:
        """The numbers, from what is not computed here."""
        with _ONE:
            if self.token not in _FOUND:
                results = self.function(*self.sample.values(outside).values(), **self.settings)
                _FOUND[self.token] = tuple(
                    np.asarray(r, o.dtype) for r, o in zip(results, self.outputs, strict=True)
                )
                if len(_FOUND) > _MOST:
                    _FOUND.popitem(last=False)
            return _FOUND[self.token]


def _numbers(finder: _Finder) -> tuple[Any, ...]:
    with _ONE:
        known = _FOUND.get(finder.token)
    return finder.found(resolved(finder.sample.outside())) if known is None else known


def over_scan(
    function: Callable[..., Any],
    arrays: Sequence[xr.DataArray],
    outputs: Sequence[Output],
    *,
    y: Rows = None,
    x: slice = slice(None),
    **settings: Any,
) -> dict[str, xr.DataArray]:
    """Arrays without y and x from a part of the scan; lazy where an array is lazy, computed once a process.

    Parameters
    ----------
    function
        Called as `function(*arrays, **settings)` with arrays in memory; returns a tuple in the order of the outputs.
    arrays
        Those over y and x are computed at the part only.
    outputs
        Names, dims and dtypes; sizes of all dims that the arrays do not have.
    y, x
        The part, as small as it will do: rows or a slice of them, a slice of columns.
    settings
        Plain values.

    Examples
    --------
    >>> cube = xr.DataArray(np.ones((3, 4, 5)), dims=("energy", "y", "x")).chunk(y=2)
    >>> rows = spread_rows(4, 2)
    >>> total = over_scan(lambda block: (block.sum(axis=(1, 2)),), [cube], [Output("total", ("energy",))], y=rows)["total"]
    >>> total.values
    array([10., 10., 10.], dtype=float32)
    """
    outputs = on_axis_of(arrays, outputs)
    if not any(isinstance(array.data, da.Array) for array in arrays):
        found = values_at(_numbered(arrays), y, x)
        results = function(*found.values(), **settings)
        return {
            o.name: xr.DataArray(np.asarray(r, o.dtype), dims=o.dims, name=o.name)
            for o, r in zip(outputs, results, strict=True)
        }
    return _lazy_numbers(function, arrays, outputs, sample_of(_numbered(arrays), y, x), settings)


def _numbered(arrays: Sequence[xr.DataArray]) -> dict[str, xr.DataArray]:
    return {str(number): array for number, array in enumerate(arrays)}


def _lazy_numbers(
    function: Callable[..., Any],
    arrays: Sequence[xr.DataArray],
    outputs: tuple[Output, ...],
    sample: Sample,
    settings: Mapping[str, Any],
) -> dict[str, xr.DataArray]:
    """One task of Dask that finds all numbers, and an array for each of them."""
    sizes: dict[Any, int] = {dim: n for array in arrays for dim, n in array.sizes.items()}
    token = tokenize(function, [array.data for array in arrays], outputs, sample.regions, settings)
    finder = _Finder(function, sample, outputs, settings, token)
    outside = sample.outside()
    # What Dask has in other graphs comes as an input of the task; all else it computes itself.
    alone = replace(
        finder,
        sample=replace(sample, program=sample.program.without_graphs(), whole=dict.fromkeys(sample.whole)),
    )
    # The dummy is for numbers that need nothing from outside.
    arguments: list[Any] = [da.from_array(np.zeros(())), ()]
    for number, array in enumerate(outside.values()):
        data = da.asarray(array.data).rechunk(-1, method="tasks")
        arguments += [data, tuple(f"{number} {dim}" for dim in array.dims)]
    packed = da.blockwise(
        partial(_found, alone, tuple(outside)),
        (),
        *arguments,
        name=f"{function.__name__}-{token}",
        dtype=object,
        meta=np.empty((), object),
        concatenate=True,
    )
    made = {}
    for number, output in enumerate(outputs):
        data = da.blockwise(
            partial(_one, place=number),
            output.dims,
            packed,
            (),
            name=f"{output.name}-{token}",
            new_axes={dim: {**sizes, **output.sizes}[dim] for dim in output.dims},
            dtype=output.dtype,
            meta=np.empty((0,) * len(output.dims), output.dtype),
        )
        note(data, Number(finder, number))
        made[output.name] = xr.DataArray(data, dims=output.dims, name=output.name)
    return made


def _found(finder: _Finder, names: Sequence[str], nothing: Any, *outside: Any) -> tuple[Any, ...]:
    return finder.found(dict(zip(names, outside, strict=True)))


def _one(results: tuple[Any, ...], place: int) -> Any:
    return results[place]


def after(array: xr.DataArray, number: xr.DataArray) -> xr.DataArray:
    """The array, whose blocks are not computed before the number is: else they would pile up while it is."""
    return over_blocks(
        _first, [array, number], [Output(str(array.name), tuple(map(str, array.dims)), array.dtype)]
    )[str(array.name)]


def _first(block: Any, number: Any) -> Any:
    return block


def spread_rows(rows: int, most: int, columns: int = 0) -> np.ndarray:
    """At most `most` rows, evenly over the field; fewer where they are longer than `ROW` pixels, which tell as much.

    Examples
    --------
    >>> spread_rows(100, 4), spread_rows(4000, 4, 2048)
    (array([12, 37, 62, 87]), array([1000, 3000]))
    """
    count = min(rows, -(-most * ROW // max(ROW, columns)))
    return ((np.arange(count) + 0.5) * rows / count).astype(int)
