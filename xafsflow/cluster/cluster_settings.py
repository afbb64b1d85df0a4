"""What is asked of a cluster, and the settings that every cluster of this program has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xafsflow.cluster.worker_size import Need
from xafsflow.progress import ProgressCallback, no_progress

LOOPBACK = "127.0.0.1:0"


@dataclass(frozen=True)
class Ask:
    """What is asked of a cluster.

    `folder` is reached by all its machines under the same path, and takes logs and keys; `timeout`, in
    seconds, is what a worker that has its machine may take to come.
    """

    folder: Path
    workers: int | None = None
    need: Need = field(default_factory=Need)
    timeout: float = 120.0
    report_progress: ProgressCallback = no_progress


# Of a cluster with other machines. Distributed waits 30 s for a silent connection and 5 minutes for a silent
# worker; a link that went down was measured to cost 60 s so, and 27 s with 15 s for both. A connection limit
# of 10 s breaks connections that are well. A worker is silent too while something holds the interpreter's
# lock, such as the compiler of a kernel: so twice 15 s for workers.
CONNECTIONS: dict[str, Any] = {
    "distributed.comm.timeouts.tcp": "15s",
    "distributed.scheduler.worker-ttl": "30s",
}
# A worker that is not back so long after its end is given up for good, where it was only started anew twice, or slowly.
# Where adaptive scaling asks for others that is right; on one machine nobody would.
LOST: dict[str, Any] = {"distributed.deploy.lost-worker-timeout": "24 hours"}
# A block that takes its worker down (memory) is given up and named after so many workers more than one. Where
# jobs and pods can be taken away, a block may also have been on several of them by bad luck.
FAILURES = {"local": 3, "slurm": 5, "kubernetes": 5}
# So long no worker at all may be there. Jobs wait in a queue for as long as they have to.
NO_WORKERS: dict[str, str | None] = {"local": "60s", "slurm": None, "kubernetes": "10 minutes"}


def wanted(kind: str) -> dict[str, Any]:
    """Dask's settings for a scheduler of this kind.

    Examples
    --------
    >>> wanted("local")["distributed.scheduler.allowed-failures"]
    3
    """
    return {
        "distributed.scheduler.allowed-failures": FAILURES[kind],
        "distributed.scheduler.no-workers-timeout": NO_WORKERS[kind],
        # No block waits on a worker: one that only waited would be blamed for the worker's end like the one at work.
        "distributed.scheduler.worker-saturation": 1.0,
        **(LOST if kind == "local" else CONNECTIONS),
    }


def configuration(kind: str) -> dict[str, Any]:
    """What is `wanted`, without that which somebody has set himself."""
    import dask
    import distributed  # noqa: F401  (its import declares its settings)

    declared = dask.config.merge(*dask.config.defaults)
    return {
        key: value
        for key, value in wanted(kind).items()
        if dask.config.get(key, None) == dask.config.get(key, None, config=declared)
    }


def environment() -> dict[str, str]:
    """What the process of a worker must find in its environment.

    One thread of a worker takes one block: libraries that start threads of their own would share its core.

    Examples
    --------
    >>> environment()["OMP_NUM_THREADS"]
    '1'
    """
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    # The limit on connections holds at both ends.
    limit = "distributed.comm.timeouts.tcp"
    return dict.fromkeys(names, "1") | as_environment({limit: CONNECTIONS[limit]})


def as_environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """Dask's settings as the variables of the environment by which it finds them.

    Examples
    --------
    >>> as_environment({"distributed.scheduler.worker-ttl": "30s"})
    {'DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL': '30s'}
    """
    return {
        f"DASK_{name.upper().replace('.', '__').replace('-', '_')}": str(value)
        for name, value in settings.items()
        if value is not None
    }
