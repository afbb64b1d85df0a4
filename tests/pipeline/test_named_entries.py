"""Entries with names, from the recipe to the folder of the run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from xafsflow.io.folders import Folders
from xafsflow.phantom import Phantom, write_phantom
from xafsflow.pipeline.execution import finished_maps, report_again, run
from xafsflow.pipeline.recipe import parse_recipe
from xafsflow.pipeline.repair import repair
from xafsflow.store.verify import damages

pytestmark = pytest.mark.long

AHEAD = """\
recipe: 1
steps:
  - ingest.tiff_stack: {flat_field: flat/*.tif, foil: foil/*.tif, dark: dark/*.tif, energies: energies.csv}
  - ingest.references: {files: {Fe: references/Fe.xdi, FeO: references/FeO.xdi, Fe2O3: references/Fe2O3.xdi}}
  - correct.absorbance
  - calibrate.foil: {standard: Fe}
  - calibrate.check: {standard: Fe}
  - calibrate.apply
  - calibrate.check: {standard: Fe}
  - normalize.edge_step: {e0: 7112.0, pre1: -60, pre2: -12, norm1: 40, nnorm: 1}
  - derive.noise
"""
TRAINED = """\
  - train.mixtures: {step: 0.5, noise_patterns: 20, features: norm, span: [-20, 100]}
  - train.fit: {classifier: random_forest, trees: 10}
  - train.fit: {classifier: linear_discriminant, as: linear}
  - classify.model: {use: train.fit}
  - classify.model: {use: linear, as: lda}
  - classify.combination
  - judge.agreement
  - judge.agreement: {use: lda}
  - judge.means
  - judge.means: {use: lda}
  - report.page: {use: train.fit}
"""


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phantom(
        Phantom(size=(24, 28), energies=60, seed=3), tmp_path_factory.mktemp("data") / "scan"
    )


@pytest.fixture(scope="module")
def done(scan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "both"
    run(parse_recipe(AHEAD + TRAINED, "both.yaml"), Folders(scan), out)
    return out


def test_two_checks__leave_two_entries(done: Path) -> None:
    findings = json.loads((done / "findings.json").read_text())
    before, after = findings["calibrate.check"], findings["calibrate.check_2"]
    assert before["after"]["rms"] > 10 * after["after"]["rms"]


def test_two_classifiers__give_both_maps(done: Path) -> None:
    maps = finished_maps(done)
    assert sorted(path.name for path in (done / "models").iterdir()) == ["linear.npz", "train.fit.npz"]
    forest, linear = maps.fraction.values, maps.fraction_lda.values
    known = np.isfinite(forest)
    assert (np.isfinite(linear) == known).all()
    assert not np.array_equal(forest[known], linear[known])
    # Classes lie 0.5 apart.
    assert np.abs(forest - linear)[known].mean() < 0.15
    assert maps.fraction_lda.attrs["label"] == "lda"
    assert maps.fraction_lda.attrs["variable"] == "fraction"
    assert maps.fraction_lda.dims == maps.fraction.dims
    disagreement = 0.5 * np.abs(linear - maps.lcf_fraction.values).sum(axis=0)
    np.testing.assert_allclose(maps.disagreement_lda.values, disagreement, atol=1e-6)
    assert maps.mean_norm_lda.attrs["variable"] == "mean_norm"
    assert not np.array_equal(maps.mean_pixels_lda.values, maps.mean_pixels.values)


def test_labelled_maps__are_those_of_a_run_of_their_own(done: Path, scan: Path, tmp_path: Path) -> None:
    alone = TRAINED.replace("  - train.fit: {classifier: random_forest, trees: 10}\n", "")
    alone = alone.replace("  - classify.model: {use: train.fit}\n", "").replace(", as: lda", "")
    alone = alone.replace(
        "  - judge.agreement: {use: lda}\n  - judge.means\n  - judge.means: {use: lda}\n", "  - judge.means\n"
    )
    run(
        parse_recipe(AHEAD + alone.replace("use: train.fit", "use: linear"), "alone.yaml"),
        Folders(scan),
        tmp_path / "run",
    )
    one, both = finished_maps(tmp_path / "run"), finished_maps(done)
    for name in ("class_index", "fraction", "confidence", "disagreement", "mean_norm", "mean_pixels"):
        np.testing.assert_array_equal(both[f"{name}_lda"].values, one[name].values)


def test_the_report_of_named_entries__is_written_again_as_it_was(done: Path) -> None:
    page = done / "report.html"
    before = page.stat().st_size
    assert report_again(done) == page
    # The time and the memory of the whole run are known now
    assert abs(page.stat().st_size - before) < 1000


def test_a_damaged_labelled_map__is_repaired(done: Path) -> None:
    chunk = next(path for path in (done / "maps.zarr" / "fraction_lda" / "c").rglob("*") if path.is_file())
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[:-1] + b"x")
    found = list(damages(done))
    assert {one.variable for one in found} == {"fraction_lda"}
    repair(done, found)
    assert chunk.read_bytes() == whole
    assert not list(damages(done))


def test_run_folder__names_the_entries(done: Path) -> None:
    record = json.loads((done / "run.json").read_text())
    assert [one["entry"] for one in record["steps"]][-10:-6] == [
        "train.fit",
        "linear",
        "classify.model",
        "lda",
    ]
    assert {"train.fit", "linear", "lda", "judge.means_2"} <= set(record["timings"])
    text = (done / "recipe.yaml").read_text()
    assert parse_recipe(text, "again") == parse_recipe(AHEAD + TRAINED, "both.yaml")


def test_a_recipe_without_a_model__ends_in_a_report(scan: Path, tmp_path: Path) -> None:
    recipe = parse_recipe(AHEAD + "  - derive.white_line\n  - report.page\n", "plain.yaml")
    run(recipe, Folders(scan), tmp_path / "run")
    text = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "white line" in text
