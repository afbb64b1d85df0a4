"""Workers as processes of this machine, started for real: what they are, what they survive, how they end."""

from __future__ import annotations

import os
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
import psutil
import pytest

from xafsflow.cluster import WorkerNeed, open_cluster
from xafsflow.errors import ComputationError, InputError

pytestmark = pytest.mark.long

SMALL = WorkerNeed(process_bytes=300 * 2**20, task_bytes=50 * 2**20)


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True) if child.is_running()}


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """One cluster for all tests that leave it whole; then nothing may be left of it."""
    # A helper of multiprocessing that stays is not ours to end.
    before = children()
    with open_cluster("local", workers=2, need=SMALL) as client:
        workers = children() - before
        yield client
    left = [psutil.Process(pid) for pid in workers & children()]
    assert not [p for p in left if "resource_tracker" not in " ".join(p.cmdline())]


def test_local__is_reached_from_this_machine_only(client):
    addresses = [client.scheduler.address, *client.scheduler_info(n_workers=-1)["workers"]]
    assert len(addresses) == 3
    assert all(address.startswith("tls://127.0.0.1:") for address in addresses)
    assert client.dashboard_link.startswith("http://127.0.0.1:")
    listening = {
        c.laddr.ip
        for process in (psutil.Process(), *psutil.Process().children(recursive=True))
        for c in process.net_connections("tcp")
        if c.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_local__lets_nobody_in_without_the_key(client):
    from distributed.security import Security

    stranger = client.scheduler.address
    with pytest.raises(InputError, match="no certificate"), open_cluster(stranger, timeout=2):
        pass
    with (
        pytest.raises(InputError, match="no answer from"),
        open_cluster(stranger.replace("tls", "tcp"), timeout=2),
    ):
        pass
    # With keys of somebody else.
    other = Security.temporary()
    held = {"distributed.comm.tls.ca-file": other.tls_ca_file}
    for part in ("cert", "key"):
        held[f"distributed.comm.tls.client.{part}"] = getattr(other, f"tls_client_{part}")
    with (
        dask.config.set(held),
        pytest.raises(InputError, match="no answer from"),
        open_cluster(stranger, timeout=2),
    ):
        pass


def test_local__workers_have_one_thread_each(client):
    def look() -> tuple[str | None, str | None]:
        return os.environ.get("OMP_NUM_THREADS"), os.environ.get("NUMBA_NUM_THREADS")

    assert set(client.run(look).values()) == {("1", "1")}
    assert [w["nthreads"] for w in client.scheduler_info(n_workers=-1)["workers"].values()] == [1, 1]


def test_local__is_used_by_what_is_lazy(client):
    pids = da.map_blocks(lambda block: block + os.getpid(), da.zeros((8, 2), chunks=(1, 2), dtype=int))
    assert set(pids.compute()[:, 0]) <= set(client.run(os.getpid).values())


def test_local__survives_the_end_of_every_worker_in_turn(client):
    # Inside, so that it travels by value: workers cannot import the tests.
    def slow_square(block: Any) -> Any:
        time.sleep(0.1)
        return block**2

    values = da.arange(60, chunks=1).map_blocks(slow_square, dtype=int)
    running = client.compute(values)
    for pid in client.run(os.getpid).values():
        time.sleep(0.5)
        os.kill(pid, signal.SIGKILL)
    np.testing.assert_array_equal(running.result(timeout=90), np.arange(60) ** 2)


def test_local__names_the_block_that_ends_its_workers():
    def deadly(block: Any, block_id: Any = None) -> Any:
        if block_id == (2,):
            os._exit(1)
        return block

    lazy = da.zeros(8, chunks=1).map_blocks(deadly, dtype=float, name="forest-" + "0" * 32)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        pytest.raises(ComputationError, match=r"block \(2,?\) of forest, which ended 2 workers"),
        open_cluster("local", workers=1, need=SMALL),
    ):
        lazy.compute()


def test_local__says_that_no_worker_starts_and_leaves_none(capfd):
    before = children()
    with (
        dask.config.set({"distributed.worker.preload": ["import time; time.sleep(60)"]}),
        pytest.raises(ComputationError, match="no worker process within 4 s"),
        open_cluster("local", workers=1, need=SMALL, timeout=4),
    ):
        pass
    left = [" ".join(psutil.Process(pid).cmdline()) for pid in children() - before]
    assert not [line for line in left if "resource_tracker" not in line]


SCRIPT = """
import time
from xafsflow.cluster import open_cluster
from xafsflow.cluster import WorkerNeed

if __name__ == "__main__":
    with open_cluster("local", workers=1, need=WorkerNeed(300 * 2**20, 50 * 2**20)) as client:
        client.submit(time.sleep, 600)
        print("up", flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_local__leaves_no_process_when_the_run_is_ended(tmp_path: Path, kind):
    (tmp_path / "run.py").write_text(SCRIPT)
    # A terminal's Ctrl-C reaches all processes of the run.
    run = subprocess.Popen(
        [sys.executable, "run.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    with run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"up\n"
        workers = psutil.Process(run.pid).children(recursive=True)
        assert workers
        os.killpg(run.pid, kind) if kind == signal.SIGINT else os.kill(run.pid, kind)
        run.wait(30)
    _, alive = psutil.wait_procs(workers, timeout=30)
    for process in alive:
        process.kill()
    assert not alive
