"""What a run will cost: the sizes from the lazy cube, the time from earlier runs; no pixel is read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from xafsflow.blocks import field as fields
from xafsflow.errors import InputError
from xafsflow.io.folders import Folders
from xafsflow.io.readers.bad_images import ROWS
from xafsflow.io.readers.tiff_stack import TiffStack
from xafsflow.phantom import Phantom, simulated_library, write_library, write_phantom
from xafsflow.pipeline import execution as flow
from xafsflow.pipeline.cost import Cost, describe_cost, estimate_cost, worker_need
from xafsflow.pipeline.earlier_runs import EarlierRun, earlier_run, remember_run
from xafsflow.pipeline.products import Products
from xafsflow.pipeline.recipe import Recipe, apply_overrides, parse_recipe

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
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XAFSFLOW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_preview__opens_what_is_ingested_behind_a_training(scan: Path) -> None:
    write_library(simulated_library(40), scan / "library.npz")
    for name, message in (("library.npz", ""), ("librari.npz", "did you mean 'library.npz'")):
        later = parse_recipe(
            f"{TEXT}  - ingest.spectra: {{files: [{name}]}}\n  - derive.structure\n", "recipe.yaml"
        )
        if message:
            with pytest.raises(InputError, match=message):
                look(later, scan)
        else:
            look(later, scan)


def test_preview__stores_nothing(scan: Path) -> None:
    first, middle, last = TEXT.partition("  - train.mixtures")
    stored = parse_recipe(f"{first}  - ingest.store\n{middle}{last}", "recipe.yaml")
    assert look(stored, scan).cube is not None


def test_estimate_cost__reads_a_few_rows_and_writes_nothing(
    recipe: Recipe, scan: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    read_rows, read_bands = TiffStack.read_rows, TiffStack.read_bands

    def counted(self: TiffStack, start: int, stop: int, *args: Any) -> Any:
        rows.append(stop - start)
        return read_rows(self, start, stop, *args)

    def counted_bands(self: TiffStack, bands: Any, *args: Any) -> Any:
        rows.extend(stop - start for start, stop in bands)
        return read_bands(self, bands, *args)

    monkeypatch.setattr(TiffStack, "read_rows", counted)
    monkeypatch.setattr(TiffStack, "read_bands", counted_bands)
    products = look(recipe, scan)
    cost = estimate_cost(recipe, products)
    assert cost is not None
    # Of sample, flat field and dark, to see whether an image is blank; none for the cost.
    assert 0 < sum(rows) <= 3 * ROWS
    assert cost.seconds is None
    assert "no earlier run" in describe_cost(cost)[-1]
    assert cost.read_bytes == sum(products.cube[n].nbytes for n in ("sample", "flat_field"))
    assert not cache.exists()


@pytest.mark.long
def test_estimate_cost__gives_a_memory_that_holds_a_run(recipe: Recipe, scan: Path, tmp_path: Path) -> None:
    cost = estimate_cost(recipe, look(recipe, scan))
    (tmp_path / "recipe.yaml").write_text(TEXT)
    command = [sys.executable, "-m", "xafsflow", "run", tmp_path / "recipe.yaml", "--data", scan]
    subprocess.run([*command, "--out", tmp_path / "run"], check=True, capture_output=True)
    held = json.loads((tmp_path / "run" / "run.json").read_text())["peak_memory_mb"] * 2**20
    assert cost is not None
    assert held < cost.worker_bytes < 3 * held


def test_estimate_cost__bounds_the_bytes_of_the_maps(recipe: Recipe, scan: Path, tmp_path: Path) -> None:
    cost = estimate_cost(recipe, look(recipe, scan))
    maps = flow.run(recipe, Folders(scan), tmp_path / "run").maps
    written = sum(array.nbytes for array in maps.data_vars.values() if {"y", "x"} <= set(array.dims))
    assert cost is not None
    assert written <= cost.write_bytes < 2 * written


def test_estimate_cost__counts_bands_and_workers(
    recipe: Recipe, scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    products = look(recipe, scan)
    assert products.cube is not None
    points, rows, columns = products.cube["sample"].shape
    # Of the sample and the flat field, uint16.
    monkeypatch.setattr(fields, "BAND_BYTES", 6 * 2 * 2 * points * columns)
    need = worker_need(recipe, products)
    assert need is not None
    assert need.tasks == rows // 6
    two, eight = (estimate_cost(recipe, products, "slurm", n) for n in (2, 8))
    assert two is not None
    assert eight is not None
    assert (two.workers, eight.workers, eight.bands) == (2, 8, rows // 6)
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", 2 * 2**30)
    with pytest.raises(InputError, match="memory for all workers"):
        estimate_cost(recipe, products, "local", 16)


def test_estimate_cost__counts_a_cube_that_is_stored(recipe: Recipe, scan: Path) -> None:
    storing = TEXT.replace("  - correct.absorbance", "  - ingest.store\n  - correct.absorbance")
    without, stored = (
        estimate_cost(parse_recipe(text, "r.yaml"), look(recipe, scan)) for text in (TEXT, storing)
    )
    assert without is not None
    assert stored is not None
    assert stored.write_bytes - without.write_bytes == without.read_bytes


def test_time__follows_from_the_last_run_of_the_same_steps(recipe: Recipe, scan: Path, cache: Path) -> None:
    cube: xr.Dataset = look(recipe, scan).cube
    remember_run(recipe, "threads", None, cube.isel(y=slice(0, 24)), 5.0)
    remember_run(recipe, "slurm", 4, cube, 3.0)
    other = parse_recipe(TEXT.replace("7112.0", "7113.0"), "recipe.yaml")
    times = [
        estimate_cost(one, look(recipe, scan), cluster, workers).seconds  # type: ignore[union-attr]
        for one, cluster, workers in (
            (recipe, "threads", None),
            (other, "threads", None),
            (recipe, "slurm", 4),
        )
    ]
    assert times == [20.0, 20.0, 3.0]
    fewer = parse_recipe(TEXT.replace("  - classify.model\n", ""), "recipe.yaml")
    assert earlier_run(fewer) is None
    assert earlier_run(recipe, "slurm", 5) is None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}', '{"a": {"values": 0, "seconds": NaN}}'])
def test_earlier_runs__in_a_damaged_file_are_none_and_are_replaced(
    recipe: Recipe, scan: Path, cache: Path, content: str
) -> None:
    cache.mkdir()
    (cache / "runs.json").write_text(content)
    assert earlier_run(recipe) is None
    remember_run(recipe, "threads", None, look(recipe, scan).cube, 5.0)
    assert earlier_run(recipe) == EarlierRun(60 * 96 * 128, 5.0)


def test_earlier_runs__are_not_kept_without_a_cache(recipe: Recipe, scan: Path) -> None:
    remember_run(recipe, "threads", None, look(recipe, scan).cube, 5.0)
    assert earlier_run(recipe) is None


def test_cost__without_a_measurement_is_none(recipe: Recipe) -> None:
    nothing = Products(Folders(Path(".")))
    assert estimate_cost(recipe, nothing) is None
    assert worker_need(recipe, nothing) is None


def test_workers_that_search__have_memory_for_a_training(recipe: Recipe, scan: Path) -> None:
    products = look(recipe, scan)
    given, searched = (
        apply_overrides(recipe, [f"train.fit.{one}"]) for one in ("trees=10", "search={trees: [10, 20]}")
    )
    usual, larger = (worker_need(one, products) for one in (given, searched))
    assert usual is not None
    assert larger is not None
    assert larger.process_bytes - usual.process_bytes == 2**30
    assert (larger.task_bytes, larger.tasks) == (usual.task_bytes, usual.tasks)
    nothing = worker_need(searched, Products(Folders(Path("."))))
    assert nothing is not None
    assert nothing.process_bytes == larger.process_bytes


@pytest.mark.parametrize("cluster", ["threads", "local", "slurm", "tcp://host:8786"])
def test_cost__is_described_with_the_cluster_and_every_figure(cluster: str) -> None:
    cost = Cost(3, 1, 10**9, 7 * 10**9, 10**8, 80, 10**9, EarlierRun(5 * 10**8, 24.0))
    text = "\n".join(describe_cost(cost, cluster))
    for part in ("7.0 GB", "100 MB", "80 bands", "about 48 s", "1000 MB"):
        assert part in text
    assert cluster in text or cluster == "threads"
