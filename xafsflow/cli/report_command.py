"""`xafsflow report`: the report of a finished run, written again."""

from __future__ import annotations

from pathlib import Path

import click

from xafsflow.cli.progress_display import ProgressDisplay
from xafsflow.cli.shared_options import FOLDER_OR_URL, open_run


@click.command()
@click.argument("run", type=FOLDER_OR_URL)
def report(run: Path | str) -> None:
    """Write the report of a finished RUN again."""
    from xafsflow.pipeline.execution import report_again

    with ProgressDisplay() as report_progress, open_run(run, report_progress, change=True) as folder:
        page = report_again(folder)
    click.echo(page if isinstance(run, Path) else f"{run}/{page.name}")
