"""Where measurements are computed, a few at a time: in processes of this machine (`cluster_executor`: on a cluster).

A process is used for many measurements, since to start one and import what it needs takes seconds. Each has one
measurement at a time and a pipe of its own: when it dies, it is known which measurement it had, and no other is
touched. (The pools of the standard library end all their processes when one dies.)
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Literal, Protocol

from xafsflow.errors import sentences
from xafsflow.locks import Process, place, started

# What a measurement leaves behind in a process is gone after that many.
TASKS_A_PROCESS = 100
PATIENCE_SECONDS = 10.0
# Threads of numpy's libraries, numba and Dask; read when they are imported.
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "DASK_NUM_WORKERS",
)


@dataclass(frozen=True)
class Task:
    """One measurement to be computed; all texts, so that it can be sent anywhere."""

    name: str
    recipe: str
    source: str
    overrides: tuple[str, ...]
    data: str
    references: str | None
    run: str


@dataclass(frozen=True)
class Outcome:
    """How a task ended: `wrong` input will be as wrong the next time, one that `failed` may succeed."""

    kind: Literal["done", "wrong", "failed"]
    error: str = ""


Work = Callable[[Task], Outcome]


class Executor(Protocol):
    """Computes some measurements at a time."""

    def start(self, task: Task) -> Process:
        """Start a task; only while fewer are running than there is room for. Returns the process, as far as it is known."""

    def ended(self, seconds: float) -> list[tuple[Task, Outcome]]:
        """The tasks that have ended; waits at most so many seconds for the first."""

    def close(self) -> None:
        """End at once; running tasks are lost."""

    @property
    def busy(self) -> int:
        """How many tasks are running."""


class _WorkerProcess:
    """One process and the pipe to it."""

    def __init__(self, work: Work, threads: int) -> None:
        context = multiprocessing.get_context("spawn")  # a fork copies locks that other threads hold
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work, threads), daemon=True)
        self.process.start()
        theirs.close()
        pid = self.process.pid or 0
        self.identity = Process(place(), pid, started(pid) or "")
        self.task: Task | None = None
        self.tasks = 0

    def send(self, task: Task) -> None:
        self.task, self.tasks = task, self.tasks + 1
        with suppress(OSError):  # it died while it waited; `receive` sees it
            self.pipe.send(task)

    def receive(self) -> Outcome:
        """What became of the task; the process is of no use any more when it died."""
        self.task = None
        try:
            outcome: Outcome = self.pipe.recv()
            return outcome
        except (EOFError, OSError):
            self.tasks = TASKS_A_PROCESS
            self.process.join(PATIENCE_SECONDS)
            return Outcome("failed", ended_by(self.process.exitcode))

    def close(self) -> None:
        """A process that waits ends when its pipe does, one that works is killed."""
        self.pipe.close()
        if self.task is None:
            self.process.join(PATIENCE_SECONDS)
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self.process.close()


def ended_by(status: int | None) -> str:
    """Why a process ended that should have gone on.

    Examples
    --------
    >>> ended_by(-9)
    'Found a process that was ended by SIGKILL. Expected one that ends its work. Look for a lack of memory.'
    """
    if status is not None and status < 0:
        why = f"was ended by {next((one.name for one in signal.Signals if one == -status), f'signal {-status}')}"
    else:
        why = f"ended with status {status}"
    action = "look for a lack of memory" if status == -signal.SIGKILL else "look at what it wrote to stderr"
    return sentences(f"a process that {why}", "one that ends its work", action)


class ProcessExecutor:
    """Processes of this machine, started when they are needed.

    Parameters
    ----------
    count
        Measurements at a time.
    work
        Computes one; a function of a module, since its name is sent.
    """

    def __init__(self, count: int, work: Work) -> None:
        self._work = work
        self._threads = max(1, cores() // count) if count > 1 else 0
        self._processes: list[_WorkerProcess] = []

    @property
    def busy(self) -> int:
        """See `Executor`."""
        return sum(worker.task is not None for worker in self._processes)

    def start(self, task: Task) -> Process:
        """See `Executor`."""
        idle = [worker for worker in self._processes if worker.task is None]
        if not idle:
            idle = [_WorkerProcess(self._work, self._threads)]
            self._processes += idle
        idle[0].send(task)
        return idle[0].identity

    def ended(self, seconds: float) -> list[tuple[Task, Outcome]]:
        """See `Executor`."""
        pipes = {worker.pipe: worker for worker in self._processes if worker.task is not None}
        found = []
        # A pipe is ready with an outcome, or with the end of its process.
        for pipe in wait(list(pipes), seconds):
            worker = pipes[pipe]  # type: ignore[index]
            task = worker.task
            outcome = worker.receive()
            if task is not None:
                found.append((task, outcome))
            if worker.tasks >= TASKS_A_PROCESS:
                self._processes.remove(worker)
                worker.close()
        return found

    def close(self) -> None:
        """See `Executor`."""
        while self._processes:
            self._processes.pop().close()


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _serve(pipe: Connection, work: Work, threads: int) -> None:
    """A process's life: take a task, send its outcome, until the pipe ends."""
    # Ctrl-C reaches all processes of a terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if threads:
        os.environ.update(dict.fromkeys(THREADS, str(threads)))
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(work(task))


def _end_with_parent() -> None:
    """Nobody waits for results after the first process is gone, and the next start will compute them again."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
