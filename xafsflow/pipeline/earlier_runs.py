"""How long earlier runs of the same steps took on this machine: what the time of the next one is estimated from."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import xarray as xr

from xafsflow.files import cache_folder, sha256_of, write_json
from xafsflow.pipeline.recipe import Recipe
from xafsflow.vocabulary import cube_dims, spectral_axis

# Ways of computing that are remembered; the oldest goes.
MOST = 200


@dataclass(frozen=True)
class EarlierRun:
    """A finished run: the number of values (energies x pixels) of its cube, and the seconds from start to end."""

    values: int
    seconds: float


def cube_values(cube: xr.Dataset) -> int:
    """The number of energies times that of pixels."""
    return math.prod(cube.sizes[dim] for dim in cube_dims(spectral_axis(cube)))


def _key(recipe: Recipe, cluster: str, workers: int | None) -> str:
    """Settings do not count: the next measurement has another edge or other files, and takes about as long."""
    steps = [planned.step.name for planned in recipe.plan]
    return sha256_of(json.dumps([steps, cluster, workers]))


def _file() -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / "runs.json"


def _read(path: Path) -> dict[str, EarlierRun]:
    """What is remembered; nothing where the file is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        runs = {
            str(key): EarlierRun(int(run["values"]), float(run["seconds"])) for key, run in content.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    return {key: run for key, run in runs.items() if run.values > 0 and 0 < run.seconds < math.inf}


def remember_run(recipe: Recipe, cluster: str, workers: int | None, cube: xr.Dataset, seconds: float) -> None:
    """Remember a run that has just finished; where the cache folder cannot be written to, nothing is.

    Parameters
    ----------
    recipe
        Of the run.
    cluster, workers
        As on the command line.
    cube
        Of the run.
    seconds
        From its start to its end.
    """
    path = _file()
    if path is None:
        return
    with contextlib.suppress(OSError):
        run = EarlierRun(cube_values(cube), round(seconds, 3))
        key = _key(recipe, cluster, workers)
        runs = {other: one for other, one in _read(path).items() if other != key} | {key: run}
        write_json(path, {other: asdict(one) for other, one in list(runs.items())[-MOST:]})


def earlier_run(recipe: Recipe, cluster: str = "threads", workers: int | None = None) -> EarlierRun | None:
    """The last run of the same steps that was computed in the same way on this machine; None if none is known."""
    path = _file()
    return None if path is None else _read(path).get(_key(recipe, cluster, workers))
