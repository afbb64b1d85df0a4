"""A trained model: signature, targets, predictor and trust, in one file that each process reads once."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.files import sha256_of, write_atomically
from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.models.feature_map import FeatureMap
from xafsflow.learning.models.model_archive import Array, from_archive, to_archive
from xafsflow.learning.models.predictors import PREDICTORS, Features, Predictor, over_all_classes, row_of
from xafsflow.learning.models.signature import Signature
from xafsflow.learning.models.targets import Targets
from xafsflow.learning.samples.row_blocks import row_blocks
from xafsflow.learning.trust.trust_record import Trust

# The first word of every model file; another number when what stands in it changes.
FORMAT = "xafsflow model 6"
AGAIN = "train the model again"
PARTS = ("signature", "targets", "predictor", "trust", "features")


@dataclass(frozen=True, eq=False)
class Model:
    """A trained model with all that is needed to use it.

    Parameters
    ----------
    learner
        Its name in the table of classifiers or regressors.
    signature
        What it was made for.
    targets
        What it answers.
    predictor
        What answers: arrays, a row of `PREDICTORS`.
    trust
        When to believe it.
    importances
        `(feature,)`, None where the learner tells none.
    seed, versions
        What it was trained with.
    features
        What the predictor reads of a spectrum; None where that is the spectrum itself.
    """

    learner: str
    signature: Signature
    targets: Targets
    predictor: Predictor
    trust: Trust
    importances: Doubles | None
    seed: int
    versions: dict[str, str]
    features: FeatureMap | None = None

    def predict(self, features: Features) -> Doubles:
        """Votes `(pixel, class)` or properties `(pixel, property)`, from spectra `(feature, pixel)` without NaN.

        These are the values of the signature's variable at its places on the axis. A class that the training did not see
        gets no vote.
        """
        # Blocks, as what is read is several times as large as the spectra
        parts = row_blocks(features.shape[1], self.predictor.n_features) if self.features else [slice(None)]
        found = [
            over_all_classes(self.predictor, self.read(features[:, part]), self.targets.count)
            for part in parts
        ]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def read(self, spectra: Features) -> Features:
        """What the predictor reads of spectra `(feature, pixel)`."""
        return spectra if self.features is None else self.features(spectra)

    def check(self) -> None:
        """Refuse parts that do not belong together.

        Raises
        ------
        InputError
            Names the part.
        """
        features, count = len(self.signature.values), self.targets.count
        self.signature.check()
        self.targets.check(features)
        self.predictor.check()
        self.trust.check(count)
        known, read = self.predictor.classes, features
        if self.features is not None:
            self.features.check()
            read = self.features.count
        same = self.features is None or np.array_equal(self.features.axis, self.signature.values)
        if not same or self.predictor.n_features != read or not ((known >= 0) & (known < count)).all():
            raise InputError(
                "a predictor of other features or classes", "those of the signature and targets", AGAIN
            )
        if self.importances is not None and self.importances.shape != (features,):
            raise InputError("importances of other features", "those of the signature", AGAIN)

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
    path = _scratch() / f"{sha256_of(content)}.npz"
    return read_model(path) if path.exists() else _write(content, path)


def read_model(path: Path) -> StoredModel:
    """A model file that is already there, by path.

    Raises
    ------
    InputError
        There is no such file.
    """
    if not path.is_file():
        raise InputError(f"no file {path}", "a model of an earlier run", "check the path")
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
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"model file {path}: {error.strerror}", "a readable file", AGAIN) from error
    if sha256_of(content) != digest:
        raise InputError(f"model file {path}, which has changed", f"SHA-256 {digest}", AGAIN)
    try:
        return _from_bytes(content)
    except InputError as error:
        raise InputError(f"model file {path}: {error.found}", error.expected, error.action) from error
    except Exception as error:  # a damaged file fails in zipfile, json or numpy, each in its ways
        found = f"model file {path}: {type(error).__name__}: {error}"
        raise InputError(found, "a file that xafsflow wrote", AGAIN) from error


def _to_bytes(model: Model) -> bytes:
    arrays: dict[str, Array] = {}
    header: dict[str, object] = {"format": FORMAT, "predictor row": row_of(model.predictor)}
    for one in fields(Model):
        value = getattr(model, one.name)
        if one.name in PARTS and value is not None:
            inner = {part.name: getattr(value, part.name) for part in fields(value)}
            header[one.name] = _apart(inner, one.name, arrays)
        else:
            header |= _apart({one.name: value}, "model", arrays)
    return to_archive(header, arrays)


def _apart(values: dict[str, Any], name: str, arrays: dict[str, Array]) -> dict[str, object]:
    """The values that are no arrays; those that are go to `arrays`."""
    arrays |= {f"{name}/{key}": value for key, value in values.items() if isinstance(value, np.ndarray)}
    return {key: value for key, value in values.items() if not isinstance(value, np.ndarray)}


def _from_bytes(content: bytes) -> Model:
    header, arrays = from_archive(content)
    if header.pop("format", None) != FORMAT:
        raise InputError("it holds something else", f"a file of the format {FORMAT}", AGAIN)
    kinds = {"signature": Signature, "targets": Targets, "trust": Trust, "features": FeatureMap}
    kinds["predictor"] = PREDICTORS[str(header.pop("predictor row"))]
    parts: dict[str, Any] = dict(header)
    for name, array in arrays.items():
        part, _, key = name.partition("/")
        (parts if part == "model" else parts[part])[key] = array
    parts |= {name: kind(**parts[name]) for name, kind in kinds.items() if parts[name] is not None}
    model = Model(**parts)
    model.check()
    return model
