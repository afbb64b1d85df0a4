"""The measurements of a batch that wait: started as there is room, noted in the ledger, and tried again."""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from xafsflow.campaign.executors import Executor, Outcome, Task
from xafsflow.campaign.ledger import Ledger, State
from xafsflow.campaign.measurement_run import describe_error, record_of
from xafsflow.campaign.run_status import brief, write_index
from xafsflow.errors import InputError
from xafsflow.files import refuse_links
from xafsflow.locks import LOCK, Process, is_alive, lock_owner
from xafsflow.progress import ProgressCallback

# A run folder that is being removed; no measurement's name begins with a point.
REMOVED = ".removed-"
PACKAGES = ("xafsflow", "numpy", "numba", "dask", "xarray", "zarr", "scikit-learn")
# Seconds between looks at the executor, and between writings of the index meanwhile.
LOOK_SECONDS, INDEX_SECONDS = 5.0, 60.0


class MeasurementQueue:
    """The measurements that wait; the executor gets them as it has room.

    Parameters
    ----------
    ledger
        Owned by this process.
    executor
        Computes them.
    tasks
        By name, each with the digest of what its result depends on.
    report_progress
        Called with a line for each measurement that ended.
    """

    def __init__(
        self,
        ledger: Ledger,
        executor: Executor,
        tasks: Mapping[str, tuple[Task, str]],
        report_progress: ProgressCallback,
    ) -> None:
        self.ledger, self.executor, self.tasks = ledger, executor, tasks
        self.report_progress = report_progress
        self.queue = deque(tasks)
        self.rows = {row.name: row for row in ledger.rows()}
        self.versions = json.dumps(_versions())
        self.ended = 0

    def work_off(self, at_most: int, retries: int) -> None:
        """Compute until nothing waits and nothing is running."""
        written = time.monotonic()
        try:
            while self.queue or self.executor.busy:
                while self.queue and self.executor.busy < at_most:
                    self.begin(self.queue.popleft(), retries)
                for task, outcome in self.executor.ended(LOOK_SECONDS):
                    self.settle(task.name, outcome, retries)
                self.ledger.beat()
                if time.monotonic() - written > INDEX_SECONDS:
                    write_index(self.ledger.path.parent, self.ledger.rows())
                    written = time.monotonic()
        finally:
            self.executor.close()

    def begin(self, name: str, retries: int) -> None:
        """Clean the run folder of a measurement and start to compute it."""
        row, (task, digest) = self.rows[name], self.tasks[name]
        try:
            refuse_links(Path(task.run))
            # Before the ledger has the new digest: after a kill between both, the next start removes once more.
            if row.digest != digest or record_of(Path(task.run)) is None:
                remove_run(Path(task.run))
            _unlock(Path(task.run), row.worker)
        except InputError as error:
            self.settle(name, Outcome("wrong", str(error)), retries)
            return
        except OSError as error:
            self.settle(name, Outcome("failed", describe_error(error)), retries)
            return
        worker = self.executor.start(task)
        self.ledger.start(name, digest, self.versions, worker)
        self.rows[name] = replace(row, digest=digest, started=time.time())

    def settle(self, name: str, outcome: Outcome, retries: int) -> None:
        """Note how a measurement ended; one that failed waits again, or is set aside."""
        row = self.rows[name]
        failures = row.failures + (outcome.kind != "done")
        states: dict[str, State] = {"done": "done", "wrong": "failed"}
        state = states.get(outcome.kind, "waiting" if failures <= retries else "set aside")
        self.ledger.end(name, state, outcome.error)
        self.rows[name] = replace(row, failures=failures)
        if state == "waiting":
            self.queue.append(name)
        else:
            self.ended += 1
        word = "failed, will be tried again" if state == "waiting" else state
        spent = "" if row.started is None else f" after {time.time() - row.started:.1f} s"
        why = f": {brief(outcome.error)}" if outcome.error else ""
        self.report_progress(f"[{self.ended}/{len(self.tasks)}] {name}: {word}{spent}{why}", None)


def remove_run(run: Path) -> None:
    """Remove a run folder: first its name, so that no half of it is ever taken for a run."""
    if not os.path.lexists(run):
        return
    aside = run if run.name.startswith(REMOVED) else run.with_name(f"{REMOVED}{run.name}")
    run.rename(aside)
    if aside.is_dir():
        shutil.rmtree(aside)
    else:
        aside.unlink()


def _unlock(run: Path, worker: Process | None) -> None:
    """Remove the lock of this ledger's last attempt where it cannot be seen from here that its process is gone.

    It ended with its batch, which was silent so long that this process has taken the ledger over.
    """
    try:
        locked = lock_owner((run / LOCK).read_bytes(), run / LOCK)
    except (OSError, InputError):
        return
    if locked == worker and is_alive(locked) is None:
        (run / LOCK).unlink()


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
