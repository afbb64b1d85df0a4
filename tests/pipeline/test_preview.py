"""What is refused before a run, and what is told: `check` finds what a run would, all of it in one go."""

from __future__ import annotations

from pathlib import Path

import pytest

from xafsflow.errors import InputError, RecipeError
from xafsflow.io.folders import Folders
from xafsflow.io.likely_files import likely_files
from xafsflow.phantom import Phantom, write_phantom
from xafsflow.pipeline import execution as flow
from xafsflow.pipeline.recipe import apply_overrides, parse_recipe
from xafsflow.pipeline.understood import understood

TEXT = """\
recipe: 1
steps:
  - ingest.tiff_stack: {flat_field: flat/*.tif, dark: dark/*.tif, foil: foil/*.tif, energies: energies.csv}
  - ingest.references: {files: {Fe: references/Fe.xdi, FeO: references/FeO.xdi}}
  - correct.absorbance
  - correct.background: {e0: 7112.0}
  - calibrate.foil: {standard: Fe}
  - calibrate.apply
  - calibrate.check: {standard: Fe}
  - correct.average: {window: 3}
  - normalize.edge_step: {e0: 7112.0, pre2: -12.0, norm1: 40.0, nnorm: 1}
  - derive.noise
  - train.mixtures: {step: 0.5, noise_patterns: 200, check_patterns: 200, span: [-15, 60]}
  - train.fit: {trees: 10}
  - classify.model
  - classify.combination
"""


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Phantom(size=(24, 32), energies=60, seed=1, references=("Fe", "FeO"))
    return write_phantom(made, tmp_path_factory.mktemp("preview") / "scan")


def problems(scan: Path, *overrides: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        flow.preview(apply_overrides(parse_recipe(TEXT, "recipe.yaml"), overrides), Folders(scan))
    error = caught.value
    return error.problems if isinstance(error, RecipeError) else [str(error)]


@pytest.mark.parametrize(
    ("override", "entry", "told"),
    [
        ("normalize.edge_step.e0=7000", "normalize.edge_step", "an edge at 7000 eV and a scan from 7050"),
        ("normalize.edge_step.pre1=-200 pre2=-150", "normalize.edge_step", "pre-edge window"),
        ("normalize.edge_step.norm1=300", "normalize.edge_step", "in the post-edge window, norm1 to norm2"),
        ("correct.background.e0=8000", "correct.background", "0 energies"),
        ("train.mixtures.span=[500, 600]", "train.mixtures", "0 energies between 7612 and 7712 eV"),
        ("train.mixtures.step=0.3", "train.mixtures", "step 0.3"),
        ("calibrate.foil.standard=Ni", "calibrate.foil", "the standard 'Ni'. Expected one of Fe, FeO"),
        ("calibrate.foil.span=[400, 500]", "calibrate.foil", "0 energies that the standard covers"),
        ("calibrate.check.standard=Ni", "calibrate.check", "the standard 'Ni'"),
        ("classify.combination.span=[500, 600]", "classify.combination", "0 energies"),
        ("ingest.tiff_stack.leave_out=[6000]", "ingest.tiff_stack", "6000 eV in leave_out"),
        ("ingest.tiff_stack.energies=nope.csv", "ingest.tiff_stack", "no file 'nope.csv'"),
    ],
)
def test_preview__refuses_what_a_run_would_and_names_the_entry(
    scan: Path, override: str, entry: str, told: str
) -> None:
    first, *more = override.split(" pre2")
    name = first.partition("=")[0].rpartition(".")[0]
    found = problems(scan, first, *(f"{name}.pre2{one}" for one in more))
    assert len(found) == 1
    assert f": {entry}: " in found[0]
    assert told in found[0]


@pytest.mark.parametrize("override", ["train.mixtures.span=[500, 600]", "normalize.edge_step.norm1=300"])
def test_run__refuses_with_the_same_words(scan: Path, tmp_path: Path, override: str) -> None:
    recipe = apply_overrides(parse_recipe(TEXT, "recipe.yaml"), [override])
    with pytest.raises(InputError) as caught:
        flow.run(recipe, Folders(scan), tmp_path / "run")
    assert str(caught.value) == problems(scan, override)[0]


def test_preview__tells_every_problem_once(scan: Path) -> None:
    found = problems(
        scan, "calibrate.foil.standard=Ni", "normalize.edge_step.norm1=300", "correct.background.e0=8000"
    )
    assert [one.split(": ")[1] for one in found] == [
        "correct.background",
        "calibrate.foil",
        "normalize.edge_step",
    ]


def test_preview__follows_the_cube_behind_a_training(scan: Path) -> None:
    """What stands behind a model that is not there is looked at where it does not need its maps."""
    found = problems(scan, "classify.combination.span=[500, 600]", "train.mixtures.step=0.3")
    assert len(found) == 2


def test_understood__tells_roles_energies_edges_and_windows(scan: Path) -> None:
    recipe = parse_recipe(TEXT, "recipe.yaml")
    told = dict(understood(recipe, flow.preview(recipe, Folders(scan))))
    assert told["measurement"].startswith("60 energies from 7050 to ")
    assert told["flat_field"] == "intensity without the sample: 60 images, uint16, flat/*.tif"
    assert "one image" in told["dark"]
    assert "Fe K" in told["reference FeO"]
    assert "steepest at 7118" in told["reference FeO"]
    assert "edge at 7112 eV; pre-edge" in told["normalize.edge_step"]
    assert "note" not in told


def test_understood__notes_an_edge_far_from_every_reference(scan: Path) -> None:
    elsewhere = [f"normalize.edge_step.{one}" for one in ("e0=7085", "pre1=-35", "pre2=-5")]
    recipe = apply_overrides(parse_recipe(TEXT, "recipe.yaml"), elsewhere)
    told = dict(understood(recipe, flow.preview(recipe, Folders(scan))))
    assert "e0 7085 eV of normalize.edge_step is 27" in told["note"]


def test_a_missing_image__is_cured_by_a_setting_of_the_recipe_at_hand() -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(TEXT.replace("foil: foil/*.tif, ", "").replace("flat_field: flat/*.tif, ", ""), "r.yaml")
    flat, foil = caught.value.problems[0], caught.value.problems[-1]
    assert "do: give the setting flat_field of ingest.tiff_stack (line 3)" in flat
    assert "do: give the setting foil of ingest.tiff_stack (line 3)" in foil
    assert "phantom" not in str(caught.value)


def test_a_missing_step__is_named_where_its_images_are_there() -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(TEXT.replace("  - correct.absorbance\n", ""), "r.yaml")
    told = [one for one in caught.value.problems if "foil_mu" in one]
    assert len(told) == 1
    assert "do: put correct.absorbance before it" in told[0]


def test_likely_files__are_told_by_their_names(scan: Path, tmp_path: Path) -> None:
    assert likely_files(scan, "flat_field") == ["flat/*.tif"]
    assert likely_files(scan, "foil") == ["foil/*.tif"]
    for name in ("ore_7050.tif", "ref_7050.tif", "ref_7051.tif", "preference_1.tif", "notes_flat.txt"):
        (tmp_path / name).write_bytes(b"")
    assert likely_files(tmp_path, "flat_field") == ["ref_*.tif"]
    assert likely_files(tmp_path, "energies") == []


def test_a_linked_folder__is_told_as_a_link(scan: Path, tmp_path: Path) -> None:
    (tmp_path / "flat").symlink_to(scan / "flat")
    with pytest.raises(InputError, match=r"which leaves .*flat is a link to ") as caught:
        Folders(tmp_path).glob("flat/*.tif")
    assert "as the data, or copy the files" in str(caught.value)
