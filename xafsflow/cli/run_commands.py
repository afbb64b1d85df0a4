"""Commands beside the way from a measurement to its maps: simulate, demonstrate, export, report again, verify."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from xafsflow.cli.progress_display import ProgressDisplay
from xafsflow.errors import ComputationError
from xafsflow.files import refuse_links
from xafsflow.io.remote.urls import checked, is_url, last_part
from xafsflow.io.writers import WRITERS

FOLDER = click.Path(path_type=Path)


class _Place(click.ParamType):  # type: ignore[type-arg]
    """A folder, or the URL of one as text: a path would have one slash where a URL has two."""

    name = "folder or url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | str:
        """A checked URL, or a path."""
        return checked(value) if is_url(value) else Path(value)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What the help calls it."""
        return "PLACE"


PLACE = _Place()


@contextmanager
def _finished(run: Path | str, report_progress: Any, *, change: bool = False) -> Iterator[Path]:
    """The folder of a run; of one at a URL a copy, from which changes go back."""
    if isinstance(run, Path):
        yield run
        return
    from xafsflow.io.remote.publish import changed_at, finished_at

    with (changed_at if change else finished_at)(run, report_progress) as folder:
        yield folder


@click.command()
@click.argument("run", type=PLACE)
@click.option("--repair", "mend", is_flag=True, help="Compute what is damaged again, from the sources.")
@click.option("--data", type=PLACE, help="Where the measurement lies, if it has moved.")
@click.option("--references", type=PLACE, help="Where the references lie, if they have moved.")
def verify(run: Path | str, mend: bool, data: Path | str | None, references: Path | str | None) -> None:
    """Check every chunk of a RUN's cube and maps against its checksum; status 1 where one is damaged."""
    from xafsflow.store.verify import damages, look

    with ProgressDisplay() as report_progress, _finished(run, report_progress, change=mend) as folder:
        look(folder)
        found = list(damages(folder, report_progress))
        if found and mend:
            _repair(folder, found, data, references, report_progress)
    for one in found:
        click.echo(one)
    if not found:
        click.echo("every chunk is as it was written")
    elif mend:
        click.echo(f"{len(found)} damaged, computed again")
    else:
        raise ComputationError(
            f"{len(found)} damaged", "chunks as they were written", f"run `xafsflow verify {run} --repair`"
        )


def _repair(
    run: Path, found: Any, data: Path | str | None, references: Path | str | None, report_progress: Any
) -> None:
    from xafsflow.io.remote.mirror import sources_of
    from xafsflow.pipeline.repair import repair

    with sources_of(run, data, references, report_progress) as (scan, spectra):
        repair(run, found, data=scan, references=spectra, report_progress=report_progress)


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
    with ProgressDisplay() as report_progress:
        write_phantom(
            made,
            out,
            multipage=multipage,
            progress=lambda done, total: report_progress("images", done / total),
        )
    click.echo(out)


@click.command()
@click.argument("run", type=PLACE)
@click.option("--to", "kind", type=click.Choice(list(WRITERS)), required=True, help="Format.")
@click.option(
    "--out",
    type=FOLDER,
    help="Folder for the files; default RUN-KIND, beside the run, or here for one at a URL.",
)
def export(run: Path | str, kind: str, out: Path | None) -> None:
    """Write the maps of a finished RUN in another format."""
    from xafsflow.io.writers import write
    from xafsflow.pipeline.execution import finished_maps
    from xafsflow.store.verify import named

    beside = run if isinstance(run, Path) else Path(last_part(run))
    if out is None:
        out = beside.with_name(f"{beside.name}-{kind}")
        refuse_links(out, 0)
    with ProgressDisplay() as report_progress, _finished(run, report_progress) as folder, named(folder):
        paths = list(write(finished_maps(folder), kind, out))
    for path in paths:
        click.echo(path)


@click.command()
@click.argument("run", type=PLACE)
def report(run: Path | str) -> None:
    """Write the report of a finished RUN again."""
    from xafsflow.pipeline import execution as flow

    with ProgressDisplay() as report_progress, _finished(run, report_progress, change=True) as folder:
        page = flow.report_again(folder)
    click.echo(page if isinstance(run, Path) else f"{run}/{page.name}")


@click.command()
@click.option("--out", type=FOLDER, default=Path("xafsflow-demo"), show_default=True, help="New folder.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed is another sample.")
def demo(out: Path, seed: int) -> None:
    """Simulate a measurement, analyze it, and lay what was found beside what is true."""
    from xafsflow.cli import demonstration

    with ProgressDisplay() as report_progress:
        table = demonstration.demonstrate(out, seed, report_progress)
    for line in table:
        click.echo(line)
