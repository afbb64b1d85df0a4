"""`xafsflow export`: the maps of a run in other formats."""

from __future__ import annotations

from pathlib import Path

import click

from xafsflow.cli.progress_display import ProgressDisplay
from xafsflow.cli.shared_options import FOLDER_OR_URL, LOCAL_PATH, open_run
from xafsflow.io.remote.urls import last_part
from xafsflow.io.writers import WRITERS


@click.command()
@click.argument("run", type=FOLDER_OR_URL)
@click.option("--to", "kind", type=click.Choice(list(WRITERS)), required=True, help="Format.")
@click.option(
    "--out",
    type=LOCAL_PATH,
    help="Folder for the files; default RUN-KIND beside the run, or in the current folder for a run at a URL.",
)
def export(run: Path | str, kind: str, out: Path | None) -> None:
    """Write the maps of a finished RUN in another format."""
    from xafsflow.files import refuse_links
    from xafsflow.io.writers import write
    from xafsflow.pipeline.execution import finished_maps
    from xafsflow.store.verify import named

    beside = run if isinstance(run, Path) else Path(last_part(run))
    if out is None:
        out = beside.with_name(f"{beside.name}-{kind}")
        refuse_links(out, 0)
    with ProgressDisplay() as report_progress, open_run(run, report_progress) as folder, named(folder):
        paths = list(write(finished_maps(folder), kind, out))
    for path in paths:
        click.echo(path)
