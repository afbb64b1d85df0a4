"""What is missing is told with what to do in the recipe at hand."""

from __future__ import annotations

import pytest

from xafsflow.errors import InputError, RecipeError
from xafsflow.pipeline.recipe import parse_recipe

STEP = "recipe: 1\nsteps:\n"


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (
            ["ingest.absorbance", "correct.absorbance"],
            "remove correct.absorbance: ingest.absorbance (line 3) opens images that hold no counts, and gives mu already",
        ),
        (
            ["ingest.fluorescence: {as: map}", "correct.absorbance"],
            "remove correct.absorbance: map (line 3) opens images that hold no counts",
        ),
        (
            ["ingest.tiff_stack", "correct.absorbance"],
            "give the setting flat_field of ingest.tiff_stack (line 3)",
        ),
        (["ingest.tiff_stack", "normalize.flat: {e0: 7112.0}"], "put correct.absorbance before it"),
        (["correct.absorbance"], "put ingest.absorbance or ingest.cube or"),
    ],
)
def test_a_missing_variable__is_told_with_a_cure_for_this_recipe(steps: list[str], words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(STEP + "".join(f"  - {one}\n" for one in steps), "r")
    assert words in str(caught.value)
    assert "phantom" not in str(caught.value)


@pytest.mark.parametrize("way", ["absorbance", "transmission", "cube"])
def test_steps_behind_images_without_counts__are_accepted(way: str) -> None:
    steps = [f"ingest.{way}", "normalize.flat: {e0: 7112.0}", "derive.noise"]
    plan = parse_recipe(STEP + "".join(f"  - {one}\n" for one in steps), "r").plan
    assert [one.step.name for one in plan][-1] == "derive.noise"


def test_a_missing_variable__is_told_so_by_hand() -> None:
    import numpy as np
    import xarray as xr

    import xafsflow as xf

    cube = xf.ingest.as_measured(
        xr.Dataset(
            {"mu": (("energy", "y", "x"), np.ones((4, 2, 2), "f4"))}, {"energy": np.arange(7100.0, 7104)}
        )
    )
    with pytest.raises(InputError, match=r"correct\.absorbance on a cube with mu"):
        xf.correct.absorbance(cube)
