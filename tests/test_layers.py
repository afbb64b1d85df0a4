"""Imports point only downwards, those inside functions too."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "xafsflow"

# From top to bottom. A module imports its own room and those below; `__init__` opens the package and imports all.
LAYERS = (
    ("cli", "__main__"),
    ("campaign",),
    ("io.remote",),
    ("pipeline",),
    ("cluster",),
    ("steps",),
    ("sampling", "calibration"),
    ("io.writers",),
    ("reporting",),
    ("step_table",),
    ("learning",),
    ("store",),
    ("blocks", "phantom"),
    ("crystals",),
    ("io.readers",),
    ("io.folders", "io"),
    ("kernels",),
    ("findings",),
    ("files", "locks", "progress", "provenance", "missing_variables"),
    ("vocabulary", "wavelengths"),
    ("errors", "__version__", "STATIONS"),
)
HEIGHT = {name: -number for number, layer in enumerate(LAYERS) for name in layer}


def room(name: str) -> str:
    """The room of a module: the longest beginning of its dotted name that stands in the picture."""
    parts = name.split(".")
    return next((".".join(parts[:n]) for n in (2, 1) if ".".join(parts[:n]) in HEIGHT), parts[0])


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name below it, parsed."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts)] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


MODULES = modules()
BELOW_THE_DOOR = [name for name in MODULES if name != "__init__"]


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Dotted names that are imported anywhere in a module, and the lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "xafsflow" if node.level else ""
            source = ".".join(part for part in (base, node.module or "") if part)
            yield from ((f"{source}.{alias.name}", node.lineno) for alias in node.names)


def upward(name: str, tree: ast.AST) -> list[str]:
    """Imports of a module that point upwards, or to where no layer is."""
    found = []
    for source, line in imports(tree):
        first, _, rest = source.partition(".")
        if first == "xafsflow" and HEIGHT.get(room(rest), 1) > HEIGHT[room(name)]:
            found.append(f"{name}:{line} imports {source}")
    return found


def test_every_module__has_a_layer():
    assert not {room(name) for name in BELOW_THE_DOOR} - set(HEIGHT)


@pytest.mark.parametrize("name", BELOW_THE_DOOR)
def test_imports__point_only_downwards(name):
    for node in ast.walk(MODULES[name]):
        # A relative import would hide the layer that it names.
        assert not (isinstance(node, ast.ImportFrom) and node.level), (
            f"{name}:{node.lineno} imports relatively"
        )
    assert not upward(name, MODULES[name])


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("kernels.")])
def test_kernels__know_numpy_numba_and_each_other(name):
    allowed = sys.stdlib_module_names | {"numpy", "numba", "xafsflow"}
    assert not {source for source, _ in imports(MODULES[name]) if source.partition(".")[0] not in allowed}


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("learning.")])
def test_learning__does_not_know_dask(name):
    strange = {"dask", "distributed"}
    assert not {source for source, _ in imports(MODULES[name]) if source.partition(".")[0] in strange}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("kernels.spectra.absorbance", "from xafsflow.steps.correct import absorbance"),
        ("learning.models.model", "def load():\n    import xafsflow.pipeline.execution"),
        ("store.map_store", "from xafsflow.pipeline import recipe"),
        ("vocabulary", "if True:\n    from xafsflow.kernels import jit"),
        ("io.readers.tiff_stack", "from xafsflow.io.writers import csv_tables"),
        ("cli.main", "from xafsflow import nowhere"),
    ],
)
def test_this_test__finds_what_points_upwards(name, source):
    assert upward(name, ast.parse(source))


def test_this_test__lets_pass_what_points_downwards():
    source = "from xafsflow.learning.models import model\nimport xafsflow.kernels.spectra.absorbance"
    assert not upward("steps.train.train_model", ast.parse(source))
    assert not upward("io.writers.png_figures", ast.parse("from xafsflow.reporting import map_figures"))
