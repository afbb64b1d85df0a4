"""A band in parts, as a cluster gets it: few tasks, no block computed twice, the same bits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.store import bands, write_maps
from xafsflow.store import fused as module
from xafsflow.store.damage import BlockFailures
from xafsflow.store.fused import compute_blocks
from xafsflow.store.parts import in_parts
from xafsflow.store.schedulers import computing_with
from xafsflow.vocabulary import CUBE, MAP, cube_dims


def cube(rows: int = 24, columns: int = 9) -> xr.DataArray:
    values = np.random.default_rng(1).random((3, rows, columns), np.float32)
    return xr.DataArray(values, dims=cube_dims(), name="mu")


def chain(lazy: xr.DataArray, first: Any = lambda values: values + 1) -> dict[str, xr.DataArray]:
    """A step, two with halos, one value a block, and what a sum over all blocks does to each pixel."""

    def near(values: Any) -> Any:
        return np.fmax.reduce([np.roll(values, k, axis) for k in (-1, 0, 1) for axis in (1, 2)])

    def scale(values: Any, total: Any) -> Any:
        return values[0] / total

    begun = over_blocks(first, [lazy], [Output("mu", CUBE)])["mu"]
    total = begun.sum()
    once = over_blocks(near, [begun], [Output("mu", CUBE)], halo=1)["mu"]
    twice = over_blocks(near, [once], [Output("mu", CUBE)], halo=2)["mu"]
    sums = over_blocks(
        lambda v: v.sum((1, 2))[:, None, None], [once], [Output("n", ("energy", "y_block", "x_block"))]
    )
    whole = over_blocks(scale, [twice, total], [Output("share", MAP)])
    return {"plane": once[1], "top": twice.max("energy"), "n": sums["n"], "share": whole["share"]}


@contextmanager
def in_pieces(count: int, computed: list[int]) -> Iterator[None]:
    """Every band in so many parts, one after the other in this thread; how many tasks it had is noted."""

    def stand_in(client: Any, tasks: Any, ends: Any, token: str, together: int) -> list[Any]:
        graph, held = in_parts(tasks, ends, count, token)
        computed.append(len(graph))
        found = dict(zip(held, dask.get(graph, list(held)), strict=True))
        at = {
            end: values for part, ends in held.items() for end, values in zip(ends, found[part], strict=True)
        }
        return [at[end] for end in ends]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "client_of", lambda get: "a client")
        patch.setattr(module, "computed", stand_in)
        yield


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 24), st.integers(1, 9), st.integers(1, 20), st.integers(0, 20))
def test_parts__give_the_same_bits(y: int, x: int, count: int, start: int) -> None:
    wanted = {
        name: a.isel(y=slice(start, None)) if "y" in a.dims else a
        for name, a in chain(cube().chunk(y=y, x=x)).items()
    }
    with dask.config.set(scheduler="synchronous"):
        whole = compute_blocks(wanted)
        with in_pieces(count, []):
            parted = compute_blocks(wanted)
    for name in wanted:
        np.testing.assert_array_equal(parted[name], whole[name])


@pytest.mark.parametrize("count", [1, 2, 3, 8, 30])
def test_parts__compute_every_block_once(count: int) -> None:
    seen: list[float] = []

    def first(values: Any) -> Any:
        seen.append(float(values[0, 0, 0]))
        return values + 1

    with dask.config.set(scheduler="synchronous"), in_pieces(count, []):
        compute_blocks(chain(cube().chunk(y=2, x=3), first))
    assert len(seen) == len(set(seen)) == 36


def halo(lazy: xr.DataArray) -> dict[str, xr.DataArray]:
    mu = over_blocks(lambda values: values + 1, [lazy], [Output("mu", CUBE)])["mu"]
    near = over_blocks(lambda values: values * 2, [mu], [Output("mu", CUBE)], halo=1)["mu"]
    return {"top": near.max("energy")}


@pytest.mark.parametrize(("count", "tasks"), [(1, 1), (2, 2 + 1), (4, 4 + 3), (6, 6 + 5)])
def test_a_band_with_a_halo__has_a_task_a_part_and_a_task_a_border(count: int, tasks: int) -> None:
    found: list[int] = []
    # As of images: each block is read on its own, no array in memory is common to all.
    chunks = ((3,), (1,) * 24, (3, 3))
    read = da.map_blocks(lambda block_info: np.full((3, 1, 3), 1.0, "f4"), chunks=chunks, dtype="f4")
    lazy = xr.DataArray(read, dims=cube_dims())
    with dask.config.set(scheduler="synchronous"), in_pieces(count, found):
        compute_blocks(halo(lazy))
    assert found == [tasks]


def test_a_band_that_is_too_much_at_once__is_written_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, whole = [0], module.compute_blocks
    lazy = xr.Dataset(chain(cube().chunk(y=4, x=3)))
    maps, sums, rows = lazy[["plane", "share"]], {"n": lazy.n}, slice(0, 24)

    def deadly(arrays: Any, together: int = 1) -> Any:
        calls[0] += 1
        if any(array.data.npartitions > 1 for array in arrays.values()):
            raise MemoryError
        return whole(arrays)

    def written(compute: Any) -> tuple[BlockFailures, Any, dict[str, Any]]:
        arrays = {str(name): np.zeros(array.shape, array.dtype) for name, array in maps.data_vars.items()}
        failures = BlockFailures(maps, arrays)
        monkeypatch.setattr(module, "compute_blocks", compute)
        found = failures.whole(rows, sums)
        return failures, failures.by_block(rows, sums) if found is None else found, arrays

    with dask.config.set(scheduler="synchronous"):
        _, wanted, expected = written(whole)
        failures, found, arrays = written(deadly)
    assert calls[0] == 1 + 18 + 18
    failures.stop_if_any()
    np.testing.assert_array_equal(found["n"], wanted["n"])
    for name, values in expected.items():
        np.testing.assert_array_equal(arrays[name], values)


def test_a_thread__computes_as_it_was_told_and_others_as_before() -> None:
    asked: list[tuple[str, str]] = []

    def noting(name: str) -> Any:
        def get(graph: Any, keys: Any, **settings: Any) -> Any:
            asked.append((name, threading.current_thread().name))
            return dask.get(graph, keys, **settings)

        return get

    def work(name: str, told: bool) -> None:
        with computing_with(noting(name)) if told else nullcontext():
            inside.wait(10)
            da.ones(3).sum().compute()
            compute_blocks({"mu": cube().chunk(y=12)})
            outside.wait(10)

    inside, outside = threading.Barrier(3), threading.Barrier(3)
    with dask.config.set(scheduler=noting("before")):
        threads = [
            threading.Thread(target=work, name=name, args=(name, name != "before"))
            for name in ("one", "other", "before")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        da.ones(3).sum().compute()
    assert {name for name, thread in asked if thread == name} == {"one", "other", "before"}
    assert [entry for entry in asked if entry[0] != entry[1]] == [("before", "MainThread")]
    assert len(asked) == 3 * 2 + 1


def test_bands_at_a_time__make_the_same_bytes_and_tell_progress_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = chain(cube().chunk(y=2, x=3))
    maps = xr.Dataset({"e0": found["share"], "edge_step": found["plane"]})
    monkeypatch.setattr(bands, "__defaults__", (4 * 9 * 4,))
    told: list[tuple[int, int]] = []
    alive, most, lock = [0], [0], threading.Lock()
    whole = BlockFailures.whole

    def watched(self: Any, rows: slice, sums: Any) -> Any:
        with lock:
            alive[0] += 1
            most[0] = max(most[0], alive[0])
        time.sleep(0.02)
        try:
            return whole(self, rows, sums)
        finally:
            with lock:
                alive[0] -= 1

    monkeypatch.setattr(BlockFailures, "whole", watched)
    for name, together in (("one", 1), ("three", 3)):
        monkeypatch.setattr("xafsflow.store.map_store._together", lambda plan, todo, count=together: count)
        most[0] = 0
        write_maps(maps, tmp_path / name, progress=lambda done, total: told.append((done, total)))
        assert most[0] == together
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) > 12
    for file in files:
        assert (tmp_path / "three" / file).read_bytes() == (tmp_path / "one" / file).read_bytes()
    assert told[: len(told) // 2] == told[len(told) // 2 :] == [(n + 1, 6) for n in range(6)]
