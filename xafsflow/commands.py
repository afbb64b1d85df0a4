"""Commands beside the way from a measurement to its maps: simulate, demonstrate, export, report again, verify."""

from __future__ import annotations

from pathlib import Path

import click

from xafsflow.errors import ComputationError
from xafsflow.progress import watching

FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("run", type=FOLDER)
@click.option("--repair", "mend", is_flag=True, help="Compute what is damaged again, from the sources.")
@click.option("--data", type=FOLDER, help="Where the measurement lies, if it has moved.")
@click.option("--references", type=FOLDER, help="Where the references lie, if they have moved.")
def verify(run: Path, mend: bool, data: Path | None, references: Path | None) -> None:
    """Check every chunk of a RUN's cube and maps against its checksum; status 1 where one is damaged."""
    from xafsflow.repair import repair
    from xafsflow.store.verify import damages, look

    look(run)
    with watching() as watch:
        found = list(damages(run, watch))
        if found and mend:
            repair(run, found, data=data, references=references, watch=watch)
    for one in found:
        click.echo(one)
    if not found:
        click.echo("every chunk is as it was written")
    elif mend:
        click.echo(f"{len(found)} damaged, computed again")
    else:
        raise ComputationError(
            f"{len(found)} damaged", "chunks as they were written", f"xafsflow verify {run} --repair"
        )


@click.command()
@click.argument("out", type=FOLDER)
@click.option(
    "--size",
    nargs=2,
    type=int,
    default=(128, 160),
    metavar="Y X",
    show_default=True,
    help="Rows and columns.",
)
@click.option("--energies", type=int, default=210, show_default=True, help="How many.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed is another sample.")
@click.option("--multipage", is_flag=True, help="One file a kind of image in place of one an energy.")
def phantom(out: Path, size: tuple[int, int], energies: int, seed: int, multipage: bool) -> None:
    """Simulate a measurement with a known answer, as TIFF files in the folder OUT."""
    from xafsflow.phantom import Phantom, write_phantom

    made = Phantom(size=size, energies=energies, seed=seed)
    with watching() as watch:
        write_phantom(
            made, out, multipage=multipage, progress=lambda done, total: watch("images", done / total)
        )
    click.echo(out)


@click.command()
@click.argument("run", type=FOLDER)
@click.option(
    "--to", "kind", type=click.Choice(["csv", "tiff", "ome-tiff", "png"]), required=True, help="Format."
)
@click.option("--out", type=FOLDER, help="Folder for the files; default RUN-KIND beside the run.")
def export(run: Path, kind: str, out: Path | None) -> None:
    """Write the maps of a finished RUN in another format."""
    from xafsflow.exports import write
    from xafsflow.flow import finished_maps
    from xafsflow.store.verify import named

    out = out or run.with_name(f"{run.name}-{kind}")
    with named(run):
        for path in write(finished_maps(run), kind, out):
            click.echo(path)


@click.command()
@click.argument("run", type=FOLDER)
def report(run: Path) -> None:
    """Write the report of a finished RUN again."""
    from xafsflow import flow

    click.echo(flow.report_again(run))


@click.command()
@click.option("--out", type=FOLDER, default=Path("xafsflow-demo"), show_default=True, help="New folder.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed is another sample.")
def demo(out: Path, seed: int) -> None:
    """Simulate a measurement, analyze it, and lay what was found beside what is true."""
    from xafsflow import demo as demonstration

    with watching() as watch:
        table = demonstration.demonstrate(out, seed, watch)
    for line in table:
        click.echo(line)
