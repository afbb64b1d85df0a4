"""What every file keeps to: its length, its name, and what it does not say."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "xafsflow").rglob("*.py"))
FILE_LINES, FUNCTION_LINES = 320, 45
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}
LEFT_TO_DO = "work that is left to do"
# Each pattern has a bracket so that this file does not hold what it looks for.
FORBIDDEN = {
    "a path of somebody's machine": r"(?<![\w.~])/(?:work|root|home|Users)/\w",
    "a host of package registries": r"pypi[.]org|pythonhosted[.]org|anaconda[.]org|artifact[o]ry|index[-]url",
    LEFT_TO_DO: r"\bTO[D]O\b|\bFIX[M]E\b|\bXX[X]\b|NotImplemented[E]rror",
}


def listed() -> list[Path]:
    """Files that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("the project's files are not listed: no git, or no repository")
    names = [name for name in done.stdout.decode().split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function below its signature and docstring."""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_and_functions__are_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= FILE_LINES
    functions = [
        n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert not {f.name: body_lines(f) for f in functions if body_lines(f) > FUNCTION_LINES}


def test_file_names__say_what_is_in_them():
    names = {part for path in SOURCES for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not names & VAGUE


def test_no_file_name__stands_twice_in_the_package():
    names = Counter(path.name for path in SOURCES if not path.name.startswith("__"))
    assert not [name for name, times in names.items() if times > 1]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file__holds(what):
    pattern, found = re.compile(FORBIDDEN[what]), []
    for path in listed():
        if what == LEFT_TO_DO and path.is_relative_to(ROOT / "tests"):
            continue  # steps that only stand in the table, for tests of the recipe, raise when they are run
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a picture or the like
        place = path.relative_to(ROOT).as_posix()
        found += [
            f"{place}:{number}: {line[:100]}" for number, line in enumerate(lines, 1) if pattern.search(line)
        ]
    assert not found


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a path of somebody's machine", "data = '" + "/" + "home/anna/scan'"),
        ("a host of package registries", "https://" + "pypi" + ".org/simple"),
        (LEFT_TO_DO, "# TO" + "DO: later"),
    ],
)
def test_this_test__finds(what, line):
    assert re.search(FORBIDDEN[what], line)
