"""Where a thread computes: as it was told, else as Dask is set."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dask
from dask.base import get_scheduler

Get = Callable[..., Any]

_told = threading.local()
_lock = threading.Lock()
# How many threads have been told, and what Dask was set to before the first of them.
_state: dict[str, Any] = {"threads": 0, "before": None}


@contextmanager
def computing_with(get: Get) -> Iterator[None]:
    """Let a scheduler compute whatever this thread asks Dask for; other threads of the process are left alone.

    Dask's own setting is one for the process, but a worker can have a measurement at work that is to stay on it beside
    one that is to use the cluster.

    Parameters
    ----------
    get
        Called as `get(graph, keys, **settings)`, such as `dask.threaded.get` or the `get` of a client.

    Examples
    --------
    >>> import dask.array as da
    >>> def counting(graph, keys, **settings):
    ...     print("asked")
    ...     return dask.get(graph, keys, **settings)
    >>> with computing_with(counting):
    ...     int(da.ones(3).sum().compute())
    asked
    3
    """
    with _lock:
        if not _state["threads"]:
            _state["before"] = dask.config.get("scheduler", None)
            dask.config.set(scheduler=_as_told)
        _state["threads"] += 1
    outer = getattr(_told, "get", None)
    _told.get = get
    try:
        yield
    finally:
        _told.get = outer
        with _lock:
            _state["threads"] -= 1
            if not _state["threads"]:
                dask.config.set(scheduler=_state["before"])


def scheduler() -> Get:
    """What computes for this thread: what it was told, else what Dask is set to, an active client, or threads."""
    from dask import threaded

    return getattr(_told, "get", None) or get_scheduler() or threaded.get


def client_of(get: Get) -> Any:
    """The client of a Dask cluster whose `get` this is; None for threads and others."""
    distributed = sys.modules.get("distributed")
    owner = getattr(get, "__self__", None)
    return owner if distributed is not None and isinstance(owner, distributed.Client) else None


def _as_told(graph: Any, keys: Any, **settings: Any) -> Any:
    from dask import threaded

    get = getattr(_told, "get", None) or get_scheduler(scheduler=_state["before"] or threaded.get)
    return get(graph, keys, **settings)
