"""Steps called by hand with a Dask client at work: what users of Dask do with arrays works with these."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import dask
import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.blocks import field as fields
from xafsflow.blocks.where import computing_on
from xafsflow.cluster import WorkerNeed, open_cluster
from xafsflow.io.folders import Folders
from xafsflow.phantom import Phantom, write_phantom
from xafsflow.pipeline.execution import run
from xafsflow.pipeline.recipe import apply_overrides, load_recipe

pytestmark = pytest.mark.long

if TYPE_CHECKING:
    from distributed import Client

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"
NEED = WorkerNeed(process_bytes=300 * 2**20, task_bytes=50 * 2**20)
NAMES = ["edge_step", "noise", "flags"]


def normalized() -> xr.Dataset:
    """With a halo, numbers of the scan, and several outputs a kernel."""
    cube = xf.correct.absorbance(xf.ingest.phantom(size=(40, 36), energies=60))
    cube = xf.correct.background(xf.correct.dead_pixels(cube), e0=7112.0)
    cube = xf.correct.average(xf.correct.flux(cube)).chunk(y=10, x=18)
    return xf.derive.noise(xf.normalize.edge_step(cube, e0=7112.0, pre2=-15.0, norm1=40.0, nnorm=1))


@pytest.fixture(scope="module")
def alone() -> xr.Dataset:
    with dask.config.set(scheduler="threads"):
        return normalized()[["norm", *NAMES]].compute()


@pytest.fixture(scope="module")
def client(alone: xr.Dataset) -> Iterator[Client]:
    with open_cluster("local", workers=2, need=NEED) as client:
        assert client is not None
        yield client


@pytest.fixture
def cube(client: Client) -> xr.Dataset:
    return normalized()


def same(found: xr.DataArray, wanted: xr.DataArray) -> None:
    np.testing.assert_array_equal(found.values, wanted.values)


def test_two_maps_are_persisted_and_then_a_pixel_is_asked_for(cube: xr.Dataset, alone: xr.Dataset) -> None:
    step, noise = dask.persist(cube.edge_step, cube.noise)
    same(cube.norm.isel(y=3, x=4), alone.norm.isel(y=3, x=4))
    same(step, alone.edge_step)
    same(noise, alone.noise)


def test_two_computations_at_a_time(cube: xr.Dataset, alone: xr.Dataset, client: Client) -> None:
    one, two = client.compute(cube.noise.data), client.compute(cube.norm.isel(y=slice(5, 15)).data)
    np.testing.assert_array_equal(two.result(), alone.norm[:, 5:15])
    np.testing.assert_array_equal(one.result(), alone.noise)


def test_a_persisted_cube_goes_on_through_steps(cube: xr.Dataset) -> None:
    kept = cube.assign(mu=cube.mu.persist(), flags=cube.flags.persist())
    again = xf.normalize.edge_step(kept, e0=7112.0, pre2=-15.0, norm1=40.0, nnorm=1)
    again = xf.derive.noise(again)
    assert np.isfinite(again.noise_ratio.compute())
    same(again.edge_step, cube.edge_step.compute())


def test_chunks_are_changed_and_neighbors_looked_at(cube: xr.Dataset, alone: xr.Dataset) -> None:
    changed = cube.norm.chunk(energy=10, y=-1, x=7)
    same(changed, alone.norm)
    depth, boundary = {0: 0, 1: 1, 2: 1}, {0: "none", 1: np.nan, 2: np.nan}
    around = cube.norm.data.map_overlap(lambda block: block, depth=depth, boundary=boundary)
    np.testing.assert_array_equal(around.compute(), alone.norm)


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_a_cube_is_stored_by_xarray(cube: xr.Dataset, alone: xr.Dataset, tmp_path: Path) -> None:
    plain = cube[["norm"]].drop_attrs().chunk(energy=-1, y=10, x=-1)
    plain.to_zarr(tmp_path / "norm.zarr")
    same(xr.open_zarr(tmp_path / "norm.zarr").norm, alone.norm)


def test_a_number_of_the_scan_is_found_by_one_task(cube: xr.Dataset) -> None:
    graph = dict(cube.noise.data.__dask_graph__())
    found = {str(key) for key in graph if str(key).startswith(("('_numbers-", "_numbers-"))}
    assert len(found) == 1


def test_what_is_canceled_is_gone_and_the_rest_comes(
    cube: xr.Dataset, alone: xr.Dataset, client: Client
) -> None:
    given_up, wanted = client.compute(cube.norm.data.sum()), client.compute(cube.noise.data)
    given_up.cancel()
    np.testing.assert_array_equal(wanted.result(), alone.noise)
    assert given_up.cancelled()


@pytest.mark.filterwarnings("ignore")
def test_a_worker_is_lost(cube: xr.Dataset, alone: xr.Dataset, client: Client) -> None:
    future = client.compute(cube.norm.data)
    os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
    np.testing.assert_array_equal(future.result(), alone.norm)


def test_the_demonstrations_recipe__makes_the_same_bytes_as_on_threads(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = write_phantom(Phantom(size=(48, 44), energies=60, seed=3), tmp_path / "scan")
    quick = ["train.mixtures.noise_patterns=20", "train.fit.trees=10", "train.mixtures.step=0.5"]
    recipe = apply_overrides(load_recipe(WORKFLOWS / "demo.yaml"), quick)
    # Several bands, of 8 rows of two stacks or less.
    monkeypatch.setattr(fields, "BAND_BYTES", 8 * 44 * 60 * 2 * 2)
    made = {}
    for name, place in (("cluster", client), ("threads", None)):
        with computing_on(place):
            run(recipe, Folders(scan), tmp_path / name)
        store = tmp_path / name / "maps.zarr"
        made[name] = {
            path.relative_to(store): path.read_bytes()
            for path in sorted(store.rglob("c/**/*"))
            if path.is_file()
        }
    assert made["cluster"] == made["threads"]
    assert len([path for path in made["threads"] if path.parts[0] == "noise"]) > 3
