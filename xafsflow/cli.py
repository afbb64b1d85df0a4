"""The command line; steps and settings are read off the table of steps."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from xafsflow.flow import Watch

FOLDER = click.Path(path_type=Path)
# Exit status, see the README.
FAILED, WRONG, INTERRUPTED = 1, 2, 130


class Commands(click.Group):
    """Commands whose errors are one message and an exit status."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what a user can get wrong ends in a message, not in a traceback."""
        from xafsflow.errors import ComputationError, InputError

        try:
            return super().invoke(ctx)
        except InputError as error:
            _stop(str(error), WRONG)
        except ComputationError as error:
            _stop(str(error), FAILED)
        except (OSError, MemoryError) as error:
            _stop(f"{type(error).__name__}: {error}", FAILED)
        except KeyboardInterrupt:
            _stop("interrupted; the same command goes on", INTERRUPTED)


def _stop(message: str, status: int) -> None:
    click.echo("\n".join(f"xafsflow: {line}" for line in message.splitlines()), err=True)
    sys.exit(status)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="xafsflow")
def main() -> None:
    """Chemical-state maps from imaging XAFS.

    Exit status: 0 done; 1 a computation failed; 2 the call, recipe or input is wrong; 130 interrupted.
    """


def _recipe_options(command: Any) -> Any:
    """The arguments that `run` and `check` share."""
    for option in reversed(
        (
            click.argument("recipe", type=FOLDER),
            click.option("--data", type=FOLDER, required=True, help="Folder of the measurement."),
            click.option("--references", type=FOLDER, help="Folder of the reference spectra."),
            click.option(
                "--set", "overrides", multiple=True, metavar="STEP.SETTING=VALUE", help="Replace a setting."
            ),
        )
    ):
        command = option(command)
    return command


def _load(recipe: Path, overrides: tuple[str, ...]) -> Any:
    from xafsflow.recipe import apply_overrides, load_recipe

    loaded = load_recipe(recipe)
    return apply_overrides(loaded, overrides) if overrides else loaded


@main.command()
@_recipe_options
@click.option(
    "--out", type=FOLDER, required=True, help="Folder of the run; new, empty, or of the same run unfinished."
)
@click.option("--fresh", is_flag=True, help="Remove what an earlier run left in the folder.")
def run(
    recipe: Path, data: Path, references: Path | None, overrides: tuple[str, ...], out: Path, fresh: bool
) -> None:
    """Run a RECIPE on a measurement."""
    from xafsflow import flow
    from xafsflow.readers.folders import Folders

    loaded = _load(recipe, overrides)
    with watching() as watch:
        products = flow.run(loaded, Folders(data, references), out, fresh=fresh, watch=watch)
    click.echo(products.get("page", out))


@main.command()
@_recipe_options
def check(recipe: Path, data: Path, references: Path | None, overrides: tuple[str, ...]) -> None:
    """Find what is wrong with a RECIPE and its data before a pixel is read, and tell what a run would cost."""
    from xafsflow import flow
    from xafsflow.cost import estimate
    from xafsflow.readers.folders import Folders

    loaded = _load(recipe, overrides)
    products = flow.preview(loaded, Folders(data, references))
    click.echo(f"{recipe}: {len(loaded.plan)} steps, no problem found")
    for line in estimate(products):
        click.echo(line)


@main.command()
def steps() -> None:
    """List all steps."""
    from xafsflow.plan import table

    rows = table().values()
    width = max(len(row.name) for row in rows)
    for row in rows:
        click.echo(f"{row.name:<{width}}  {row.summary}")


@main.command()
@click.argument("step")
def show(step: str) -> None:
    """Show one STEP: what it takes and gives, its settings, its documentation."""
    import inspect

    from xafsflow.errors import InputError
    from xafsflow.names import nearest
    from xafsflow.plan import table
    from xafsflow.settings import describe_type

    row = table().get(step)
    if row is None:
        raise InputError(
            f"the step {step!r}", "a step's name", f"list them with `xafsflow steps`{nearest(step, table())}"
        )
    click.echo(f"{row.name}: {', '.join(row.takes) or 'nothing'} -> {', '.join(row.makes)}")
    for word, names in (("needs", row.needs), ("gives", row.gives)):
        if names:
            click.echo(f"  {word} {', '.join(names)}")
    for name, parameter in row.settings.items():
        default = "required" if parameter.default is parameter.empty else f"default {parameter.default!r}"
        click.echo(f"  {name}: {describe_type(row.types[name])} ({default})")
    click.echo(f"\n{inspect.getdoc(row.function)}")


@main.command()
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


@main.command()
@click.argument("run", type=FOLDER)
@click.option(
    "--to", "kind", type=click.Choice(["csv", "tiff", "ome-tiff", "png"]), required=True, help="Format."
)
@click.option("--out", type=FOLDER, help="Folder for the files; default RUN-KIND beside the run.")
def export(run: Path, kind: str, out: Path | None) -> None:
    """Write the maps of a finished RUN in another format."""
    from xafsflow.exports import write
    from xafsflow.flow import finished_maps

    out = out or run.with_name(f"{run.name}-{kind}")
    for path in write(finished_maps(run), kind, out):
        click.echo(path)


@main.command()
@click.argument("run", type=FOLDER)
def report(run: Path) -> None:
    """Write the report of a finished RUN again."""
    from xafsflow import flow

    click.echo(flow.report_again(run))


@main.command()
@click.option("--out", type=FOLDER, default=Path("xafsflow-demo"), show_default=True, help="New folder.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed is another sample.")
def demo(out: Path, seed: int) -> None:
    """Simulate a measurement, analyze it, and lay what was found beside what is true."""
    from xafsflow import demo as demonstration

    with watching() as watch:
        table = demonstration.demonstrate(out, seed, watch)
    for line in table:
        click.echo(line)


class watching:  # noqa: N801
    """Progress on stderr: a bar on a terminal, else one line a step."""

    def __enter__(self) -> Watch:
        """Start to show."""
        self.bar: Any = None
        if not sys.stderr.isatty():
            return self.tell
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn())
        self.bar = Progress(*columns, console=Console(stderr=True), transient=False)
        self.bar.start()
        self.tasks: dict[str, Any] = {}
        return self.draw

    def __exit__(self, *_: object) -> None:
        """Stop to show."""
        if self.bar is not None:
            self.bar.stop()

    def tell(self, name: str, share: float | None) -> None:
        """A line when a step starts."""
        if share is None:
            click.echo(name, err=True)

    def draw(self, name: str, share: float | None) -> None:
        """A bar a step, that pulses where its length is not known."""
        if name.startswith("warning: "):
            self.bar.console.print(f"[yellow]{name}", highlight=False)
            return
        if name not in self.tasks:
            self.tasks[name] = self.bar.add_task(name, total=None)
        if share is not None:
            self.bar.update(self.tasks[name], total=1.0, completed=share)
