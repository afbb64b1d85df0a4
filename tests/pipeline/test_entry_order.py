"""What `as` and `use` may say, in one message with everything else."""

from __future__ import annotations

import pytest

from xafsflow.errors import RecipeError
from xafsflow.pipeline.recipe import Recipe, apply_overrides, parse_recipe

AHEAD = """\
recipe: 1
steps:
  - ingest.phantom
  - ingest.phantom_references
  - correct.absorbance
  - normalize.flat: {e0: 7112.0}
  - derive.noise
  - train.mixtures
"""


def recipe_of(*entries: str) -> Recipe:
    return parse_recipe(AHEAD + "".join(f"  - {entry}\n" for entry in entries), "r")


def problems_of(*entries: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        recipe_of(*entries)
    return caught.value.problems


def test_entries__are_called_like_their_steps_and_take_the_nearest_product() -> None:
    recipe = recipe_of("train.fit", "train.fit", "classify.model", "classify.model: {use: train.fit}")
    assert [one.entry for one in recipe.plan[6:]] == [
        "train.fit",
        "train.fit_2",
        "classify.model",
        "classify.model_2",
    ]
    assert [one.sources.products["model"] for one in recipe.plan[8:]] == ["train.fit_2", "train.fit"]
    assert recipe.plan[9].sources.products["cube"] == "classify.model"


def test_entries__that_use_labelled_maps_give_theirs_the_same_label() -> None:
    recipe = recipe_of(
        "train.fit",
        "classify.model: {as: lda}",
        "judge.means: {use: lda}",
        "classify.combination",
        "judge.agreement: {use: lda, as: apart}",
    )
    means, agreement = recipe.plan[8], recipe.plan[10]
    assert (means.sources.labels, means.sources.label) == (("lda",), "lda")
    assert (agreement.sources.labels, agreement.sources.label) == (("lda",), "apart")


def test_as_and_use__are_part_of_what_a_recipe_does_and_are_written_out() -> None:
    recipe = recipe_of("train.fit: {as: lda}", "classify.model: {use: lda}")
    assert recipe.digest != recipe_of("train.fit", "classify.model").digest
    assert parse_recipe(recipe.to_yaml(), "again") == recipe
    assert recipe != recipe_of("train.fit: {as: other}", "classify.model: {use: other}")
    assert apply_overrides(recipe, ["lda.trees=7"]).plan[6].settings["trees"] == 7


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (["train.fit: {as: lda}", "classify.model: {use: ldaa}"],
         "r:10:22: steps.7.use: found 'ldaa', which no entry before it is called (did you mean "
         "'lda'?); expected: an entry before it that makes cube or model:"),
        (["train.fit", "classify.model: {use: lda}", "train.fit: {as: lda}"],
         "steps.7.use: found 'lda', which stands behind "
         "it"),
        (["train.fit", "classify.model: {use: train.mixtures}"],
         "steps.7.use: found 'train.mixtures', which makes samples, and classify.model does "
         "not take that"),
        (["train.fit: {as: a}", "train.fit: {as: b}", "classify.model: {use: [a, b]}"],
         "steps.8.use: found 'b' and another entry that makes model; expected: one of "
         "them"),
        (["train.fit: {as: a}", "train.fit: {as: a}"],
         "r:10:17: steps.7.as: found the name 'a' again (first at line "
         "9)"),
        (["train.fit: {as: A-1}"], "r:9:21: steps.6.as: found 'A-1'; expected: a name of small letters"),
        (["train.fit: {as: 3}"], "steps.6.as: found 3; expected: a name of small letters"),
        (["train.fit: {use: {a: b}}"],
         "steps.6.use: found {\"a\": \"b\"}; expected: the name of an entry, or a list of "
         "names"),
        (["train.fit: {as: maps}"], "steps.6.as: found the name 'maps'; expected: another name"),
        (["train.fit", "classify.model", "judge.distance: {as: expected}"],
         "and distance_expected would mean distance_expected; do: choose another "
         "name"),
        (["train.fit", "classify.model: {as: lda}", "judge.means"],
         "needs the variable fraction, which lda gives; do: write `use: lda` beside its "
         "settings"),
        (["train.fit", "classify.model", "ingest.phantom", "report.page"],
         "steps.7: found classify.model on another cube than that of ingest.phantom_2; expected: "
         "maps of one cube, the last"),
    ],
)  # fmt: skip
def test_as_and_use__are_checked_before_anything_runs(entries: list[str], problem: str) -> None:
    found = problems_of(*entries)
    assert any(problem in line for line in found), found


def test_errors_of_entries__are_reported_together() -> None:
    found = problems_of("train.fit: {as: A, tres: 3}", "classify.model: {use: x}", "judge.mean")
    assert len(found) == 4


def test_two_cubes__are_taken_by_name() -> None:
    text = "recipe: 1\nsteps:\n  - ingest.phantom: {as: before}\n  - ingest.phantom: {as: after}\n"
    recipe = parse_recipe(
        text + "  - correct.absorbance: {use: before}\n  - correct.absorbance: {use: after}\n", "r"
    )
    assert [one.sources.products["cube"] for one in recipe.plan[2:]] == ["before", "after"]
