"""Runs that are interrupted, and folders that two runs want."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import tifffile

from xafsflow.blocks import field as fields
from xafsflow.blocks import pixel_regions as regions
from xafsflow.errors import BusyError, ComputationError, InputError
from xafsflow.io.folders import Folders
from xafsflow.locks import Process, this_process
from xafsflow.phantom import Phantom, write_phantom
from xafsflow.phantom.settings import DARK_FRAMES
from xafsflow.pipeline.execution import run
from xafsflow.pipeline.recipe import Recipe, apply_overrides, load_recipe
from xafsflow.store import band_writer

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
QUICK = ["train.mixtures.noise_patterns=20", "train.fit.trees=10", "train.mixtures.step=0.5"]


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phantom(
        Phantom(size=(32, 40), energies=60, seed=3), tmp_path_factory.mktemp("data") / "scan"
    )


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return apply_overrides(load_recipe(ROOT / "workflows" / "demo.yaml"), QUICK)


class StopError(Exception):
    """What ends a run in a test."""


def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four blocks of 8 rows, each a band."""
    monkeypatch.setattr(regions, "BLOCK_BYTES", 8 * 40 * 60 * 4)
    monkeypatch.setattr(fields, "BAND_BYTES", 8 * 40 * 2 * (2 * 60 + DARK_FRAMES))


def interrupted(recipe: Recipe, scan: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends after the first of several bands of maps."""
    small_bands(monkeypatch)

    def report_progress(name: str, share: float | None) -> None:
        if name == "maps" and share is not None and share < 1:
            raise StopError

    with pytest.raises(StopError):
        run(recipe, Folders(scan), out, report_progress=report_progress)


def test_killed_runs__end_with_the_bytes_of_an_undisturbed_run() -> None:
    command = [sys.executable, ROOT / "tests" / "benchmarks" / "kills.py", "--times", "2", "--seed", "5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 of 2 ended with the bytes" in done.stdout


def test_an_interrupted_run__goes_on_where_it_was(
    recipe: Recipe, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    interrupted(recipe, scan, out, monkeypatch)
    written: list[Any] = []
    original = band_writer.BandWriter.__call__

    def note(self: Any, number: int, region: Any, results: Any) -> Any:
        written.append(region)
        return original(self, number, region, results)

    monkeypatch.setattr(band_writer.BandWriter, "__call__", note)
    run(recipe, Folders(scan), out)
    assert written
    assert min(region.y0 for region in written) > 0
    assert sorted(one.name for one in out.iterdir()) == [
        "findings.json", "maps.zarr", "models", "recipe.yaml", "report.html", "run.json",
    ]  # fmt: skip


def test_changed_sources__are_refused_and_nothing_is_lost(
    recipe: Recipe, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = write_phantom(Phantom(size=(32, 40), energies=60, seed=3), tmp_path / "scan")
    out = tmp_path / "run"
    interrupted(recipe, own, out, monkeypatch)
    before = {path: path.read_bytes() for path in out.rglob("c/*") if path.is_file()}
    victim = sorted((own / "sample").iterdir())[5]
    image = tifffile.imread(victim)
    tifffile.imwrite(victim, image + 1)
    with pytest.raises(InputError, match="sample, which has changed since this run was interrupted"):
        run(recipe, Folders(own), out)
    assert {path: path.read_bytes() for path in before} == before


def test_two_runs_in_one_folder__the_second_is_refused(recipe: Recipe, scan: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    seen: list[str] = []

    def report_progress(name: str, share: float | None) -> None:
        if not seen:
            seen.append(name)
            with pytest.raises(BusyError, match=f"process {os.getpid()} on"):
                run(recipe, Folders(scan), out)

    run(recipe, Folders(scan), out, report_progress=report_progress)
    assert seen
    assert not (out / "run.lock").exists()


def test_a_lock_of_a_dead_process__is_taken_over_and_told(recipe: Recipe, scan: Path, tmp_path: Path) -> None:
    out, told = tmp_path / "run", list[str]()
    out.mkdir()
    dead = Process(this_process().place, 2**22 + 1, "1")
    (out / "run.lock").write_text(json.dumps(asdict(dead)))
    run(recipe, Folders(scan), out, report_progress=lambda name, _: told.append(name))
    assert any("has died" in text for text in told)


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"place": "elsewhere", "pid": 1, "mark": ""}'])
def test_a_lock_that_cannot_be_judged__is_left(
    recipe: Recipe, scan: Path, tmp_path: Path, content: str
) -> None:
    (tmp_path / "run.lock").write_text(content)
    with pytest.raises((InputError, BusyError), match=r"run\.lock"):
        run(recipe, Folders(scan), tmp_path)
    assert (tmp_path / "run.lock").read_text() == content


def test_fresh__says_what_it_removes(
    recipe: Recipe, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, told = tmp_path / "run", list[str]()
    interrupted(recipe, scan, out, monkeypatch)
    run(recipe, Folders(scan), out, fresh=True, report_progress=lambda name, _: told.append(name))
    assert told[0].startswith(f"removes from {out}: ")
    assert "maps.zarr.partial" in told[0]


def test_blocks_that_kill_their_worker__are_named_and_the_rest_is_written(
    recipe: Recipe, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xafsflow.steps.classify import map_model as votes

    out, original, eaten = tmp_path / "run", votes._vote, list[bytes]()

    def hungry(values: Any, *others: Any, **settings: Any) -> Any:
        eaten.append(values.tobytes())
        if eaten[-1] == eaten[0]:
            raise MemoryError
        return original(values, *others, **settings)

    small_bands(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(votes, "_vote", hungry)
        # Which of the four it is, is left to the threads.
        named = r"on 1 block\(s\): y (0 to 7|8 to 15|16 to 23|24 to 31) and x 0 to 39"
        with pytest.raises(ComputationError, match=named):
            run(recipe, Folders(scan), out)
    assert len(set(eaten)) == 4
    assert run(recipe, Folders(scan), out).maps.fraction.notnull().any()
