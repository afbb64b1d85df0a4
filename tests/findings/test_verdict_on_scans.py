"""The verdict on whole runs: each rule is brought about by a scan or a recipe, and a clean scan brings about none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from scipy.ndimage import uniform_filter

from xafsflow.findings.overall_verdict import Verdict
from xafsflow.findings.record import from_json
from xafsflow.io.folders import Folders
from xafsflow.phantom import Phantom, write_phantom
from xafsflow.pipeline.execution import finished_maps, read_findings, run
from xafsflow.pipeline.recipe import parse_recipe

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
  - train.mixtures: {step: 0.25, noise_patterns: 20, check_patterns: 1500, span: [-20, 100]}
  - train.fit: {trees: 20}
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
        lambda foil, n: noise.poisson(flats[n] * (np.maximum(foil, 1) / np.maximum(flats[n], 1)) ** 0.03),
    )


def blurred(scan: Path) -> None:
    rewritten(scan, "sample", lambda image, _: uniform_filter(image, 3, mode="nearest"))


def without_counts(scan: Path) -> None:
    def change(image: Any, number: int) -> Any:
        image[:, : 26 if number == 50 else 0] = 0
        return image

    rewritten(scan, "sample", change)


def foil_with_a_hole(scan: Path) -> None:
    flats = [tifffile.imread(path) for path in sorted(scan.glob("flat/*.tif"))]

    def change(foil: Any, number: int) -> Any:
        foil[:10, :12] = flats[number][:10, :12]
        return foil

    rewritten(scan, "foil", change)


def another_foil(scan: Path) -> None:
    """The standard is not what the foil is made of."""
    shutil.copy(scan / "references" / "FeO.xdi", scan / "references" / "Fe.xdi")


PHANTOMS = {
    "clean": Phantom(**SIZE, seed=11),
    "low counts": Phantom(**SIZE, seed=12, counts=1500.0),
    "another phase": Phantom(**SIZE, seed=13, references=("Fe", "FeO", "Fe2O3", "FeS2")),
    "mostly another phase": Phantom(**SIZE, seed=14, references=("FeS2", "FeCO3"), foil="Fe"),
}
SWAPPED = "  - ingest.references: {files: {Fe: references/Fe2O3.xdi, FeO: references/FeO.xdi, Fe2O3: references/Fe.xdi}}\n"
