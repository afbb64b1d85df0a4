"""How long work tells what it does."""

from __future__ import annotations

from collections.abc import Callable

# Called with the name of what is done or waited for, and the share that is done or None.
ProgressCallback = Callable[[str, float | None], None]
# Beginnings of texts that are no work: they stay to be read.
WARNING, VERDICT = "warning: ", "verdict: "


def no_progress(name: str, share: float | None) -> None:
    """A watch that shows nothing."""
