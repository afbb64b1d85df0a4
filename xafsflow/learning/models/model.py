"""A trained classifier, at rest in one file and loaded once by each process that needs it."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.files import sha256_of, write_atomically
from xafsflow.learning.forest.binned_layout import BinnedForest
from xafsflow.learning.forest.exact_layout import FlatForest
from xafsflow.learning.models.model_file import OtherContentError, read_plain

# How forests are laid out, by the name that stands in a file.
FORESTS: dict[str, type[FlatForest] | type[BinnedForest]] = {
    "forest": FlatForest,
    "binned_forest": BinnedForest,
}


@dataclass(frozen=True, eq=False)
class Model:
    """A classifier with all that is needed to use it.

    `classifier` is its name in the table of `learn.classifiers`; `estimator` a laid out forest or a fitted
    scikit-learn estimator; `features` the variable of the cube that it reads, at `energy` (feature,), eV.
    `compositions` is (class, reference), `class_features` (class, feature) the noise-free features of each
    class, `reference_norm` (reference, reference_energy) the normalized references. `confidence` (2, knot) holds
    margins of the leading reference and how often it is right, `distance_scale` (metric, class) and
    `distance_power` (metric,) what noise alone gives; None where they were not learnt.
    """

    classifier: str
    estimator: Any
    features: str
    energy: np.ndarray
    references: list[str]
    compositions: np.ndarray
    class_features: np.ndarray
    reference_energy: np.ndarray
    reference_norm: np.ndarray
    importances: np.ndarray | None
    seed: int
    versions: dict[str, str]
    confidence: np.ndarray | None = None
    distance_scale: np.ndarray | None = None
    distance_power: np.ndarray | None = None

    def votes(self, features: np.ndarray) -> np.ndarray:
        """Shares of the votes, `(pixel, class)`, from float32 features `(feature, pixel)` without NaN.

        A class that the training did not see gets none.
        """
        if isinstance(self.estimator, FlatForest | BinnedForest):
            found, seen = self.estimator.votes(features), self.estimator.classes
        else:
            found = self.estimator.predict_proba(np.ascontiguousarray(features.T))
            seen = self.estimator.classes_
        if len(seen) == len(self.compositions):
            return found
        votes = np.zeros((len(found), len(self.compositions)))
        votes[:, seen] = found
        return votes

    def __eq__(self, other: object) -> bool:
        """Models are equal when their files are."""
        return isinstance(other, Model) and _to_bytes(self) == _to_bytes(other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class StoredModel:
    """Where a model lies and the SHA-256 of its file: small enough to travel with every task."""

    path: str
    digest: str

    def load(self) -> Model:
        """The model, read once a process.

        Raises
        ------
        InputError
            The file is missing, is not the one whose digest is known, or is no model.
        """
        return _load(self.path, self.digest)


def save_model(model: Model, path: Path) -> StoredModel:
    """Write a model to one file, whole or not at all, and say where it lies.

    Equal models make equal files.
    """
    return _write(_to_bytes(model), path)


def stored(model: Model | StoredModel) -> StoredModel:
    """A model at rest; one that is only in memory goes to a folder of this process, removed at its end."""
    if isinstance(model, StoredModel):
        return model
    content = _to_bytes(model)
    path = _scratch() / f"{sha256_of(content)}.skops"
    return read_model(path) if path.exists() else _write(content, path)


def read_model(path: Path) -> StoredModel:
    """A model file that is already there, by path.

    Raises
    ------
    InputError
        There is no such file.
    """
    if not path.is_file():
        raise InputError(f"no file {path}", "a model.skops of an earlier run", "check the path")
    return StoredModel(str(path.resolve()), sha256_of(path))


@lru_cache(maxsize=1)
def _scratch() -> Path:
    import atexit
    import shutil

    folder = Path(tempfile.mkdtemp(prefix="xafsflow-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _write(content: bytes, path: Path) -> StoredModel:
    write_atomically(path, content)
    return StoredModel(str(path.resolve()), sha256_of(content))


@lru_cache(maxsize=4)
def _load(path: str, digest: str) -> Model:
    again = "train the model again"
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"model file {path}: {error.strerror}", "a readable file", again) from error
    if sha256_of(content) != digest:
        raise InputError(f"model file {path}, which has changed", f"SHA-256 {digest}", again)
    try:
        return _from_bytes(content)
    except InputError as error:
        raise InputError(f"model file {path}: {error.found}", error.expected, error.action) from error
    except Exception as error:  # a damaged file fails in zipfile, json, numpy or skops, each in its ways
        told = f"model file {path}: {type(error).__name__}: {error}"
        raise InputError(told, "a file that xafsflow wrote", again) from error


def _to_bytes(model: Model) -> bytes:
    content: bytes | None = getattr(model, "_content", None)
    if content is not None:
        return content
    from skops.io import dumps

    values = _plain(model)
    for name, layout in FORESTS.items():
        if isinstance(model.estimator, layout):
            values["estimator"] = {name: _plain(model.estimator)}
    return _settled(dumps(values))


def _plain(record: Any) -> dict[str, Any]:
    return {one.name: getattr(record, one.name) for one in fields(record)}


def _from_bytes(content: bytes) -> Model:
    try:
        values = read_plain(content)
    except OtherContentError:
        values = _from_skops(content)
    if not isinstance(values, dict) or sorted(values) != sorted(one.name for one in fields(Model)):
        raise InputError("it holds something else", "a model", "give a model.skops that train.fit made")
    if isinstance(values["estimator"], dict):
        ((name, arrays),) = values["estimator"].items()
        forest = FORESTS[name](**arrays)
        forest.check()
        values["estimator"] = forest
    model = Model(**values)
    # Whoever stores it again need not put it together anew, which takes skops.
    object.__setattr__(model, "_content", content)
    return model


def _from_skops(content: bytes) -> Any:
    from skops.io import get_untrusted_types, loads

    # What skops trusts by itself is enough: numbers, texts, arrays and estimators without trees.
    strange = get_untrusted_types(data=content)
    if strange:
        told = f"it holds {', '.join(sorted(strange))}"
        raise InputError(told, "numbers and known estimators", "do not use it")
    return loads(content)


def _settled(content: bytes) -> bytes:
    """A skops file in which nothing depends on the hour or on addresses in memory.

    skops numbers objects and names files by `id`, and zip files carry times. Here objects and files are
    counted in their order; texts and numbers, for which sharing means nothing, get a number each.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema = json.loads(archive.read("schema.json"))
        numbers: dict[int, int] = {}
        names: dict[str, str] = {}
        _renumber(schema, numbers, names)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as settled:
            for old, new in names.items():
                settled.writestr(zipfile.ZipInfo(new), archive.read(old))
            settled.writestr(zipfile.ZipInfo("schema.json"), json.dumps(schema))
    return out.getvalue()


def _renumber(node: Any, numbers: dict[int, int], names: dict[str, str]) -> None:
    if isinstance(node, list):
        for one in node:
            _renumber(one, numbers, names)
    elif isinstance(node, dict):
        if isinstance(node.get("__id__"), int):
            # A key that no address has where a shared number is chance, as it is for small integers.
            key = -1 - len(numbers) if node.get("is_json") else node["__id__"]
            node["__id__"] = numbers.setdefault(key, len(numbers) + 1)  # skops takes 0 for none
        if isinstance(node.get("file"), str):
            suffix = Path(node["file"]).suffix
            node["file"] = names.setdefault(node["file"], f"{len(names)}{suffix}")
        for one in node.values():
            _renumber(one, numbers, names)
