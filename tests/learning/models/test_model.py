"""A model at rest: what was saved comes back, and nothing else is let in."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import threading
import zipfile
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError
from xafsflow.learning.forest.binned_layout import BinnedForest
from xafsflow.learning.models import model as module
from xafsflow.learning.models.classifiers import CLASSIFIERS, Drawn, fit
from xafsflow.learning.models.model import Model, StoredModel, read_model, save_model, stored
from xafsflow.learning.models.model_archive import from_archive, to_archive
from xafsflow.learning.models.regressors import REGRESSORS, fit_properties
from xafsflow.learning.models.signature import Signature
from xafsflow.learning.models.targets import Targets
from xafsflow.learning.trust.trust_record import Trust

COMPOSITIONS = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
FLAT = {"step": "normalize.flat", "settings": {"e0": 7112.0, "pre1": None}}
OF_PROPERTIES = " of properties"
LEARNERS = [*CLASSIFIERS, *(name + OF_PROPERTIES for name in REGRESSORS)]


def trained(name: str, n_features: int = 20, seen: tuple[int, ...] = (0, 1, 2), **changes: Any) -> Model:
    rng = np.random.default_rng(0)
    energy, spectra = 7100.0 + np.arange(n_features), rng.random((2, n_features))
    centers = COMPOSITIONS @ spectra
    labels = np.repeat(seen, 40)
    table = (centers[labels] + 0.05 * rng.standard_normal((labels.size, n_features))).astype(np.float32)
    if name.endswith(OF_PROPERTIES):
        of = name.removesuffix(OF_PROPERTIES)
        predictor, importances = fit_properties(of, table, COMPOSITIONS[labels], Drawn(8, 0))
        targets = Targets("properties", ["distance", "angle"], ["angstrom", "degree"], None, None, None, None)
    else:
        predictor, importances = fit(name, table, labels, Drawn(8, 0))
        names = ["Fe", "Fe2O3 – hämatit"]
        targets = Targets("compositions", names, ["1", "1"], COMPOSITIONS, centers, energy, spectra)
    values: dict[str, Any] = {
        "learner": name,
        "signature": Signature("energy", "eV", energy, "norm", [FLAT], 7112.0, np.array([0.01, 0.02])),
        "targets": targets,
        "predictor": predictor,
        "trust": Trust(np.array([[0.0, 0.5], [0.6, 1.0]]), np.ones((4, targets.count)), np.ones(4)),
        "importances": importances,
        "seed": 300,
        "versions": {"python": "3.11", "numpy": "2.0"},
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


def leaves(model: Model) -> dict[str, Any]:
    """Every value of a model, by place."""
    found = {}
    for one in fields(model):
        value = getattr(model, one.name)
        inner = getattr(value, "__dataclass_fields__", None)
        found |= {one.name: value} if inner is None else {f"{one.name}.{k}": getattr(value, k) for k in inner}
    return found


@pytest.mark.long
@pytest.mark.parametrize("n_features", [4, 20])
@pytest.mark.parametrize("name", LEARNERS)
def test_a_saved_model__comes_back(tmp_path, name, n_features):
    model = trained(name, n_features)
    found = save_model(model, tmp_path / "deep" / "model.npz").load()
    assert type(found.predictor) is type(model.predictor)
    for (place, before), after in zip(leaves(model).items(), leaves(found).values(), strict=True):
        assert type(before) is type(after), place
        np.testing.assert_array_equal(after, before, err_msg=place)
        assert getattr(after, "dtype", None) == getattr(before, "dtype", None)
    np.testing.assert_array_equal(found.predict(pixels(n_features)), model.predict(pixels(n_features)))
    assert found == model


@pytest.mark.parametrize("name", LEARNERS)
def test_equal_models__make_equal_files(tmp_path, name):
    first = save_model(trained(name), tmp_path / "first.npz")
    kept = [np.empty(k) for k in range(100)]  # other addresses in memory
    second = save_model(trained(name), tmp_path / "second.npz")
    again = save_model(first.load(), tmp_path / "again.npz")
    assert first.digest == second.digest == again.digest
    assert len(kept) == 100
    assert save_model(trained(name, seed=301), tmp_path / "other.npz").digest != first.digest


DIGEST = """
import runpy, sys
from pathlib import Path
tests = runpy.run_path(sys.argv[1])
print(tests["save_model"](tests["trained"]("random_forest"), Path(sys.argv[2])).digest)
"""


@pytest.mark.long
def test_equal_models__make_equal_files_in_another_process(tmp_path, forest):
    command = [sys.executable, "-c", DIGEST, __file__, tmp_path / "model.npz"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.strip() == save_model(forest, tmp_path / "here.npz").digest


def test_models__differ_where_a_number_differs(forest):
    assert forest == replace(forest)
    signature, targets = forest.signature, forest.targets
    assert forest != replace(forest, signature=replace(signature, values=signature.values + 1))
    assert forest != replace(forest, targets=replace(targets, names=["Fe", "other"]))
    assert forest != "forest"
    other = replace(forest.predictor, nodes=forest.predictor.nodes[::-1])
    assert forest != replace(forest, predictor=other)
    with pytest.raises(TypeError, match="unhashable"):
        hash(forest)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_class_that_was_not_seen__gets_no_vote(name):
    votes = trained(name, seen=(0, 2)).predict(pixels())
    assert votes.shape == (50, 3)
    assert (votes[:, 1] == 0).all()
    np.testing.assert_allclose(votes.sum(axis=1), 1)


def test_a_stored_model__is_small_and_travels(tmp_path, forest):
    resting = save_model(forest, tmp_path / "model.npz")
    assert len(pickle.dumps(resting)) < 500
    assert pickle.loads(pickle.dumps(resting)).load() == forest
    assert Path(resting.path).is_absolute()


def test_a_process__reads_a_model_once(tmp_path, forest):
    resting = save_model(forest, tmp_path / "model.npz")
    assert resting.load() is StoredModel(resting.path, resting.digest).load()


def test_stored__writes_a_model_in_memory_once_and_leaves_one_at_rest(tmp_path, forest):
    resting = save_model(forest, tmp_path / "model.npz")
    assert stored(resting) is resting
    first = stored(forest)
    written = Path(first.path).stat().st_mtime_ns
    assert stored(replace(forest)) == first
    assert Path(first.path).stat().st_mtime_ns == written
    assert first.digest == resting.digest
    assert first.load() == forest


def test_read_model__takes_a_file_that_is_there(tmp_path, forest):
    resting = save_model(forest, tmp_path / "model.npz")
    assert read_model(tmp_path / "model.npz") == resting
    with pytest.raises(InputError, match=r"no file .*other\.npz"):
        read_model(tmp_path / "other.npz")


def test_a_file_that_changed__is_refused(tmp_path, forest):
    path = tmp_path / "model.npz"
    resting = save_model(forest, path)
    save_model(replace(forest, seed=7), path)
    with pytest.raises(InputError, match="has changed"):
        resting.load()


def test_a_file_that_is_gone__is_refused(tmp_path, forest):
    resting = save_model(forest, tmp_path / "model.npz")
    (tmp_path / "model.npz").unlink()
    with pytest.raises(InputError, match=r"model\.npz: No such file"):
        resting.load()


def test_writing__leaves_no_half_file_behind(tmp_path, forest, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        save_model(forest, tmp_path / "model.npz")
    assert not list(tmp_path.iterdir())


def test_threads_that_write_one_path__leave_one_whole_file(tmp_path, forest):
    path = tmp_path / "model.npz"
    threads = [threading.Thread(target=save_model, args=(forest, path)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.name for one in tmp_path.iterdir()] == ["model.npz"]
    assert read_model(path).load() == forest


def strange_files(forest: Model) -> dict[str, bytes]:
    """Files that are no model of ours."""
    content = module._to_bytes(forest)
    header, arrays = from_archive(content)

    def changed(**parts: Any) -> bytes:
        return to_archive(header | parts, arrays)

    objects = io.BytesIO()
    np.save(objects, np.array([print]), allow_pickle=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", json.dumps(header))
    pickled = io.BytesIO(content)
    with zipfile.ZipFile(pickled, "a") as archive:
        archive.writestr("model/objects.npy", objects.getvalue())
    plain = io.BytesIO()
    np.savez(plain, a=np.arange(3))
    return {
        "another archive of numpy": plain.getvalue(),
        "a packed file": packed.getvalue(),
        "an array of objects, which is a pickle": pickled.getvalue(),
        "another format": changed(format="xafsflow model 0"),
        "no such predictor": changed(**{"predictor row": "tree"}),
        "another predictor": changed(**{"predictor row": "exact_forest"}),
        "more than a model": changed(more=1),
        "less than a model": to_archive({k: v for k, v in header.items() if k != "seed"}, arrays),
        "no signature": changed(signature=3),
        "an array too few": to_archive(header, {k: v for k, v in arrays.items() if k != "predictor/nodes"}),
        "an array for nothing": to_archive(header, arrays | {"nothing/a": np.arange(3)}),
        "features of other number": to_archive(header, arrays | {"signature/values": np.arange(3.0)}),
        "a class that is not there": to_archive(header, arrays | {"predictor/classes": np.array([0, 1, 7])}),
        "importances of other features": to_archive(header, arrays | {"model/importances": np.arange(3.0)}),
        "a curve of one row": to_archive(header, arrays | {"trust/confidence": np.arange(3.0)}),
        "compositions of other names": to_archive(header, arrays | {"targets/compositions": np.eye(3)}),
        "text": b"a model",
        "nothing": b"",
        "a pickle": pickle.dumps({"predictor": None}),
    }


def test_files_of_something_else__are_refused(tmp_path, forest):
    for what, content in strange_files(forest).items():
        path = tmp_path / "model.npz"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"model file .*model\.npz"):
            pytest.fail(f"{what}: {read_model(path).load()}")


def test_a_forest_with_invalid_nodes__is_refused(tmp_path, forest):
    nodes = forest.predictor.nodes.copy()
    nodes[0] |= np.uint64(0xFFFFF)
    bad = replace(forest, predictor=replace(forest.predictor, nodes=nodes))
    with pytest.raises(InputError, match="invalid nodes"):
        save_model(bad, tmp_path / "model.npz").load()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files__are_refused_or_the_same_model(tmp_path, forest, data):
    path = tmp_path / "model.npz"
    save_model(forest, path)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans(), "truncate"):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    for _ in range(data.draw(st.integers(0, 3))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bytes(content))
    with suppress(InputError):
        found = read_model(path).load()
        assert isinstance(found.predictor, BinnedForest)
        found.predict(pixels())


def test_a_file__holds_arrays_and_text_of_no_hour_which_numpy_opens(tmp_path, forest):
    path = Path(save_model(forest, tmp_path / "model.npz").path)
    with zipfile.ZipFile(path) as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {name.rpartition(".")[2] for name in archive.namelist()} == {"npy", "json"}
    with np.load(path, allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["signature/values"], forest.signature.values)
