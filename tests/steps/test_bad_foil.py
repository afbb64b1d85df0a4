"""A foil that is not as it should be, from its files to the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tifffile

from xafsflow.errors import InputError
from xafsflow.io.folders import Folders
from xafsflow.phantom import Phantom, write_phantom
from xafsflow.pipeline.execution import run
from xafsflow.pipeline.recipe import apply_overrides, load_recipe

DEMO = Path(__file__).resolve().parents[2] / "workflows" / "demo.yaml"
QUICK = ["train.mixtures.noise_patterns=20", "train.fit.trees=10", "train.mixtures.step=0.5"]


def written(folder: Path) -> Path:
    return write_phantom(Phantom(size=(40, 48), energies=100, seed=2), folder / "scan")


@pytest.mark.long
def test_foil_with_a_hole__is_told_in_the_findings_and_on_top_of_the_report(tmp_path: Path) -> None:
    scan = written(tmp_path)
    for foil, flat in zip(sorted(scan.glob("foil/*.tif")), sorted(scan.glob("flat/*.tif")), strict=True):
        image = tifffile.imread(foil)
        image[:12, :16] = tifffile.imread(flat)[:12, :16]
        tifffile.imwrite(foil, image)
    run(apply_overrides(load_recipe(DEMO), QUICK), Folders(scan), tmp_path / "run")
    warnings = json.loads((tmp_path / "run" / "findings.json").read_text())["warnings"]
    assert any("other step" in text for text in warnings)
    page = (tmp_path / "run" / "report.html").read_text()
    top = page[: page.index("Chemical state</h2>")]
    assert "other step" in top
    assert "E0 over the field before the calibration" in page
    assert "E0 over the field after the calibration" in page


def test_foil_of_another_size__is_refused_before_a_pixel_is_read(tmp_path: Path) -> None:
    scan = written(tmp_path)
    for foil in scan.glob("foil/*.tif"):
        tifffile.imwrite(foil, tifffile.imread(foil)[:30])
    with pytest.raises(InputError, match="30 x 48"):
        run(load_recipe(DEMO), Folders(scan), tmp_path / "run")


def test_foil_with_fewer_images__is_refused(tmp_path: Path) -> None:
    scan = written(tmp_path)
    for foil in sorted(scan.glob("foil/*.tif"))[60:]:
        foil.unlink()
    with pytest.raises(InputError, match="foil without an image at"):
        run(load_recipe(DEMO), Folders(scan), tmp_path / "run")
