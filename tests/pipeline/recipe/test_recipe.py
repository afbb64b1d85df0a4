from __future__ import annotations

from pathlib import Path

import pytest

from xafsflow.errors import InputError, RecipeError
from xafsflow.pipeline.recipe import load_recipe, parse_recipe

GOOD = Path(__file__).with_name("good.yaml").read_text("utf-8")


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
    assert (normalize.mark.line, normalize.mark.column) == (8, 5)
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
        "recipe.yaml:8:31: steps.3.e0: found '7112'; expected: a number or null",
        "recipe.yaml:8:44: steps.3.pre: found [-150]; expected: a list of 2, each a number or null",
        "recipe.yaml:8:60: steps.3.method: found 'flatt'; expected: 'edge_step' or 'flat' or 'minmax' "
        "(did you mean 'flat'?)",
        "recipe.yaml:8:73: steps.3.keep: found 1; expected: true or false",
        "recipe.yaml:9:5: steps.4: found ingest.references without its setting 'files'; "
        "expected: a mapping of text to text",
        "recipe.yaml:10:5: steps.5: found derive.derivative, which needs the variable nrm, which no step "
        "gives (did you mean 'norm'?); the variables so far: e0, mu, norm, sample",
    ]


def test_parse_recipe__holds_limits_of_annotated_types() -> None:
    (problem,) = problems_of(steps(INGEST, "correct.absorbance", "correct.average: {window: 0}"))
    assert problem.endswith("steps.2.window: found 0; expected: a whole number at least 1 and at most 99")


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
        ("- a", "recipe.yaml:1:1: found no keys; expected: a mapping"),
        ("steps: [report.page]", "recipe.yaml:1:1: recipe: found no key 'recipe'; expected: `recipe: 1`"),
        ("recipe: 2\nsteps: []", "recipe.yaml:1:9: recipe: found 2; expected: `recipe: 1`"),
        ("recipe: true\nsteps: []", "recipe.yaml:1:9: recipe: found true; expected"),
        ("recipe: 1", "recipe.yaml:1:1: steps: found no key 'steps'"),
        (
            "recipe: 1\nsteps: []",
            "recipe.yaml:2:8: steps: found 0 items; expected: a list of 1 to 1000 steps",
        ),
        ("recipe: 1\nsteps: a", "recipe.yaml:2:8: steps: found 'a'; expected: a list"),
        ("recipe: 1\nstep: []", "recipe.yaml:2:1: step: found the key 'step' (did you mean 'steps'?)"),
        ("recipe: 1\nname: 3\nsteps: []", "recipe.yaml:2:7: name: found 3; expected: text"),
        (
            "recipe: 1\nsteps:\n- correct.average:\n  window: 3",
            "recipe.yaml:3:3: steps.0: found the keys correct",
        ),
        (
            "recipe: 1\nsteps:\n- correct.average: 3",
            "recipe.yaml:3:20: steps.0: found 3 for correct.average; expected",
        ),
        ("recipe: 1\nrecipe: 1", "recipe.yaml:2:1: found the key 'recipe' again (first at line 1)"),
        ("recipe: 1\nsteps: *x", "recipe.yaml:2:8: found the alias '*x'"),
        (
            "recipe: 1\nsteps: [a: *.tif]",
            "recipe.yaml:2:12: found the alias '*.tif'; expected: plain data; do: put text that begins with '*' in",
        ),
    ],
)
def test_parse_recipe__refuses_what_is_no_recipe(text: str, problem: str) -> None:
    assert any(line.startswith(problem) for line in problems_of(text)), problems_of(text)


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
