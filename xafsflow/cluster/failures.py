"""What goes wrong on a cluster, said in words."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from xafsflow.errors import ComputationError


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn the errors of a cluster into messages; others pass.

    Raises
    ------
    ComputationError
        A block took its workers down, all workers are gone, or the scheduler is.
    """
    try:
        yield
    except Exception as error:
        said = _explain(error)
        if said is None:
            raise
        raise said from error


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
            f"{block_name(error.task)} was on {error.allowed_failures + 1} workers that ended, one after the other",
            "a worker that ends it",
            "give workers more memory, or fewer threads, and look for what is special in this block",
        )
    if isinstance(error, NoWorkerError):
        return ComputationError(
            f"no worker for {error.timeout:g} s",
            "one at least",
            "see why they end, and run again: it goes on",
        )
    if isinstance(error, (FutureCancelledError, CommClosedError)):
        return ComputationError(
            f"the scheduler was lost ({error})", "a scheduler to the end", "run again: it goes on"
        )
    return None


def block_name(key: Any) -> str:
    """The name of a task in words.

    Examples
    --------
    >>> block_name(("forest-0123456789abcdef0123456789abcdef", 0, 3, 1))
    'block (0, 3, 1) of forest'
    """
    name, *place = key if isinstance(key, tuple) else (key,)
    plain = str(name).rpartition("-")[0] or str(name)
    return f"block ({', '.join(map(str, place))}) of {plain}" if place else f"the task {plain}"
