"""The verdict on whole runs: each rule is brought about by a scan or a recipe, and a clean scan brings about none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from scipy.ndimage import uniform_filter

from xafsflow.findings.overall_verdict import Verdict
from xafsflow.io.folders import Folders
from xafsflow.phantom import Phantom, write_phantom
from xafsflow.pipeline.execution import read_findings, run
from xafsflow.pipeline.recipe import parse_recipe

pytestmark = pytest.mark.long

AHEAD = """\
recipe: 1
steps:
  - ingest.tiff_stack: {flat_field: flat/*.tif, foil: foil/*.tif, dark: dark/*.tif, energies: energies.csv}
  - ingest.references: {files: {Fe: references/Fe.xdi, FeO: references/FeO.xdi, Fe2O3: references/Fe2O3.xdi}}
  - correct.absorbance
  - correct.background: {e0: 7112.0}
  - correct.flux
  - calibrate.foil: {standard: Fe}
"""
CALIBRATED = """\
  - calibrate.apply
  - calibrate.check: {standard: Fe}
"""
NORMALIZED = """\
  - correct.average: {window: 3}
  - normalize.edge_step: {e0: 7112.0, pre1: -60, pre2: -12, norm1: 40, nnorm: 1}
"""
TRAINED = """\
  - derive.noise
  - train.mixtures: {step: 0.25, noise_patterns: 20, check_patterns: 1000, span: [-20, 100]}
  - train.fit: {trees: 10}
  - classify.model
"""
FITTED = """\
  - classify.combination
  - judge.unknown
  - judge.agreement
"""
PAGE = "  - report.page\n"
RECIPE = AHEAD + CALIBRATED + NORMALIZED + TRAINED + FITTED + PAGE
SIZE: dict[str, Any] = {"size": (32, 40), "energies": 110}


def rewritten(scan: Path, kind: str, change: Callable[[Any, int], Any]) -> None:
    """Images of a kind, changed in place by `change(image, number)`."""
    for number, path in enumerate(sorted(scan.glob(f"{kind}/*.tif"))):
        image = change(tifffile.imread(path).astype(float), number)
        tifffile.imwrite(path, np.clip(np.round(image), 0, 65535).astype(np.uint16))


def thin_foil(scan: Path) -> None:
    flats = [tifffile.imread(path).astype(float) for path in sorted(scan.glob("flat/*.tif"))]
    noise = np.random.default_rng(0)
    rewritten(
        scan,
        "foil",
        lambda foil, n: noise.poisson(flats[n] * (np.maximum(foil, 1) / np.maximum(flats[n], 1)) ** 0.044),
    )


def blurred(scan: Path) -> None:
    rewritten(scan, "sample", lambda image, _: uniform_filter(image, 3, mode="nearest"))


def without_counts(scan: Path) -> None:
    def change(image: Any, number: int) -> Any:
        image[:, :26] = 0
        return image

    rewritten(scan, "sample", change)


def foil_with_a_hole(scan: Path) -> None:
    flats = [tifffile.imread(path) for path in sorted(scan.glob("flat/*.tif"))]

    def change(foil: Any, number: int) -> Any:
        foil[:10, :12] = flats[number][:10, :12]
        return foil

    rewritten(scan, "foil", change)


PHANTOMS = {
    "clean": Phantom(**SIZE, seed=11),
    "low counts": Phantom(**SIZE, seed=12, counts=1500.0),
    "another phase": Phantom(**SIZE, seed=13, references=("Fe", "FeO", "Fe2O3", "FeS2")),
    "few energies": Phantom(size=(20, 24), energies=50, seed=16),
}
EDGE = "e0: 7112.0, pre1: -60, pre2: -12, norm1: 40, nnorm: 1"
SWAPPED = "  - ingest.references: {files: {Fe: references/Fe2O3.xdi, FeO: references/FeO.xdi, Fe2O3: references/Fe.xdi}}\n"
SHORT = AHEAD + CALIBRATED + NORMALIZED + "  - derive.noise\n"
PLAIN = "".join(line for line in SHORT.splitlines(True) if "background" not in line and "flux" not in line)
UNCALIBRATED = PLAIN.replace(CALIBRATED, "").replace("  - calibrate.foil: {standard: Fe}\n", "")
SETS = """\
  - ingest.candidates: {files: ["references/*.xdi"]}
  - judge.reference_sets: {used: [Fe, FeO, Fe2O3]}
"""


@dataclass(frozen=True)
class Case:
    """A run: of which phantom, how its files were changed, and by which recipe."""

    phantom: str
    recipe: str = RECIPE
    change: Callable[[Path], None] | None = None


CASES = {
    "clean": Case("clean"),
    "low counts": Case("low counts"),
    "another phase": Case("another phase"),
    "swapped": Case("clean", RECIPE.replace("  - classify.comb", SWAPPED + "  - classify.comb")),
    "untested": Case("clean", SHORT + TRAINED.replace("  - derive.noise\n", "")),
    "sets": Case("another phase", SHORT + SETS),
    "thin foil": Case("few energies", PLAIN, thin_foil),
    "not applied": Case("clean", SHORT.replace("  - calibrate.apply\n", "")),
    "blurred": Case("clean", PLAIN.replace("window: 3", "window: 5"), blurred),
    "no counts": Case("clean", PLAIN, without_counts),
    "hole": Case("clean", SHORT, foil_with_a_hole),
    "windows": Case(
        "clean", UNCALIBRATED.replace(EDGE, "e0: 7090.0, pre1: -40, pre2: -36, norm1: 40, nnorm: 3")
    ),
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`done(name)` runs a case once and gives the folder of its run."""
    base = tmp_path_factory.mktemp("verdicts")

    @cache
    def scan(name: str) -> Path:
        return write_phantom(PHANTOMS[name], base / name)

    @cache
    def case(name: str) -> Path:
        one, out = CASES[name], base / "runs" / name
        data = scan(one.phantom)
        if one.change is not None:
            data = Path(shutil.copytree(data, base / f"{name}, changed"))
            one.change(data)
        run(parse_recipe(one.recipe, f"{name}.yaml"), Folders(data), out)
        return out

    return case


def verdict(run: Path) -> Verdict:
    found = read_findings(run).verdict
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["clean", "low counts"])
def test_a_scan_of_known_phases__has_an_answer_that_holds(name: str, done: Callable[[str], Path]) -> None:
    found = verdict(done(name))
    assert found.reservations == ()
    assert found.light == "answer holds"
    assert "Answer holds" in (done(name) / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("another phase", {"misfit", "unknown_pixels", "unlike_classes"}),
        ("swapped", {"disagreement"}),
        ("untested", {"untested"}),
        ("sets", {"references"}),
        ("thin foil", {"shift_error", "standard_misfit"}),
        ("not applied", {"calibration_check"}),
        ("blurred", {"noise_check"}),
        ("no counts", {"few_answers"}),
        ("hole", {"warned"}),
        ("windows", {"edge_place", "pre_edge", "post_edge"}),
    ],
)
def test_a_scan_with_a_fault__is_told_so(name: str, rules: set[str], done: Callable[[str], Path]) -> None:
    found = verdict(done(name))
    assert {one.rule for one in found.reservations} >= rules
    assert found.light != "answer holds"
