"""From the items of a recipe to a plan: steps found, settings checked, every product there in time."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xafsflow.pipeline.setting_types import check_setting, convert, describe_type, quoted
from xafsflow.pipeline.strict_yaml import Mark, Node
from xafsflow.step_table import PRODUCTS, STEPS, Step
from xafsflow.vocabulary import nearest

# Made by the runner: the maps of any cube, and what the steps so far have found
RUNNER_MAKES = {"maps": "cube", "findings": "data", "run": "data"}


@dataclass(frozen=True)
class PlannedStep:
    """A step with all its settings, defaults filled in, and its place in the recipe (not compared)."""

    step: Step
    settings: dict[str, Any]
    mark: Mark = field(compare=False)

    @property
    def line(self) -> int:
        """The line of the step in the recipe, from 1."""
        return self.mark.line

    @property
    def column(self) -> int:
        """The column of the step's name in the recipe, from 1."""
        return self.mark.column


@dataclass(frozen=True)
class Draft:
    """One item of a recipe's steps as it was written; the settings are a mapping."""

    name: str
    settings: Node
    mark: Mark


def table() -> Mapping[str, Step]:
    """The table of all steps, filled: the stations enter themselves when they are imported."""
    importlib.import_module("xafsflow.steps")
    return STEPS


def bind(drafts: Sequence[Draft | None], problems: list[str]) -> tuple[PlannedStep, ...]:
    """Bind items to the table of steps, fill in defaults, and check names, types and order.

    Parameters
    ----------
    drafts
        The items in the order of the recipe; None for what is no step at all.
    problems
        Gets one line for each problem. An unknown step counts as its nearest name in the checks of the
        others, so that one slip of the pen is one problem.
    """
    steps = table()
    plan: list[PlannedStep | None] = []
    for index, draft in enumerate(drafts):
        if draft is None:
            plan.append(None)
            continue
        path = f"steps.{index}"
        row = steps.get(draft.name)
        if row is None:
            problems.append(
                f"{draft.mark}: {path}: found the step {quoted(draft.name)}, which does not exist"
                f"{nearest(draft.name, steps)}; do: `xafsflow steps` lists them"
            )
            close = difflib.get_close_matches(draft.name, steps, n=1, cutoff=0.75)
            plan.append(_stand_in(steps[close[0]], draft) if close else None)
        else:
            plan.append(PlannedStep(row, _settings(row, draft, path, problems), draft.mark))
    _check_order(plan, problems)
    return tuple(planned for planned in plan if planned is not None)


def _stand_in(row: Step, draft: Draft) -> PlannedStep:
    return PlannedStep(row, {key: _default(row, key) for key in row.settings}, draft.mark)


def _settings(row: Step, draft: Draft, path: str, problems: list[str]) -> dict[str, Any]:
    """The settings in the order of the signature; a wrong one counts as its default from here on."""
    given: Any = draft.settings.value
    for key in given:
        if key not in row.settings:
            near, has = nearest(key, row.settings), ", ".join(row.settings) or "no settings"
            problems.append(
                f"{draft.settings.keys[key]}: {path}.{key}: found the setting '{key}', "
                f"which {row.name} does not have{near}; it has: {has}"
            )
    filled: dict[str, Any] = {}
    for key, parameter in row.settings.items():
        wrong: list[str] = []
        if key in given:
            filled[key] = check_setting(given[key], row.types[key], f"{path}.{key}", wrong)
        elif parameter.default is inspect.Parameter.empty:
            wanted = describe_type(row.types[key])
            wrong.append(
                f"{draft.mark}: {path}: found {row.name} without its setting '{key}'; wanted: {wanted}"
            )
        if wrong or key not in given:
            filled[key] = _default(row, key)
        problems.extend(wrong)
    return filled


def _default(row: Step, key: str) -> Any:
    """A default as if it were written out, so that both make one recipe; None where there is none."""
    default = row.settings[key].default
    return None if default is inspect.Parameter.empty else convert(default, row.types[key])


def _check_order(plan: Sequence[PlannedStep | None], problems: list[str]) -> None:
    """Every product and variable that a step takes must come from a step before it; each is missed once."""
    have = {"data"}
    variables: set[str] | None = set()
    for index, planned in enumerate(plan):
        if planned is None:
            return  # nobody knows what it would have made
        row, place = planned.step, f"{planned.mark}: steps.{index}: found {planned.step.name}"
        for product in row.takes:
            source = RUNNER_MAKES.get(product, product)
            if source not in have:
                problems.append(
                    f"{place}, which takes the {product}, and no step before it makes the {source}; "
                    f"do: put {_makers(source)} before it"
                )
                have.add(source)
                variables = None if source == "cube" else variables
        if "cube" in row.takes and variables is not None:
            for name in row.filled(row.needs, planned.settings):
                if name not in variables:
                    problems.append(f"{place}, which needs the variable {name}, {_givers(name, variables)}")
                    variables.add(name)
        if "cube" in row.makes:
            variables = variables if "cube" in row.takes else set()
            if variables is not None:
                variables.update(row.filled(row.gives, planned.settings))
        have.update(row.makes)


def _makers(product: str) -> str:
    found = sorted(row.name for row in table().values() if product in row.makes and product not in row.takes)
    return " or ".join(found) or f"a step that makes the {product} ({PRODUCTS[product]})"


def _givers(name: str, variables: set[str]) -> str:
    """What to do about a variable that is not there."""
    found = sorted(row.name for row in table().values() if name in row.gives)
    if found:
        return f"and no step before it gives it; do: put {' or '.join(found)} before it"
    there = ", ".join(sorted(variables)) or "none"
    return f"which no step gives{nearest(name, variables)}; the variables so far: {there}"
