"""A small measurement, a recipe that stores its cube, and the bytes that an undisturbed run leaves."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from xafsflow.blocks import field as fields
from xafsflow.cli.main import main
from xafsflow.phantom import Phantom, write_phantom
from xafsflow.store import cube_store as cubes

KEPT = ("cube.zarr", "maps.zarr", "models")
RECIPE = """\
recipe: 1
steps:
  - ingest.tiff_stack: {flat_field: flat/*.tif, foil: foil/*.tif, dark: dark/*.tif, energies: energies.csv}
  - ingest.references: {files: {Fe: references/Fe.xdi, FeO: references/FeO.xdi, Fe2O3: references/Fe2O3.xdi}}
  - ingest.store: {tile: 16}
  - correct.absorbance
  - calibrate.foil: {standard: Fe}
  - calibrate.apply
  - normalize.edge_step: {e0: 7112.0, pre1: -60, pre2: -12, norm1: 40, nnorm: 1}
  - train.mixtures: {step: 0.5, noise_patterns: 20, features: norm, span: [-20, 100]}
  - train.fit: {classifier: random_forest, trees: 10}
  - classify.model
  - judge.means
  - report.page
"""


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 x 44 pixels: tiles of 16 and bands of 8 rows, of which some end at the border."""
    made = Phantom(size=(40, 44), energies=60, seed=3)
    return write_phantom(made, tmp_path_factory.mktemp("data") / "scan")


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "recipe.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(autouse=True, scope="module")
def small_bands() -> Iterator[None]:
    """Blocks of 8 rows, each a band: many moments between two of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fields, "BAND_BYTES", 16 * 44 * 60 * 4)
        patch.setattr(cubes, "BAND_BYTES", 1)
        yield


@pytest.fixture(scope="session")
def call() -> Callable[..., Result]:
    """The command line in this process."""

    def called(*words: str | Path) -> Result:
        return CliRunner().invoke(main, [str(word) for word in words])

    return called


@pytest.fixture(scope="session")
def run_words(scan: Path, recipe: Path) -> Callable[[Path], list[str]]:
    """The command of a run into a folder."""
    return lambda out: ["run", str(recipe), "--data", str(scan), "--out", str(out)]


@pytest.fixture(scope="session")
def digest() -> Callable[[Path], str]:
    """SHA-256 over the names and bytes of what a run is to keep."""

    def digest_of(folder: Path) -> str:
        found = hashlib.sha256()
        for part in KEPT:
            for path in sorted([folder / part, *(folder / part).rglob("*")]):
                if path.is_file():
                    found.update(str(path.relative_to(folder)).encode() + path.read_bytes())
        return found.hexdigest()

    return digest_of


@pytest.fixture(scope="module")
def undisturbed(
    call: Any, run_words: Any, tmp_path_factory: pytest.TempPathFactory, small_bands: None
) -> Path:
    out = tmp_path_factory.mktemp("runs") / "whole"
    result = call(*run_words(out))
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture
def own_run(undisturbed: Path, tmp_path: Path) -> Path:
    """A finished run to damage."""
    return Path(shutil.copytree(undisturbed, tmp_path / "run"))


@pytest.fixture(scope="session")
def trials() -> int:
    """How often a fault is made where the moment is chance."""
    return int(os.environ.get("XAFSFLOW_FAULT_TRIALS", "3"))


@pytest.fixture
def survived(record_property: Any) -> Callable[[str, int, int], None]:
    """Note a fault for `tests/benchmarks/faults.py`, and fail unless every trial was survived."""

    def note(name: str, times: int, good: int) -> None:
        record_property("fault", name)
        record_property("trials", times)
        record_property("survived", good)
        assert good == times

    return note
