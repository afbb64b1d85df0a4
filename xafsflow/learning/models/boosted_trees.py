"""Boosted trees of LightGBM and XGBoost: the library trains and answers, its own text is what is stored."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Singles, Uint8s

Library = Literal["lightgbm", "xgboost"]
# Two threads of LightGBM on a busy machine stood still; Dask's workers are what runs side by side.
THREADS = 1
LIGHTGBM = {
    "max_bin": 63, "bagging_fraction": 0.8, "bagging_freq": 1,
    "deterministic": True, "force_col_wise": True, "verbosity": -1, "num_threads": THREADS,
}  # fmt: skip
XGBOOST = {
    "min_child_weight": 2.0, "subsample": 0.8, "tree_method": "hist",
    "nthread": THREADS, "verbosity": 0,
}  # fmt: skip
# Rounds times rate: how far the trees come in all.
LEARNT = 20.0
FASTEST = 0.15
# Features that a tree looks at, at least, and their share where there are more.
LEAST_FEATURES, SHARE = 8, 0.3


def library(name: Library) -> Any:
    """The library, imported when it is needed.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = {"lightgbm": "lightgbm", "xgboost": "xgboost-cpu"}[name]
        raise InputError(
            f"the learner {name} without its library ({error})",
            f"the package {package}",
            "install it with `pip install xafsflow[boost]`, or choose another learner",
        ) from error


class Boosting:
    """Boosted trees, one set for all classes or one for each property.

    Parameters
    ----------
    name
        The library.
    trees
        Rounds.
    seed
        Of the rows and features that each tree sees.
    regression
        Properties, not classes.
    rate
        Learning rate; None: `LEARNT` over the rounds, at most `FASTEST`.
    share
        Share of the features that a tree of LightGBM, or a node of XGBoost, may use; None: `SHARE` of them, and
        `LEAST_FEATURES` at least.
    leaves, min_samples_leaf
        Of LightGBM: leaves of a tree at most, samples in a leaf at least.
    depth
        Of XGBoost: nodes from the root to a leaf at most.
    """

    def __init__(
        self,
        name: Library,
        trees: int,
        seed: int,
        regression: bool = False,
        *,
        rate: float | None = None,
        share: float | None = None,
        leaves: int = 31,
        min_samples_leaf: int = 10,
        depth: int = 6,
    ) -> None:
        self.name: Library = name
        self.trees, self.seed, self.regression = trees, seed, regression
        self.rate = min(FASTEST, LEARNT / trees) if rate is None else rate
        self.share, self.leaves, self.min_samples_leaf, self.depth = share, leaves, min_samples_leaf, depth

    def fit(self, features: Floats, targets: NDArray[Any]) -> None:
        """Learn from features `(sample, feature)` and labels `(sample,)` or properties `(sample[, property])`."""
        table = np.ascontiguousarray(features, np.float32)
        self.n_features = table.shape[1]
        usual = min(1.0, max(SHARE, LEAST_FEATURES / self.n_features))
        self.used = usual if self.share is None else self.share
        if self.regression:
            columns: NDArray[Any] = np.asarray(targets, np.float64).reshape(len(table), -1).T
            self.classes, kinds = np.arange(len(columns)), 0
        else:
            self.classes, index = np.unique(targets, return_inverse=True)
            columns, kinds = index[None], len(self.classes)
        learn = {"lightgbm": self._lightgbm, "xgboost": self._xgboost}[self.name]
        found = [learn(table, column, kinds) for column in columns]
        self.texts = [text for text, _ in found]
        gains = np.sum([gain for _, gain in found], axis=0)
        self.feature_importances_ = gains / max(gains.sum(), np.finfo(float).tiny)

    def _lightgbm(self, table: Singles, column: NDArray[Any], kinds: int) -> tuple[bytes, Doubles]:
        module = library("lightgbm")
        kind = {"objective": "multiclass", "num_class": kinds} if kinds else {"objective": "regression"}
        settings = LIGHTGBM | kind | {"learning_rate": self.rate, "seed": self.seed}
        settings |= {"feature_fraction": self.used, "num_leaves": self.leaves}
        settings |= {"min_data_in_leaf": self.min_samples_leaf}
        data = module.Dataset(table, column, params={"verbosity": -1})
        booster = module.train(settings, data, num_boost_round=self.trees)
        text = booster.model_to_string().encode()
        return text, np.asarray(booster.feature_importance("gain"), np.float64)

    def _xgboost(self, table: Singles, column: NDArray[Any], kinds: int) -> tuple[bytes, Doubles]:
        module = library("xgboost")
        kind = {"objective": "multi:softprob", "num_class": kinds} if kinds else {}
        settings = XGBOOST | kind | {"learning_rate": self.rate, "seed": self.seed}
        settings |= {"colsample_bynode": self.used, "max_depth": self.depth}
        booster = module.train(settings, module.DMatrix(table, column, nthread=THREADS), self.trees)
        gain = np.zeros(self.n_features)
        for name, value in booster.get_score(importance_type="total_gain").items():
            gain[int(name[1:])] = value
        return bytes(booster.save_raw("json")), gain


@dataclass(frozen=True, eq=False)
class BoostedTrees:
    """Boosted trees at rest.

    `text` holds the library's own text of each set of trees, one behind the other, `lengths` (set,) bytes long: one set
    for classes, one for each property.
    """

    name: Library
    text: Uint8s
    lengths: Indices
    classes: Indices
    n_features: int
    regression: bool

    @classmethod
    def from_fitted(cls, estimator: Boosting) -> BoostedTrees:
        """Of a fitted `Boosting`."""
        return cls(
            name=estimator.name,
            text=np.frombuffer(b"".join(estimator.texts), np.uint8),
            lengths=np.array([len(text) for text in estimator.texts], np.int64),
            classes=np.asarray(estimator.classes, np.int64),
            n_features=estimator.n_features,
            regression=estimator.regression,
        )

    @cached_property
    def texts(self) -> list[bytes]:
        """The text of each set of trees."""
        ends = np.cumsum(self.lengths)
        return [self.text[end - size : end].tobytes() for end, size in zip(ends, self.lengths, strict=True)]

    def predict(self, features: Singles) -> Doubles:
        """Probabilities `(pixel, class)` or answers `(pixel, property)` to features `(feature, pixel)`."""
        table = np.ascontiguousarray(features.T, np.float32)
        if not len(table):
            return np.zeros((0, len(self.classes)))
        found = [_answers(self.name, booster(self.name, text), table) for text in self.texts]
        return np.asarray(np.stack(found, axis=1) if self.regression else found[0], np.float64)

    def check(self) -> None:
        """Refuse arrays that do not belong together.

        Raises
        ------
        InputError
            Another dtype or length, or a library that is not known.
        """
        arrays = ((self.text, "u1"), (self.lengths, "i8"), (self.classes, "i8"))
        kinds = all(
            isinstance(a, np.ndarray) and a.dtype == np.dtype(kind) and a.ndim == 1 for a, kind in arrays
        )
        known = self.name in ("lightgbm", "xgboost") and isinstance(self.regression, bool)
        fits = kinds and known and type(self.n_features) is int and self.n_features > 0
        fits = fits and bool((self.lengths > 0).all()) and self.lengths.sum() == len(self.text)
        if not fits or len(self.lengths) != (len(self.classes) if self.regression else 1):
            raise InputError(
                "boosted trees that do not belong together",
                "the text of one training",
                "train the model again",
            )


@lru_cache(maxsize=64)
def booster(name: Library, text: bytes) -> Any:
    """The library's own model of a text, read once a process."""
    module = library(name)
    if name == "lightgbm":
        return module.Booster(model_str=text.decode())
    found = module.Booster({"nthread": THREADS})
    found.load_model(bytearray(text))
    return found


def _answers(name: Library, model: Any, table: Singles) -> Doubles:
    if name == "lightgbm":
        return np.asarray(model.predict(table, num_threads=THREADS))
    return np.asarray(model.inplace_predict(table))
