"""What a long command shows while it works."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from xafsflow.progress import VERDICT, WARNING, ProgressCallback

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class ProgressDisplay:
    """Progress on stderr: a bar on a terminal, else one line per step."""

    def __init__(self) -> None:
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> ProgressCallback:
        """Start to show; the callback that shows progress."""
        if not sys.stderr.isatty():
            return _print_line
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=Console(stderr=True), transient=False)
        self._bars.start()
        return self._draw

    def __exit__(self, *_: object) -> None:
        """Stop to show."""
        if self._bars is not None:
            self._bars.stop()

    def _draw(self, name: str, share: float | None) -> None:
        """A bar per step, which pulses where its length is not known."""
        assert self._bars is not None
        if name.startswith((WARNING, VERDICT)):
            style = "yellow" if name.startswith(WARNING) else "bold"
            self._bars.console.print(name, style=style, markup=False, highlight=False)
            return
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=None)
        if share is not None:
            self._bars.update(self._tasks[name], total=1.0, completed=share)


def _print_line(name: str, share: float | None) -> None:
    """A line when a step starts."""
    if share is None:
        click.echo(name, err=True)
