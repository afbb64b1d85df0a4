"""Maps computed with few tasks: the same values, each block computed once, nothing held longer than needed."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from dask._task_spec import convert_legacy_graph
from dask.core import flatten
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.store import fused as module
from xafsflow.store.fused import compute_blocks, fused
from xafsflow.vocabulary import CUBE, MAP, cube_dims

N_ENERGY, ROWS, COLUMNS = 3, 11, 9


def cube() -> xr.DataArray:
    values = np.random.default_rng(1).random((N_ENERGY, ROWS, COLUMNS), np.float32)
    return xr.DataArray(values, dims=cube_dims(), name="mu")


def _two(values: Any) -> tuple[Any, Any]:
    return values + 1, values.sum(axis=0)


def _near(values: Any, plane: Any) -> tuple[Any, Any]:
    around = np.fmax.reduce([np.roll(values, k, axis) for k in (-1, 0, 1) for axis in (1, 2)])
    return around, around[0] + plane


def _count(values: Any) -> Any:
    return np.array([[[values.size]]])


def maps(lazy: xr.DataArray) -> dict[str, xr.DataArray]:
    """Two steps with several outputs each, the second with a halo; one value a block; arrays in memory beside."""
    first = over_blocks(_two, [lazy], [Output("more", CUBE), Output("total", MAP)])
    second = over_blocks(
        _near, [first["more"], first["total"]], [Output("around", CUBE), Output("plane", MAP)], halo=1
    )
    counted = over_blocks(
        _count, [second["around"]], [Output("n", ("y_block", "x_block", "one"), np.int64, {"one": 1})]
    )
    found = {"total": first["total"], "plane": second["plane"], "top": second["around"].max("energy")}
    return found | {"n": counted["n"], "known": cube()[0]}


@settings(max_examples=30, deadline=None)
@given(st.integers(1, ROWS), st.integers(1, COLUMNS), st.integers(0, ROWS - 1))
def test_compute_blocks__gives_what_dask_gives(y, x, start):
    wanted = maps(cube().chunk(y=y, x=x))
    wanted = {name: a.isel(y=slice(start, None)) if "y" in a.dims else a for name, a in wanted.items()}
    with dask.config.set(scheduler="synchronous"):
        found = compute_blocks(wanted)
        for name, array in wanted.items():
            np.testing.assert_array_equal(found[name], array.values)
            assert found[name].dtype == array.dtype


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_compute_blocks__computes_every_block_once(scheduler):
    lock, seen = threading.Lock(), []

    def first(values: Any) -> tuple[Any, Any]:
        with lock:
            seen.append(float(values[0, 0, 0]))
        return values + 1, values.sum(axis=0)

    more = over_blocks(first, [cube().chunk(y=4, x=3)], [Output("more", CUBE), Output("total", MAP)])
    second = over_blocks(_near, [more["more"], more["total"]], [Output("a", CUBE), Output("b", MAP)], halo=1)
    with dask.config.set(scheduler=scheduler):
        compute_blocks({"total": more["total"], "b": second["b"], "top": second["a"].max("energy")})
    assert len(seen) == len(set(seen)) == 9


def graph_of(arrays: list[da.Array]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """The tasks of arrays, and one task a block that takes its result."""
    nodes: dict[Any, Any] = {}
    for array in arrays:
        nodes |= convert_legacy_graph(array.__dask_graph__().to_dict())
    keys = [key for array in arrays for key in flatten(array.__dask_keys__())]
    ends = {
        ("end", *key): module.Task(("end", *key), module._together, module.List(module.TaskRef(key)))
        for key in keys
    }
    return nodes, ends


def test_fused__needs_two_tasks_a_block_with_halo():
    lazy = maps(cube().chunk(y=4, x=3))
    nodes, ends = graph_of([lazy["plane"].data])
    tasks = fused(nodes, ends, "t")
    # Nine blocks: what comes before the halo, and what comes behind it; and the cube in memory that all read.
    assert len(tasks) <= 2 * 9 + 1
    assert len(nodes) > 6 * 9


def test_fused__does_not_hold_all_blocks_for_a_sum():
    blocks = da.ones((40, 4), chunks=(2, 4)).map_blocks(lambda block: block + 1)
    nodes, ends = graph_of([blocks.sum(split_every=4)])
    tasks = fused(nodes, ends, "t")
    assert len(tasks) > 20


def test_compute_blocks__forgets_what_a_task_needs_no_more():
    held: list[int] = []

    def steps(values: Any) -> Any:
        held.append(sum(1 for ref in alive if ref() is not None))
        out = values + 1
        alive.append(weakref.ref(out))
        return out

    alive: list[Any] = []
    array = cube().chunk(y=ROWS)
    for _ in range(6):
        array = over_blocks(steps, [array], [Output("mu", CUBE)])["mu"]
    with dask.config.set(scheduler="synchronous"):
        compute_blocks({"mu": array})
    # The block a step takes, and the one before it at most.
    assert max(held) <= 2


def test_compute_blocks__raises_what_a_kernel_raises():
    def fails(values: Any) -> Any:
        raise MemoryError("too much")

    broken = over_blocks(fails, [cube().chunk(y=4)], [Output("mu", CUBE)])["mu"]
    with pytest.raises(MemoryError, match="too much"):
        compute_blocks({"mu": broken})


def test_a_band_of_a_chain_with_two_halos__needs_not_all_that_culling_leaves() -> None:
    cube = xr.DataArray(np.random.default_rng(0).random((3, 32, 40), "f4"), dims=("energy", "y", "x")).chunk(
        y=8
    )
    flags = xr.DataArray(np.ones((32, 40), "f4"), dims=("y", "x")).chunk(y=8)

    def near(values: Any, flags: Any) -> Any:
        return values + np.nanmean(flags)

    for _ in range(2):
        outputs = [Output("cube", ("energy", "y", "x"))]
        cube = over_blocks(near, [cube, flags], outputs, halo=1)["cube"]
        flags = over_blocks(lambda block: block + 1, [flags], [Output("flags", ("y", "x"))])["flags"]
    for rows in (slice(0, 8), slice(8, 16), slice(0, 32)):
        part = {"cube": cube.isel(y=rows), "flags": flags.isel(y=rows)}
        found = compute_blocks(part)
        for name, array in part.items():
            np.testing.assert_array_equal(found[name], array.values)
