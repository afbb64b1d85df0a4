"""`xafsflow status`: how far a run or a batch is."""

from __future__ import annotations

from pathlib import Path

import click

from xafsflow.cli.shared_options import FOLDER_OR_URL


@click.command()
@click.argument("path", metavar="RUN|DIR", type=FOLDER_OR_URL)
def status(path: Path | str) -> None:
    """Show how far a run or a batch is."""
    from xafsflow.campaign import run_status

    if isinstance(path, Path):
        lines = run_status.status(path)
    else:
        from xafsflow.io.remote.publish import glimpsed

        with glimpsed(path) as folder:
            lines = run_status.status(folder)
    for line in lines:
        click.echo(line)
