"""The JSON Schema of recipes, made from the table of steps, with which editors complete and check them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TypeAlias

from xafsflow.pipeline.entries import AS, NAME, USE
from xafsflow.pipeline.plan import table
from xafsflow.pipeline.recipe import MAX_STEPS, VERSION
from xafsflow.pipeline.setting_types import describe_type
from xafsflow.step_table import Step

Schema: TypeAlias = dict[str, object]

_TEXT: Schema = {"type": "string"}
_BESIDE: Mapping[str, Schema] = {
    AS: {
        "type": "string",
        "pattern": f"^{NAME.pattern}$",
        "description": "The name of this entry, which later ones may use; its maps get it as a label.",
    },
    USE: {
        "anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}],
        "description": "The entries before this one whose products or labelled maps it takes.",
    },
}


def recipe_schema() -> Schema:
    """The schema of a recipe: all steps with their settings, types, defaults and documentation.

    What it cannot say is whether the products of an entry are there in time; `xafsflow check` says so.

    Examples
    --------
    >>> sorted(recipe_schema()["properties"])
    ['description', 'name', 'recipe', 'steps']
    """
    rows = table()
    alone = [row.name for row in rows.values() if not _required(row)]
    entry: Schema = {
        "anyOf": [
            {"enum": alone},
            {
                "type": "object",
                "properties": {row.name: _settings(row) for row in rows.values()},
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ]
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A recipe of xafsflow",
        "type": "object",
        "properties": {
            "recipe": {"const": VERSION, "description": "The version of the format."},
            "name": _TEXT,
            "description": _TEXT,
            "steps": {"type": "array", "items": entry, "minItems": 1, "maxItems": MAX_STEPS},
        },
        "required": ["recipe", "steps"],
        "additionalProperties": False,
    }


def _required(row: Step) -> list[str]:
    return [key for key, parameter in row.settings.items() if parameter.default is inspect.Parameter.empty]


def _settings(row: Step) -> Schema:
    """The settings of a step; none of them where nothing is required."""
    required = _required(row)
    return {
        "type": "object" if required else ["object", "null"],
        "description": row.summary,
        "properties": {**{key: _setting(row, key) for key in row.settings}, **_BESIDE},
        "required": required,
        "additionalProperties": False,
    }


def _setting(row: Step, key: str) -> Schema:
    from pydantic import ConfigDict, TypeAdapter

    adapter = TypeAdapter(row.types[key], config=ConfigDict(strict=True, allow_inf_nan=False))
    default = row.settings[key].default
    schema: Schema = adapter.json_schema()
    schema["description"] = _meaning(row, key) or describe_type(row.types[key])
    if default is not inspect.Parameter.empty:
        schema["default"] = default
    return schema


def _meaning(row: Step, key: str) -> str:
    """What the docstring says of a setting: the indented lines below a line that names it, alone or among others."""
    lines = (inspect.getdoc(row.function) or "").splitlines()
    at = next((n for n, line in enumerate(lines) if key in (name.strip() for name in line.split(","))), None)
    found = list[str]()
    for line in lines[at + 1 :] if at is not None else ():
        if line and not line.startswith("    "):
            break
        found.append(line.strip())
    return " ".join(found).strip()
