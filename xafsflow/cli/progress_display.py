"""What a long command shows while it works."""

from __future__ import annotations

import sys
from typing import Any

import click

from xafsflow.progress import ProgressCallback


class ProgressDisplay:
    """Progress on stderr: a bar on a terminal, else one line a step."""

    def __enter__(self) -> ProgressCallback:
        """Start to show."""
        self.bar: Any = None
        if not sys.stderr.isatty():
            return self.tell
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn())
        self.bar = Progress(*columns, console=Console(stderr=True), transient=False)
        self.bar.start()
        self.tasks: dict[str, Any] = {}
        return self.draw

    def __exit__(self, *_: object) -> None:
        """Stop to show."""
        if self.bar is not None:
            self.bar.stop()

    def tell(self, name: str, share: float | None) -> None:
        """A line when a step starts."""
        if share is None:
            click.echo(name, err=True)

    def draw(self, name: str, share: float | None) -> None:
        """A bar a step, that pulses where its length is not known."""
        if name.startswith("warning: "):
            self.bar.console.print(f"[yellow]{name}", highlight=False)
            return
        if name not in self.tasks:
            self.tasks[name] = self.bar.add_task(name, total=None)
        if share is not None:
            self.bar.update(self.tasks[name], total=1.0, completed=share)
