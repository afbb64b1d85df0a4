"""`xafsflow run`: a recipe on a measurement."""

from __future__ import annotations

import time
from pathlib import Path

import click

from xafsflow.cli.progress_display import ProgressDisplay
from xafsflow.cli.quick_imports import without_garbage_collection
from xafsflow.cli.shared_options import (
    FOLDER_OR_URL,
    cluster_options,
    load_with_overrides,
    open_command_cluster,
    open_folders,
    recipe_options,
)


@click.command()
@recipe_options
@click.option(
    "--out",
    type=FOLDER_OR_URL,
    required=True,
    help="Folder or URL of the run: new, empty, or with the same run unfinished.",
)
@cluster_options
@click.option(
    "--fresh", is_flag=True, help="Remove what an earlier run left in the folder; lists what it removes."
)
def run(
    recipe: Path,
    data: Path | str,
    references: Path | str | None,
    overrides: tuple[str, ...],
    out: Path | str,
    cluster: str,
    workers: int | None,
    fresh: bool,
) -> None:
    """Run a RECIPE on a measurement."""
    with without_garbage_collection():
        from xafsflow.pipeline import execution
        from xafsflow.pipeline.cost import worker_need
        from xafsflow.pipeline.earlier_runs import remember_run

        loaded = load_with_overrides(recipe, overrides, data)
    started = time.monotonic()
    with (
        ProgressDisplay() as report_progress,
        open_folders(data, references, report_progress) as folders,
        open_command_cluster(
            cluster,
            workers,
            out,
            report_progress,
            lambda: worker_need(loaded, execution.preview(loaded, folders)),
        ),
    ):
        if isinstance(out, Path):
            whole = fresh or not out.is_dir() or not any(out.iterdir())
            products = execution.run(loaded, folders, out, fresh=fresh, report_progress=report_progress)
            result: Path | str = products.page or out
            # A run that was continued tells nothing about how long a whole one takes, nor does one at a URL.
            if whole and products.cube is not None:
                remember_run(loaded, cluster, workers, products.cube, time.monotonic() - started)
        else:
            from xafsflow.io.remote import publish

            result = publish.run(loaded, folders, out, fresh=fresh, report_progress=report_progress)
    click.echo(result)
