"""The guides of CONTRIBUTING.md: the code of each is run as it stands there."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.findings.run_findings import RunFindings
from xafsflow.io import readers, writers
from xafsflow.io.folders import Folders
from xafsflow.learning.models.classifiers import CLASSIFIERS
from xafsflow.pipeline.recipe import parse_recipe
from xafsflow.reporting.section_table import SECTIONS, sections_in_order
from xafsflow.step_table import STEPS
from xafsflow.vocabulary import MAP, VARIABLES, Variable

TEXT = (Path(__file__).resolve().parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
GUIDES = dict(re.findall(r"<!-- guide: (\w+) -->\n```python\n(.*?)```", TEXT, flags=re.DOTALL))
WIDTH = Variable(MAP, "eV", "energies between a quarter and three quarters of the edge")


def built(guide: str, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The code of a guide as the module that it would be."""
    path = folder / f"{name.rpartition('.')[2]}.py"
    path.write_text(GUIDES[guide], encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def test_guides__are_short():
    assert set(GUIDES) == {"step", "classifier", "reader", "writer", "section"}
    for guide in GUIDES.values():
        assert len([line for line in guide.splitlines() if line.strip()]) <= 30


def test_guide_of_a_step__gives_one_that_recipes_know(tmp_path, monkeypatch):
    monkeypatch.setitem(VARIABLES, "edge_width", WIDTH)
    xf.ingest  # noqa: B018 - the table is filled before it is changed
    try:
        module = built("step", "xafsflow.steps.derive.edge_width", tmp_path, monkeypatch)
        energy = np.arange(7090.0, 7140.0)
        norm = np.clip((energy - 7100) / 10, 0, 1)[:, None, None] * np.ones((1, 2, 3))
        cube = xr.Dataset({"norm": (("energy", "y", "x"), norm)}, coords={"energy": energy})
        found = module.edge_width(cube.chunk(y=1))
        assert (found.edge_width == 5.0).all()
        assert found.edge_width.attrs["units"] == "eV"
        text = "recipe: 1\nsteps:\n  - ingest.phantom\n  - correct.absorbance\n  - normalize.edge_step: {e0: 7112}\n"
        recipe = parse_recipe(f"{text}  - derive.edge_width: {{low: 0.1}}\n", "recipe.yaml")
        assert recipe.plan[-1].settings == {"low": 0.1, "high": 0.75}
    finally:
        STEPS.pop("derive.edge_width", None)


def test_guide_of_a_classifier__gives_one_that_train_fit_knows(products):
    try:
        exec(GUIDES["classifier"], {})
        model, findings = xf.train.fit(products["samples"], classifier="logistic")
        assert findings.accuracy > 0.5
        assert np.isfinite(xf.classify.model(products["cube"], model).fraction).any()
    finally:
        CLASSIFIERS.pop("logistic", None)


def test_guide_of_a_reader__gives_one_that_ingest_asks(tmp_path, monkeypatch):
    built("reader", "xafsflow.io.readers.spectrum_json", tmp_path, monkeypatch)
    formats = ("xafsflow.io.readers.spectrum_json", *readers.READERS["spectra"])
    monkeypatch.setitem(readers.READERS, "spectra", formats)
    energy = np.arange(7000.0, 7300.0)
    content = {"energy": energy.tolist(), "mu": np.arctan(energy - 7112).tolist()}
    (tmp_path / "Fe.json").write_text(json.dumps(content), encoding="utf-8")
    library = xf.ingest.references(Folders(tmp_path), files={"Fe": "Fe.json"})
    assert np.array_equal(library.mu.values[0], np.arctan(energy - 7112))


def test_guide_of_a_writer__gives_one_that_export_knows(tmp_path, monkeypatch):
    built("writer", "xafsflow.io.writers.npz_maps", tmp_path, monkeypatch)
    monkeypatch.setitem(writers.WRITERS, "npz", "xafsflow.io.writers.npz_maps")
    maps = xr.Dataset({"e0": (MAP, np.full((2, 3), 7112.0))})
    (path,) = writers.write(maps, "npz", tmp_path / "out")
    assert (np.load(path)["e0"] == 7112).all()


def test_guide_of_a_section__gives_one_that_stands_in_the_report(tmp_path, monkeypatch):
    sections_in_order()
    monkeypatch.setitem(VARIABLES, "edge_width", WIDTH)
    try:
        built("section", "xafsflow.reporting.sections.edge_width", tmp_path, monkeypatch)
        maps = xr.Dataset({"edge_width": (MAP, np.random.default_rng(0).random((8, 9)))})
        page = xf.report.page(maps, None, RunFindings({}), tmp_path)
        assert "Width of the edge" in page.read_text(encoding="utf-8")
    finally:
        SECTIONS.pop("edge_width", None)
