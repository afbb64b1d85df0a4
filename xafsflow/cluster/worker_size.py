"""How large a worker is, from what the recipe needs and what the machine has."""

from __future__ import annotations

import math
from dataclasses import dataclass

from xafsflow.errors import InputError

MEBIBYTE = 2**20
# Above this share of its memory a worker of Dask writes results to disk, which a run must not wait for.
FREE_OF_SPILLING = 0.6
# Jobs and pods where the user names no number.
ASKED_WORKERS = 4


@dataclass(frozen=True)
class WorkerNeed:
    """What a recipe needs on any cluster.

    `process_bytes` are held by a worker before its first block (libraries, compiled kernels, model);
    `task_bytes` is the most that one block and all made of it hold at once; `tasks` can run side by side.
    """

    process_bytes: int = 350 * MEBIBYTE
    task_bytes: int = 100 * MEBIBYTE
    tasks: int = 2**31


@dataclass(frozen=True)
class WorkerSizes:
    """How many workers, the threads of each, and the bytes of memory of each."""

    workers: int
    threads: int
    memory: int


def worker_sizes(
    need: WorkerNeed,
    *,
    workers: int | None = None,
    threads: int = 1,
    cores: int | None = None,
    memory: int | None = None,
) -> WorkerSizes:
    """How large and how many the workers are.

    A worker gets `(process_bytes + threads task_bytes) / 0.6`, in steps of 64 MiB: Dask spills above 60 %.

    Parameters
    ----------
    need
        Of the recipe on this measurement.
    workers
        How many; without it as many as there are cores, memory and tasks for.
    threads
        Of a worker.
    cores, memory
        Of the machine that all workers share, memory in bytes. Without them every worker has its own.

    Raises
    ------
    InputError
        The memory is too small.

    Examples
    --------
    >>> need = WorkerNeed(process_bytes=400 * 2**20, task_bytes=100 * 2**20, tasks=50)
    >>> worker_sizes(need, cores=8, memory=16 * 2**30)
    WorkerSizes(workers=8, threads=1, memory=939524096)
    >>> worker_sizes(need, cores=8, memory=4 * 2**30).workers
    4
    """
    if workers is not None and workers < 1:
        raise InputError(f"{workers} workers", "at least one", "give --workers a positive number")
    held = (need.process_bytes + threads * need.task_bytes) / FREE_OF_SPILLING
    each = math.ceil(held / (64 * MEBIBYTE)) * 64 * MEBIBYTE
    count = workers or (ASKED_WORKERS if cores is None else max(1, cores // threads))
    # A worker more than there are blocks would only start and wait.
    count = min(count, max(1, math.ceil(need.tasks / threads)))
    if memory is not None and count * each > memory:
        if workers is not None or each > memory:
            raise InputError(
                f"{count} workers of {each // MEBIBYTE} MiB, and {memory // MEBIBYTE} MiB of memory",
                "memory for all workers",
                f"use --workers {memory // each}"
                if memory >= each
                else "use --cluster threads, or another machine",
            )
        count = memory // each
    return WorkerSizes(count, threads, each)
