"""Every recipe of the project is run: on the measured data beside it, or on a phantom."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from scipy.ndimage import binary_erosion

import xafsflow as xf
from xafsflow.cli.main import main
from xafsflow.findings.explanation_findings import ModelExplanation
from xafsflow.findings.reconstruction_findings import ParameterFindings, ReconstructionFindings
from xafsflow.findings.train_findings import FitFindings, RegressionFindings
from xafsflow.io.folders import Folders
from xafsflow.phantom import (
    PatternPhantom,
    Phantom,
    pattern_truth,
    simulated_library,
    write_library,
    write_phantom,
)
from xafsflow.phantom.measured_mu import Signal
from xafsflow.pipeline.execution import report_again, run
from xafsflow.pipeline.recipe import apply_overrides, load_recipe, parse_recipe

pytestmark = pytest.mark.long

WORKFLOWS = sorted((Path(__file__).resolve().parents[1] / "workflows").glob("*.yaml"))
# Fewer patterns and trees than the recipes ask for: the promise is the map, not the last percent.
QUICK = ["train.mixtures.noise_patterns=50", "train.fit.trees=30"]


def recipe(name: str) -> Path:
    return next(path for path in WORKFLOWS if path.stem == name)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow__is_a_valid_recipe_with_a_name(path: Path) -> None:
    assert load_recipe(path).name


def test_iron_oxides__names_the_dominant_reference_of_the_scan(shared: Path, tmp_path: Path) -> None:
    folders = Folders(shared / "scan_fe", shared / "standards" / "Fe")
    maps = run(apply_overrides(load_recipe(recipe("iron_oxides")), QUICK), folders, tmp_path / "run").maps
    truth = np.load(shared / "scan_fe" / "truth.npz")
    sample = ~truth["background"] & ~truth["dead"]
    right = maps.fraction.values.argmax(axis=0) == truth["fractions"].argmax(axis=0)
    assert np.isfinite(maps.class_vote.values[sample]).all()
    assert right[sample].mean() >= 0.97


def test_iron_l_edge__tells_reduced_from_oxidized_iron(shared: Path, tmp_path: Path) -> None:
    plan = apply_overrides(load_recipe(recipe("iron_l_edge")), QUICK)
    products = run(plan, Folders(shared / "als_fe2p"), tmp_path / "run")
    maps, model = products.maps, products.newest("model").load()
    inside = np.isin(maps.energy.values, model.signature.values)
    measured, known = maps.mean_norm.values[:, inside], model.targets.spectra[:, inside]
    likeness = np.corrcoef(measured, known)[:2, 2:]
    assert (maps.mean_pixels.values > 100).all()
    assert likeness[0, 0] > likeness[0, 1]
    assert likeness[1, 1] > likeness[1, 0]
    assert likeness[1, 1] > 0.95


def test_reconstruction__goes_from_structures_to_spectra_and_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_library(simulated_library(240, seed=1), data / "library.npz")
    write_library(simulated_library(8, seed=900), data / "measured.npz")
    products = run(load_recipe(recipe("reconstruction")), Folders(data), tmp_path / "run")
    (made,) = products.findings.of(ReconstructionFindings).values()
    (back,) = products.findings.of(ParameterFindings).values()
    assert made.scores[made.row].r_squared > made.scores["ridge"].r_squared + 0.1
    held = {name: one[0] / one[1] for name, one in back.known.items()}
    assert np.mean(list(held.values())) >= 0.4
    for page in (products.page, report_again(tmp_path / "run")):
        assert page is not None
        text = page.read_text(encoding="utf-8")
        for title in ("Structures of the library", "Groups of similar spectra", "From structures to spectra"):
            assert f"{title}</h2>" in text
        assert "Structures from spectra</h2>" in text


def test_zinc_coordination__is_told_on_new_materials_and_explained(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("lightgbm")
    quick = ["train.fit.trees=40", "derive.hierarchy.most=600"]
    plan = apply_overrides(load_recipe(recipe("zinc_coordination")), quick)
    products = run(plan, Folders(shared / "zn_xanes"), tmp_path / "run")
    (score,) = products.findings.of(FitFindings).values()
    (told,) = products.findings.of(ModelExplanation).values()
    assert score.accuracy > 0.84
    assert score.accuracy > max(one.accuracy for name, one in score.controls.items() if name != "lightgbm")
    assert told.gap < 1e-9
    assert [one.output for one in told.overall] == ["4", "5", "6"]
    for page in (products.page, report_again(tmp_path / "run")):
        assert page is not None
        text = page.read_text(encoding="utf-8")
        assert "What the model looks at</h2>" in text
        assert told.overall[0].sentence in text
        assert "Groups of similar spectra</h2>" in text


def test_zinc_properties__are_told_on_new_materials_and_explained(shared: Path, tmp_path: Path) -> None:
    products = run(load_recipe(recipe("zinc_properties")), Folders(shared / "zn_xanes"), tmp_path / "run")
    (score,) = products.findings.of(RegressionFindings).values()
    (told,) = products.findings.of(ModelExplanation).values()
    found = dict(zip(score.properties, score.r_squared.tolist(), strict=True))
    assert found["mean_distance"] > 0.92
    assert found["electronegativity"] > 0.94
    assert told.permutation is not None
    assert (told.permutation.growth.max(axis=0) > 3 * told.permutation.error.max(axis=0)).any()
    assert products.page is not None
    assert "What the model looks at</h2>" in products.page.read_text(encoding="utf-8")


def test_manganese_reconstruction__is_better_than_plain_models(shared: Path, tmp_path: Path) -> None:
    plan = load_recipe(recipe("manganese_reconstruction"))
    plan = apply_overrides(plan, ["train.reconstruction.rows=[radial, gaussian_process]"])
    products = run(plan, Folders(shared / "formats" / "learning"), tmp_path / "run")
    (made,) = products.findings.of(ReconstructionFindings).values()
    best = made.scores[made.row]
    assert best.r_squared > made.scores["extra_trees"].r_squared + 0.02
    assert best.r_squared > made.scores["ridge"].r_squared + 0.2
    assert products.page is not None
    assert "From structures to spectra</h2>" in products.page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def library_scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan of grains whose spectra are in a library, and the library."""
    folder = tmp_path_factory.mktemp("library") / "scan"
    result = CliRunner().invoke(main, ["phantom", str(folder), "--library", "600", "--size", "40", "48"])
    assert result.exit_code == 0, result.output
    return folder


def true_values(scan: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """What the library says of each pixel's grain, and where a pixel and its neighbors are of one grain."""
    answer = np.load(scan / "truth.npz")
    known, _ = xf.derive.structure(xf.ingest.spectra(scan, files=["library.npz"]))
    rows = [int(str(one).rsplit("_", 1)[1]) for one in answer["references"]]
    place = answer["fractions"].argmax(axis=0)
    alone = (answer["fractions"].max(axis=0) > 0.99) & ~answer["background"]
    whole = binary_erosion(alone, np.ones((3, 3)))
    for axis, step in product((0, 1), (-1, 1)):
        whole &= np.roll(place, step, axis) == place
    return known[name].values[rows][place], whole


def test_phantom__simulates_the_libraries_of_the_recipes(library_scan: Path) -> None:
    library, others = (
        xf.ingest.spectra(library_scan, files=[f"{name}.npz"]) for name in ("library", "measured")
    )
    assert (library.sizes["sample"], others.sizes["sample"]) == (600, 8)
    np.testing.assert_array_equal(others.energy, library.energy)
    distances = np.abs(others.mu.values[:, None] - library.mu.values).max(axis=-1)
    assert distances.min() > 1e-3


def test_coordination__is_mapped_with_sets(library_scan: Path, tmp_path: Path) -> None:
    maps = run(load_recipe(recipe("coordination")), Folders(library_scan), tmp_path / "run").maps
    truth, alone = true_values(library_scan, "coordination")
    known = alone & np.isin(truth, [4, 5, 6]) & np.isfinite(maps.set_size.values)
    names = np.array([int(one) for one in maps.reference.values])
    assert (names[maps.class_index.values] == truth)[known].mean() > 0.8
    covered = np.take_along_axis(maps.in_set.values, np.searchsorted(names, truth.clip(4, 6))[None], 0)[0]
    assert covered[known].mean() > 0.8
    assert maps.set_size.values[known].mean() < 2
    text = (tmp_path / "run" / "report.html").read_text()
    assert "What else is possible" in text
    assert "What the model looks at" in text


def test_properties__are_mapped_with_intervals(library_scan: Path, tmp_path: Path) -> None:
    maps = run(load_recipe(recipe("properties")), Folders(library_scan), tmp_path / "run").maps
    truth, alone = true_values(library_scan, "electronegativity")
    low, high = maps.property_electronegativity_low.values, maps.property_electronegativity_high.values
    known = alone & np.isfinite(low)
    assert np.abs(maps.property_electronegativity.values - truth)[known].mean() < truth[known].std() / 2
    assert ((low <= truth) & (truth <= high))[known].mean() > 0.8
    assert "electronegativity" in (tmp_path / "run" / "report.html").read_text()


def test_structure_types__are_mapped_over_a_phantom(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the recipe trains networks: pip install xafsflow[nets]")
    # Fewer pixels, patterns and epochs than the recipe asks for.
    size = "ingest.phantom_patterns.size=[24, 32]"
    quick = [
        size,
        "ingest.structure_patterns.compounds=300",
        "train.union.epochs=12",
        "train.union.beside=[]",
    ]
    data = tmp_path / "data"
    data.mkdir()
    plan = apply_overrides(load_recipe(recipe("structure_types")), quick)
    maps = run(plan, Folders(data), tmp_path / "run").maps
    answer = pattern_truth(PatternPhantom(size=(24, 32)))
    names = [str(one) for one in maps.reference.values]
    truth = np.array([names.index(str(one)) for one in answer["types"]])[answer["first"]]
    alone = answer["shares"].max(axis=0) > 0.95
    assert (maps.class_index.values == truth)[alone].mean() > 0.75
    assert float(maps.outside.mean()) < 0.5
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "The union of networks knows 6 structure types" in text
    assert "Two structure types" in text
    assert all(name in text for name in names)


@pytest.mark.parametrize("multipage", [False, True])
def test_demo_recipe__runs_on_any_phantom(tmp_path: Path, multipage: bool) -> None:
    scan = write_phantom(Phantom(size=(33, 47), energies=80, seed=4), tmp_path / "scan", multipage=multipage)
    maps = run(apply_overrides(load_recipe(recipe("demo")), QUICK), Folders(scan), tmp_path / "run").maps
    assert maps.sizes["y"] == 33


def test_demo__prints_what_it_found_beside_what_is_true(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["demo", "--out", str(tmp_path / "demo")])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "found" in lines[0]
    assert "true" in lines[0]
    report = Path(lines[-1].removeprefix("report: "))
    assert report.is_file()
    again = CliRunner().invoke(main, ["demo", "--out", str(tmp_path / "demo")])
    assert again.exit_code == 2


def grains(scan: Path) -> tuple[np.ndarray, np.ndarray]:
    """What is true of each pixel of a phantom, and where its neighbors are of one composition."""
    truth = np.load(scan / "truth.npz")
    fractions = truth["fractions"]
    inside = ~truth["background"] & ~truth["dead"]
    for axis, step in product((1, 2), (-1, 1)):
        inside &= np.abs(np.roll(fractions, step, axis) - fractions).max(axis=0) < 0.02
    return fractions, binary_erosion(inside)


@pytest.mark.parametrize("signal", ["absorbance", "fluorescence"])
def test_images_without_counts__are_mapped_as_well(tmp_path: Path, signal: Signal) -> None:
    # I0 of a fluorescence scan is measured with each image; a phantom's flat field is not.
    jitter = 0.003 if signal == "absorbance" else 0.0
    phantom = Phantom(size=(40, 48), energies=105, seed=4, flux_jitter=jitter)
    scan = write_phantom(phantom, tmp_path / "scan", signal=signal)
    products = run(apply_overrides(load_recipe(recipe(signal)), QUICK), Folders(scan), tmp_path / "run")
    fractions, alone = grains(scan)
    maps = products.maps
    for name in ("fraction", "lcf_fraction"):
        assert np.abs(maps[name].values - fractions)[:, alone].mean() < 0.03
    # The noise is measured, and it is what the fits leave.
    assert abs(float(maps.noise_ratio) - 1) < 0.15
    assert 0.8 < float(np.nanmedian(maps.reduced_chi_square.values[alone])) < 1.3
    assert (maps.unknown_score.values[alone] > 1).mean() < 0.05
    assert products.findings.verdict is not None
    assert (tmp_path / "run" / "report.html").is_file()


def test_a_real_stack_of_absorbance__is_mapped_as_its_counts_are(shared: Path, tmp_path: Path) -> None:
    source, folder = shared / "als_fe2p", tmp_path / "scan"
    (folder / "mu").mkdir(parents=True)
    for name in ("energies_eV.txt", "reduced.r", "oxidized.r"):
        shutil.copy(source / name, folder)
    counts = xf.ingest.tiff_stack(
        source, sample="transmitted_counts.tif", flat_field="i0.xsp", energies="energies_eV.txt"
    )
    for number, image in enumerate(xf.correct.absorbance(counts).mu.values):
        tifffile.imwrite(folder / "mu" / f"od_{number:03}.tif", image)
    text = recipe("iron_l_edge").read_text(encoding="utf-8").replace("  - correct.absorbance\n", "")
    begin, end = text.index("  - ingest.tiff_stack"), text.index("  - ingest.references")
    text = text[:begin] + "  - ingest.absorbance: {energies: energies_eV.txt}\n" + text[end:]
    found = [
        run(apply_overrides(plan, QUICK), Folders(data), tmp_path / name).maps
        for name, plan, data in (
            ("counts", load_recipe(recipe("iron_l_edge")), source),
            ("absorbance", parse_recipe(text, "absorbance"), folder),
        )
    ]
    known = np.isfinite(found[0].class_vote.values) & (found[0].flags.values == 0)
    apart = np.abs(found[0].fraction.values - found[1].fraction.values)[:, known]
    assert known.sum() > 1000
    # Two forests, trained on two measures of one noise.
    assert apart.mean() < 0.04
