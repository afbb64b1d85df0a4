"""Processes that end in mid-run: workers killed in turn, a worker out of memory, Ctrl-C."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import dask
import distributed  # noqa: F401  (its settings must be there before tests set some for a while)
import psutil
import pytest

from xafsflow.cluster import WorkerNeed, open_cluster
from xafsflow.io.folders import Folders
from xafsflow.pipeline.execution import run
from xafsflow.pipeline.recipe import load_recipe

pytestmark = pytest.mark.long

SMALL = WorkerNeed(process_bytes=300 * 2**20, task_bytes=50 * 2**20)


def test_workers_killed_in_turn__the_maps_are_those_of_threads(
    scan: Path, recipe: Path, undisturbed: Path, tmp_path: Path, digest: Any, survived: Any
) -> None:
    killed: list[int] = []
    with open_cluster("local", workers=2, need=SMALL) as client:
        before = set(client.run(os.getpid).values())
        begun = threading.Event()

        def kill_each() -> None:
            """One while blocks are computed, and the next when there is another in its place."""
            begun.wait(60)
            for pid in before:
                psutil.Process(pid).kill()
                killed.append(pid)
                until = time.monotonic() + 30
                while len(client.scheduler_info(n_workers=-1)["workers"]) < 2 and time.monotonic() < until:
                    time.sleep(0.05)

        def report_progress(name: str, share: float | None) -> None:
            if name == "maps":
                begun.set()
                # So that the last band is not done before the last worker is killed.
                time.sleep(0.7)

        killer = threading.Thread(target=kill_each)
        killer.start()
        run(load_recipe(recipe), Folders(scan), tmp_path / "run", report_progress=report_progress)
        killer.join()
        after = set(client.run(os.getpid).values())
    assert set(killed) == before
    assert not before & after
    same = digest(tmp_path / "run") == digest(undisturbed)
    survived("every worker of `local` killed in turn", len(before), len(before) * same)


def test_a_worker_out_of_memory__the_block_is_named_and_the_rest_is_written(
    undisturbed: Path,
    tmp_path: Path,
    call: Any,
    run_words: Any,
    digest: Any,
    survived: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from xafsflow.steps.classify import map_model as votes

    out, marker = tmp_path / "run", tmp_path / "hungry"

    # Inside, so that it travels by value: in a worker the original stands at its place.
    def hungry(values: Any, flags: Any, **settings: Any) -> Any:
        import hashlib
        import time
        from pathlib import Path

        import numpy as np

        from xafsflow.steps.classify import map_model as votes

        own, chosen = hashlib.sha256(values.tobytes()).hexdigest(), Path(str(marker))
        try:
            with chosen.open("x") as stream:
                stream.write(own)
        except FileExistsError:
            pass
        if chosen.read_text() == own:
            held = np.ones(300 * 2**20)  # 2.4 GB, and the worker is ended for it
            time.sleep(20)
            del held
        return votes._vote(values, flags, **settings)

    words = [*run_words(out), "--cluster", "local", "--workers", "1"]
    with monkeypatch.context() as patch, dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        patch.setattr(votes, "_vote", hungry)
        result = call(*words)
    assert result.exit_code == 1, result.output
    assert re.search(
        r"workers died on 1 block\(s\): y \d+ to \d+ and x 0 to 43 \(KilledWorker\)", result.stderr
    )
    lines = (out / "maps.zarr.partial.bands").read_text().splitlines()
    # The plan, and the bands of 16 rows but the first.
    assert len(lines) == 1 + 2
    again = call(*words)
    assert again.exit_code == 0, again.output
    survived("a worker out of memory on one block", 1, int(digest(out) == digest(undisturbed)))


def test_ctrl_c__ends_with_130_and_the_same_command_goes_on(
    tmp_path: Path, run_words: Any, digest: Any, survived: Any, trials: int
) -> None:
    chance, good = random.Random(4), 0
    command = [sys.executable, "-m", "xafsflow"]
    subprocess.run([*command, *run_words(tmp_path / "timed")], check=True, capture_output=True)
    took = sum(json.loads((tmp_path / "timed" / "run.json").read_text())["timings"].values())
    for trial in range(trials):
        out = tmp_path / f"run{trial}"
        with subprocess.Popen(
            [*command, *run_words(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "ingest.tiff_stack\n"
            time.sleep(chance.uniform(0, took))
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=60)
        assert "Traceback" not in told
        assert (process.returncode == 130 and "Interrupted" in told) or process.returncode == 0
        if process.returncode == 130:
            assert not (out / "run.lock").exists()
            subprocess.run([*command, *run_words(out)], check=True, capture_output=True)
        good += digest(out) == digest(tmp_path / "timed")
    survived("Ctrl-C", trials, good)


def test_ctrl_c__in_code_made_of_a_text_ends_with_130_as_well(tmp_path: Path) -> None:
    program = """
from xafsflow.cli.main import start
from xafsflow.pipeline import plan

def interrupted() -> None:
    exec("raise KeyboardInterrupt")

plan.table = interrupted
start()
"""
    (tmp_path / "program.py").write_text(program)
    ended = subprocess.run([sys.executable, "-m", "program", "steps"], cwd=tmp_path, capture_output=True)
    assert ended.returncode == 130
    assert ended.stderr.startswith(b"xafsflow: Interrupted")
