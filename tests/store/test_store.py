"""The store: what is written comes back, whole or not at all, one band in memory."""

from __future__ import annotations

import functools
import signal
import subprocess
import sys
import threading
import weakref
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xafsflow.blocks import field as fields
from xafsflow.blocks.field import bands_of
from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.blocks.program import program_of
from xafsflow.blocks.where import place
from xafsflow.errors import InputError
from xafsflow.store import cube_store as cubes
from xafsflow.store import open_cube, open_maps, write_cube, write_maps, write_maps_and
from xafsflow.vocabulary import MAP, attributes, cube_dims

FLOATS = (np.float32, np.float64)
EXAMPLES = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def values(shape: tuple[int, ...], dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(1000, 300, shape)
    found = noise.astype(dtype)
    if dtype in FLOATS and found.size:
        found.flat[0] = np.nan
    return found


def measured(n_energy: int = 5, rows: int = 12, columns: int = 7, dtype: Any = np.uint16) -> xr.Dataset:
    """A cube as ingest and correct make it: counts, absorbance, an I0 spectrum, a number, maps."""
    shape = (n_energy, rows, columns)
    found = xr.Dataset(
        {
            "sample": (cube_dims(), values(shape, dtype), attributes("sample")),
            "mu": (cube_dims(), values(shape), attributes("mu")),
            "flat_field": ("energy", np.linspace(1, 2, n_energy), attributes("flat_field")),
            "dark": (MAP, values(shape[1:], seed=2), attributes("dark")),
            "flags": (MAP, np.arange(rows * columns, dtype=np.uint8).reshape(rows, columns)),
            "gain": ((), np.float64(2.5), {"units": "counts"}),
        },
        coords={
            "energy": ("energy", 7100 + 1.5 * np.arange(n_energy), attributes("energy")),
            "y": ("y", np.arange(rows), attributes("y")),
            "x": ("x", np.arange(columns), attributes("x")),
        },
        attrs={"history": '[{"step": "ingest.phantom"}]', "pixel_size_um": 0.5},
    )
    found["flags"].attrs.update(attributes("flags"))
    return found


def maps(rows: int = 12, columns: int = 7) -> xr.Dataset:
    """A cube with results, one of each kind."""
    result = measured(rows=rows, columns=columns)
    names = {"reference": np.array(["Fe", "Fe2O3 (hematite)"]), "metric": np.array(["cosine", "euclidean"])}
    return result.assign(
        class_index=(MAP, np.full((rows, columns), -1, np.int16), attributes("class_index")),
        e0=(MAP, values((rows, columns), np.float64), attributes("e0")),
        fraction=(("reference", *MAP), values((2, rows, columns)), attributes("fraction")),
        distance=(("metric", *MAP), values((2, rows, columns)), attributes("distance")),
    ).assign_coords(names)


def texts_as_objects(cube: xr.Dataset) -> xr.Dataset:
    texts = {n: c.astype(object) for n, c in cube.coords.items() if c.dtype.kind in "UT"}
    return cube.assign_coords(texts)


def assert_same(found: xr.Dataset, wanted: xr.Dataset) -> None:
    """Values, dtypes, attributes, coordinates; texts may come back in another type of text."""
    xr.testing.assert_identical(texts_as_objects(found.load()), texts_as_objects(wanted.load()))
    for name in wanted.data_vars:
        assert found[name].dtype == wanted[name].dtype, name


@pytest.mark.long
@EXAMPLES
@given(
    st.tuples(st.integers(2, 5), st.integers(1, 20), st.integers(1, 9)),
    st.sampled_from([np.uint8, np.uint16, np.int16, *FLOATS]),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 12),
)
def test_write_cube__brings_everything_back(tmp_path_factory, shape, dtype, tile, block, band_rows):
    folder = tmp_path_factory.mktemp("cube")
    cube = measured(*shape, dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cubes, "BAND_BYTES", 4 * shape[0] * shape[2] * band_rows)
        assert_same(write_cube(cube.chunk(y=block, x=block), folder / "cube.zarr", tile=tile), cube)


@pytest.mark.long
@EXAMPLES
@given(st.integers(1, 20), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 12))
def test_write_maps__brings_every_map_back(tmp_path_factory, rows, columns, block, other_block, band_rows):
    folder = tmp_path_factory.mktemp("maps")
    cube = maps(rows, columns)
    wanted = cube[["flags", "class_index", "e0", "fraction", "distance"]]
    # As steps leave them: variables differ in their blocks.
    lazy = cube.chunk(y=block, x=block).assign(e0=cube.e0.chunk(y=other_block))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fields, "BAND_BYTES", 4 * 5 * columns * band_rows)
        assert_same(write_maps(lazy, folder / "maps.zarr"), wanted)


def test_write_maps__takes_what_is_not_lazy(tmp_path):
    cube = maps()
    assert_same(
        write_maps(cube, tmp_path / "maps.zarr"), cube[["flags", "class_index", "e0", "fraction", "distance"]]
    )


def test_what_a_scan_brings__is_no_map(tmp_path):
    found = write_maps(maps().chunk(y=5), tmp_path / "maps.zarr")
    assert not {"dark", "sample", "mu", "flat_field", "gain"} & set(found)


def test_stored_maps__open_with_xarray_alone_and_tell_their_units(tmp_path):
    write_maps(maps().chunk(y=5), tmp_path / "maps.zarr")
    found = xr.open_zarr(tmp_path / "maps.zarr")
    assert found.e0.attrs["units"] == "eV"
    assert found.flags.attrs["flag_masks"] == [1, 2, 4, 8, 16, 32, 64]
    assert found.attrs["pixel_size_um"] == 0.5
    assert float(found.fraction.sel(reference="Fe").mean()) > 0


def test_stored_cubes__keep_the_spectrum_of_a_pixel_in_one_chunk(tmp_path):
    found = write_cube(measured(rows=20, columns=30).chunk(y=3), tmp_path / "cube.zarr", tile=8)
    assert found["sample"].encoding["chunks"] == (5, 8, 8)
    assert found["sample"].chunksizes["energy"] == (5,)
    # Blocks are whole chunks.
    assert all(size % 8 == 0 for size in found["sample"].chunksizes["x"][:-1])
    # What is never written would come back as NaN; counts are integers and come back as zero.
    group = zarr.open_group(str(tmp_path / "cube.zarr"), mode="r")
    assert np.isnan(group["mu"].fill_value)
    assert group["sample"].fill_value == 0


def norm_sums(norm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total = np.stack([norm.sum(axis=(1, 2)), 0 * norm[:, 0, 0]])
    return total[None, None].astype(np.float64), np.array([norm[0].size, 0])[None, None]


@pytest.mark.parametrize("band_rows", [1, 5, 100])
@pytest.mark.parametrize("block", [{"y": 1}, {"y": 5, "x": 3}, {"y": 12}])
def test_block_sums__are_stored_as_means(tmp_path, monkeypatch, block, band_rows):
    cube = maps().chunk(block)
    sizes = {"reference": 2}
    outputs = [
        Output("norm_sum", ("y_block", "x_block", "reference", "energy"), np.float64, sizes),
        Output("norm_count", ("y_block", "x_block", "reference"), np.int64, sizes),
    ]
    whole = cube.sample.astype(np.float32)
    # Blocks of another variable, in front and behind, do not lead astray.
    cube = cube.assign(over_blocks(norm_sums, [whole], outputs)).assign(e0=cube.e0.chunk(y=7))
    monkeypatch.setattr(fields, "BAND_BYTES", 4 * 5 * 7 * band_rows)
    found = write_maps(cube, tmp_path / "maps.zarr")
    np.testing.assert_allclose(found.mean_norm[0], cube.sample.mean(["y", "x"]), rtol=1e-6)
    # A reference that leads nowhere has no mean.
    assert np.isnan(found.mean_norm[1]).all()
    assert found.mean_pixels.values.tolist() == [12 * 7, 0]
    assert found.mean_norm.attrs["units"] == "1"
    assert not {"norm_sum", "norm_count", "y_block"} & {*found.variables, *found.dims}
    np.testing.assert_array_equal(found.energy, cube.energy)


@EXAMPLES
@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 4000))
def test_bands__end_between_blocks_in_order_and_are_small(heights, size):
    rows, columns, n_energy = sum(heights), 4, 3
    array = xr.DataArray(np.zeros((n_energy, rows, columns), np.float32), dims=cube_dims()).chunk(
        y=tuple(heights)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fields, "BAND_BYTES", size)
        found = bands_of(program_of({"mu": array}))
    edges = set(np.cumsum([0, *heights]).tolist())
    assert [band.y0 for band in found] == [0, *(band.y1 for band in found[:-1])]
    assert found[-1].y1 == rows
    most = max(1, size // (4 * n_energy * columns))
    for band in found:
        assert band.shape[0] <= most
        # Within a block only where the next one ends too far away.
        assert band.y1 in edges or not any(band.y0 < edge <= band.y0 + most for edge in edges)


def test_shards__hold_a_band_of_chunks_in_one_file_and_the_same_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(cubes, "BAND_BYTES", 0)
    cube = measured(rows=20, columns=30).chunk(y=3)
    for shards in (False, True):
        assert_same(write_cube(cube, tmp_path / f"{shards}.zarr", tile=8, shards=shards), cube)
    files = [
        sum(1 for one in (tmp_path / f"{s}.zarr" / "sample" / "c").rglob("*") if one.is_file())
        for s in (False, True)
    ]
    assert files == [12, 3]


def test_an_existing_path__is_refused_and_stays(tmp_path):
    (tmp_path / "cube.zarr").mkdir()
    (tmp_path / "cube.zarr" / "mine").write_text("mine")
    for write in (lambda path: write_cube(measured(), path, tile=4), lambda path: write_maps(maps(), path)):
        with pytest.raises(InputError, match=r"cube\.zarr, which exists"):
            write(tmp_path / "cube.zarr")
    assert [path.name for path in tmp_path.rglob("*")] == ["cube.zarr", "mine"]


def test_a_cube_without_maps__is_refused(tmp_path):
    with pytest.raises(InputError, match="without maps"):
        write_maps(measured()[["sample"]], tmp_path / "maps.zarr")
    assert not list(tmp_path.iterdir())


def failing(block: np.ndarray, block_info: Any = None) -> np.ndarray:
    if block_info[0]["chunk-location"][-2] == 2:
        raise OSError("the disk is gone")
    return block


def test_a_failure_half_way__leaves_nothing_of_that_name_and_the_next_attempt_succeeds(tmp_path, monkeypatch):
    cube, path = maps().chunk(y=4), tmp_path / "maps.zarr"
    broken = cube.assign(e0=cube.e0.copy(data=cube.e0.data.map_blocks(failing, dtype=float)))
    monkeypatch.setattr(fields, "BAND_BYTES", 4 * 7 * 4)
    done = []
    with pytest.raises(OSError, match="the disk is gone"):
        write_maps(broken, path, progress=lambda n, total: done.append((n, total)))
    assert done == [(1, 3), (2, 3)]
    assert not path.exists()
    xr.testing.assert_equal(write_maps(cube, path).e0.load(), cube.e0.load())
    assert [one.name for one in tmp_path.iterdir()] == ["maps.zarr"]


KILLED_HALF_WAY = """
import os, signal, sys
from pathlib import Path
import numpy as np, xarray as xr
from xafsflow.blocks import field
from xafsflow.store import write_maps

field.BAND_BYTES = 4 * 5 * 4
cube = xr.Dataset({"e0": (("y", "x"), np.ones((12, 5), "f4"))}).chunk(y=4)
write_maps(cube, Path(sys.argv[1]), progress=lambda done, total: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.mark.long
def test_a_killed_run__leaves_no_maps(tmp_path):
    path = tmp_path / "maps.zarr"
    done = subprocess.run([sys.executable, "-c", KILLED_HALF_WAY, path], timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL
    assert {one.name for one in tmp_path.iterdir()} == {"maps.zarr.partial", "maps.zarr.partial.bands"}
    write_maps(maps(), path)
    assert [one.name for one in tmp_path.iterdir()] == ["maps.zarr"]


def undisturbed(folder: Any) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


@pytest.mark.parametrize("kind", ["maps", "cube"])
@pytest.mark.parametrize("after", [1, 2])
def test_an_interrupted_write__goes_on_and_ends_with_the_same_bytes(tmp_path, monkeypatch, kind, after):
    monkeypatch.setattr(cubes, "BAND_BYTES", 0)
    monkeypatch.setattr(fields, "BAND_BYTES", 4 * 7 * 4)
    whole = maps().chunk(y=4) if kind == "maps" else measured(rows=12, columns=9).chunk(y=4)
    write = write_maps if kind == "maps" else functools.partial(write_cube, tile=4)
    write(whole, tmp_path / "whole.zarr")

    def stop(done: int, total: int) -> None:
        if done == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(whole, tmp_path / "part.zarr", progress=stop)
    partial = tmp_path / "part.zarr.partial"
    # What a kill leaves: a file half written, a line cut off, and a damaged chunk of a band that counts as written.
    (partial / "c.0123.partial").write_bytes(b"half")
    with partial.with_name("part.zarr.partial.bands").open("a") as stream:
        stream.write('{"band": 7, "su')
    name = "e0" if kind == "maps" else "sample"
    victim = next(one for one in sorted((partial / name / "c").rglob("*")) if one.is_file())
    victim.write_bytes(victim.read_bytes()[:-6] + b"damage")
    write(whole, tmp_path / "part.zarr")
    assert undisturbed(tmp_path / "part.zarr") == undisturbed(tmp_path / "whole.zarr")
    assert {one.name for one in tmp_path.iterdir()} == {"whole.zarr", "part.zarr"}


def test_a_write_that_ended_after_its_last_band__is_finished(tmp_path, monkeypatch):
    monkeypatch.setattr(fields, "BAND_BYTES", 4 * 7 * 4)
    cube = maps().chunk(y=4)

    def stop(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_maps(cube, tmp_path / "maps.zarr", progress=stop)
    xr.testing.assert_equal(write_maps(cube, tmp_path / "maps.zarr").e0.load(), cube.e0.load())


def test_others__come_from_the_same_pass(tmp_path, monkeypatch):
    monkeypatch.setattr(fields, "BAND_BYTES", 4 * 7 * 4)
    cube = maps().chunk(y=4)
    found, others = write_maps_and(cube, tmp_path / "maps.zarr", {"top": cube.e0 * 2})
    xr.testing.assert_equal(found.e0.load(), cube.e0.load())
    np.testing.assert_array_equal(others["top"], 2 * cube.e0)
    assert write_maps_and(cube, tmp_path / "other.zarr", {})[1] == {}


def test_what_another_run_left__is_not_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.setattr(fields, "BAND_BYTES", 4 * 7 * 4)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_maps(maps().chunk(y=4), tmp_path / "maps.zarr", identity="this", progress=stop)
    other = (maps() + 1).chunk(y=4)
    xr.testing.assert_equal(
        write_maps(other, tmp_path / "maps.zarr", identity="other").e0.load(), other.e0.load()
    )


@pytest.mark.parametrize("content", [None, "text", {}])
def test_a_folder_of_something_else__is_no_store(tmp_path, content):
    path = tmp_path / "other.zarr"
    if content is not None:
        path.mkdir()
        (path / "zarr.json").write_text(str(content))
    for open_it, wanted in ((open_cube, "a stored cube"), (open_maps, "stored maps")):
        with pytest.raises(InputError, match=wanted):
            open_it(path)


def test_maps__are_no_cube(tmp_path):
    write_maps(maps(), tmp_path / "maps.zarr")
    with pytest.raises(InputError, match="without a variable over energy or two_theta, y, x"):
        open_cube(tmp_path / "maps.zarr")


def test_the_cube_that_is_written__stays_as_it_is(tmp_path):
    cube = measured().chunk(y=5)
    cube["sample"].encoding["scale_factor"] = 3.0
    before = cube.copy(deep=True)
    write_cube(cube, tmp_path / "cube.zarr", tile=4)
    xr.testing.assert_identical(cube, before)
    assert cube["sample"].encoding == {"scale_factor": 3.0}


class Living:
    """Blocks that are in memory, and the most of them that ever were."""

    def __init__(self) -> None:
        self.now, self.most, self.made, self.lock = 0, 0, 0, threading.RLock()

    def make(self, block_info: Any = None) -> np.ndarray:
        shape = block_info[None]["chunk-shape"]
        block = np.ones(shape, np.float32).view(Watched)
        with self.lock:
            self.now, self.made = self.now + 1, self.made + 1
            self.most = max(self.most, self.now)
        weakref.finalize(block, self.leave)
        return block

    def leave(self) -> None:
        with self.lock:
            self.now -= 1


class Watched(np.ndarray):
    """An array that can be watched by a weak reference."""


def watched_cube(living: Living, n_blocks: int) -> xr.Dataset:
    data = da.map_blocks(
        living.make, chunks=((4,), (8,) * n_blocks, (16,)), dtype=np.float32, meta=np.empty((0, 0, 0), "f4")
    )
    cube = xr.Dataset({"sample": (cube_dims(), data)}, coords={"energy": np.arange(4.0)})
    step = over_blocks(lambda block: block.sum(axis=0), [cube.sample], [Output("edge_step", MAP)])
    return cube.assign(step)


BLOCK = 4 * 8 * 16 * 4


def test_write_maps__holds_a_band_a_thread_and_reads_every_block_once(tmp_path, monkeypatch):
    living = Living()
    cube = watched_cube(living, 40)
    monkeypatch.setattr(fields, "BAND_BYTES", 4 * BLOCK)
    write_maps(cube, tmp_path / "maps.zarr")
    assert living.made == 40
    assert living.most <= 4 * place().threads


def test_write_cube__holds_a_band_a_thread_and_reads_every_block_once(tmp_path, monkeypatch):
    living = Living()
    cube = watched_cube(living, 40)[["sample"]]
    monkeypatch.setattr(cubes, "BAND_BYTES", 4 * BLOCK)
    write_cube(cube, tmp_path / "cube.zarr", tile=8)
    assert living.made == 40
    assert living.most <= 4 * place().threads


def test_progress__counts_bands_to_their_end(tmp_path, monkeypatch):
    monkeypatch.setattr(cubes, "BAND_BYTES", 4 * 5 * 7 * 4)
    monkeypatch.setattr(fields, "BAND_BYTES", 4 * 7 * 4)
    for write in (
        lambda **report_progress: write_cube(
            measured().chunk(y=4), tmp_path / "cube.zarr", tile=4, **report_progress
        ),
        lambda **report_progress: write_maps(maps().chunk(y=4), tmp_path / "maps.zarr", **report_progress),
    ):
        told: list[tuple[int, int]] = []
        write(progress=lambda done, total: told.append((done, total)))  # noqa: B023
        assert told == [(1, 3), (2, 3), (3, 3)]
