"""Jobs of a real SLURM. `tests/slurm/slurm.sh start` gives one on this machine; XAFSFLOW_SLURM=1 asks for these tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import distributed  # noqa: F401  (its settings must be there before tests set some for a while)
import numpy as np
import pytest

from xafsflow.cluster import WorkerNeed, open_cluster
from xafsflow.errors import ComputationError, InputError

ROOT = Path(__file__).resolve().parents[2]
WISHED = os.environ.get("XAFSFLOW_SLURM") == "1"
pytestmark = pytest.mark.skipif(
    not WISHED or shutil.which("sbatch") is None,
    reason="no SLURM asked for: start tests/slurm/slurm.sh and set XAFSFLOW_SLURM=1",
)
SMALL = WorkerNeed(process_bytes=300 * 2**20, task_bytes=50 * 2**20)


def squeue(*options: str) -> list[str]:
    words = ["squeue", "--noheader", "--format=%A", *options]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


def wait_until(happened: Any, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.5)


@pytest.fixture(autouse=True)
def site(monkeypatch) -> Iterator[None]:
    """All nodes are one machine; and when a test has ended, so have its jobs."""
    monkeypatch.setenv("XAFSFLOW_INTERFACE", "lo")
    monkeypatch.setenv("DASK_JOBQUEUE__SLURM__INTERFACE", "lo")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    import dask_jobqueue  # noqa: F401

    with dask.config.set({"jobqueue.slurm.interface": "lo"}):
        yield
    wait_until(lambda: not squeue(), 30)


def test_slurm__computes_in_jobs_and_leaves_none(tmp_path):
    folder = tmp_path / "run-cluster"
    told: list[str] = []
    with open_cluster(
        "slurm", workers=2, need=SMALL, folder=folder, report_progress=lambda name, share: told.append(name)
    ) as client:
        assert len(squeue()) == 2
        client.wait_for_workers(2, timeout=60)
        addresses = [client.scheduler.address, *client.scheduler_info(n_workers=-1)["workers"]]
        assert all(address.startswith("tls://") for address in addresses)
        assert set(client.run(os.getenv, "NUMBA_NUM_THREADS").values()) == {"1"}
        assert all(client.run(os.getenv, "SLURM_JOB_ID").values())
        assert int(da.arange(100, chunks=10).sum().compute()) == 4950
    assert told[0] == "submits 2 jobs to SLURM"
    # Keys and logs of a run that went well are gone.
    assert not folder.exists()


def test_slurm__replaces_a_job_that_is_cancelled(tmp_path):
    def slow_square(block: Any) -> Any:
        time.sleep(0.5)
        return block**2

    with open_cluster("slurm", workers=2, need=SMALL, folder=tmp_path / "c") as client:
        client.wait_for_workers(2, timeout=60)
        first = set(squeue())
        running = client.compute(da.arange(120, chunks=1).map_blocks(slow_square, dtype=int))
        time.sleep(3)
        subprocess.run(["scancel", min(first)], check=True)
        np.testing.assert_array_equal(running.result(timeout=180), np.arange(120) ** 2)
        wait_until(lambda: len(set(squeue("--states=RUNNING")) - {min(first)}) == 2, 60)
        assert set(squeue()) - first


def test_slurm__refuses_what_the_queue_refuses(tmp_path):
    with (
        dask.config.set({"jobqueue.slurm.queue": "nowhere"}),
        pytest.raises(InputError, match="Invalid partition"),
        open_cluster("slurm", workers=1, need=SMALL, folder=tmp_path / "c"),
    ):
        pass


def test_slurm__says_why_a_worker_does_not_come(tmp_path):
    folder = tmp_path / "c"
    with (
        dask.config.set({"jobqueue.slurm.python": "/nowhere/python"}),
        pytest.raises(ComputationError, match="/nowhere/python: No such file"),
        open_cluster("slurm", workers=1, need=SMALL, folder=folder, timeout=30),
    ):
        pass
    # The log stays, the keys do not.
    assert [path.suffix for path in sorted(folder.iterdir())] == [".err", ".out"]


SCRIPT = """
import time
from pathlib import Path
from xafsflow.cluster import open_cluster
from xafsflow.cluster import WorkerNeed

if __name__ == "__main__":
    with open_cluster("slurm", workers=1, need=WorkerNeed(300 * 2**20, 50 * 2**20), folder=Path("c")) as client:
        client.submit(time.sleep, 600)
        print("up", flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize(("kind", "seconds"), [(signal.SIGINT, 30), (signal.SIGKILL, 100)])
def test_slurm__leaves_no_job_when_the_run_is_ended(tmp_path, kind, seconds):
    (tmp_path / "run.py").write_text(SCRIPT)
    command = [sys.executable, "run.py"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"up\n"
        assert squeue()
        run.send_signal(kind)
        run.wait(30)
    # Killed, it cannot cancel anything: the job ends when its worker finds no scheduler for 60 s.
    wait_until(lambda: not squeue(), seconds)


@pytest.fixture(scope="module")
def measurement(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scan")
    xafsflow = str(Path(sys.executable).with_name("xafsflow"))
    subprocess.run(
        [xafsflow, "phantom", str(folder / "scan"), "--size", "48", "40", "--energies", "60"], check=True
    )
    return folder


def arguments(measurement: Path, out: Path) -> list[str]:
    """Recipe, data, references and run, as the scripts take them."""
    data = measurement / "scan"
    references = next((p for p in data.iterdir() if p.name == "references"), data)
    return [str(ROOT / "tests" / "slurm" / "recipe.yaml"), str(data), str(references), str(out)]


def maps_of(out: Path) -> Any:
    from xafsflow.store import open_maps

    return open_maps(out / "maps.zarr").load()


def run_here(measurement: Path, out: Path, *more: str) -> Any:
    recipe, data, references, _ = arguments(measurement, out)
    words = [str(Path(sys.executable).with_name("xafsflow")), "run", recipe, "--data", data]
    subprocess.run([*words, "--references", references, "--out", str(out), *more], check=True)
    return maps_of(out)


@pytest.fixture(scope="module")
def on_threads(measurement) -> Any:
    return run_here(measurement, measurement / "threads")


def test_run_on_slurm__gives_the_maps_of_threads(measurement, on_threads):
    found = run_here(measurement, measurement / "slurm", "--cluster", "slurm", "--workers", "2")
    assert found.identical(on_threads)


@pytest.mark.parametrize("script", ["one-allocation.sbatch", "jobs.sbatch"])
def test_scripts__give_the_maps_of_threads(measurement, on_threads, script):
    out = measurement / script.removesuffix(".sbatch")
    log = measurement / f"{script}.log"
    words = ["sbatch", "--wait", f"--output={log}", str(ROOT / "deploy" / "slurm" / script)]
    done = subprocess.run([*words, *arguments(measurement, out)], check=False, timeout=300)
    said = log.read_text() if log.exists() else "no log"
    assert done.returncode == 0, said
    assert maps_of(out).identical(on_threads)
    # Keys and logs beside the run are gone.
    assert not list(measurement.glob(f"{out.name}-cluster*"))


def test_script__takes_its_keys_with_it_when_it_fails(measurement, tmp_path):
    script = ROOT / "deploy" / "slurm" / "one-allocation.sbatch"
    words = ["sbatch", "--wait", f"--output={tmp_path / 'log'}", str(script)]
    with contextlib.suppress(subprocess.TimeoutExpired):
        failed = subprocess.run(
            [*words, "no-recipe", ".", ".", str(tmp_path / "run")], timeout=200, check=False
        )
        assert failed.returncode == 2
    [cluster] = tmp_path.glob("run-cluster-*")
    assert not (cluster / "keys").exists()
