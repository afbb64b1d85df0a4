"""From the entries of a recipe to a plan: steps found, settings checked, every product there in time."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xafsflow.pipeline.entries import AS, NAME, USE, PlannedStep, Settings, entry_names
from xafsflow.pipeline.entry_order import order
from xafsflow.pipeline.setting_types import check_setting, convert, describe_type, quoted
from xafsflow.pipeline.strict_yaml import Mark, Node
from xafsflow.step_table import STEPS, Step
from xafsflow.vocabulary import nearest


@dataclass(frozen=True)
class Draft:
    """One item of a recipe's steps as it was written; the settings are a mapping."""

    name: str
    settings: Node
    mark: Mark

    @property
    def given(self) -> Mapping[str, Node]:
        """What stands beside the step's name, by key."""
        return self.settings.value if isinstance(self.settings.value, dict) else {}

    @property
    def label(self) -> str | None:
        """The name at `as`, where it is one."""
        name = self.given[AS].value if AS in self.given else None
        return name if isinstance(name, str) and NAME.fullmatch(name) else None

    @property
    def use(self) -> tuple[str, ...]:
        """The names at `use`, where they are names."""
        use = self.given[USE].plain() if USE in self.given else []
        return tuple(name for name in (use if isinstance(use, list) else [use]) if isinstance(name, str))


def table() -> Mapping[str, Step]:
    """The table of all steps, filled: the stations register their steps when they are imported."""
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
        others, so that one misspelling is one problem.
    """
    steps = table()
    names = entry_names((draft.name, draft.label) if draft else ("", "") for draft in drafts)
    plan: list[PlannedStep | None] = []
    for index, (draft, entry) in enumerate(zip(drafts, names, strict=True)):
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
            row = steps[close[0]] if close else None
            settings = {key: _default(row, key) for key in row.settings} if row else {}
        else:
            settings = _settings(row, draft, path, problems)
            _check_names(draft.given, path, problems)
        marks = draft.settings.keys
        plan.append(
            PlannedStep(row, settings, entry, draft.label, draft.use, draft.mark, marks) if row else None
        )
    return order(plan, problems)


def _check_names(given: Mapping[str, Node], path: str, problems: list[str]) -> None:
    """`as` is a name, `use` is one or several."""
    if AS in given:
        name = given[AS].plain()
        if not (isinstance(name, str) and NAME.fullmatch(name)):
            problems.append(
                f"{given[AS].mark}: {path}.{AS}: found {quoted(name)}; expected: a name of small letters, numbers "
                "and underscores that begins with a letter"
            )
    use = given[USE].plain() if USE in given else "entry"
    several = use if isinstance(use, list) else [use]
    if not several or not all(isinstance(name, str) for name in several):
        problems.append(
            f"{given[USE].mark}: {path}.{USE}: found {quoted(use)}; expected: the name of an entry, or a list of names"
        )


def _settings(row: Step, draft: Draft, path: str, problems: list[str]) -> Settings:
    """The settings in the order of the signature; a wrong one counts as its default from here on."""
    given = draft.given
    for key in given:
        if key not in row.settings and key not in (AS, USE):
            near, has = nearest(key, row.settings), ", ".join(row.settings) or "no settings"
            problems.append(
                f"{draft.settings.keys[key]}: {path}.{key}: found the setting '{key}', "
                f"which {row.name} does not have{near}; it has: {has}"
            )
    filled: Settings = {}
    for key, parameter in row.settings.items():
        wrong: list[str] = []
        if key in given:
            filled[key] = check_setting(given[key], row.types[key], f"{path}.{key}", wrong)
        elif parameter.default is inspect.Parameter.empty:
            wanted = describe_type(row.types[key])
            wrong.append(
                f"{draft.mark}: {path}: found {row.name} without its setting '{key}'; expected: {wanted}"
            )
        if wrong or key not in given:
            filled[key] = _default(row, key)
        problems.extend(wrong)
    return filled


def _default(row: Step, key: str) -> object:
    """A default as if it were written out, so that both make one recipe; None where there is none."""
    default = row.settings[key].default
    return None if default is inspect.Parameter.empty else convert(default, row.types[key])
