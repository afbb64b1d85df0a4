"""`xafsflow batch`: a recipe on many measurements."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from xafsflow.cli.shared_options import (
    FOLDER_OR_URL,
    LOCAL_PATH,
    cluster_options,
    open_command_cluster,
)


@click.command()
@click.argument("catalog")
@click.argument("recipe", type=LOCAL_PATH)
@click.option(
    "--out",
    type=LOCAL_PATH,
    required=True,
    help="Folder of the batch: new, empty, or of the same batch started before.",
)
@click.option(
    "--references",
    type=FOLDER_OR_URL,
    help="Folder or URL of the reference spectra, for measurements whose catalog line names none.",
)
@click.option(
    "--at-most", type=click.IntRange(1), default=1, show_default=True, help="Measurements at the same time."
)
@click.option(
    "--retries",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="How often a failed measurement is tried again; wrong input is not tried again.",
)
@cluster_options
def batch(
    catalog: str,
    recipe: Path,
    out: Path,
    references: Path | str | None,
    at_most: int,
    retries: int,
    cluster: str,
    workers: int | None,
) -> None:
    """Run a RECIPE on every measurement of a CATALOG.

    CATALOG is a CSV file, or a quoted pattern that folders match, such as "scans/*".
    """
    from xafsflow.campaign.batch import run_batch
    from xafsflow.campaign.catalog import read_catalog
    from xafsflow.campaign.run_status import table

    measurements = read_catalog(catalog, references, out)
    with open_command_cluster(cluster, workers, out, _print_line) as client:
        done = run_batch(
            measurements,
            recipe,
            out,
            at_most=at_most,
            retries=retries,
            client=client,
            report_progress=_print_line,
        )
    for line in table(done.out, done.rows, done.worked):
        click.echo(line)
    if not done.complete:
        sys.exit(1)


def _print_line(name: str, share: float | None) -> None:
    click.echo(name, err=True)
