"""How long work tells what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Called with the name of what is done or waited for, and the share that is done or None.
ProgressCallback = Callable[[str, float | None], None]
# Beginnings of texts that are no work: they stay to be read.
WARNING, VERDICT = "warning: ", "verdict: "


def no_progress(name: str, share: float | None) -> None:
    """A watch that shows nothing."""


_TOLD: ContextVar[ProgressCallback] = ContextVar("told", default=no_progress)


@contextmanager
def told_to(report_progress: ProgressCallback) -> Iterator[None]:
    """What is told inside goes to this callback.

    Examples
    --------
    >>> with told_to(lambda name, share: print(name, share)):
    ...     tell("epoch 3 of 20", 0.1)
    epoch 3 of 20 0.1
    """
    before = _TOLD.set(report_progress)
    try:
        yield
    finally:
        _TOLD.reset(before)


def tell(name: str, share: float | None = None) -> None:
    """Say what is being done now, and the share of it that is done, to whoever watches the step that calls."""
    _TOLD.get()(name, share)
