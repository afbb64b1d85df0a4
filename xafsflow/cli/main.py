"""The command line; steps and settings are read off the table of steps."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from xafsflow.cli.progress_display import ProgressDisplay
from xafsflow.cli.quick_imports import uncollected
from xafsflow.cli.run_commands import PLACE, demo, export, phantom, report, verify
from xafsflow.io.remote.urls import last_part

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
            # Python ends by the signal, whatever status it is given, where Ctrl-C came in code made of a text, such as
            # that of a dataclass while a module is imported; until it has run another such text.
            exec("")
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
            click.option("--data", type=PLACE, required=True, help="Folder or URL of the measurement."),
            click.option("--references", type=PLACE, help="Folder or URL of the reference spectra."),
            click.option(
                "--set", "overrides", multiple=True, metavar="STEP.SETTING=VALUE", help="Replace a setting."
            ),
        )
    ):
        command = option(command)
    return command


def _cluster_options(command: Any) -> Any:
    """Where `run` and `batch` compute."""
    kind = click.option(
        "--cluster",
        default="threads",
        show_default=True,
        metavar="KIND",
        help="threads, local, slurm, kubernetes, tcp://HOST:PORT, tls://HOST:PORT or file:PATH of a scheduler.",
    )
    workers = click.option("--workers", type=click.IntRange(1), help="Processes, jobs or pods to start.")
    return kind(workers(command))


def _load(recipe: Path, overrides: tuple[str, ...]) -> Any:
    from xafsflow.pipeline.recipe import apply_overrides, load_recipe

    loaded = load_recipe(recipe)
    return apply_overrides(loaded, overrides) if overrides else loaded


@main.command()
@_recipe_options
@click.option(
    "--out",
    type=PLACE,
    required=True,
    help="Folder or URL of the run; new, empty, or of the same run unfinished.",
)
@_cluster_options
@click.option("--fresh", is_flag=True, help="Remove what an earlier run left in the folder; says what.")
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
    with uncollected():
        from xafsflow.pipeline import execution as flow

        loaded = _load(recipe, overrides)
    with (
        ProgressDisplay() as report_progress,
        _folders(data, references, report_progress) as folders,
        _opened(cluster, workers, out, report_progress, lambda: flow.preview(loaded, folders)),
    ):
        if isinstance(out, Path):
            done = flow.run(loaded, folders, out, fresh=fresh, report_progress=report_progress).get(
                "page", out
            )
        else:
            from xafsflow.io.remote import publish

            done = publish.run(loaded, folders, out, fresh=fresh, report_progress=report_progress)
    click.echo(done)


@contextmanager
def _folders(data: Path | str, references: Path | str | None, report_progress: Any) -> Iterator[Any]:
    """The folders of a run; what lies at URLs is fetched."""
    if isinstance(data, Path) and (references is None or isinstance(references, Path)):
        from xafsflow.io.folders import Folders

        yield Folders(data, references)
        return
    from xafsflow.io.remote.mirror import folders_of

    with folders_of(data, references, report_progress) as folders:
        yield folders


@contextmanager
def _opened(
    kind: str, workers: int | None, out: Path | str, report_progress: Any, look: Callable[[], Any] | None
) -> Iterator[Any]:
    """The cluster of a command; threads need none, nor the packages for one."""
    if kind == "threads" and workers is None:
        import dask.threaded

        # Not as a name, nor left to dask: it would import distributed, 0.1 s, to look for a client.
        with dask.config.set(scheduler=dask.threaded.get):
            yield None
        return
    from xafsflow import cluster
    from xafsflow.pipeline.cost import need_of

    need = need_of(look()) if look is not None else None
    # Beside the folder of the run, in which nothing else may lie; of a run at a URL, where the command is called.
    beside = out.resolve() if isinstance(out, Path) else Path(last_part(out)).resolve()
    folder = beside.with_name(f"{beside.name}-cluster")
    with cluster.opened(
        kind, workers=workers, need=need, folder=folder, report_progress=report_progress
    ) as client:
        yield client


@main.command()
@_recipe_options
@_cluster_options
def check(
    recipe: Path,
    data: Path | str,
    references: Path | str | None,
    overrides: tuple[str, ...],
    cluster: str,
    workers: int | None,
) -> None:
    """Find what is wrong with a RECIPE and its data before a pixel is read, and tell what a run would cost."""
    with uncollected():
        from xafsflow.pipeline import execution as flow
        from xafsflow.pipeline.cost import estimate, foresee, lines_of

        loaded = _load(recipe, overrides)
    with ProgressDisplay() as report_progress, _folders(data, references, report_progress) as folders:
        products = flow.preview(loaded, folders)
        cost = foresee(loaded, products, cluster, workers)
        lines = [*estimate(products), *(lines_of(cost, cluster) if cost is not None else ())]
    click.echo(f"{recipe}: {len(loaded.plan)} steps, no problem found")
    for line in lines:
        click.echo(line)


@main.command()
@click.argument("catalog")
@click.argument("recipe", type=FOLDER)
@click.option(
    "--out", type=FOLDER, required=True, help="Folder of the batch; new, empty, or of an earlier start."
)
@click.option(
    "--references", type=PLACE, help="Folder or URL of the reference spectra where the catalog names none."
)
@click.option(
    "--at-most", type=click.IntRange(1), default=1, show_default=True, help="Measurements at a time."
)
@click.option(
    "--retries",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="How often one that failed is tried again; wrong input is not.",
)
@_cluster_options
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
    """Run a RECIPE on every measurement of a CATALOG: a CSV file, or a quoted pattern such as "scans/*"."""
    from xafsflow.campaign import batch as batches
    from xafsflow.campaign.catalog import read_catalog
    from xafsflow.campaign.run_status import table

    measurements = read_catalog(catalog, references, out)
    settings: dict[str, Any] = {"at_most": at_most, "retries": retries}
    with _opened(cluster, workers, out, lambda name, _: click.echo(name, err=True), None) as client:
        done = batches.run(
            measurements, recipe, out, client=client, tell=lambda line: click.echo(line, err=True), **settings
        )
    for line in table(done.out, done.rows, done.worked):
        click.echo(line)
    if not done.complete:
        sys.exit(FAILED)


@main.command()
@click.argument("path", metavar="RUN|DIR", type=PLACE)
def status(path: Path | str) -> None:
    """Tell how a run or a batch stands."""
    from xafsflow.campaign import run_status as standing

    if isinstance(path, Path):
        lines = standing.status(path)
    else:
        from xafsflow.io.remote.publish import glimpsed

        with glimpsed(path) as folder:
            lines = standing.status(folder)
    for line in lines:
        click.echo(line)


@main.command()
def steps() -> None:
    """List all steps."""
    from xafsflow.pipeline.plan import table

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
    from xafsflow.pipeline.plan import table
    from xafsflow.pipeline.setting_types import describe_type
    from xafsflow.vocabulary import nearest

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


for command in (phantom, export, report, verify, demo):
    main.add_command(command)


def start() -> None:
    """The command as a process of its own."""
    try:
        main(prog_name="xafsflow")
    finally:
        # All is written and told: Ctrl-C while the interpreter ends would only look like a failure.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
