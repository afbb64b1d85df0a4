"""The schema that editors are given knows the same recipes as the checks do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from xafsflow.cli.main import main
from xafsflow.pipeline.plan import table
from xafsflow.pipeline.recipe import load_recipe
from xafsflow.pipeline.strict_yaml import read_yaml

WORKFLOWS = sorted((Path(__file__).resolve().parents[2] / "workflows").glob("*.yaml"))


@pytest.fixture(scope="module")
def checker() -> Any:
    schema = json.loads(CliRunner().invoke(main, ["steps", "--schema"]).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def plain(text: str) -> Any:
    node = read_yaml(text, "r", [])
    assert node is not None
    return node.plain()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_recipe_schema__takes_every_workflow_as_written_and_as_run(checker: Any, path: Path) -> None:
    checker.validate(plain(path.read_text("utf-8")))
    checker.validate(plain(load_recipe(path).to_yaml()))


@pytest.mark.parametrize(
    "entry",
    [
        "correct.averge",
        "correct.average: {windw: 3}",
        "correct.average: {window: x}",
        "correct.average: {window: 3.5}",
        "ingest.references",
        "train.fit: {as: Forest}",
        "train.fit: {use: []}",
        "{correct.average: {}, correct.flux: {}}",
    ],
)
def test_recipe_schema__refuses_what_the_check_refuses(checker: Any, entry: str) -> None:
    assert not checker.is_valid(plain(f"recipe: 1\nsteps:\n  - {entry}\n"))


def test_recipe_schema__takes_names_and_uses(checker: Any) -> None:
    checker.validate(
        plain(
            "recipe: 1\nsteps:\n  - train.fit: {as: forest, use: train.mixtures}\n  - classify.model: {use: [forest, a]}"
        )
    )


def test_recipe_schema__describes_every_setting(checker: Any) -> None:
    steps = checker.schema["properties"]["steps"]["items"]["anyOf"][1]["properties"]
    assert list(steps) == list(table())
    for step in steps.values():
        assert step["description"]
        assert all(setting["description"] for setting in step["properties"].values())
