"""`xafsflow verify`: every stored chunk against its checksum."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xafsflow.cli.progress_display import ProgressDisplay
from xafsflow.cli.shared_options import FOLDER_OR_URL, open_run
from xafsflow.errors import ComputationError
from xafsflow.progress import ProgressCallback

if TYPE_CHECKING:
    from xafsflow.store.verify import Damage


@click.command()
@click.argument("run", type=FOLDER_OR_URL)
@click.option("--repair", "repairs", is_flag=True, help="Compute damaged chunks again, from the sources.")
@click.option("--data", type=FOLDER_OR_URL, help="Where the measurement lies, if it has moved.")
@click.option("--references", type=FOLDER_OR_URL, help="Where the references lie, if they have moved.")
def verify(run: Path | str, repairs: bool, data: Path | str | None, references: Path | str | None) -> None:
    """Check the stored data of a RUN against its checksums.

    Every chunk of cube and maps is read; the exit status is 1 if one is damaged.
    """
    from xafsflow.store.verify import damages, look

    with ProgressDisplay() as report_progress, open_run(run, report_progress, change=repairs) as folder:
        look(folder)
        found = list(damages(folder, report_progress))
        if found and repairs:
            _repair(folder, found, data, references, report_progress)
    for damage in found:
        click.echo(damage)
    if not found:
        click.echo("every chunk is as it was written")
    elif repairs:
        click.echo(f"damaged chunks, computed again: {len(found)}")
    else:
        raise ComputationError(
            f"{len(found)} damaged chunks",
            "chunks as they were written",
            f"run `xafsflow verify {run} --repair`",
        )


def _repair(
    run: Path,
    found: Sequence[Damage],
    data: Path | str | None,
    references: Path | str | None,
    report_progress: ProgressCallback,
) -> None:
    from xafsflow.io.remote.mirror import sources_of
    from xafsflow.pipeline.repair import repair

    with sources_of(run, data, references, report_progress) as (scan, spectra):
        repair(run, found, data=scan, references=spectra, report_progress=report_progress)
