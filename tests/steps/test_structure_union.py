"""train.union and train.extend: a union that grows without its old networks being trained again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.crystals import PatternSettings, simulated_patterns
from xafsflow.errors import InputError
from xafsflow.findings.record import from_json, to_json
from xafsflow.findings.union_findings import UnionFindings
from xafsflow.learning.models.model import Model, save_model
from xafsflow.learning.network.network_file import network_from_bytes
from xafsflow.learning.network.torch_network import Shape
from xafsflow.learning.union import group_training
from xafsflow.learning.union.pattern_samples import TRAIN
from xafsflow.learning.union.union_model import UnionOfNetworks
from xafsflow.sampling.pattern_library import pattern_library

NEEDED = "networks are trained with torch, of the extra `nets`"
OLD = ("rocksalt", "CsCl", "fluorite", "spinel")
GROUPS = [["rocksalt", "CsCl"], ["spinel", "fluorite"]]


def needs_torch() -> None:
    pytest.importorskip("torch", reason=NEEDED)


@contextmanager
def small() -> Iterator[None]:
    """Networks that are trained in a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(group_training, "SHAPE", Shape(15, 3, (4, 8), 4))
        yield


@pytest.fixture(scope="module")
def more_patterns() -> xr.Dataset:
    """Patterns of 25 compounds of each of six types, the old ones not first, and of a type that is background."""
    return simulated_patterns(
        ("rutile", *OLD, "wurtzite"),
        25,
        background=("pyrite",),
        per_background=6,
        pattern=PatternSettings(step=0.05),
        seed=8,
    )


@pytest.fixture(scope="module")
def made(known_patterns: xr.Dataset) -> tuple[Model, UnionFindings]:
    needs_torch()
    with small():
        return xf.train.union(
            known_patterns, networks=GROUPS, epochs=2, coverage=0.8, beside=["nearest_mean", "one_network"]
        )


@pytest.fixture(scope="module")
def grown(made: tuple[Model, UnionFindings], more_patterns: xr.Dataset) -> tuple[Model, UnionFindings]:
    with small():
        return xf.train.extend(made[0], more_patterns, epochs=2, coverage=0.8)


def union_of(model: Model) -> UnionOfNetworks:
    assert isinstance(model.predictor, UnionOfNetworks)
    return model.predictor


def test_a_union__knows_each_type_by_the_network_of_its_group(
    made: tuple[Model, UnionFindings], known_patterns: xr.Dataset
) -> None:
    model, found = made
    union = union_of(model)
    assert union.types == model.targets.names == list(OLD) == list(found.types)
    assert union.ratios == ["AB", "AB", "AB2", "AB2C4"]
    assert [network_from_bytes(one)[1]["types"] for one in union.contents] == GROUPS
    assert [list(one.types) for one in found.networks] == GROUPS
    assert [one.epochs for one in found.networks] == [2, 2]
    assert model.signature.wavelength == float(known_patterns.wavelength)
    assert model.versions["torch"]
    votes = model.predict(known_patterns.mu.values[:5].T)
    np.testing.assert_allclose(votes.sum(axis=1), 1)


def test_findings__tell_of_the_check_patterns(
    made: tuple[Model, UnionFindings], known_patterns: xr.Dataset
) -> None:
    model, found = made
    samples = pattern_library(known_patterns, "structure_type", None, 0).samples
    assert set(found.table) == {
        "union", "confidence", "likeness", "published_rule", "nearest_mean", "one_network",
    }  # fmt: skip
    assert found.training_patterns == len(samples.rows(TRAIN))
    assert found.check_patterns == found.confusion.sum()
    top1 = np.trace(found.confusion) / found.check_patterns
    assert found.table["union"].top1 == pytest.approx(top1)
    assert found.table["union"].interval[0] <= top1 <= found.table["union"].interval[1]
    assert 1 <= found.set_size <= 4
    assert from_json(UnionFindings, to_json(found)) == found
    np.testing.assert_array_equal(found.weights, union_of(model).score)
    learnt = np.isin(samples.kind[samples.part == TRAIN], GROUPS[0]).sum()
    assert found.networks[0].patterns == learnt


def test_a_saved_union__answers_alike(
    made: tuple[Model, UnionFindings], known_patterns: xr.Dataset, tmp_path: Path
) -> None:
    stored = save_model(made[0], tmp_path / "union.npz").load()
    assert stored == made[0]
    assert union_of(stored).contents == union_of(made[0]).contents
    table = known_patterns.mu.values[:20].T
    np.testing.assert_array_equal(stored.predict(table), made[0].predict(table))


def test_a_grown_union__has_the_old_networks_and_mean_patterns_to_the_byte(
    made: tuple[Model, UnionFindings], grown: tuple[Model, UnionFindings], more_patterns: xr.Dataset
) -> None:
    before, after = union_of(made[0]), union_of(grown[0])
    assert after.types == [*OLD, "rutile", "wurtzite"]
    assert after.ratios == ["AB", "AB", "AB2", "AB2C4", "AB2", "AB"]
    assert after.contents[:2] == before.contents
    assert len(after.contents) == 3
    assert network_from_bytes(after.contents[2])[1]["types"] == ["rutile", "wurtzite"]
    assert after.templates[:4].tobytes() == before.templates.tobytes()
    assert grown[0].seed == made[0].seed
    answers = xf.judge.patterns(more_patterns, grown[0]).answers
    right = {name: [one.answer == name for one in answers if one.truth == name] for name in after.types}
    # Old and new ones are answered: by chance one in six is right
    assert np.mean([one for name in OLD for one in right[name]]) > 0.35
    assert np.mean([*right["rutile"], *right["wurtzite"]]) > 0.35
    assert set(grown[1].table) == {"union", "confidence", "likeness", "published_rule"}
    assert grown[1].confusion.shape == (6, 6)


def test_what_cannot_be_added__is_refused_before_a_training(
    made: tuple[Model, UnionFindings], more_patterns: xr.Dataset, known_patterns: xr.Dataset
) -> None:
    model = made[0]
    kind = more_patterns.structure_type.values
    cases = {
        "a library without CsCl, spinel": more_patterns.isel(
            sample=np.flatnonzero(~np.isin(kind, ["CsCl", "spinel"]))
        ),
        "a library of known types alone": known_patterns,
        "801 angles from 10 to 90": more_patterns.isel(two_theta=slice(None, None, 2)),
        "angles at 0.71 Angstrom": more_patterns.assign(wavelength=0.71),
        "without the label structure_type": more_patterns.drop_vars("structure_type"),
        "too few patterns of .*wurtzite": more_patterns.isel(
            sample=np.flatnonzero((kind != "wurtzite") | (np.cumsum(kind == "wurtzite") <= 1))
        ),
    }
    for told, library in cases.items():
        with pytest.raises(InputError, match=told):
            xf.train.extend(model, library)
    linear = replace(model, learner="ridge", predictor=_linear())
    with pytest.raises(InputError, match="a model of ridge"):
        xf.train.extend(linear, more_patterns)


def _linear() -> Any:
    from xafsflow.learning.models.predictors import Linear

    return Linear(np.zeros((1601, 4)), np.zeros(4), True, np.arange(4))


@pytest.mark.parametrize(
    ("networks", "told"),
    [
        ([["rocksalt", "CsCl"], ["fluorite", "spinell"]], "'spinell' twice or unknown"),
        ([["rocksalt", "CsCl"], ["fluorite", "spinel", "CsCl"]], "'CsCl' twice or unknown"),
        ([["rocksalt", "CsCl"], ["fluorite"]], "'spinel' in none"),
        ([["rocksalt", "CsCl", "fluorite", "spinel"], []], "an empty group"),
    ],
)
def test_groups_by_hand__hold_each_type_once(
    networks: list[list[str]], told: str, known_patterns: xr.Dataset
) -> None:
    with pytest.raises(InputError, match=told):
        xf.train.union(known_patterns, networks=networks)


def test_a_library_that_is_too_small__is_refused(known_patterns: xr.Dataset) -> None:
    few = known_patterns.isel(sample=[0, 1, 2, 40, 41, 42])
    with pytest.raises(InputError, match="too few patterns of rocksalt, CsCl"):
        xf.train.union(few)
    with pytest.raises(InputError, match="1 structure types"):
        xf.train.union(known_patterns.isel(sample=slice(3)))


WITHOUT = """
import sys
sys.modules["torch"] = None
from pathlib import Path
import numpy as np
import xarray as xr
import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.learning.models.model import read_model
model, kept = read_model(Path(sys.argv[1])), np.load(sys.argv[2])
texts = {name: ("sample", kept[name]) for name in ("structure_type", "group", "background")}
spectra = xr.Dataset(
    {"mu": (("sample", "two_theta"), kept["mu"]), "wavelength": ((), float(kept["wavelength"])), **texts},
    {"two_theta": kept["two_theta"]},
)
print([one.answer for one in xf.judge.patterns(spectra, model).answers])
mu = spectra.mu.values[:6].T.reshape(-1, 2, 3)
cube = xr.Dataset(
    {"mu": (("two_theta", "y", "x"), mu), "flags": (("y", "x"), np.zeros((2, 3), "u1")), "wavelength": spectra.wavelength},
    {"two_theta": spectra.two_theta},
)
cube = xf.classify.model(xf.ingest.as_measured(cube), model)
print(cube.class_index.values.ravel().tolist())
try:
    xf.train.union(spectra, epochs=1)
except InputError as error:
    print(error)
"""


def test_without_torch__a_saved_union_answers_and_a_training_says_what_to_install(
    union_model: Model, known_patterns: xr.Dataset, tmp_path: Path
) -> None:
    save_model(union_model, tmp_path / "union.npz")
    names = ("mu", "structure_type", "group", "background", "wavelength", "two_theta")
    np.savez(tmp_path / "patterns.npz", **{name: known_patterns[name].values for name in names})
    command = [sys.executable, "-c", WITHOUT, str(tmp_path / "union.npz"), str(tmp_path / "patterns.npz")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    answers, mapped, message = done.stdout.splitlines()
    wanted = [one.answer for one in xf.judge.patterns(known_patterns, union_model).answers]
    assert answers == str(wanted)
    assert [OLD[place] for place in json.loads(mapped)] == wanted[:6]
    assert "pip install xafsflow[nets]" in message
