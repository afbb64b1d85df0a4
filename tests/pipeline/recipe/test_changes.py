from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError, RecipeError
from xafsflow.pipeline.recipe import Recipe, apply_overrides, load_recipe, parse_recipe

GOOD = Path(__file__).with_name("good.yaml").read_text("utf-8")


def test_apply_overrides__replaces_settings_and_leaves_the_recipe_alone() -> None:
    recipe = parse_recipe(GOOD, "recipe.yaml")
    before = recipe.to_yaml()
    changed = apply_overrides(
        recipe,
        [
            "normalize.edge_step.e0=7111.5",
            "normalize.edge_step.pre=[-100, -20]",
            "ingest.references.files={A: a.r}",
        ],
    )
    assert changed.plan[4].settings["e0"] == 7111.5
    assert changed.plan[4].settings["pre"] == (-100.0, -20.0)
    assert changed.plan[1].settings["files"] == {"A": "a.r"}
    assert recipe.to_yaml() == before
    assert apply_overrides(recipe, ["normalize.edge_step.e0="]).plan[4].settings["e0"] is None
    assert apply_overrides(recipe, []) == recipe


def test_apply_overrides__means_an_entry_by_its_name() -> None:
    twice = "correct.average, correct.average, correct.average: {as: wide}"
    text = f"recipe: 1\nsteps: [ingest.tiff_stack: {{sample: a}}, correct.absorbance, {twice}]"
    recipe = parse_recipe(text, "r")
    changed = apply_overrides(recipe, ["correct.average_2.window=7", "wide.window=9"])
    assert [planned.settings.get("window") for planned in changed.plan[2:]] == [3, 7, 9]
    with pytest.raises(RecipeError, match=r"found the entry 'correct\.average_3', which the recipe"):
        apply_overrides(recipe, ["correct.average_3.window=7"])


def test_apply_overrides__tells_all_problems_at_once() -> None:
    recipe = parse_recipe(GOOD, "recipe.yaml")
    with pytest.raises(RecipeError) as caught:
        apply_overrides(
            recipe,
            [
                "normalize.edge_stp.e0=7112",
                "normalize.edge_step.e00=7112",
                "normalize.edge_step.e0=high",
                "correct.average.window",
                "window=3",
                "ingest.tiff_stack.sample=*.tif",
                "derive.derivative.variable=nrm",
            ],
        )
    assert caught.value.problems == [
        "--set normalize.edge_stp.e0: found the entry 'normalize.edge_stp', which the recipe does not have "
        "(did you mean 'normalize.edge_step'?)",
        "--set correct.average.window: found 'correct.average.window'; expected: ENTRY.SETTING=VALUE",
        "--set window: found 'window=3'; expected: ENTRY.SETTING=VALUE",
        "--set ingest.tiff_stack.sample:1:1: found the alias '*.tif'; expected: plain data; do: put text that "
        "begins with '*' in quotes",
        "--set normalize.edge_step.e00:1:1: steps.4.e00: found the setting 'e00', which normalize.edge_step "
        "does not have (did you mean 'e0'?); it has: e0, pre, method, weights, keep",
        "--set normalize.edge_step.e0:1:1: steps.4.e0: found 'high'; expected: a number or null",
        "recipe.yaml:11:5: steps.5: found derive.derivative, which needs the variable nrm, which no step "
        "gives (did you mean 'norm'?); the variables so far: e0, mu, norm, sample",
    ]


def test_digest__depends_on_what_is_done_and_not_on_how_it_is_written() -> None:
    recipe = parse_recipe(GOOD, "a.yaml")
    written_out = parse_recipe(recipe.to_yaml(), "b.yaml")
    assert written_out.digest == recipe.digest
    assert parse_recipe("# comment\n" + GOOD.replace("iron", "ore"), "c").digest == recipe.digest
    assert parse_recipe(GOOD.replace("e0: 7112", "e0: 7112.0"), "c").digest == recipe.digest
    assert parse_recipe(GOOD.replace("e0: 7112", "e0: 7113"), "c").digest != recipe.digest
    turned = GOOD.replace(
        '{Fe: "references:Fe.xdi", FeO: FeO.xdi}', '{FeO: FeO.xdi, Fe: "references:Fe.xdi"}'
    )
    assert parse_recipe(turned, "c").digest != recipe.digest


number = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    [
        "no",
        "1e-3",
        "12:30",
        "~",
        "null",
        "0o7",
        "0x1F",
        "1_000",
        ".5",
        ".inf",
        "True",
        "*.tif",
        "a: b",
        "- a",
        "#",
        "",
        "\x85",
        "a \u2028 b",
        "a\n\n b ",
    ]
)


@pytest.mark.long
@given(
    e0=st.none() | number,
    pre=st.tuples(st.none() | number, st.none() | number),
    weights=st.lists(number, max_size=4).map(tuple),
    method=st.sampled_from(["edge_step", "flat", "minmax"]),
    title=text,
    files=st.dictionaries(text, text, max_size=4),
    name=text,
)
@settings(max_examples=150, deadline=None)
def test_to_yaml__round_trips(name: str, title: str, files: dict[str, str], **values: Any) -> None:
    recipe = parse_recipe(GOOD, "recipe.yaml")
    recipe.plan[4].settings.update(values)
    recipe.plan[1].settings["files"] = files
    recipe.plan[7].settings["title"] = title
    recipe = Recipe(recipe.plan, name, title)
    again = parse_recipe(recipe.to_yaml(), "again.yaml")
    assert again == recipe
    assert again.digest == recipe.digest
    assert list(cast(dict[str, str], again.plan[1].settings["files"])) == list(files)


fragments = st.sampled_from(list(" \n\t:-[]{},'\"#&*!|>%@`?~.0e")) | st.sampled_from(
    [
        "\n  - ",
        ": ",
        "steps",
        "recipe",
        "e0",
        "correct.average",
        "1e999",
        "null",
        "\\x",
        "\\U99999999",
        "%YAML 9",
        "\x00",
        "\ud800",
        "\u2028",
        "<<",
        "!!set",
        "0x",
        "0o9",
        "- " * 40,
        "[" * 40,
    ]
)


@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 20), fragments), min_size=1, max_size=6))
@settings(max_examples=400, deadline=None)
def test_parse_recipe__gives_only_recipe_errors_for_malformed_recipes(
    cuts: list[tuple[int, int, str]],
) -> None:
    broken = GOOD
    for at, length, piece in cuts:
        broken = broken[:at] + piece + broken[at + length :]
    problems: list[str] = []
    try:
        recipe = parse_recipe(broken, "recipe.yaml")
    except RecipeError as error:
        problems = error.problems
    else:
        assert parse_recipe(recipe.to_yaml(), "again") == recipe
    assert all(problem.startswith("recipe.yaml:") for problem in problems)


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_load_recipe__gives_only_input_errors_for_any_bytes(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(raw)
    with pytest.raises(InputError):
        load_recipe(path)
