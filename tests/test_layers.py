"""Imports point only downwards, those inside functions too."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "xafsflow"

# From top to bottom. A module imports its own layer and those below; `__init__` opens the package and imports all.
LAYERS = (
    ("cli", "commands", "progress", "demo", "__main__"),
    ("campaign",),
    ("flow", "cluster", "cost", "elsewhere", "rehearsal", "repair", "runfolder"),
    ("recipe", "plan", "settings", "strict_yaml"),
    ("steps",),
    ("contract", "learn", "report", "exports"),
    ("blocks", "halo", "store", "phantom", "readers"),
    ("kernels",),
    ("names", "errors", "links", "processes", "watch", "__version__"),
)
HEIGHT = {name: -number for number, layer in enumerate(LAYERS) for name in layer}


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
        target = rest.partition(".")[0]
        if first == "xafsflow" and HEIGHT.get(target, 1) > HEIGHT[name.partition(".")[0]]:
            found.append(f"{name}:{line} imports {source}")
    return found


def test_every_module__has_a_layer():
    assert not {name.partition(".")[0] for name in BELOW_THE_DOOR} - set(HEIGHT)


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


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("learn.")])
def test_learn__does_not_know_dask(name):
    strange = {"dask", "distributed"}
    assert not {source for source, _ in imports(MODULES[name]) if source.partition(".")[0] in strange}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("kernels.absorb", "from xafsflow.steps.correct import absorbance"),
        ("learn.model", "def load():\n    import xafsflow.flow"),
        ("store", "from xafsflow import recipe"),
        ("names", "if True:\n    from xafsflow.kernels import jit"),
        ("cli", "from xafsflow import nowhere"),
    ],
)
def test_this_test__finds_what_points_upwards(name, source):
    assert upward(name, ast.parse(source))


def test_this_test__lets_pass_what_points_downwards():
    assert not upward(
        "steps.train", ast.parse("from xafsflow.learn import model\nimport xafsflow.kernels.absorb")
    )
    assert not upward("recipe", ast.parse("from xafsflow.plan import PlannedStep"))
