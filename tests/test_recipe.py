from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

import xafsflow.steps  # noqa: F401  the real steps enter the real table before a test swaps it
from xafsflow.contract import STEPS, Span, step
from xafsflow.errors import InputError, RecipeError
from xafsflow.recipe import Recipe, apply_overrides, load_recipe, parse_recipe


def tiff_stack(data: Any, /, *, sample: str, energies: str | None = None) -> xr.Dataset:
    raise NotImplementedError


def references(data: Any, /, *, files: dict[str, str], offsets: dict[str, float] | None = None) -> xr.Dataset:
    raise NotImplementedError


def absorbance(cube: xr.Dataset, /) -> xr.Dataset:
    raise NotImplementedError


def average(cube: xr.Dataset, /, *, window: Annotated[int, Field(ge=1, le=99)] = 3) -> xr.Dataset:
    raise NotImplementedError


def edge_step(
    cube: xr.Dataset,
    /,
    *,
    e0: float | None = None,
    pre: Span = (-150, -30),
    method: Literal["edge_step", "flat", "minmax"] = "edge_step",
    weights: tuple[float, ...] = (),
    keep: bool = True,
) -> xr.Dataset:
    raise NotImplementedError


def derivative(cube: xr.Dataset, /, *, variable: str = "norm", into: str | None = "dmude") -> xr.Dataset:
    raise NotImplementedError


def combination(cube: xr.Dataset, library: xr.Dataset, /) -> xr.Dataset:
    raise NotImplementedError


def page(maps: xr.Dataset, findings: Any, /, *, title: str = "") -> str:
    raise NotImplementedError


TABLE: list[tuple[str, Callable[..., Any], dict[str, Any]]] = [
    ("ingest", tiff_stack, {"makes": "cube", "gives": ["sample"]}),
    ("ingest", references, {"makes": "library"}),
    ("correct", absorbance, {"makes": "cube", "needs": ["sample"], "gives": ["mu"]}),
    ("correct", average, {"makes": "cube", "needs": ["mu"]}),
    ("normalize", edge_step, {"makes": "cube", "needs": ["mu"], "gives": ["norm", "e0"]}),
    ("derive", derivative, {"makes": "cube", "needs": ["{variable}"], "gives": ["{into}"]}),
    ("classify", combination, {"makes": "cube", "needs": ["norm"], "gives": ["lcf_fraction"]}),
    ("report", page, {"makes": "page"}),
]

GOOD = """\
recipe: 1
name: iron
steps:
  - ingest.tiff_stack: {sample: sample/*.tif}
  - ingest.references: {files: {Fe: "references:Fe.xdi", FeO: FeO.xdi}}
  - correct.absorbance
  - correct.average: {window: 5}
  - normalize.edge_step:
      e0: 7112
      pre: [-150, null]
  - derive.derivative
  - classify.combination
  - report.page
"""


@pytest.fixture(scope="module", autouse=True)
def small_table() -> Iterator[None]:
    real = dict(STEPS)
    STEPS.clear()
    for station, function, words in TABLE:
        function.__module__ = f"small.{station}"
        step(**words)(function)
    yield
    STEPS.clear()
    STEPS.update(real)


def problems_of(text: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, "recipe.yaml")
    return caught.value.problems


def steps(*lines: str) -> str:
    return "\n".join(["recipe: 1", "steps:", *(f"  - {line}" for line in lines)])


INGEST = "ingest.tiff_stack: {sample: a.tif}"


def test_parse_recipe__fills_in_defaults_and_keeps_places() -> None:
    recipe = parse_recipe(GOOD, "recipe.yaml")
    assert [planned.step.name for planned in recipe.plan][:3] == [
        "ingest.tiff_stack",
        "ingest.references",
        "correct.absorbance",
    ]
    assert recipe.name == "iron"
    assert recipe.plan[0].settings == {"sample": "sample/*.tif", "energies": None}
    assert recipe.plan[1].settings["files"] == {"Fe": "references:Fe.xdi", "FeO": "FeO.xdi"}
    normalize = recipe.plan[4]
    assert (normalize.line, normalize.column) == (8, 5)
    assert normalize.settings == {
        "e0": 7112.0,
        "pre": (-150.0, None),
        "method": "edge_step",
        "weights": (),
        "keep": True,
    }
    assert isinstance(normalize.settings["e0"], float)


def test_parse_recipe__tells_all_problems_at_once_with_place_and_nearest_name() -> None:
    text = """\
recipe: 1
steps:
  - ingest.tif_stack: {sample: a.tif}
  - correct.absorbance
  - correct.average:
      ordr: 3
      windw: 3
  - normalize.edge_step: {e0: "7112", pre: [-150], method: flatt, keep: 1}
  - ingest.references
  - derive.derivative: {variable: nrm}
"""
    assert problems_of(text) == [
        "recipe.yaml:3:5: steps.0: found the step 'ingest.tif_stack', which does not exist "
        "(did you mean 'ingest.tiff_stack'?); do: `xafsflow steps` lists them",
        "recipe.yaml:6:7: steps.2.ordr: found the setting 'ordr', which correct.average does not have; "
        "it has: window",
        "recipe.yaml:7:7: steps.2.windw: found the setting 'windw', which correct.average does not have "
        "(did you mean 'window'?); it has: window",
        "recipe.yaml:8:31: steps.3.e0: found '7112'; wanted: a number or null",
        "recipe.yaml:8:44: steps.3.pre: found [-150]; wanted: a list of 2, each a number or null",
        "recipe.yaml:8:60: steps.3.method: found 'flatt'; wanted: 'edge_step' or 'flat' or 'minmax' "
        "(did you mean 'flat'?)",
        "recipe.yaml:8:73: steps.3.keep: found 1; wanted: true or false",
        "recipe.yaml:9:5: steps.4: found ingest.references without its setting 'files'; "
        "wanted: a mapping of text to text",
        "recipe.yaml:10:5: steps.5: found derive.derivative, which needs the variable nrm, which no step "
        "gives (did you mean 'norm'?); the variables so far: e0, mu, norm, sample",
    ]


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ("normalize.edge_step: {e0: true}", "steps.2.e0: found true; wanted: a number or null"),
        ("normalize.edge_step: {e0: .nan}", "steps.2.e0: found NaN; wanted: a number or null"),
        ("normalize.edge_step: {e0: 1e999}", "steps.2.e0: found Infinity"),
        (
            "normalize.edge_step: {weights: [1, x]}",
            "steps.2.weights.1: found 'x'; wanted: a list of a number",
        ),
        ("normalize.edge_step: {keep: yes}", "steps.2.keep: found 'yes'; wanted: true or false"),
        ("correct.average: {window: 3.0}", "steps.2.window: found 3.0; wanted: a whole number"),
        ("correct.average: {window: '3'}", "steps.2.window: found '3'; wanted: a whole number"),
        (
            "ingest.references: {files: {Fe: 3}}",
            "steps.2.files.Fe: found 3; wanted: a mapping of text to text",
        ),
        ("report.page: {title: 3}", "steps.2.title: found 3; wanted: text"),
        ("report.page: {title: {a: 1}}", 'steps.2.title: found {"a": 1}; wanted: text'),
    ],
)
def test_parse_recipe__takes_types_strictly(setting: str, place: str) -> None:
    (problem,) = problems_of(steps(INGEST, "correct.absorbance", setting))
    assert place in problem


def test_parse_recipe__holds_limits_of_annotated_types() -> None:
    (problem,) = problems_of(steps(INGEST, "correct.absorbance", "correct.average: {window: 0}"))
    assert problem.endswith("steps.2.window: found 0; wanted: a whole number, at least 1, at most 99")


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            ["correct.absorbance", "correct.average", "normalize.edge_step"],
            "recipe.yaml:3:5: steps.0: found correct.absorbance, which takes the cube, and no step before it "
            "makes the cube; do: put ingest.tiff_stack before it",
        ),
        (
            [INGEST, "normalize.edge_step", "correct.average"],
            "recipe.yaml:4:5: steps.1: found normalize.edge_step, which needs the variable mu, and no step "
            "before it gives it; do: put correct.absorbance before it",
        ),
        (
            [INGEST, "correct.absorbance", "normalize.edge_step", "classify.combination"],
            "recipe.yaml:6:5: steps.3: found classify.combination, which takes the library, and no step "
            "before it makes the library; do: put ingest.references before it",
        ),
        (
            ["report.page"],
            "recipe.yaml:3:5: steps.0: found report.page, which takes the maps, and no step before it makes "
            "the cube; do: put ingest.tiff_stack before it",
        ),
        (
            [INGEST, "correct.absorbance", INGEST, "correct.average"],
            "recipe.yaml:6:5: steps.3: found correct.average, which needs the variable mu, and no step "
            "before it gives it; do: put correct.absorbance before it",
        ),
    ],
)
def test_parse_recipe__refuses_a_step_before_what_it_needs(lines: list[str], problem: str) -> None:
    assert problems_of(steps(*lines)) == [problem]


def test_parse_recipe__knows_variables_named_by_settings() -> None:
    ahead = [INGEST, "correct.absorbance", "normalize.edge_step"]
    parse_recipe(steps(*ahead, "derive.derivative: {into: mine}", "derive.derivative: {variable: mine}"), "r")
    (problem,) = problems_of(
        steps(*ahead, "derive.derivative: {into: null}", "derive.derivative: {variable: dmude}")
    )
    assert "needs the variable dmude" in problem


def test_parse_recipe__goes_on_behind_an_unknown_step_as_if_it_were_the_nearest() -> None:
    found = problems_of(steps("ingest.tifstack: {sample: a.tif}", "normalize.edge_step"))
    assert len(found) == 2
    assert "needs the variable mu" in found[1]


def test_parse_recipe__says_nothing_of_the_order_behind_what_cannot_be_guessed() -> None:
    assert len(problems_of(steps("zzzzzz", "normalize.edge_step"))) == 1
    assert len(problems_of(steps("[1, 2]", "normalize.edge_step"))) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "recipe.yaml:1:1: found an empty text"),
        ("- a", "recipe.yaml:1:1: found no keys; wanted: a mapping"),
        ("steps: [report.page]", "recipe.yaml:1:1: recipe: found no key 'recipe'; wanted: `recipe: 1`"),
        ("recipe: 2\nsteps: []", "recipe.yaml:1:9: recipe: found 2; wanted: `recipe: 1`"),
        ("recipe: true\nsteps: []", "recipe.yaml:1:9: recipe: found true; wanted"),
        ("recipe: 1", "recipe.yaml:1:1: steps: found no key 'steps'"),
        ("recipe: 1\nsteps: []", "recipe.yaml:2:8: steps: found 0 items; wanted: a list of 1 to 1000 steps"),
        ("recipe: 1\nsteps: a", "recipe.yaml:2:8: steps: found 'a'; wanted: a list"),
        ("recipe: 1\nstep: []", "recipe.yaml:2:1: step: found the key 'step' (did you mean 'steps'?)"),
        ("recipe: 1\nname: 3\nsteps: []", "recipe.yaml:2:7: name: found 3; wanted: text"),
        (
            "recipe: 1\nsteps:\n- correct.average:\n  window: 3",
            "recipe.yaml:3:3: steps.0: found the keys correct",
        ),
        (
            "recipe: 1\nsteps:\n- correct.average: 3",
            "recipe.yaml:3:20: steps.0: found 3 for correct.average; wanted",
        ),
        ("recipe: 1\nrecipe: 1", "recipe.yaml:2:1: found the key 'recipe' again (first at line 1)"),
        ("recipe: 1\nsteps: *x", "recipe.yaml:2:8: found the alias '*x'"),
        ("recipe: 1\nsteps: &x [a]", "recipe.yaml:2:8: found the anchor '&x'"),
        (
            "recipe: 1\nsteps: [a: *.tif]",
            "recipe.yaml:2:13: found text that begins with '*'; wanted: it in quotes",
        ),
        ("recipe: !!python/name:os.system 1", "recipe.yaml:1:9: found the tag"),
        ("recipe: 1\nsteps: [a", "recipe.yaml:2:10: found text that is not YAML (expected ',' or ']'"),
        ("recipe: \x07", "recipe.yaml:1:9: found the character '\\x07'; wanted: printable text"),
        ("recipe: 1\n--- 2", "recipe.yaml:2:1: found a second document"),
        ("recipe: " + "[" * 5000, "recipe.yaml:1:39: found lists and mappings nested more than 30 deep"),
        ("x" * 1_000_001, "recipe.yaml:1:1: found 1000001 bytes; wanted: at most 1000000"),
        ("recipe: " + "1" * 5000, "recipe.yaml:1:9: found a number of 5000 digits"),
        ('recipe: "\\ud800"', "recipe.yaml:1:9: found half a surrogate pair"),
        ('recipe: "\\U99999999"', "recipe.yaml:1:1: found text that is not YAML"),
        ("? [a]\n: b", "recipe.yaml:1:3: found a key that is a list or a mapping"),
    ],
)
def test_parse_recipe__refuses_what_is_no_recipe(text: str, problem: str) -> None:
    assert any(line.startswith(problem) for line in problems_of(text)), problems_of(text)


def test_parse_recipe__reads_scalars_by_yaml_1_2() -> None:
    text = steps(INGEST, "correct.absorbance", "normalize.edge_step: {e0: 1e-3}", "report.page: {title: no}")
    recipe = parse_recipe(text, "r")
    assert recipe.plan[2].settings["e0"] == 0.001
    assert recipe.plan[3].settings["title"] == "no"
    assert parse_recipe(text.replace("no}", "12:30}"), "r").plan[3].settings["title"] == "12:30"


def test_load_recipe__names_the_file_and_what_is_near(tmp_path: Path) -> None:
    (tmp_path / "demo.yaml").write_text(GOOD.replace("window", "windw"))
    with pytest.raises(RecipeError, match=r"demo\.yaml:7:23: steps\.3\.windw"):
        load_recipe(tmp_path / "demo.yaml")
    with pytest.raises(InputError, match=r"did you mean 'demo\.yaml'"):
        load_recipe(tmp_path / "dmo.yaml")
    with pytest.raises(InputError, match="no recipe file"):
        load_recipe(tmp_path / "nowhere" / "dmo.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: Größe".encode("latin-1"))
    with pytest.raises(InputError, match="byte 8 not UTF-8"):
        load_recipe(tmp_path / "latin.yaml")
    (tmp_path / "big.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(InputError, match="1000001 bytes"):
        load_recipe(tmp_path / "big.yaml")
    (tmp_path / "marked.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_recipe(tmp_path / "marked.yaml") == parse_recipe(GOOD, "r")


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


def test_apply_overrides__means_one_of_several_appearances_by_its_number() -> None:
    recipe = parse_recipe(steps(INGEST, "correct.absorbance", "correct.average", "correct.average"), "r")
    changed = apply_overrides(recipe, ["correct.average#2.window=7"])
    assert [planned.settings.get("window") for planned in changed.plan[2:]] == [3, 7]
    for wrong in ("correct.average", "correct.average#3", "correct.average#x", "correct.average#0"):
        with pytest.raises(
            RecipeError, match=r"found correct\.average 2 times; wanted: correct\.average#1 to"
        ):
            apply_overrides(recipe, [f"{wrong}.window=7"])


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
        "--set normalize.edge_stp.e0: found the step 'normalize.edge_stp', which the recipe does not have "
        "(did you mean 'normalize.edge_step'?)",
        "--set correct.average.window: found 'correct.average.window'; wanted: STEP.SETTING=VALUE",
        "--set window: found 'window=3'; wanted: STEP.SETTING=VALUE",
        "--set ingest.tiff_stack.sample:1:2: found text that begins with '*'; wanted: it in quotes, "
        "such as '*.tif'",
        "--set normalize.edge_step.e00:1:1: steps.4.e00: found the setting 'e00', which normalize.edge_step "
        "does not have (did you mean 'e0'?); it has: e0, pre, method, weights, keep",
        "--set normalize.edge_step.e0:1:1: steps.4.e0: found 'high'; wanted: a number or null",
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
    ]
)


@given(
    e0=st.none() | number,
    pre=st.tuples(st.none() | number, st.none() | number),
    weights=st.lists(number, max_size=4).map(tuple),
    method=st.sampled_from(["edge_step", "flat", "minmax"]),
    title=text,
    files=st.dictionaries(text, text, max_size=4),
    name=text,
)
@settings(max_examples=300, deadline=None)
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
