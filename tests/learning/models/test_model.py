"""A model at rest: what was saved comes back, and nothing else is let in."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
import threading
import zipfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from skops.io import dumps

from xafsflow.errors import InputError
from xafsflow.learning.forest.binned_layout import BinnedForest
from xafsflow.learning.models import model as module
from xafsflow.learning.models.classifiers import CLASSIFIERS, fit
from xafsflow.learning.models.model import Model, StoredModel, read_model, save_model, stored

COMPOSITIONS = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])


def trained(name: str, n_features: int = 20, seen: tuple[int, ...] = (0, 1, 2), **changes: Any) -> Model:
    rng = np.random.default_rng(0)
    energy, spectra = 7100.0 + np.arange(n_features), rng.random((2, n_features))
    centers = COMPOSITIONS @ spectra
    labels = np.repeat(seen, 40)
    table = (centers[labels] + 0.05 * rng.standard_normal((labels.size, n_features))).astype(np.float32)
    estimator, importances = fit(name, table, labels, 8, 0)
    values: dict[str, Any] = {
        "classifier": name,
        "estimator": estimator,
        "features": "norm",
        "energy": energy,
        "references": ["Fe", "Fe2O3 – hämatit"],
        "compositions": COMPOSITIONS,
        "class_features": centers,
        "reference_energy": energy,
        "reference_norm": spectra,
        "importances": importances,
        "seed": 300,
        "versions": {"python": "3.11", "numpy": "2.0"},
        "confidence": np.array([[0.0, 0.5], [0.6, 1.0]]),
        "distance_scale": np.ones((4, 3)),
        "distance_power": None,
    }
    return Model(**(values | changes))


def pixels(n_features: int = 20) -> np.ndarray:
    return np.random.default_rng(1).random((n_features, 50)).astype(np.float32)


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    module._load.cache_clear()


@pytest.fixture(scope="module")
def forest() -> Model:
    return trained("random_forest")


@pytest.mark.parametrize("n_features", [4, 20])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_saved_model__comes_back(tmp_path, name, n_features):
    model = trained(name, n_features)
    found = save_model(model, tmp_path / "deep" / "model.skops").load()
    for one in fields(Model):
        before, after = getattr(model, one.name), getattr(found, one.name)
        assert type(before) is type(after)
        if isinstance(before, np.ndarray):
            np.testing.assert_array_equal(after, before)
            assert after.dtype == before.dtype
        elif one.name != "estimator":
            assert after == before
    np.testing.assert_array_equal(found.votes(pixels(n_features)), model.votes(pixels(n_features)))
    assert found == model


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_equal_models__make_equal_files(tmp_path, name):
    first = save_model(trained(name), tmp_path / "first.skops")
    kept = [np.empty(k) for k in range(100)]  # other addresses in memory
    second = save_model(trained(name), tmp_path / "second.skops")
    again = save_model(first.load(), tmp_path / "again.skops")
    assert first.digest == second.digest == again.digest
    assert len(kept) == 100
    assert save_model(trained(name, seed=301), tmp_path / "other.skops").digest != first.digest


DIGEST = """
import runpy, sys
from pathlib import Path
tests = runpy.run_path(sys.argv[1])
print(tests["save_model"](tests["trained"]("random_forest"), Path(sys.argv[2])).digest)
"""


def test_equal_models__make_equal_files_in_another_process(tmp_path, forest):
    command = [sys.executable, "-c", DIGEST, __file__, tmp_path / "model.skops"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.strip() == save_model(forest, tmp_path / "here.skops").digest


def test_models__differ_where_a_number_differs(forest):
    assert forest == replace(forest)
    assert forest != replace(forest, energy=forest.energy + 1)
    assert forest != replace(forest, references=["Fe", "other"])
    assert forest != "forest"
    other = replace(forest.estimator, nodes=forest.estimator.nodes[::-1])
    assert forest != replace(forest, estimator=other)
    with pytest.raises(TypeError, match="unhashable"):
        hash(forest)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_class_that_was_not_seen__gets_no_vote(name):
    votes = trained(name, seen=(0, 2)).votes(pixels())
    assert votes.shape == (50, 3)
    assert (votes[:, 1] == 0).all()
    np.testing.assert_allclose(votes.sum(axis=1), 1)


def test_a_stored_model__is_small_and_travels(tmp_path, forest):
    resting = save_model(forest, tmp_path / "model.skops")
    assert len(pickle.dumps(resting)) < 500
    assert pickle.loads(pickle.dumps(resting)).load() == forest
    assert Path(resting.path).is_absolute()


def test_a_process__reads_a_model_once(tmp_path, forest):
    resting = save_model(forest, tmp_path / "model.skops")
    assert resting.load() is StoredModel(resting.path, resting.digest).load()


def test_stored__writes_a_model_in_memory_once_and_leaves_one_at_rest(tmp_path, forest):
    resting = save_model(forest, tmp_path / "model.skops")
    assert stored(resting) is resting
    first = stored(forest)
    written = Path(first.path).stat().st_mtime_ns
    assert stored(replace(forest)) == first
    assert Path(first.path).stat().st_mtime_ns == written
    assert first.digest == resting.digest
    assert first.load() == forest


def test_read_model__takes_a_file_that_is_there(tmp_path, forest):
    resting = save_model(forest, tmp_path / "model.skops")
    assert read_model(tmp_path / "model.skops") == resting
    with pytest.raises(InputError, match=r"no file .*other\.skops"):
        read_model(tmp_path / "other.skops")


def test_a_file_that_changed__is_refused(tmp_path, forest):
    path = tmp_path / "model.skops"
    resting = save_model(forest, path)
    save_model(replace(forest, seed=7), path)
    with pytest.raises(InputError, match="has changed"):
        resting.load()


def test_a_file_that_is_gone__is_refused(tmp_path, forest):
    resting = save_model(forest, tmp_path / "model.skops")
    (tmp_path / "model.skops").unlink()
    with pytest.raises(InputError, match=r"model\.skops: No such file"):
        resting.load()


def test_writing__leaves_no_half_file_behind(tmp_path, forest, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        save_model(forest, tmp_path / "model.skops")
    assert not list(tmp_path.iterdir())


def test_threads_that_write_one_path__leave_one_whole_file(tmp_path, forest):
    path = tmp_path / "model.skops"
    threads = [threading.Thread(target=save_model, args=(forest, path)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.name for one in tmp_path.iterdir()] == ["model.skops"]
    assert read_model(path).load() == forest


class Stranger:
    """What a file might try to bring in."""

    def __init__(self) -> None:
        self.value = 1


def strange_files() -> dict[str, bytes]:
    """Files that are no model of ours."""
    from sklearn.ensemble import RandomForestClassifier

    model = trained("linear_discriminant", 4)
    values = {one.name: getattr(model, one.name) for one in fields(Model)}
    tree = RandomForestClassifier(1).fit(pixels(4).T, np.arange(50) % 2)
    return {
        "a class of its own": dumps(values | {"estimator": Stranger()}),
        "a function": dumps(values | {"features": subprocess.check_output}),
        "a scikit-learn tree, whose nodes nobody checks": dumps(values | {"estimator": tree}),
        "another dictionary": dumps({"a": 1}),
        "more than a model": dumps(values | {"more": 1}),
        "no dictionary": dumps([1, 2]),
        "a forest without nodes": dumps(values | {"estimator": {"forest": {"roots": np.zeros(1)}}}),
        "no forest": dumps(values | {"estimator": {"tree": 1}}),
        "text": b"a model",
        "nothing": b"",
        "a pickle": pickle.dumps(values | {"estimator": None}),
    }


def test_files_of_something_else__are_refused(tmp_path):
    for what, content in strange_files().items():
        path = tmp_path / "model.skops"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"model file .*model\.skops"):
            pytest.fail(f"{what}: {read_model(path).load()}")


def test_a_stranger__is_named(tmp_path):
    path = tmp_path / "model.skops"
    path.write_bytes(strange_files()["a class of its own"])
    with pytest.raises(InputError, match=r"Stranger.*do not use it"):
        read_model(path).load()


def test_a_forest_that_leads_astray__is_refused(tmp_path, forest):
    nodes = forest.estimator.nodes.copy()
    nodes[0] |= np.uint64(0xFFFFF)
    bad = replace(forest, estimator=replace(forest.estimator, nodes=nodes))
    with pytest.raises(InputError, match="lead astray"):
        save_model(bad, tmp_path / "model.skops").load()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files__are_refused_or_the_same_model(tmp_path, forest, data):
    path = tmp_path / "model.skops"
    save_model(forest, path)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans(), "truncate"):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    for _ in range(data.draw(st.integers(0, 3))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bytes(content))
    try:
        found = read_model(path).load()
    except InputError as error:
        told = str(error)
    else:
        told = f"model file {found.classifier}"
        assert isinstance(found.estimator, BinnedForest)
        found.votes(pixels())
    assert told.startswith(("Found model file", "model file"))


def test_a_file__holds_nothing_of_the_hour_or_of_addresses(tmp_path, forest):
    content = Path(save_model(forest, tmp_path / "model.skops").path).read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        schema = archive.read("schema.json").decode()
    assert max(int(n) for n in _ids(json.loads(schema))) < 1000


def _ids(node: Any) -> list[int]:
    if isinstance(node, dict):
        own = [node["__id__"]] if "__id__" in node else []
        return own + [n for one in node.values() for n in _ids(one)]
    return [n for one in node for n in _ids(one)] if isinstance(node, list) else []
