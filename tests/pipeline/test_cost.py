"""What a run will cost: the sizes from the lazy cube, the time from a rehearsal without a pixel of the measurement."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.io.folders import Folders
from xafsflow.phantom import Phantom, write_phantom
from xafsflow.pipeline import execution as flow
from xafsflow.pipeline import rehearsal
from xafsflow.pipeline.cost import Cost, estimate, foresee, lines_of, need_of
from xafsflow.pipeline.recipe import Recipe, parse_recipe
from xafsflow.pipeline.rehearsal import Rehearsed

TEXT = """\
recipe: 1
steps:
  - ingest.tiff_stack: {flat_field: flat/*.tif, dark: dark/*.tif, energies: energies.csv}
  - ingest.references: {files: {Fe: references/Fe.xdi, FeO: references/FeO.xdi}}
  - correct.absorbance
  - normalize.edge_step: {e0: 7112.0, pre2: -12.0, norm1: 40.0, nnorm: 1}
  - train.mixtures: {step: 0.5, noise_patterns: 200, check_patterns: 200, noise: 0.02, span: [-15, 60]}
  - train.fit: {trees: 10}
  - classify.model
"""


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Phantom(size=(96, 128), energies=60, seed=1, references=("Fe", "FeO"), foil=None)
    return write_phantom(made, tmp_path_factory.mktemp("cost") / "scan")


@pytest.fixture
def recipe() -> Recipe:
    return parse_recipe(TEXT, "recipe.yaml")


def look(recipe: Recipe, scan: Path) -> dict[str, Any]:
    return flow.preview(recipe, Folders(scan))


@pytest.fixture
def rehearsed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A rehearsal that found what the test says, in no time."""

    def set_to(**found: Any) -> None:
        monkeypatch.setattr(
            "xafsflow.pipeline.cost.rehearse", lambda recipe, products, threads: Rehearsed(**found)
        )

    return set_to


def test_foresee__reads_no_pixel_and_keeps_no_model(
    recipe: Recipe, scan: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XAFSFLOW_CACHE", str(tmp_path))

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("pixels were read")

    monkeypatch.setattr("xafsflow.io.readers.tiff_stack.TiffStack.read_rows", refuse)
    cost = foresee(recipe, look(recipe, scan))
    assert cost is not None
    assert cost.stopped == ""
    assert cost.train > 0
    assert cost.field > 0
    assert not list(tmp_path.rglob("*.skops"))


def test_foresee__is_near_what_a_run_takes(recipe: Recipe, scan: Path, tmp_path: Path) -> None:
    """A bound against blunders only: with others on the machine both sides vary, and so small a run is mostly start."""
    cost = foresee(recipe, look(recipe, scan))
    start = time.perf_counter()
    flow.run(recipe, Folders(scan), tmp_path / "run")
    spent = time.perf_counter() - start
    assert cost is not None
    assert 0.1 * spent < cost.seconds < 10 * spent + 5


def test_foresee__tells_memory_that_holds_a_run(recipe: Recipe, scan: Path, tmp_path: Path) -> None:
    cost = foresee(recipe, look(recipe, scan))
    (tmp_path / "recipe.yaml").write_text(TEXT)
    command = [sys.executable, "-m", "xafsflow", "run", tmp_path / "recipe.yaml", "--data", scan]
    subprocess.run([*command, "--out", tmp_path / "run"], check=True, capture_output=True)
    held = json.loads((tmp_path / "run" / "run.json").read_text())["peak_memory_mb"] * 2**20
    assert cost is not None
    assert held < cost.worker_bytes < 3 * held


def test_rehearse__knows_the_bytes_of_the_maps(recipe: Recipe, scan: Path, tmp_path: Path) -> None:
    found = rehearsal.rehearse(recipe, look(recipe, scan), seconds=0.1)
    maps = flow.run(recipe, Folders(scan), tmp_path / "run")["maps"]
    over_field = [array for array in maps.data_vars.values() if {"y", "x"} <= set(array.dims)]
    assert found.map_bytes * 96 * 128 == sum(array.nbytes for array in over_field)


def test_rehearse__tells_the_step_that_it_stops_at(
    recipe: Recipe, scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise InputError("no image alike", "", "")

    products = look(recipe, scan)
    monkeypatch.setattr("xafsflow.steps.train.mixture_samples.mix.check_size", refuse)
    cost = foresee(recipe, products)
    assert cost is not None
    assert cost.stopped == "train.mixtures (no image alike)"
    assert lines_of(cost)[-1] == f"the time is not known: the rehearsal stopped at {cost.stopped}"


def test_foresee__counts_passes_workers_and_tasks(
    recipe: Recipe, scan: Path, rehearsed: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dask.system.CPU_COUNT", 2)
    rehearsed(block=3.0, maps=1.5, tasks=7, map_bytes=20.0, training=4.0)
    products = look(recipe, scan)
    need = need_of(products)
    assert need is not None
    products["cube"] = products["cube"].chunk(y=12, x=64)
    need = need_of(products)
    assert need is not None
    assert need.tasks == 16
    two, eight = (foresee(recipe, products, "slurm", n) for n in (2, 8))
    assert two is not None
    assert eight is not None
    assert (two.workers, eight.workers, eight.tasks) == (2, 8, 112)
    # Twice over the field: so many core seconds, on so many cores.
    assert two.field == pytest.approx(16 * 3.0)
    assert eight.field == pytest.approx(16 * 3.0 / 4)
    assert eight.train == 4.0
    assert eight.read_bytes == 2 * sum(products["cube"][n].nbytes for n in ("sample", "flat_field"))
    assert eight.write_bytes == 20 * 96 * 128


def test_foresee__is_bound_by_the_scheduler_when_tasks_are_small(
    recipe: Recipe, scan: Path, rehearsed: Callable[..., None]
) -> None:
    rehearsed(block=1e-6, maps=1e-6, tasks=1000)
    products = look(recipe, scan)
    need = need_of(products)
    assert need is not None
    on_cluster, on_threads = (foresee(recipe, products, kind) for kind in ("kubernetes", "threads"))
    assert on_cluster is not None
    assert on_threads is not None
    assert on_cluster.field == pytest.approx(need.tasks * 1000 * 0.002)
    assert on_threads.field < on_cluster.field


def test_foresee__asks_for_the_workers_that_the_cluster_would_start(
    recipe: Recipe, scan: Path, rehearsed: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsed(block=1.0, maps=1.0)
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", 2 * 2**30)
    products = look(recipe, scan)
    products["cube"] = products["cube"].chunk(y=12, x=64)
    with pytest.raises(InputError, match="memory for all workers"):
        foresee(recipe, products, "local", 16)


def test_foresee__counts_a_cube_that_is_stored(
    recipe: Recipe, scan: Path, rehearsed: Callable[..., None]
) -> None:
    rehearsed(block=1.0, maps=1.0, map_bytes=10.0)
    stored = TEXT.replace("  - correct.absorbance", "  - ingest.store\n  - correct.absorbance")
    plain, more = (foresee(parse_recipe(t, "r.yaml"), look(recipe, scan)) for t in (TEXT, stored))
    assert plain is not None
    assert more is not None
    cube: xr.Dataset = look(recipe, scan)["cube"]
    assert more.write_bytes - plain.write_bytes == cube.sample.nbytes + cube.flat_field.nbytes


def test_cost__without_a_measurement_is_nothing(recipe: Recipe) -> None:
    assert foresee(recipe, {"data": None}) is None
    assert need_of({}) is None
    assert estimate({}) == ["no measurement is read"]


@pytest.mark.parametrize("kind", ["threads", "local", "slurm", "tcp://host:8786"])
def test_lines__name_the_cluster_and_every_figure(kind: str) -> None:
    cost = Cost(3, 1, 10**9, 7 * 10**9, 10**8, 1000, 80, 5000, 2.0, 6.0, 40.0)
    text = "\n".join(lines_of(cost, kind))
    for told in (
        kind,
        "7.0 GB",
        "100 MB",
        "1000 blocks in 80 bands",
        "5000 tasks",
        "about 48 s",
        "6 s to train",
    ):
        assert told in text
    assert "to train" not in "\n".join(lines_of(replace(cost, train=0.0), kind))
