"""`xafsflow demo`: a simulated measurement analyzed, and the results beside the known answer."""

from __future__ import annotations

from pathlib import Path

import click

from xafsflow.cli.progress_display import ProgressDisplay
from xafsflow.cli.shared_options import LOCAL_PATH


@click.command()
@click.option("--out", type=LOCAL_PATH, default=Path("xafsflow-demo"), show_default=True, help="New folder.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed gives another sample.")
def demo(out: Path, seed: int) -> None:
    """Simulate a measurement, analyze it, check the results."""
    from xafsflow.cli.demonstration import demonstrate

    with ProgressDisplay() as report_progress:
        table = demonstrate(out, seed, report_progress)
    for line in table:
        click.echo(line)
