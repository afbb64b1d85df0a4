"""`xafsflow check`: what is wrong with a recipe and its data, and what a run would cost."""

from __future__ import annotations

from pathlib import Path

import click

from xafsflow.cli.progress_display import ProgressDisplay
from xafsflow.cli.quick_imports import without_garbage_collection
from xafsflow.cli.shared_options import cluster_options, load_with_overrides, open_folders, recipe_options


@click.command()
@recipe_options
@cluster_options
def check(
    recipe: Path,
    data: Path | str,
    references: Path | str | None,
    overrides: tuple[str, ...],
    cluster: str,
    workers: int | None,
) -> None:
    """Find errors in a RECIPE and its data, tell what was understood, and estimate the cost.

    Headers, small files and a few rows of the images are read. The
    time is known after the first run of the same steps on this machine.
    """
    with without_garbage_collection():
        from xafsflow.pipeline import execution
        from xafsflow.pipeline.caught_warnings import own_warnings
        from xafsflow.pipeline.cost import describe_cost, estimate_cost
        from xafsflow.pipeline.understood import as_table, understood

        loaded = load_with_overrides(recipe, overrides, data)
    with ProgressDisplay() as report_progress, open_folders(data, references, report_progress) as folders:
        with own_warnings() as caught:
            products = execution.preview(loaded, folders)
        cost = estimate_cost(loaded, products, cluster, workers)
    click.echo(f"{recipe}: {len(loaded.plan)} steps, no problem found")
    for line in as_table(understood(loaded, products)):
        click.echo(line)
    for text in dict.fromkeys(caught):
        click.echo(f"  warning: {text}")
    for line in () if cost is None else describe_cost(cost, cluster):
        click.echo(line)
