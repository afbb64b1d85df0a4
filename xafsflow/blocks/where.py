"""Where blocks are computed: on the threads of this process, or on a Dask cluster."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True)
class Place:
    """A client of a cluster, or so many threads of this process."""

    client: Client | None
    threads: int


_told: ContextVar[Place | None] = ContextVar("place", default=None)


@contextmanager
def computing_on(client: Client | None, threads: int | None = None) -> Iterator[None]:
    """Let whatever this thread asks for be computed there; other threads of the process are left alone.

    Parameters
    ----------
    client
        Of a cluster; None: threads of this process.
    threads
        How many; None: one a core.

    Examples
    --------
    >>> with computing_on(None, threads=3):
    ...     place().threads
    3
    """
    token = _told.set(Place(client, threads or _cores()))
    try:
        yield
    finally:
        _told.reset(token)


def place() -> Place:
    """Where this thread is to compute: as it was told, else on the client that is active, else on all cores.

    A task of a cluster that was not told has one thread, since the others have tasks of their own.
    """
    told = _told.get()
    if told is not None:
        return told
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return Place(None, _cores())
    try:
        distributed.get_worker()
        return Place(None, 1)
    except ValueError:
        pass
    try:
        return Place(distributed.default_client(), _cores())
    except ValueError:
        return Place(None, _cores())


def _cores() -> int:
    import dask
    from dask.system import CPU_COUNT

    return int(dask.config.get("num_workers", None) or CPU_COUNT)


@contextmanager
def in_this_process() -> Iterator[None]:
    """Let Dask read stored maps here: on a cluster they would go to workers and back."""
    import dask

    with dask.config.set(scheduler="threads"):
        yield


def compute(*collections: Any) -> tuple[Any, ...]:
    """`dask.compute` where this thread is to compute."""
    import dask

    here = place()
    if here.client is not None:
        return tuple(dask.compute(*collections, scheduler=here.client))
    return tuple(dask.compute(*collections, scheduler="threads", num_workers=here.threads))


def in_threads(work: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """Results of a function for items, in their order, on the threads of this process.

    Libraries of linear algebra get one thread each: more would only wait for each other.
    """
    from threadpoolctl import threadpool_limits

    todo = list(items)
    threads = min(place().threads, len(todo))
    with threadpool_limits(1, "blas"):
        if threads <= 1:
            yield from map(work, todo)
            return
        with ThreadPoolExecutor(threads) as pool:
            try:
                yield from pool.map(work, todo)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
