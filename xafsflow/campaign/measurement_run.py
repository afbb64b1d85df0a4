"""One measurement of a batch, wherever it is computed: checked before, run, and every error an outcome."""

from __future__ import annotations

import json
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from xafsflow.campaign.catalog import Measurement
from xafsflow.campaign.executors import Outcome, Task
from xafsflow.errors import InputError, RecipeError, XafsflowError
from xafsflow.files import refuse_links

if TYPE_CHECKING:
    from xafsflow.pipeline.recipe import Recipe


def check(text: str, source: str, catalog: Sequence[Measurement]) -> None:
    """Check a recipe with the overrides of each measurement; all problems are reported together.

    Raises
    ------
    RecipeError
        The recipe is wrong, or an override is; names the line of the catalog.
    """
    from xafsflow.pipeline.recipe import apply_overrides, parse_recipe

    recipe = parse_recipe(text, source)
    problems: list[str] = []
    lines = {one.overrides: one for one in reversed(catalog) if one.overrides}
    for overrides, one in sorted(lines.items(), key=lambda item: item[1].line):
        try:
            apply_overrides(recipe, override_texts(overrides))
        except RecipeError as error:
            problems += [f"line {one.line} of the catalog: {problem}" for problem in error.problems]
    if problems:
        raise RecipeError(problems)


def run_measurement(task: Task) -> Outcome:
    """Run one measurement in any process; every error becomes an outcome."""
    from xafsflow.io.remote.mirror import folders_of, forget
    from xafsflow.io.remote.urls import is_url
    from xafsflow.pipeline import execution as flow

    try:
        out = Path(task.run)
        refuse_links(out)
        if (record_of(out) or {}).get("state") != "finished":
            recipe = _recipe(task.recipe, task.source, task.overrides)
            with folders_of(task.data, task.references) as folders:
                flow.run(recipe, folders, out)
            if is_url(task.data):
                with suppress(XafsflowError):  # the run is done, whatever the server says now
                    # A disk does not hold a campaign; the references are needed again.
                    forget(task.data)
    except InputError as error:
        return Outcome("wrong", str(error))
    except (XafsflowError, OSError, MemoryError) as error:
        return Outcome("failed", str(error) if isinstance(error, XafsflowError) else describe_error(error))
    except Exception:  # a fault of the program: where it is must not be lost, and the others go on
        return Outcome("failed", traceback.format_exc())
    return Outcome("done")


@lru_cache(maxsize=8)
def _recipe(text: str, source: str, overrides: tuple[str, ...]) -> Recipe:
    from xafsflow.pipeline.recipe import apply_overrides, parse_recipe

    recipe = parse_recipe(text, source)
    return apply_overrides(recipe, overrides) if overrides else recipe


def describe_error(error: BaseException) -> str:
    """An error with its kind.

    Examples
    --------
    >>> describe_error(MemoryError("a block"))
    'MemoryError: a block'
    """
    return f"{type(error).__name__}: {error}"


def override_texts(overrides: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Overrides as the command line takes them.

    Examples
    --------
    >>> override_texts([("derive.derivative.window", "4")])
    ('derive.derivative.window=4',)
    """
    return tuple(f"{target}={value}" for target, value in overrides)


def record_of(run: Path) -> dict[str, object] | None:
    """What a run folder says of itself in `run.json`, or None where it does not."""
    try:
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None
