"""A batch on a cluster of two workers: small measurements by one of them each, the bands of a large one by both."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import dask
import distributed
import psutil
import pytest

from xafsflow.blocks import field as fields
from xafsflow.blocks import pixel_regions as regions
from xafsflow.campaign import batch
from xafsflow.campaign.catalog import read_catalog
from xafsflow.campaign.cluster_executor import DaskExecutor
from xafsflow.cluster import WorkerNeed, open_cluster
from xafsflow.io.folders import Folders
from xafsflow.phantom import Phantom, write_phantom
from xafsflow.pipeline import execution as flow
from xafsflow.pipeline.recipe import load_recipe

pytestmark = pytest.mark.long

ENERGIES, COLUMNS = 60, 44
# Four rows a block, eight blocks a band: of the large measurement, three bands.
BLOCK = 4 * COLUMNS * ENERGIES * 4
LARGE, SMALL = 96, 24
# In every process of a worker, those that come later included.
PRELOAD = f"""
from xafsflow.blocks import field
from xafsflow.blocks import pixel_regions as regions
regions.BLOCK_BYTES = {BLOCK}
field.BAND_BYTES = {8 * BLOCK}
"""
# A tenth of a second a block more: time to kill a worker.
SLOW = """
import functools
import time
from xafsflow.steps.classify import map_model as votes
# Done twice in a worker
_vote = getattr(votes._vote, "__wrapped__", votes._vote)
@functools.wraps(_vote)
def slowly(*blocks, **settings):
    time.sleep(0.1)
    return _vote(*blocks, **settings)
votes._vote = slowly
"""
# A band waits until another process has one too, for at most a minute: both take part however slow a machine is.
MEETING = """
import functools
import os
import pathlib
import time
from xafsflow.blocks import field as met
_alone = getattr(met._band, "__wrapped__", met._band)
@functools.wraps(_alone)
def together(*given):
    folder, until = pathlib.Path({folder!r}), time.monotonic() + 60
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    return _alone(*given)
met._band = together
"""
RECIPE = """\
recipe: 1
steps:
  - ingest.tiff_stack: {flat_field: flat/*.tif, dark: dark/*.tif, energies: energies.csv}
  - ingest.references: {files: {Fe: references/Fe.xdi, FeO: references/FeO.xdi}}
  - correct.absorbance
  - correct.background: {e0: 7112.0}
  - correct.average
  - normalize.edge_step: {e0: 7112.0, pre1: -60, pre2: -12, norm1: 40, nnorm: 1}
  - train.mixtures: {step: 0.5, noise_patterns: 20, features: norm, span: [-20, 100], noise: 0.02}
  - train.fit: {classifier: random_forest, trees: 10}
  - classify.model
  - judge.means
"""
NEED = WorkerNeed(process_bytes=300 * 2**20, task_bytes=50 * 2**20)


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "BLOCK_BYTES", BLOCK)
        patch.setattr(fields, "BAND_BYTES", 8 * BLOCK)
        yield


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("archive")
    (root / "recipe.yaml").write_text(RECIPE)
    lines = []
    for name, rows in {"large": LARGE, "s1": SMALL, "s2": SMALL, "s3": SMALL}.items():
        made = Phantom(size=(rows, COLUMNS), energies=ENERGIES, seed=len(lines), foil=None)
        write_phantom(made, root / name)
        lines.append(f"{name},{name}\n")
    (root / "catalog.csv").write_text("name,data\n" + "".join(lines))
    return root


@pytest.fixture(scope="module")
def alone(archive: Path, small_blocks: None) -> dict[str, str]:
    """The digests of each measurement's maps and model, run by itself on threads."""
    found = {}
    for name in ("large", "s1", "s2", "s3"):
        flow.run(load_recipe(archive / "recipe.yaml"), Folders(archive / name), archive / "alone" / name)
        found[name] = digest(archive / "alone" / name)
    return found


def digest(run: Path) -> str:
    found = hashlib.sha256()
    for part in ("maps.zarr", "models"):
        for path in sorted([run / part, *(run / part).rglob("*")]):
            if path.is_file():
                found.update(str(path.relative_to(run)).encode() + path.read_bytes())
    return found.hexdigest()


@contextmanager
def cluster(workers: int, more: str = "") -> Iterator[Any]:
    preload = {"distributed.worker.preload": [PRELOAD + more]}
    with dask.config.set(preload), open_cluster("local", workers=workers, need=NEED) as client:
        yield client


@pytest.fixture
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with cluster(2, MEETING.format(folder=str(tmp_path_factory.mktemp("meeting")))) as client:
        yield client


def run_batch(archive: Path, out: Path, client: Any) -> batch.Batch:
    """All four at a time; of them `large` is large."""
    bound = 2 * sum(path.stat().st_size for path in (archive / "s1").rglob("*") if path.is_file())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "DaskExecutor", partial(DaskExecutor, large_bytes=bound))
        catalog = read_catalog(archive / "catalog.csv", None, out)
        return batch.run_batch(catalog, archive / "recipe.yaml", out, at_most=4, client=client)


def check(found: batch.Batch, alone: dict[str, str]) -> None:
    assert {row.name: (row.state, row.error) for row in found.rows} == dict.fromkeys(alone, ("done", ""))
    assert {name: digest(found.out / "runs" / name) for name in alone} == alone


def of_bands(stream: Any) -> list[dict[str, Any]]:
    """What was computed of bands, as the scheduler was told."""
    return [done for done in stream.data if str(done["key"]).startswith("_band")]


def test_a_run__gives_the_bytes_of_threads_with_few_tasks(
    archive: Path, alone: dict[str, str], client: Any, tmp_path: Path
) -> None:
    with distributed.get_task_stream(client) as stream:
        flow.run(load_recipe(archive / "recipe.yaml"), Folders(archive / "large"), tmp_path / "run")
    assert digest(tmp_path / "run") == alone["large"]
    # A task a band, of so many rows as eight tiles have.
    assert 3 <= len(of_bands(stream)) <= 12


def test_a_batch__works_on_a_large_measurement_with_all_workers(
    archive: Path, alone: dict[str, str], client: Any, tmp_path: Path
) -> None:
    with distributed.get_task_stream(client) as stream:
        found = run_batch(archive, tmp_path / "out", client)
    check(found, alone)
    # Bands are the large one's only: those of small ones are no tasks of the cluster.
    parts = of_bands(stream)
    assert 3 <= len(parts) <= 12
    assert len({done["worker"] for done in parts}) == 2


def test_a_batch_on_one_thread__ends(archive: Path, alone: dict[str, str], tmp_path: Path) -> None:
    with cluster(1) as client:
        assert list(client.nthreads().values()) == [1]
        check(run_batch(archive, tmp_path / "out", client), alone)


@pytest.mark.parametrize("driver", [True, False])
def test_a_worker_killed_while_a_large_one_is_at_work__changes_no_byte(
    archive: Path, alone: dict[str, str], tmp_path: Path, driver: bool
) -> None:
    run, killed = tmp_path / "out" / "runs" / "large", list[int]()

    def kill(pids: set[int]) -> None:
        """When the first band is written: the process that hands out the bands, or the other one."""
        noted, until = run / "maps.zarr.partial.bands", time.monotonic() + 60
        while not (noted.exists() and len(noted.read_text().splitlines()) > 1):
            assert time.monotonic() < until
            time.sleep(0.01)
        own = json.loads((run / "run.lock").read_text())["pid"]
        killed.append(own if driver else (pids - {own}).pop())
        psutil.Process(killed[0]).kill()

    with cluster(2, SLOW) as client:
        killer = threading.Thread(target=kill, args=(set(client.run(os.getpid).values()),))
        killer.start()
        found = run_batch(archive, tmp_path / "out", client)
        killer.join()
        assert killed
        assert killed[0] not in client.run(os.getpid).values()
    check(found, alone)
