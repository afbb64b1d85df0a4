"""`xafsflow phantom`: a simulated measurement with a known answer."""

from __future__ import annotations

from pathlib import Path

import click

from xafsflow.cli.progress_display import ProgressDisplay
from xafsflow.cli.shared_options import LOCAL_PATH


@click.command()
@click.argument("out", type=LOCAL_PATH)
@click.option(
    "--size",
    nargs=2,
    type=int,
    default=(128, 160),
    metavar="Y X",
    show_default=True,
    help="Rows and columns.",
)
@click.option("--energies", type=int, default=210, show_default=True, help="Number of energies.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed gives another sample.")
@click.option("--multipage", is_flag=True, help="One file per kind of image instead of one per energy.")
def phantom(out: Path, size: tuple[int, int], energies: int, seed: int, multipage: bool) -> None:
    """Simulate a measurement with a known answer.

    The TIFF files and the answer are written into the folder OUT.
    """
    from xafsflow.phantom import Phantom, write_phantom

    simulated = Phantom(size=size, energies=energies, seed=seed)
    with ProgressDisplay() as report_progress:
        write_phantom(
            simulated,
            out,
            multipage=multipage,
            progress=lambda done, total: report_progress("images", done / total),
        )
    click.echo(out)
