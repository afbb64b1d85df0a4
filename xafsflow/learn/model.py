"""A trained classifier, at rest in one file and loaded once by each process that needs it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.learn.flat import FlatForest

# What a model file may hold beside numbers, texts and arrays, which skops trusts by itself.
TRUSTED = ("sklearn.neighbors._kd_tree.KDTree", "sklearn.neighbors._dist_metrics.EuclideanDistance64")


@dataclass(frozen=True)
class Model:
    """A classifier with all that is needed to use it.

    `classifier` is its name in the table of `learn.classifiers`; `estimator` a `FlatForest` or a fitted scikit-learn
    estimator; `features` the variable of the cube that it reads, at `energy` (feature,), eV. `compositions` is
    (class, reference), `class_features` (class, feature) the noise-free features of each class, `reference_norm`
    (reference, reference_energy) the normalized references.
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

    def votes(self, features: np.ndarray) -> np.ndarray:
        """Share of votes for each class, `(pixel, class)`, from float32 features `(feature, pixel)` without NaN."""
        if isinstance(self.estimator, FlatForest):
            return self.estimator.votes(features)
        found = np.zeros((features.shape[1], len(self.compositions)))
        found[:, self.estimator.classes_] = self.estimator.predict_proba(np.ascontiguousarray(features.T))
        return found

    def __eq__(self, other: object) -> bool:
        """Models are equal when their files would be."""
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
            The file is missing, is not the one whose digest is known, or holds types that are not trusted.
        """
        return _load(self.path, self.digest)


def save_model(model: Model, path: Path) -> StoredModel:
    """Write a model to one file, whole or not at all, and say where it lies."""
    return _write(_to_bytes(model), path)


def _write(content: bytes, path: Path) -> StoredModel:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)
    return StoredModel(str(path.resolve()), hashlib.sha256(content).hexdigest())


def stored(model: Model | StoredModel) -> StoredModel:
    """A model at rest; one that is only in memory is written to a folder of this process that is removed at its end."""
    if isinstance(model, StoredModel):
        return model
    content = _to_bytes(model)
    return _write(content, _scratch() / f"{hashlib.sha256(content).hexdigest()}.skops")


@lru_cache(maxsize=1)
def _scratch() -> Path:
    import atexit
    import shutil

    folder = Path(tempfile.mkdtemp(prefix="xafsflow-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def read_model(path: Path) -> StoredModel:
    """A model file that is already there, by path.

    Raises
    ------
    InputError
        There is no such file.
    """
    if not path.is_file():
        raise InputError(f"no file {path}", "a model.skops of an earlier run", "check the path")
    return StoredModel(str(path.resolve()), hashlib.sha256(path.read_bytes()).hexdigest())


@lru_cache(maxsize=4)
def _load(path: str, digest: str) -> Model:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"model file {path}: {error.strerror}", "a readable file", "run train.fit again") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise InputError(f"model file {path} has changed", f"SHA-256 {digest}", "run train.fit again")
    return _from_bytes(content, path)


def _to_bytes(model: Model) -> bytes:
    from skops.io import dumps

    values = {one.name: getattr(model, one.name) for one in fields(model)}
    if isinstance(model.estimator, FlatForest):
        values["estimator"] = {"forest": asdict(model.estimator)}
    content: bytes = dumps(values)
    return content


def _from_bytes(content: bytes, path: str) -> Model:
    from skops.io import get_untrusted_types, loads

    try:
        strange = set(get_untrusted_types(data=content)) - set(TRUSTED)
        if strange:
            raise InputError(f"model file {path} holds {', '.join(sorted(strange))}", "numbers and known estimators", "do not use it")
        values = loads(content, trusted=list(TRUSTED))
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise InputError(f"model file {path}: {error}", "a file that xafsflow wrote", "run train.fit again") from error
    if isinstance(values["estimator"], dict):
        values["estimator"] = FlatForest(**values["estimator"]["forest"])
    return Model(**values)
