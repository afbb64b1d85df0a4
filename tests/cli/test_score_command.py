"""`xafsflow score` on a folder of measured patterns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner, Result

from xafsflow.cli.main import main
from xafsflow.learning.models.model import Model, save_model
from xafsflow.learning.models.predictors import Linear
from xafsflow.learning.union.judged_patterns import judged

COPPER, COBALT = 1.54187, 1.790278


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["score", *(str(word) for word in words)])


def write_pattern(path: Path, two_theta: np.ndarray, counts: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{a:.4f} {c:.3f}" for a, c in zip(two_theta, counts, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def run(union_model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with the union among its models."""
    folder = tmp_path_factory.mktemp("run")
    save_model(union_model, folder / "models" / "types.npz")
    linear = Linear(np.zeros((1601, 4)), np.zeros(4), True, np.arange(4))
    save_model(
        replace(union_model, predictor=linear, learner="logistic_regression"), folder / "models" / "other.npz"
    )
    return folder


@pytest.fixture
def folder(known_patterns: xr.Dataset, union_model: Model, tmp_path: Path) -> Path:
    """Two patterns that are answered rightly, and one of an unknown type, at the wavelength of copper."""
    found = judged(union_model, known_patterns.mu.values)
    answers = np.where(found.unlike, -1, found.votes.argmax(axis=1))
    names, types = known_patterns.structure_type.values, ("rocksalt", "CsCl", "fluorite", "spinel")
    for file, name in (("salt [2].xy", "rocksalt"), ("fluor.dat", "fluorite")):
        row = np.flatnonzero((names == name) & (answers == types.index(name)))[0]
        write_pattern(tmp_path / file, known_patterns.two_theta.values, known_patterns.mu.values[row])
    row = np.flatnonzero(names == "quartz")[0]
    write_pattern(tmp_path / "sand.xy", known_patterns.two_theta.values, known_patterns.mu.values[row])
    (tmp_path / "labels.csv").write_text(
        "file,structure_type,ratio\nsalt [2].xy,rocksalt,AB\nfluor,fluorite,CaF2\nsand.xy,quartz,Al2O3\n"
    )
    (tmp_path / "image.png").write_bytes(b"no pattern")
    return tmp_path


def test_answers__are_a_table_and_a_score(run: Path, folder: Path) -> None:
    done = call(run / "models" / "types.npz", folder, "--labels", "labels.csv", "--wavelength", "CuKa")
    assert done.exit_code == 0, done.output
    head, fluor, salt, sand, known, unknown = done.stdout.splitlines()
    assert head.split() == ["file", "answer", "vote", "also", "possible"]
    assert fluor.split()[:2] == ["fluor.dat", "fluorite"]
    assert salt.startswith("salt [2].xy  rocksalt")
    # No type of the model has two of three
    assert sand.startswith("sand.xy      none of these")
    assert sand.endswith("right, is quartz")
    assert known.startswith("2 of known types: 100.0% right, 100.0% among the first three")
    assert unknown.endswith("1 of types that the model does not know: 100.0% answered with none of these")
    assert done.stderr == ""


def test_json__is_read_by_every_reader(run: Path, folder: Path) -> None:
    done = call(run, folder, "--wavelength", "1.5418", "--json")
    assert done.exit_code == 0, done.output

    def never(text: str) -> None:
        raise AssertionError(f"{text} is no JSON")

    found = json.loads(done.stdout, parse_constant=never)
    assert [one["name"] for one in found["answers"]] == ["fluor.dat", "salt [2].xy", "sand.xy"]
    assert found["labelled"] == 0
    assert found["top1"] is None


def test_a_folder__is_answered_as_its_patterns_are(
    run: Path, folder: Path, union_model: Model, known_patterns: xr.Dataset
) -> None:
    done = call(run, folder, "--wavelength", "CuKa", "--json")
    vote = json.loads(done.stdout)["answers"][0]["vote"]
    names = known_patterns.structure_type.values
    votes = union_model.predict(known_patterns.mu.values[names == "fluorite"].T)
    assert np.abs(votes.max(axis=1) - vote).min() < 0.01


def test_another_wavelength__is_converted(run: Path, folder: Path, known_patterns: xr.Dataset) -> None:
    plain = json.loads(call(run, folder, "--wavelength", "CuKa", "--json").stdout)["answers"]
    sine = np.sin(np.radians(known_patterns.two_theta.values / 2)) * COBALT / COPPER
    there = np.abs(sine) < 1
    cobalt = np.degrees(2 * np.arcsin(sine[there]))
    for path in [*folder.glob("*.xy"), *folder.glob("*.dat")]:
        write_pattern(path, cobalt, np.loadtxt(path)[there, 1])
    found = json.loads(call(run, folder, "--wavelength", "CoKa", "--json").stdout)["answers"]
    assert [one["answer"] for one in found] == [one["answer"] for one in plain]
    for one, other in zip(found, plain, strict=True):
        assert one["likeness"] == pytest.approx(other["likeness"], abs=0.05)


def test_what_is_known_of_all__leaves_types_out(run: Path, folder: Path) -> None:
    done = call(run, folder, "--wavelength", "CuKa", "--ratio", "MgAl2O4", "--json")
    assert {one["answer"] for one in json.loads(done.stdout)["answers"]} == {"spinel"}
    done = call(run, folder, "--wavelength", "CuKa", "--elements", "Na,Cl", "--json")
    assert done.exit_code == 0


def test_files_without_a_line__are_left_out_and_told(run: Path, folder: Path) -> None:
    (folder / "notes.txt").write_text("measured on a Monday\n")
    write_pattern(folder / "more" / "deep.xy", *np.loadtxt(folder / "sand.xy").T)
    (folder / "labels.csv").write_text("file,structure_type\nfluor.dat,fluorite\nmore/deep.xy,\n")
    done = call(run, folder, "--labels", "labels.csv", "--wavelength", "CuKa", "--json")
    assert done.exit_code == 0, done.output
    assert [one["name"] for one in json.loads(done.stdout)["answers"]] == ["fluor.dat", "more/deep.xy"]
    assert done.stderr == (
        "xafsflow: warning: left out, without a line in labels.csv: notes.txt, salt [2].xy, sand.xy\n"
    )
    # Without a table what cannot be read is left out
    done = call(run, folder, "--wavelength", "CuKa", "--json")
    assert len(json.loads(done.stdout)["answers"]) == 3
    assert "xafsflow: warning: a file is left out" in done.stderr
    assert "notes.txt" in done.stderr


def test_what_is_wrong__ends_with_one_message_and_status_2(run: Path, folder: Path, tmp_path: Path) -> None:
    light = ("--wavelength", "CuKa")
    (folder / "wrong.csv").write_text("file,kind\nsand.xy,quartz\n")
    (folder / "nameless.csv").write_text("name,structure_type\nsand.xy,quartz\n")
    (folder / "strange.csv").write_text("file,structure_type\nelsewhere.xy,quartz\n")
    (folder / "solid.csv").write_text("file,structure_type,ratio\nsand.xy,quartz,Fe0.9O\n")
    (folder / "text.npz").write_text("no model")
    empty = folder / "empty"
    empty.mkdir()
    types = run / "models" / "types.npz"
    for words, told in (
        ((types, folder), "no wavelength in 3 of 3 files"),
        ((types, folder, "--wavelength", "CuKb"), "the wavelength 'CuKb'"),
        ((folder / "none.npz", folder, *light), "no file"),
        ((folder / "text.npz", folder, *light), "BadZipFile"),
        ((empty, folder, *light), "0 models of structure types"),
        ((run / "models" / "other.npz", folder, *light), "a model of logistic_regression"),
        ((types, folder / "nowhere", *light), "no folder"),
        ((types, folder / "sand.xy", *light), "no folder"),
        ((types, empty, *light), "no pattern in"),
        ((types, folder, *light, "--labels", "none.csv"), "no file 'none.csv'"),
        ((types, folder, *light, "--labels", "wrong.csv"), "without the label structure_type"),
        ((types, folder, *light, "--labels", "nameless.csv"), "a column `file`"),
        ((types, folder, *light, "--labels", "strange.csv"), "no pattern in"),
        ((types, folder, *light, "--labels", "solid.csv"), "ratio 'Fe0.9O' of sand.xy"),
        ((types, folder, *light, "--ratio", "AB7"), "which no type of the model has"),
    ):
        done = call(*words)
        assert done.exit_code == 2, (words, done.output)
        assert done.stdout == ""
        last = [line for line in done.stderr.splitlines() if "warning" not in line]
        assert len(last) == 1, last
        assert last[0].startswith("xafsflow: Found ") or last[0].startswith("xafsflow: ")
        assert told in last[0], last
