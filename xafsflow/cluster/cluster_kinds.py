"""The table of clusters, and the one door to them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from xafsflow.cluster.cluster_settings import ClusterRequest, unset_scheduler_settings
from xafsflow.cluster.failures import explain_failures
from xafsflow.cluster.join_scheduler import join_scheduler
from xafsflow.cluster.kubernetes import kubernetes_cluster
from xafsflow.cluster.local import local_cluster
from xafsflow.cluster.slurm import slurm_cluster
from xafsflow.cluster.worker_size import WorkerNeed
from xafsflow.errors import InputError
from xafsflow.progress import ProgressCallback, no_progress
from xafsflow.vocabulary import nearest

if TYPE_CHECKING:
    from distributed import Client

# Each starts a scheduler in this process and workers elsewhere, and ends them.
KINDS: dict[str, Callable[[ClusterRequest], AbstractContextManager[Client]]] = {
    "local": local_cluster,
    "slurm": slurm_cluster,
    "kubernetes": kubernetes_cluster,
}
ADDRESSES = ("tcp://", "tls://", "file:")


@contextlib.contextmanager
def open_cluster(
    kind: str = "threads",
    *,
    workers: int | None = None,
    need: WorkerNeed | None = None,
    folder: Path | None = None,
    timeout: float = 120.0,
    report_progress: ProgressCallback = no_progress,
) -> Iterator[Client | None]:
    """Compute on a cluster as long as the context lasts; at its end nothing that it started runs on.

    Parameters
    ----------
    kind
        `threads` starts nothing: a client that is active is used as it is, else the threads of this process.
        `local`, `slurm`, `kubernetes` start workers. `tcp://HOST:PORT`, `tls://HOST:PORT` and `file:PATH` (the
        file that a scheduler wrote) use a scheduler that is running.
    workers
        How many processes, jobs or pods to start.
    need
        Of the recipe; decides the memory of a worker.
    folder
        For logs and keys of `slurm`, with the same path on all machines; removed when all went well.
    timeout
        Seconds in which a worker must connect once it has its machine.
    report_progress
        Called with what is waited for.

    Yields
    ------
    distributed.Client or None
        None: threads.

    Raises
    ------
    InputError
        The kind is unknown, or the cluster is missing or refuses.
    ComputationError
        No worker connected, a block ended every worker that it was given to, or the scheduler was lost.

    Examples
    --------
    >>> with open_cluster() as client:
    ...     print(client)
    None
    """
    if workers is not None and kind not in KINDS:
        raise InputError(
            f"--workers with --cluster {kind}", f"one of {', '.join(KINDS)}", "leave out --workers"
        )
    request = ClusterRequest(
        folder or Path.cwd() / "xafsflow-cluster", workers, need or WorkerNeed(), timeout, report_progress
    )
    with contextlib.ExitStack() as stack:
        stack.enter_context(explain_failures())
        if kind == "threads":
            yield _active_client()
        elif kind.startswith(ADDRESSES):
            client = stack.enter_context(join_scheduler(kind, request))
            _check_program(client)
            yield client
        elif kind in KINDS:
            import dask

            stack.enter_context(dask.config.set(unset_scheduler_settings(kind)))
            client = stack.enter_context(KINDS[kind](request))
            _check_program(client)
            yield client
        else:
            known = ["threads", *KINDS]
            raise InputError(
                f"the cluster {kind!r}",
                f"{', '.join(known)}, tcp://HOST:PORT, tls://HOST:PORT or file:PATH",
                f"choose one{nearest(kind, known)}",
            )


def _check_program(client: Client) -> None:
    """Refuse workers with another version of this program or without it, whose blocks would differ or fail."""
    from importlib.metadata import version

    # A function of the standard library: one of ours would end a worker that cannot import it.
    answers = client.run(version, "xafsflow", on_error="return")
    others = {place: answer for place, answer in answers.items() if answer != version("xafsflow")}
    for place, answer in others.items():
        found = f"without it ({type(answer).__name__})" if isinstance(answer, Exception) else f"with {answer}"
        raise InputError(
            f"the worker at {place} {found}",
            f"xafsflow {version('xafsflow')} on every worker",
            "install it in the environment that workers are started in",
        )


def _active_client() -> Client | None:
    """The client that somebody has open_cluster, such as in a notebook; None without one."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None
