"""Recipes: read the YAML, bind every setting to its step, and check everything before a pixel is read.

All errors of a recipe are reported together, each with its line and column and the nearest right name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from xafsflow.errors import InputError, RecipeError
from xafsflow.files import sha256_of
from xafsflow.pipeline.entries import PlannedStep
from xafsflow.pipeline.plan import Draft, bind
from xafsflow.pipeline.setting_types import quoted
from xafsflow.pipeline.strict_yaml import MAX_BYTES, Node, located, read_yaml, write_yaml
from xafsflow.vocabulary import nearest

VERSION = 1
MAX_STEPS = 1000
KEYS = ("recipe", "name", "description", "steps")


@dataclass(frozen=True)
class Recipe:
    """A checked recipe. Two recipes are equal when they do the same, wherever their lines stand."""

    plan: tuple[PlannedStep, ...]
    name: str = ""
    description: str = ""
    source: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 over the steps and all their settings: equal for recipes that do the same.

        The order within a setting counts, for the order of references is the order of the answer.
        """
        steps = [[p.step.name, p.written] for p in self.plan]
        return sha256_of(json.dumps(steps, separators=(",", ":")))

    def to_yaml(self) -> str:
        """The recipe as it runs, every default written out; `parse_recipe` gives an equal recipe back."""
        texts = {"name": self.name, "description": self.description}
        given = {key: text for key, text in texts.items() if text}
        steps = [{p.step.name: p.written} if p.written else p.step.name for p in self.plan]
        return write_yaml({"recipe": VERSION, **given, "steps": steps})


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe file.

    Raises
    ------
    InputError
        If there is no such file, or it is no UTF-8 text of at most 1 MB.
    RecipeError
        If the recipe is wrong; it holds every problem found.
    """
    path = Path(path)
    if not path.is_file():
        near = nearest(path.name, (entry.name for entry in path.parent.glob("*.y*ml")))
        raise InputError(f"no recipe file {path}{near}", "a YAML file", "check the path")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise InputError(f"{path} of {size} bytes", f"a recipe of at most {MAX_BYTES}", "check the path")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}, byte {error.start} not UTF-8", "UTF-8", "save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "a readable file", "check its permissions") from error
    return parse_recipe(text, str(path))


def parse_recipe(text: str, source: str) -> Recipe:
    r"""Read and check the text of a recipe.

    Parameters
    ----------
    text
        YAML: `recipe: 1`, `steps:` a list whose items are a step's name or `name: {settings}`; optional texts
        `name` and `description`. Beside the settings, `as:` names the entry and `use:` the entries that it uses.
    source
        What messages call the text.

    Raises
    ------
    RecipeError
        If the recipe is wrong; it holds every problem found.

    Examples
    --------
    >>> parse_recipe("recipe: 1\nsteps: [ingest.tif_stak]", "recipe.yaml")
    Traceback (most recent call last):
    ...
    xafsflow.errors.RecipeError: recipe.yaml:2:9: steps.0: found the step 'ingest.tif_stak', which does not...
    """
    problems: list[str] = []
    root = read_yaml(text, source, problems)
    if root is None:
        raise RecipeError(problems)
    top = _top(root, problems)
    plan = bind(_drafts(top["steps"], problems), problems) if "steps" in top else ()
    name, description = (_text(top, key, problems) for key in ("name", "description"))
    if problems:
        raise RecipeError(problems)
    return Recipe(plan, name, description, source)


def apply_overrides(recipe: Recipe, overrides: Iterable[str]) -> Recipe:
    """The recipe with some settings replaced, checked anew.

    Parameters
    ----------
    recipe
        A checked recipe; it stays as it is.
    overrides
        Texts `ENTRY.SETTING=VALUE` with the value in YAML. An entry has the name at its `as`, or that of its step:
        `correct.average`, and `correct.average_2` for a second one.

    Raises
    ------
    RecipeError
        If an override names no setting of the recipe, or the changed recipe is wrong.
    """
    problems: list[str] = []
    drafts = {p.entry: Draft(p.step.name, located(p.written, p.mark), p.mark) for p in recipe.plan}
    for override in overrides:
        _override(drafts, override, problems)
    plan = bind(list(drafts.values()), problems)
    if problems:
        raise RecipeError(problems)
    return Recipe(plan, recipe.name, recipe.description, recipe.source)


def _override(drafts: dict[str, Draft], override: str, problems: list[str]) -> None:
    target, equals, value = override.partition("=")
    label = f"--set {target.strip()}"
    entry, _, setting = target.strip().rpartition(".")
    if not (equals and entry and setting):
        problems.append(f"{label}: found {quoted(override)}; expected: ENTRY.SETTING=VALUE")
        return
    if entry not in drafts:
        near = nearest(entry, drafts)
        problems.append(f"{label}: found the entry {entry!r}, which the recipe does not have{near}")
        return
    node = read_yaml(value or "null", label, problems)
    if node is not None:
        draft = drafts[entry]
        values = {**draft.given, setting: node}
        keys = {**draft.settings.keys, setting: node.mark}
        drafts[entry] = Draft(draft.name, Node(values, draft.mark, keys), draft.mark)


def _top(root: Node, problems: list[str]) -> dict[str, Node]:
    """The entries of the uppermost level."""
    if not isinstance(root.value, dict):
        problems.append(f"{root.mark}: found no keys; expected: a mapping with the keys 'recipe' and 'steps'")
        return {}
    for key, mark in root.keys.items():
        if key not in KEYS:
            problems.append(
                f"{mark}: {key}: found the key {key!r}{nearest(key, KEYS)}; expected: {', '.join(KEYS)}"
            )
    version = root.value.get("recipe")
    if version is None or isinstance(version.plain(), bool) or version.plain() != VERSION:
        mark = root.mark if version is None else version.mark
        found = "no key 'recipe'" if version is None else quoted(version.plain())
        problems.append(
            f"{mark}: recipe: found {found}; expected: `recipe: {VERSION}`, the version of the format"
        )
    if "steps" not in root.value:
        problems.append(f"{root.mark}: steps: found no key 'steps'; expected: a list of steps")
    return root.value


def _text(top: dict[str, Node], key: str, problems: list[str]) -> str:
    node = top.get(key)
    value = "" if node is None else node.plain()
    if isinstance(value, str):
        return value
    problems.append(f"{top[key].mark}: {key}: found {quoted(value)}; expected: text")
    return ""


def _drafts(steps: Node, problems: list[str]) -> list[Draft | None]:
    """The items of `steps`; None in the place of what is no step at all."""
    items = steps.value
    if isinstance(items, list) and 0 < len(items) <= MAX_STEPS:
        return [_draft(item, f"steps.{index}", problems) for index, item in enumerate(items)]
    found = f"{len(items)} items" if isinstance(items, list) else quoted(steps.plain())
    problems.append(f"{steps.mark}: steps: found {found}; expected: a list of 1 to {MAX_STEPS} steps")
    return []


def _draft(item: Node, path: str, problems: list[str]) -> Draft | None:
    if isinstance(item.value, str):
        return Draft(item.value, Node({}, item.mark), item.mark)
    if not isinstance(item.value, dict) or len(item.value) != 1:
        found = f"the keys {', '.join(item.value)}" if isinstance(item.value, dict) else quoted(item.plain())
        problems.append(
            f"{item.mark}: {path}: found {found}; expected: the name of a step, or one name with its settings; "
            "do: indent the settings deeper than the name"
        )
        return None
    ((name, settings),) = item.value.items()
    if settings.value is None:
        settings = Node({}, settings.mark)
    if not isinstance(settings.value, dict):
        found = quoted(settings.plain())
        problems.append(f"{settings.mark}: {path}: found {found} for {name}; expected: a mapping of settings")
        return None
    return Draft(name, settings, item.keys[name])
