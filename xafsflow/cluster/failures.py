"""Errors of a cluster as messages."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from xafsflow.errors import ComputationError


@contextlib.contextmanager
def explain_failures() -> Iterator[None]:
    """Turn the errors of a cluster into messages; others pass.

    Raises
    ------
    ComputationError
        A block took its workers down, all workers are gone, or the scheduler is.
    """
    try:
        yield
    except Exception as error:
        explained = _explain(error)
        if explained is None:
            raise
        raise explained from error


def _explain(error: Exception) -> ComputationError | None:
    # Without it loaded the error is none of a cluster's, and loading it takes a second.
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    from distributed.client import FutureCancelledError
    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker, NoWorkerError

    if isinstance(error, KilledWorker):
        return ComputationError(
            f"{task_name(error.task)}, which ended {error.allowed_failures + 1} workers one after the other",
            "a worker that completes it",
            "give workers more memory or fewer threads, and look for what is special in this block",
        )
    if isinstance(error, NoWorkerError):
        return ComputationError(
            f"no worker for {error.timeout:g} s",
            "at least one",
            "find out why workers end, and start the same command again: it continues",
        )
    if isinstance(error, (FutureCancelledError, CommClosedError)):
        return ComputationError(
            f"no connection to the scheduler any more ({error})",
            "a scheduler that runs to the end",
            "start the same command again: it continues",
        )
    return None


def task_name(key: object) -> str:
    """A task of Dask for a message.

    Examples
    --------
    >>> task_name(("forest-0123456789abcdef0123456789abcdef", 0, 3, 1))
    'block (0, 3, 1) of forest'
    """
    name, *place = key if isinstance(key, tuple) else (key,)
    function = str(name).rpartition("-")[0] or str(name)
    return f"block ({', '.join(map(str, place))}) of {function}" if place else f"the task {function}"
