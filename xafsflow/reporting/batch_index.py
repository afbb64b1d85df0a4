"""The measurements of a batch on one HTML page, with links to their reports; no script, nothing to fetch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xafsflow.files import write_atomically
from xafsflow.reporting.templating import render


@dataclass(frozen=True)
class Entry:
    """A measurement: times in seconds, `ended` since 1970; `link` is relative to the page, None without a report.

    `light` and `verdict` are what its run says as a whole, empty where it says nothing.
    """

    name: str
    state: str
    attempts: int
    seconds: float | None
    ended: float | None
    error: str
    link: str | None
    light: str = ""
    verdict: str = ""

    @property
    def seconds_text(self) -> str:
        """How long it took, s; empty where that is not known."""
        return "" if self.seconds is None else f"{self.seconds:.1f}"

    @property
    def ended_text(self) -> str:
        """When it ended; empty where it has not."""
        return "" if self.ended is None else _at(self.ended)


def build_index(entries: Sequence[Entry], states: Sequence[str], name: str, path: Path) -> Path:
    """Write the page.

    Parameters
    ----------
    entries
        In the order in which they are shown; those that failed are also shown before all others.
    states
        The states to count, in their order.
    name
        Of the batch.
    path
        Of the file. A file that is there is replaced when the new one is complete.

    Returns
    -------
    `path`.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> entry = Entry("A", "failed", 1, 2.5, None, "Found <nothing>", None)
    >>> with TemporaryDirectory() as folder:
    ...     text = build_index([entry], ["done", "failed"], "night", Path(folder, "index.html")).read_text()
    >>> "Found &lt;nothing&gt;" in text
    True
    """
    found = [entry.state for entry in entries]
    text = render(
        "batch_index.html.j2",
        name=name,
        written=_at(time.time()),
        tiles=[(found.count(state), state) for state in states if state == "done" or state in found],
        failed=[entry for entry in entries if entry.error],
        entries=entries,
    )
    write_atomically(path, text)
    return path


def _at(seconds: float) -> str:
    """A time since 1970 as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
