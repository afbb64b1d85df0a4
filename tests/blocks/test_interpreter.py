"""Recipes without Dask's tasks: the same bits, each image row read once, nothing held that is not needed."""

from __future__ import annotations

import pickle
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import cloudpickle
import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import xafsflow as xf
from xafsflow.blocks import field as fields
from xafsflow.blocks import pixel_regions as regions
from xafsflow.blocks.field import from_field, gathering, values_over_field
from xafsflow.blocks.notes import Operation, made_by
from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks, part_of
from xafsflow.blocks.pixel_regions import Region
from xafsflow.blocks.program import program_of
from xafsflow.blocks.scan_numbers import over_scan, spread_rows, values_at
from xafsflow.io.readers.lazy_stack import lazy_stack
from xafsflow.kernels.images import neighbors
from xafsflow.vocabulary import CUBE, MAP, cube_dims

N_ENERGY, ROWS, COLUMNS = 3, 23, 17
SMALL = settings(max_examples=25, deadline=None)


@dataclass
class Images:
    """A stack in memory that counts the rows that are read of it."""

    values: np.ndarray
    row_quantum: int = 1
    rows: list[tuple[int, int]] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    @property
    def shape(self) -> Any:
        return self.values.shape

    @property
    def dtype(self) -> Any:
        return self.values.dtype

    def take(self, order: Any) -> Images:
        return Images(self.values[order])

    def read_rows(self, start: int, stop: int, out: Any = None, columns: Any = None, threads: int = 1) -> Any:
        with self.lock:
            self.rows.append((start, stop))
        return self.values[:, start:stop, columns or slice(None)].copy()

    def read_bands(self, bands: Any, columns: Any = None) -> Any:
        return [self.read_rows(start, stop, columns=columns) for start, stop in bands]


def images(dtype: Any = np.uint16, seed: int = 1) -> Images:
    return Images(np.random.default_rng(seed).integers(1, 1000, (N_ENERGY, ROWS, COLUMNS)).astype(dtype))


def lazy(stack: Images, rows: int = 4) -> xr.DataArray:
    return xr.DataArray(lazy_stack(stack, (rows, stack.shape[2])), dims=cube_dims(), name="sample")


def _two(values: Any) -> tuple[Any, Any]:
    return values.astype(np.float32) + 1, values.sum(axis=0)


def _near(values: Any, plane: Any) -> tuple[Any, Any]:
    """A maximum over three by three finite neighbors; the second array has a halo of two, of which one is left."""
    shifted = [
        values[:, i : i + values.shape[1] - 2, j : j + values.shape[2] - 2]
        for i in range(3)
        for j in range(3)
    ]
    around = np.fmax.reduce(shifted)
    return around, np.nan_to_num(plane[2:-2, 2:-2]) + around[0]


def _less(values: Any, level: Any) -> Any:
    return values - level.astype(np.float32)[:, None, None]


def _level(values: Any) -> tuple[Any]:
    return (values.mean(axis=(1, 2), dtype=np.float64),)


def _total(values: Any) -> Any:
    return values.sum(axis=(1, 2), dtype=np.float64)[None, None]


def chain(sample: xr.DataArray) -> dict[str, xr.DataArray]:
    """Steps with several outputs, halos that differ, a number of the scan, a part, bins, an expression, and a sum."""
    first = over_blocks(_two, [sample], [Output("more", CUBE), Output("total", MAP)])
    outputs = [Output("around", CUBE), Output("plane", MAP)]
    second = over_blocks(_near, [first["more"], first["total"]], outputs, halo=(1, 2), rim=0)
    rows = spread_rows(sample.sizes["y"], 3)
    level = over_scan(_level, [second["around"]], [Output("level", ("energy",), np.float64)], y=rows)["level"]
    less = over_blocks(_less, [second["around"], level], [Output("less", CUBE)])["less"]
    again = over_blocks(
        _near, [less, second["plane"]], [Output("near", CUBE), Output("other", MAP)], halo=(1, 2), rim=0
    )
    part = part_of(again["near"], slice(3, 19), slice(1, 15), np.array([0, 2]))
    plain = over_blocks(lambda values: values.max(axis=0), [part], [Output("top", MAP)])["top"]
    binned = over_blocks(
        lambda values: values.reshape(values.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3)),
        [plain],
        [Output("binned", MAP)],
        bins=(2, 2),
    )["binned"]
    total = over_blocks(
        _total, [part], [Output("sum", ("y_block", "x_block", "energy"), np.float64, {"energy": 2})]
    )
    return {"top": plain, "user": plain * 2 + 1, "binned": binned, "other": again["other"], **total}


def assert_like_dask(found: dict[str, Any], wanted: dict[str, xr.DataArray]) -> None:
    for name, array in wanted.items():
        (values,) = dask.compute(array.data, scheduler="synchronous")
        if "y_block" in array.dims:
            values = values.sum(axis=(0, 1), keepdims=True)
            np.testing.assert_allclose(found[name], values, rtol=1e-12)
        else:
            np.testing.assert_array_equal(found[name], values, err_msg=name)
        assert found[name].dtype == array.dtype


@pytest.mark.long
@SMALL
@given(
    st.integers(1, ROWS),
    st.sampled_from([400, 3000, 10**7]),
    st.sampled_from([200, 2000, 10**7]),
)
def test_whole_field__is_what_dask_computes_to_the_bit(block, tile_bytes, band_bytes):
    made = chain(lazy(images(), block))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "BLOCK_BYTES", tile_bytes)
        patch.setattr(fields, "BAND_BYTES", band_bytes)
        for names in (["top", "user", "sum"], ["binned"], ["other"]):
            wanted = {name: made[name] for name in names}
            assert_like_dask(values_over_field(wanted), wanted)


@pytest.mark.long
@SMALL
@given(st.sets(st.integers(0, ROWS - 1), min_size=1), st.integers(0, COLUMNS - 2), st.integers(1, ROWS))
def test_some_rows__are_those_of_the_whole(rows, left, block):
    made = chain(lazy(images(), block))
    wanted = {"other": made["other"]}
    places = np.array(sorted(rows))
    found = values_at(wanted, places, slice(left, COLUMNS))["other"]
    np.testing.assert_array_equal(found, made["other"].values[places, left:])


def test_a_band__reads_its_rows_and_those_that_its_halos_reach(monkeypatch):
    stack = images()
    sample = lazy(stack)
    first = over_blocks(_two, [sample], [Output("more", CUBE), Output("total", MAP)])
    second = over_blocks(
        _near,
        [first["more"], first["total"]],
        [Output("around", CUBE), Output("plane", MAP)],
        halo=(1, 2),
        rim=0,
    )
    monkeypatch.setattr(fields, "BAND_BYTES", 8 * N_ENERGY * COLUMNS * 2)
    values_over_field({"plane": second["plane"]})
    assert sorted(stack.rows) == [(0, 10), (6, 18), (14, 23)]


def test_what_no_result_needs__is_not_computed():
    calls = Counter[str]()

    def counted(name: str) -> Any:
        def kernel(values: Any) -> Any:
            calls[name] += 1
            return values.sum(axis=0)

        return kernel

    sample = lazy(images())
    one, two = (over_blocks(counted(n), [sample], [Output(n, MAP)])[n] for n in ("one", "two"))
    values_over_field({"one": one})
    assert calls == {"one": 1}
    values_over_field({"one": one, "again": one, "two": two})
    assert calls == {"one": 2, "two": 1}


def test_a_number__reads_its_rows_once_for_all_who_want_it():
    stack, found = images(seed=5), []

    def level(values: Any) -> tuple[Any]:
        found.append(values.shape)
        return (values.mean(axis=(1, 2)),)

    sample = lazy(stack)
    number = over_scan(level, [sample], [Output("level", ("energy",))], y=np.array([2, 3, 9]))["level"]
    less = over_blocks(_less, [sample, number], [Output("less", CUBE)])["less"]
    top = over_blocks(lambda values: values.max(axis=0), [less], [Output("top", MAP)])["top"]
    for _ in range(2):
        values_over_field({"top": top})
        values_at({"number": number})
    assert found == [(N_ENERGY, 3, COLUMNS)]
    assert stack.rows.count((2, 4)) == stack.rows.count((9, 10)) == 1


def test_notes__go_with_their_arrays_and_not_to_what_was_persisted():
    sample = lazy(images())
    made = over_blocks(lambda values: values.max(axis=0), [sample], [Output("top", MAP)])["top"]
    assert made_by(made.data) is not None
    assert made_by((made + 1).data) is None
    kept = made.persist()
    assert kept.data.name == made.data.name
    assert made_by(kept.data) is None
    program = program_of({"kept": kept})
    assert not program.calls
    np.testing.assert_array_equal(values_over_field({"kept": kept})["kept"], made.values)


def test_kernels_of_a_module_travel_by_name__and_others_by_value():
    for kernel in (neighbors.mean_over_energy, np.maximum, _two):
        made = Operation(kernel, (), (), (), 0, (1, 1), {})
        assert pickle.loads(cloudpickle.dumps(made)).kernel is kernel
    made = Operation(lambda values: 2 * values, (), (), (), 0, (1, 1), {"a": 1})
    there = pickle.loads(cloudpickle.dumps(made))
    assert there.kernel(3) == 6
    assert there.settings == {"a": 1}


def test_an_array_that_only_dask_knows__is_computed_for_the_rows_that_are_needed():
    seen: list[int] = []

    def block(block_info: Any = None) -> np.ndarray:
        seen.append(block_info[None]["array-location"][1][0])
        return np.ones(block_info[None]["chunk-shape"], np.float32)

    data = dask.array.map_blocks(
        block, chunks=((2,), (5,) * 4, (6,)), dtype=np.float32, meta=np.empty((0, 0, 0), np.float32)
    )
    cube = xr.DataArray(data, dims=cube_dims())
    top = over_blocks(lambda values: values.max(axis=0), [cube], [Output("top", MAP)])["top"]
    assert values_at({"top": top}, np.array([7]))["top"].tolist() == [[1.0] * 6]
    assert seen == [5]


def test_a_part_that_is_all__is_the_array_itself():
    sample = lazy(images())
    top = over_blocks(lambda values: values.max(axis=0), [sample], [Output("top", MAP)])["top"]
    whole = part_of(top, slice(0, ROWS), slice(0, COLUMNS))
    np.testing.assert_array_equal(values_over_field({"whole": whole})["whole"], top.values)
    rest = part_of(top, slice(2, ROWS), slice(0, COLUMNS))
    np.testing.assert_array_equal(values_over_field({"rest": rest})["rest"], top.values[2:])


def test_a_sum_beside_a_map_with_neighbors__is_refused():
    sample = lazy(images())
    outputs = [Output("more", CUBE), Output("sum", ("y_block", "x_block", "energy"), np.float64)]
    made = over_blocks(lambda values: (values, _total(values)), [sample], outputs)
    near = over_blocks(
        lambda values: values[0, 1:-1, 1:-1], [made["more"]], [Output("near", MAP)], halo=1, rim=0
    )
    with pytest.raises(ValueError, match="would count pixels twice"):
        program_of({**near, "sum": made["sum"]})


def test_gathered_questions__share_a_pass():
    stack = images()
    top = over_blocks(lambda values: values.max(axis=0), [lazy(stack)], [Output("top", MAP)])["top"]
    assert from_field({"top": top}, lambda found: found["top"].shape) == (ROWS, COLUMNS)
    read = len(stack.rows)
    with gathering():
        later: Any = from_field({"top": top}, lambda found: float(found["top"].max()))
    assert len(stack.rows) == read
    assert later.finish(values_over_field(later.arrays)) == float(top.max())


@SMALL
@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 400))
def test_tiles__cover_a_region_once_and_fit_the_cache(rows, columns, points):
    region = Region(5, 5 + rows, 7, 7 + columns)
    seen = np.zeros((rows + 10, columns + 10), int)
    for tile in region.tiles(points):
        seen[tile.slices(("y", "x"), Region(0, 0, 0, 0))] += 1
        assert tile.shape[0] * tile.shape[1] * points * 4 <= 1.6 * regions.BLOCK_BYTES or tile.shape == (1, 1)
    assert (seen[5 : 5 + rows, 7 : 7 + columns] == 1).all()
    assert seen.sum() == rows * columns


def test_a_recipes_chain__is_what_the_steps_give_by_hand():
    cube = xf.correct.absorbance(xf.ingest.phantom(size=(40, 44), energies=50))
    cube = xf.correct.background(xf.correct.dead_pixels(cube), e0=7112.0)
    cube = xf.correct.average(xf.correct.flux(cube))
    cube = xf.derive.noise(xf.normalize.edge_step(cube, e0=7112.0, pre2=-15.0, norm1=40.0, nnorm=1))
    wanted = {name: cube[name] for name in ("flags", "edge_step", "noise")}
    assert_like_dask(values_over_field(wanted), wanted)
