"""Be alone at a URL: an object that only one process can make says who works there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from xafsflow.errors import ComputationError, InputError, XafsflowError
from xafsflow.io.remote.object_store import Place
from xafsflow.locks import LOCK, lock_owner, lock_text, refuse_living, this_process
from xafsflow.progress import ProgressCallback, no_progress


@contextmanager
def owned_at(place: Place, report_progress: ProgressCallback = no_progress) -> Iterator[Callable[[], None]]:
    """Be the only process that writes at a URL; the lock of a process of this machine that has died is taken over.

    Yields
    ------
    callable
        Raises unless the lock is still this process's; to be called before what others have is replaced.

    Raises
    ------
    BusyError
        Another process works there, or may.
    InputError
        The server lets one write over another's lock.

    Examples
    --------
    >>> from xafsflow.io.remote.object_store import opened
    >>> place = opened("memory://owned-in-an-example/run")
    >>> with owned_at(place) as check:
    ...     check()
    ...     list(place.objects())
    ['run.lock']
    >>> place.objects()
    {}
    """
    own = lock_text(this_process()).encode()
    while not place.write(LOCK, own, mode="create"):
        if _take_over(place, own, report_progress):
            break
    try:
        if place.write(LOCK, own, mode="create"):
            raise InputError(
                f"the server of {place.url} writes over a lock",
                "one that keeps If-None-Match, as Amazon's, MinIO and Ceph do in their newer versions",
                "run into a folder, and copy it",
            )
        yield lambda: _check(place, own)
    finally:
        # A lock that stays since the server is gone is taken over by the next run of this machine.
        with suppress(XafsflowError, OSError):
            if place.read(LOCK) == own:
                place.remove([LOCK])


def _take_over(place: Place, own: bytes, report_progress: ProgressCallback) -> bool:
    """Whether the lock of a dead process became this one's; False where it was given back or taken meanwhile."""
    # The tag first: if the lock changes in between, the condition does not hold.
    tag, content = place.tag(LOCK), place.read(LOCK)
    if content is None:
        return False
    at = f"{place.url}/{LOCK}"
    owner = lock_owner(content, at)
    refuse_living(owner, f"at {place.url}", at)
    taken = place.write(LOCK, own, **({"IfMatch": tag} if tag else {}))
    if taken:
        report_progress(f"takes up the run of process {owner.pid}, which has died", None)
    return taken


def _check(place: Place, own: bytes) -> None:
    if place.read(LOCK) != own:
        raise ComputationError(
            f"{place.url}/{LOCK}, which is not this run's any more",
            "the lock that it made",
            "find out who removed it; nothing was put there since, and the same command goes on",
        )
