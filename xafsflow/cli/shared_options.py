"""Options and arguments that several commands have, and what they open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from xafsflow.io.remote.urls import checked, is_url, last_part
from xafsflow.progress import ProgressCallback

if TYPE_CHECKING:
    from distributed import Client

    from xafsflow.cluster import WorkerNeed
    from xafsflow.io.folders import Folders
    from xafsflow.pipeline.recipe import Recipe

Command = TypeVar("Command", bound=Callable[..., object])

LOCAL_PATH = click.Path(path_type=Path)


class _FolderOrUrl(click.ParamType):  # type: ignore[type-arg]
    """A folder, or the URL of one as text: a path would have one slash where a URL has two."""

    name = "folder or url"

    def convert(
        self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path | str:
        """A checked URL, or a path."""
        return checked(str(value)) if is_url(value) else Path(value)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What the help calls it."""
        return "PLACE"


FOLDER_OR_URL = _FolderOrUrl()


def recipe_options(command: Command) -> Command:
    """The arguments that `run` and `check` share."""
    for option in reversed(
        (
            click.argument("recipe", type=LOCAL_PATH),
            click.option(
                "--data", type=FOLDER_OR_URL, required=True, help="Folder or URL of the measurement."
            ),
            click.option("--references", type=FOLDER_OR_URL, help="Folder or URL of the reference spectra."),
            click.option(
                "--set",
                "overrides",
                multiple=True,
                metavar="ENTRY.SETTING=VALUE",
                help="Replace a setting of the recipe.",
            ),
        )
    ):
        command = option(command)
    return command


def cluster_options(command: Command) -> Command:
    """Where `run` and `batch` compute, and what `check` estimates for."""
    cluster = click.option(
        "--cluster",
        default="threads",
        show_default=True,
        metavar="KIND",
        help="Where to compute: threads, local, slurm, kubernetes, or a running scheduler given as tcp://HOST:PORT, "
        "tls://HOST:PORT or file:PATH.",
    )
    workers = click.option(
        "--workers", type=click.IntRange(1), help="Number of processes, jobs or pods to start."
    )
    return cluster(workers(command))


def load_with_overrides(recipe: Path, overrides: tuple[str, ...], data: Path | str) -> Recipe:
    """A recipe with the settings of `--set` in place; problems name the files of the data that may cure them."""
    from xafsflow.errors import RecipeError
    from xafsflow.io.likely_files import with_likely_files
    from xafsflow.pipeline.recipe import apply_overrides, load_recipe

    try:
        loaded = load_recipe(recipe)
        return apply_overrides(loaded, overrides) if overrides else loaded
    except RecipeError as error:
        if not isinstance(data, Path):
            raise
        raise RecipeError(with_likely_files(one, data) for one in error.problems) from None


@contextmanager
def open_folders(
    data: Path | str, references: Path | str | None, report_progress: ProgressCallback
) -> Iterator[Folders]:
    """The folders of a run; what lies at URLs is downloaded."""
    if isinstance(data, Path) and (references is None or isinstance(references, Path)):
        from xafsflow.io.folders import Folders

        yield Folders(data, references)
        return
    from xafsflow.io.remote.mirror import folders_of

    with folders_of(data, references, report_progress) as folders:
        yield folders


@contextmanager
def open_run(run: Path | str, report_progress: ProgressCallback, *, change: bool = False) -> Iterator[Path]:
    """The folder of a finished run; a copy if it lies at a URL, from which changes are uploaded."""
    if isinstance(run, Path):
        yield run
        return
    from xafsflow.io.remote.publish import changed_at, finished_at

    with (changed_at if change else finished_at)(run, report_progress) as folder:
        yield folder


@contextmanager
def open_command_cluster(
    cluster: str,
    workers: int | None,
    out: Path | str,
    report_progress: ProgressCallback,
    worker_need: Callable[[], WorkerNeed | None] = lambda: None,
) -> Iterator[Client | None]:
    """The cluster of a command; threads need none, nor the packages for one.

    Parameters
    ----------
    worker_need
        Finds what a worker must hold; called for a cluster only.
    """
    if cluster == "threads" and workers is None:
        import dask.threaded

        # Not as a name, nor left to dask: it would import distributed, 0.1 s, to look for a client.
        with dask.config.set(scheduler=dask.threaded.get):
            yield None
        return
    from xafsflow.cluster import open_cluster

    # Beside the folder of the run, in which nothing else may lie; for a run at a URL, where the command is called.
    beside = out.resolve() if isinstance(out, Path) else Path(last_part(out)).resolve()
    with open_cluster(
        cluster,
        workers=workers,
        need=worker_need(),
        folder=beside.with_name(f"{beside.name}-cluster"),
        report_progress=report_progress,
    ) as client:
        yield client
