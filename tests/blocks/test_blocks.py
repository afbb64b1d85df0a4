"""Lifting a kernel over blocks: lazy, independent of chunking, the same with and without Dask."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.blocks.outputs import BLOCK_BYTES, LEAST_ROWS, Output, block_shape
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.vocabulary import CUBE, MAP, cube_dims

N_ENERGY, ROWS, COLUMNS = 3, 11, 9


def cube(rows: int = ROWS, columns: int = COLUMNS) -> xr.DataArray:
    values = np.random.default_rng(1).random((N_ENERGY, rows, columns), np.float32)
    return xr.DataArray(values, dims=cube_dims(), name="mu")


def image(rows: int = ROWS, columns: int = COLUMNS) -> xr.DataArray:
    return xr.DataArray(np.arange(rows * columns, dtype=np.float32).reshape(rows, columns), dims=MAP)


def spectrum() -> xr.DataArray:
    return xr.DataArray(np.array([1.0, 10.0, 100.0]), dims="energy")


@st.composite
def pieces(draw: st.DrawFn, total: int) -> tuple[int, ...]:
    """A way to cut an axis, thin pieces included."""
    cuts = draw(st.sets(st.integers(1, total - 1), max_size=total - 1))
    edges = [0, *sorted(cuts), total]
    return tuple(np.diff(edges).tolist())


def windows(values: np.ndarray, reach: int) -> np.ndarray:
    """Every value with its neighbors within reach, on the last axis; NaN beyond the image."""
    margin = [(0, 0)] * (values.ndim - 2) + [(reach, reach)] * 2
    padded = np.pad(values, margin, constant_values=np.nan)
    size = 2 * reach + 1
    view = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(-2, -1))
    return view.reshape(*values.shape, size * size)


def near(values: np.ndarray, plane: np.ndarray, weights: np.ndarray, reach: int) -> tuple[Any, ...]:
    """A kernel: sums over neighbors, of a cube and an image, and how many neighbors there are."""
    cubes, planes = windows(values, reach), windows(plane, reach)
    return (
        np.nansum(cubes, axis=-1) * weights[:, None, None],
        np.nansum(planes, axis=-1),
        np.stack([np.isfinite(planes).sum(axis=-1), plane]),
    )


NEAR = [
    Output("sums", CUBE),
    Output("plane", MAP, np.float64),
    Output("told", ("kind", *MAP), np.float32, {"kind": 2}),
]


@pytest.mark.long
@settings(max_examples=30, deadline=None)
@given(pieces(ROWS), pieces(COLUMNS), pieces(N_ENERGY), st.integers(0, 4))
def test_over_blocks__does_not_depend_on_chunking(y, x, energy, halo):
    inputs = [cube().chunk(energy=energy, y=y, x=x), image(), spectrum()]
    found = over_blocks(near, inputs, NEAR, halo=halo, reach=halo)
    truth = near(*(array.values for array in (cube(), image(), spectrum())), reach=halo)
    for output, wanted in zip(NEAR, truth, strict=True):
        array = found[output.name]
        assert array.dims == tuple("energy" if dim == "spectral" else dim for dim in output.dims)
        assert array.shape == wanted.shape
        computed = array.compute()
        assert array.dtype == computed.dtype == np.dtype(output.dtype)
        # The very same sums in the very same order: not one bit may differ.
        np.testing.assert_array_equal(computed, wanted.astype(output.dtype))


@pytest.mark.parametrize("halo", [0, 2])
def test_over_blocks__is_the_same_without_dask(halo):
    arrays = [cube(), image(), spectrum()]
    eager = over_blocks(near, arrays, NEAR, halo=halo, reach=halo)
    lazy = over_blocks(near, [arrays[0].chunk(y=4, x=5), *arrays[1:]], NEAR, halo=halo, reach=halo)
    for name, array in eager.items():
        assert isinstance(array.data, np.ndarray)
        xr.testing.assert_identical(array, lazy[name].compute())
        assert array.dtype == lazy[name].dtype


def test_over_blocks__computes_nothing(nothing_computes):
    everything = [array.chunk() for array in (cube(), image(), spectrum())]
    found = over_blocks(near, everything, NEAR, halo=1, reach=1)
    assert all(isinstance(array.data, da.Array) for array in found.values())


def test_over_blocks__leaves_a_lazy_scalar_lazy(nothing_computes):
    scale = xr.DataArray(da.from_array(np.float32(3)))
    found = over_blocks(lambda block, by: block * by, [image(), scale], [Output("scaled", MAP)])["scaled"]
    assert isinstance(found.data, da.Array)
    with dask.config.set(scheduler="synchronous"):
        np.testing.assert_array_equal(found, 3 * image())


class Counter:
    """A kernel that counts its calls, from any thread."""

    def __init__(self) -> None:
        self.calls, self.lock = 0, threading.Lock()

    def __call__(self, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with self.lock:
            self.calls += 1
        return block, block[0]


def test_several_outputs__cost_one_call_a_block():
    kernel = Counter()
    found = over_blocks(kernel, [cube().chunk(y=4, x=3)], [Output("all", CUBE), Output("first", MAP)])
    dask.compute(found["all"], found["first"])
    assert kernel.calls == 3 * 3


def test_one_block__costs_one_block():
    kernel = Counter()
    found = over_blocks(kernel, [cube().chunk(y=4, x=3)], [Output("all", CUBE), Output("first", MAP)])
    found["first"].isel(y=5, x=4).compute()
    assert kernel.calls == 1


def test_a_chain_of_kernels__is_one_task_a_block():
    source = da.random.default_rng(0).random((N_ENERGY, 40, 6), chunks=(N_ENERGY, 4, 6))
    array = xr.DataArray(source, dims=cube_dims())
    for _ in range(4):
        array = over_blocks(lambda block: block + 1, [array], [Output("more", CUBE)])["more"]
    (optimized,) = dask.optimize(array.data)
    assert len(optimized.dask) <= 2 * 10


def totals(block: np.ndarray, weights: np.ndarray) -> tuple[Any, Any]:
    whole = (block * weights[:, None, None]).sum(axis=(1, 2), dtype=np.float64)
    return whole[None, None], np.full((1, 1), block[0].size)


@settings(max_examples=30, deadline=None)
@given(pieces(ROWS), pieces(COLUMNS))
def test_block_outputs__hold_one_value_a_block_that_add_up(y, x):
    outputs = [
        Output("total", ("y_block", "x_block", "energy"), np.float64),
        Output("pixels", ("y_block", "x_block"), np.int64),
    ]
    found = over_blocks(totals, [cube().chunk(y=y, x=x), spectrum()], outputs)
    np.testing.assert_array_equal(found["pixels"], np.outer(y, x))
    assert found["total"].shape == (len(y), len(x), N_ENERGY)
    wanted = (cube() * spectrum()).sum(["y", "x"], dtype=np.float64)
    np.testing.assert_allclose(found["total"].sum(["y_block", "x_block"]), wanted, rtol=1e-6)


def test_block_outputs__without_dask_are_one_block():
    found = over_blocks(
        lambda block: block.sum(keepdims=True), [image()], [Output("n", ("y_block", "x_block"))]
    )
    assert found["n"].shape == (1, 1)


def test_block_outputs__may_stand_beside_maps():
    def both(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return 2 * block, block.sum(keepdims=True)

    outputs = [Output("twice", MAP), Output("sum", ("y_block", "x_block"))]
    found = over_blocks(both, [image().chunk(y=4, x=4)], outputs, halo=0)
    np.testing.assert_array_equal(found["twice"], 2 * image())
    assert float(found["sum"].sum()) == float(image().sum())


def test_kernels__get_whole_contiguous_blocks():
    def check(block: np.ndarray, plane: np.ndarray) -> np.ndarray:
        assert block.flags.c_contiguous
        assert plane.flags.c_contiguous
        assert block.shape[0] == N_ENERGY
        return block[0] + plane

    flipped = xr.DataArray(cube().values.transpose(2, 1, 0), dims=("x", "y", "energy")).transpose(
        *cube_dims()
    )
    cropped = flipped.chunk(energy=1, y=6, x=4).isel(y=slice(1, None), x=slice(2, 8))
    found = over_blocks(check, [cropped, image()[1:, 2:8]], [Output("sum", MAP)])["sum"]
    np.testing.assert_array_equal(found, (cube()[0] + image())[1:, 2:8])


def test_results__are_contiguous_where_a_halo_was_cut_off():
    found = over_blocks(lambda block: block, [cube().chunk(y=4, x=4)], [Output("same", CUBE)], halo=1)["same"]
    assert all(block.compute().flags.c_contiguous for block in found.data.blocks.ravel())
    np.testing.assert_array_equal(found, cube())


def test_results__have_the_promised_dtype():
    outputs = [Output("a", MAP, np.float32), Output("b", MAP, np.uint8)]

    def kernel(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return block.astype(np.float64), np.ones(block.shape, np.int64)

    for array in (image(), image().chunk(y=3)):
        found = over_blocks(kernel, [array], outputs)
        assert [found[name].compute().dtype for name in "ab"] == [np.float32, np.uint8]


def test_inputs__stay_as_they_are():
    array, before = cube().chunk(y=4), cube().copy()
    over_blocks(near, [array, image(), spectrum()], NEAR, halo=2, reach=2)["sums"].compute()
    xr.testing.assert_identical(array.compute(), before)
    assert array.chunksizes["y"] == (4, 4, 3)


def test_dims_in_another_order__are_the_kernels_order():
    turned = cube().transpose("x", "energy", "y").chunk(x=4, y=3)
    found = over_blocks(lambda block: block.sum(axis=1).T, [turned], [Output("sum", MAP)])["sum"]
    np.testing.assert_allclose(found, cube().sum("energy"), rtol=1e-6)


def test_the_first_lazy_image__sets_the_blocks():
    found = over_blocks(
        lambda a, b: a + b, [image().chunk(y=4, x=9), image().chunk(y=3, x=2)], [Output("sum", MAP)]
    )["sum"]
    assert found.chunks == ((4, 4, 3), (9,))
    np.testing.assert_array_equal(found, 2 * image())


def test_keys__tell_kernels_and_settings_apart_and_nothing_else():
    def key(by: float, array: xr.DataArray) -> Any:
        return over_blocks(scaled, [array], [Output("scaled", MAP)], by=by)["scaled"].data.name

    lazy = image().chunk(y=4)
    assert key(2.0, lazy) == key(2.0, lazy)
    assert len({key(2.0, lazy), key(3.0, lazy), key(2.0, image().chunk(y=5))}) == 3


def scaled(block: np.ndarray, by: float) -> np.ndarray:
    return block * by


@pytest.mark.parametrize(
    ("arrays", "dims", "halo", "told"),
    [
        ([spectrum()], MAP, 0, "no array over y and x"),
        ([image()], ("energy",), 0, "y and x, or y_block and x_block"),
    ],
)
def test_what_cannot_be_lifted__is_refused(arrays: Sequence[xr.DataArray], dims, halo, told):
    with pytest.raises(ValueError, match=told):
        over_blocks(lambda block: block, arrays, [Output("out", dims)], halo=halo)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 2000), st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([1, 2, 4, 8]))
def test_block_shape__fits_the_cache_and_the_image(energies, rows, columns, item):
    height, width = block_shape(energies, rows, columns, item_bytes=item)
    assert 1 <= height <= rows
    assert 1 <= width <= columns
    spectrum_bytes = energies * item
    # Whole pixels: a block of few of them may not be much larger than asked for.
    assert height * width * spectrum_bytes <= BLOCK_BYTES + spectrum_bytes * height or width == 1
    # Whole rows, or as many rows as a halo is worth.
    assert width == columns or height == min(rows, LEAST_ROWS)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, bool])
def test_whole_numbers_with_a_halo__come_as_floats_with_nan_beyond_the_image(dtype):
    plane = xr.DataArray(np.ones((5, 4), dtype), dims=MAP)
    seen = over_blocks(
        lambda block: np.isnan(block).sum(keepdims=True) + 0 * block[1:-1, 1:-1],
        [plane],
        [Output("missing", MAP)],
        halo=1,
        rim=0,
    )["missing"]
    assert seen.values.max() == 2 * 6 + 2 * 5
    lazy = over_blocks(
        lambda block: block[1:-1, 1:-1], [plane.chunk(y=2)], [Output("same", MAP)], halo=1, rim=0
    )
    np.testing.assert_array_equal(lazy["same"].values, plane.values)


@pytest.mark.parametrize("shape", [(3, 20), (20, 3), (2, 2)])
def test_images_smaller_than_the_halo__have_nan_around_them(shape):
    plane = xr.DataArray(np.ones(shape, np.float32), dims=MAP)

    def kernel(block: Any) -> Any:
        assert np.isnan(block).any()
        return block[5:-5, 5:-5]

    found = over_blocks(kernel, [plane.chunk(y=7, x=7)], [Output("same", MAP)], halo=5, rim=0)["same"]
    np.testing.assert_array_equal(found.values, plane.values)
