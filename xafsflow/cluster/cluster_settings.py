"""What a command asks of a cluster, and the settings of Dask that every cluster of this program has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xafsflow.cluster.worker_size import WorkerNeed
from xafsflow.progress import ProgressCallback, no_progress

LOOPBACK = "127.0.0.1:0"
# Of Dask, by their names.
DaskSettings = Mapping[str, str | float | bool | None]


@dataclass(frozen=True)
class ClusterRequest:
    """What a command asks of a cluster.

    `folder` has the same path on all machines of the cluster, and gets logs and keys; `timeout`, in seconds, is how long
    a worker may take to connect once it has its machine.
    """

    folder: Path
    workers: int | None = None
    need: WorkerNeed = field(default_factory=WorkerNeed)
    timeout: float = 120.0
    report_progress: ProgressCallback = no_progress


# Of a cluster with other machines. Distributed waits 30 s for a silent connection and 5 minutes for a silent
# worker; a link that went down was measured to cost 60 s so, and 27 s with 15 s for both. A connection limit
# of 10 s breaks connections that are well. A worker is silent too while something holds the interpreter's
# lock, such as the compiler of a kernel: so twice 15 s for workers.
CONNECTIONS: DaskSettings = {
    "distributed.comm.timeouts.tcp": "15s",
    "distributed.scheduler.worker-ttl": "30s",
}
# A worker that is not back so long after its end is given up for good, where it was only started anew twice, or slowly.
# Where adaptive scaling asks for others that is right; on one machine nobody would.
LOST: DaskSettings = {"distributed.deploy.lost-worker-timeout": "24 hours"}
# Distributed tells the C library of its workers to give back every 64 KB that is freed, and so, unasked, to map each array
# anew: tiles then cost as much in the kernel of the system as in ours. A stage gives back what it freed at its end.
OWN_TRIM = "MALLOC_TRIM_THRESHOLD_"
BEFORE_START = "distributed.nanny.pre-spawn-environ"
# A block that ends its worker (memory) is given up and named after so many more workers. Where jobs and pods can be
# taken away, a block may also have been on several of them by bad luck.
FAILURES = {"local": 3, "slurm": 5, "kubernetes": 5}
# How long there may be no worker at all. Jobs wait in a queue for as long as they have to.
NO_WORKERS: Mapping[str, str | None] = {"local": "60s", "slurm": None, "kubernetes": "10 minutes"}


def scheduler_settings(kind: str) -> DaskSettings:
    """Dask's settings for a scheduler of this kind.

    Examples
    --------
    >>> scheduler_settings("local")["distributed.scheduler.allowed-failures"]
    3
    """
    return {
        "distributed.scheduler.allowed-failures": FAILURES[kind],
        "distributed.scheduler.no-workers-timeout": NO_WORKERS[kind],
        # No block waits on a worker: one that only waited would be blamed for the worker's end like the one at work.
        "distributed.scheduler.worker-saturation": 1.0,
        f"{BEFORE_START}.{OWN_TRIM}": None,
        **(LOST if kind == "local" else CONNECTIONS),
    }


def unset_scheduler_settings(kind: str) -> DaskSettings:
    """`scheduler_settings` without those that the user has set."""
    import dask
    import distributed  # noqa: F401  (its import declares its settings)

    declared = dask.config.merge(*dask.config.defaults)
    return {
        key: value
        for key, value in scheduler_settings(kind).items()
        if dask.config.get(key, None) == dask.config.get(key, None, config=declared)
    }


def worker_environment() -> dict[str, str]:
    """The environment variables of a worker process.

    One thread of a worker takes one block: libraries that start threads of their own would share its core.

    Examples
    --------
    >>> worker_environment()["OMP_NUM_THREADS"]
    '1'
    """
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    # The limit on connections holds at both ends.
    limit = "distributed.comm.timeouts.tcp"
    settings = {limit: CONNECTIONS[limit], BEFORE_START: str({OWN_TRIM: None})}
    return dict.fromkeys(names, "1") | as_environment_variables(settings)


def as_environment_variables(settings: DaskSettings) -> dict[str, str]:
    """Dask's settings as the environment variables by which it finds them.

    Examples
    --------
    >>> as_environment_variables({"distributed.scheduler.worker-ttl": "30s"})
    {'DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL': '30s'}
    """
    return {
        f"DASK_{name.upper().replace('.', '__').replace('-', '_')}": str(value)
        for name, value in settings.items()
        if value is not None
    }
