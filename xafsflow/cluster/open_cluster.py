"""The table of clusters, and the one door to them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from xafsflow.cluster.cluster_settings import Ask, configuration
from xafsflow.cluster.failures import explained
from xafsflow.cluster.join_scheduler import join
from xafsflow.cluster.kubernetes import kubernetes
from xafsflow.cluster.local import local
from xafsflow.cluster.slurm import slurm
from xafsflow.cluster.worker_size import Need
from xafsflow.errors import InputError
from xafsflow.progress import ProgressCallback, no_progress
from xafsflow.vocabulary import nearest

# Each starts a scheduler in this process and workers elsewhere, and ends them.
KINDS: dict[str, Callable[[Ask], AbstractContextManager[Any]]] = {
    "local": local,
    "slurm": slurm,
    "kubernetes": kubernetes,
}
ADDRESSES = ("tcp://", "tls://", "file:")


@contextlib.contextmanager
def opened(
    kind: str = "threads",
    *,
    workers: int | None = None,
    need: Need | None = None,
    folder: Path | None = None,
    timeout: float = 120.0,
    report_progress: ProgressCallback = no_progress,
) -> Iterator[Any]:
    """Compute on a cluster as long as the context lasts; at its end nothing that it started runs on.

    Parameters
    ----------
    kind
        `threads` starts nothing: a client that is active is used as it is, else the threads of this process.
        `local`, `slurm`, `kubernetes` start workers. `tcp://HOST:PORT`, `tls://HOST:PORT` and `file:PATH` (the
        file that a scheduler wrote) join a scheduler that is there.
    workers
        How many processes, jobs or pods to start.
    need
        Of the recipe; sets the memory of a worker.
    folder
        Reached by all machines under the same path, for logs and keys of `slurm`; it goes when all went well.
    timeout
        Seconds in which a worker that has its machine must come.
    report_progress
        Told what is waited for.

    Yields
    ------
    distributed.Client or None
        None: threads.

    Raises
    ------
    InputError
        An unknown kind, or the cluster is not there or refuses.
    ComputationError
        No worker came, a block took every worker down that it was given to, or the scheduler was lost.

    Examples
    --------
    >>> with opened() as client:
    ...     print(client)
    None
    """
    if workers is not None and kind not in KINDS:
        raise InputError(f"--workers with --cluster {kind}", f"one of {', '.join(KINDS)}", "leave it out")
    ask = Ask(folder or Path.cwd() / "xafsflow-cluster", workers, need or Need(), timeout, report_progress)
    with contextlib.ExitStack() as stack:
        stack.enter_context(explained())
        if kind == "threads":
            yield _active()
        elif kind.startswith(ADDRESSES):
            client = stack.enter_context(join(kind, ask))
            _check_program(client)
            yield client
        elif kind in KINDS:
            import dask

            stack.enter_context(dask.config.set(configuration(kind)))
            client = stack.enter_context(KINDS[kind](ask))
            _check_program(client)
            yield client
        else:
            known = ["threads", *KINDS]
            raise InputError(
                f"the cluster {kind!r}",
                f"{', '.join(known)}, tcp://HOST:PORT, tls://HOST:PORT or file:PATH",
                f"choose one{nearest(kind, known)}",
            )


def _check_program(client: Any) -> None:
    """Refuse workers with another version of this program or without it, whose blocks would differ or fail."""
    from importlib.metadata import version

    # A function of the standard library: one of ours would end a worker that cannot import it.
    answers = client.run(version, "xafsflow", on_error="return")
    strange = {place: answer for place, answer in answers.items() if answer != version("xafsflow")}
    for place, answer in strange.items():
        found = f"without it ({type(answer).__name__})" if isinstance(answer, Exception) else f"with {answer}"
        raise InputError(
            f"the worker at {place} {found}",
            f"xafsflow {version('xafsflow')} on every worker",
            "install it in the environment that workers are started in",
        )


def _active() -> Any:
    """The client that somebody has opened, such as in a notebook; None without one."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None
