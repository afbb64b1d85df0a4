"""Worker processes on this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from xafsflow.cluster.cluster_settings import LOOPBACK, ClusterRequest, worker_environment
from xafsflow.cluster.security import temporary_keys
from xafsflow.cluster.worker_size import worker_sizes
from xafsflow.errors import ComputationError

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

# Seconds that distributed may take to end its workers; then they are killed.
PATIENCE = 20.0


@contextlib.contextmanager
def local_cluster(request: ClusterRequest) -> Iterator[Client]:
    """A client of workers on this machine, reached from this machine only.

    The traffic is encrypted here too: another user of the machine could connect to 127.0.0.1 and run code.

    Raises
    ------
    InputError
        The memory is too small for one worker.
    ComputationError
        The workers did not start.
    """
    from dask.system import CPU_COUNT
    from distributed import Client, LocalCluster
    from distributed.system import MEMORY_LIMIT

    size = worker_sizes(request.need, workers=request.workers, cores=CPU_COUNT, memory=MEMORY_LIMIT)
    security = temporary_keys()
    before = {child.pid for child in multiprocessing.active_children()}
    request.report_progress(
        f"starts {size.workers} worker{'s' if size.workers > 1 else ''} on this machine", None
    )
    try:
        with contextlib.ExitStack() as stack:
            try:
                cluster = LocalCluster(
                    n_workers=size.workers,
                    threads_per_worker=size.threads,
                    memory_limit=size.memory,
                    host="127.0.0.1",
                    dashboard_address=LOOPBACK,
                    worker_dashboard_address=LOOPBACK,
                    security=security,
                    env=worker_environment(),
                    death_timeout=request.timeout,
                )
                stack.callback(_close, cluster)
                client = stack.enter_context(Client(cluster, timeout=request.timeout))
                client.wait_for_workers(1, timeout=request.timeout)
            except (OSError, RuntimeError, TimeoutError, AssertionError) as error:
                # A worker that hangs while it starts ends in an assertion of distributed.
                raise ComputationError(
                    f"no worker process within {request.timeout:g} s ({type(error).__name__}: {error})",
                    "worker processes on this machine",
                    "look at the messages above, or use --cluster threads",
                ) from error
            yield client
    finally:
        _end({child.pid for child in multiprocessing.active_children()} - before)


def _close(cluster: LocalCluster) -> None:
    with contextlib.suppress(TimeoutError):
        cluster.close(timeout=PATIENCE)


def _end(left: set[int | None]) -> None:
    """End the processes of workers that are still there, by their ids."""
    until = time.monotonic() + 2
    for child in multiprocessing.active_children():
        if child.pid in left:
            child.join(max(0.0, until - time.monotonic()))
            if child.is_alive():
                child.kill()
                child.join()
