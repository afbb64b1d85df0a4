"""The table of predictors: what answers for a model, as arrays only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Indices, Uint8s
from xafsflow.learning.forest.binned_layout import BinnedForest
from xafsflow.learning.forest.exact_layout import FlatForest
from xafsflow.learning.models.boosted_trees import BoostedTrees
from xafsflow.learning.models.kernel_machine import KernelMachine
from xafsflow.learning.models.model_archive import Array, from_archive, to_archive
from xafsflow.learning.models.perceptron import Layers
from xafsflow.learning.network.folded_network import FoldedNetwork
from xafsflow.learning.union.union_model import UnionOfNetworks

Features = NDArray[np.float32]


class Predictor(Protocol):
    """A frozen dataclass of arrays and numbers that answers.

    `classes` (output,) tells which class, or which property, each column of an answer stands for.
    """

    @property
    def classes(self) -> NDArray[np.int64]:
        """Indices of the classes or properties."""
        ...

    @property
    def n_features(self) -> int:
        """How many features it reads."""
        ...

    def predict(self, features: Features) -> Doubles:
        """Answers `(pixel, output)` to features `(feature, pixel)` without NaN."""
        ...

    def check(self) -> None:
        """Refuse arrays that do not belong together; raises InputError."""
        ...


@dataclass(frozen=True, eq=False)
class Linear:
    """Weighted sums of the features, or the shares that a softmax makes of them.

    Linear discriminant analysis, logistic regression and ridge regression are this. `weights` (feature, output) and
    `offset` (output,) are float64, in which the sums are taken.
    """

    weights: Doubles
    offset: Doubles
    softmax: bool
    classes: NDArray[np.int64]

    @classmethod
    def from_fitted(cls, estimator: Any) -> Linear:
        """Of a fitted linear classifier or regressor of scikit-learn.

        Examples
        --------
        >>> from sklearn.linear_model import LogisticRegression
        >>> table, labels = np.random.default_rng(0).random((90, 4), np.float32), np.repeat([0, 1, 2], 30)
        >>> fitted = LogisticRegression().fit(table, labels)
        >>> bool(np.allclose(Linear.from_fitted(fitted).predict(table.T), fitted.predict_proba(table)))
        True
        """
        weights = np.atleast_2d(np.asarray(estimator.coef_, np.float64)).T
        offset = np.atleast_1d(np.asarray(estimator.intercept_, np.float64))
        if not hasattr(estimator, "classes_"):
            return cls(np.ascontiguousarray(weights), offset, False, np.arange(len(offset)))
        if len(offset) == 1:  # of two classes: the second against the first
            weights, offset = np.hstack([0 * weights, weights]), np.append(0.0, offset)
        return cls(np.ascontiguousarray(weights), offset, True, np.asarray(estimator.classes_, np.int64))

    @property
    def n_features(self) -> int:
        """How many features it reads."""
        return len(self.weights)

    def predict(self, features: Features) -> Doubles:
        """Answers `(pixel, output)` to features `(feature, pixel)`."""
        found: Doubles = features.T.astype(np.float64) @ self.weights + self.offset
        if self.softmax:
            found -= found.max(axis=1, keepdims=True)
            np.exp(found, out=found)
            found /= found.sum(axis=1, keepdims=True)
        return found

    def check(self) -> None:
        """Refuse arrays that do not belong together.

        Raises
        ------
        InputError
            Another dtype or shape.
        """
        kinds = _are(self.weights, "f8", 2) and _are(self.offset, "f8", 1) and _are(self.classes, "i8", 1)
        if not kinds or not isinstance(self.softmax, bool) or not self.weights.size:
            raise _apart("weights and offsets")
        if not self.weights.shape[1] == len(self.offset) == len(self.classes):
            raise _apart("weights and offsets")


class NearestPatterns:
    """The classifier of the nearest training patterns, which only keeps them: `Neighbors` does the rest."""

    def __init__(self, n_neighbors: int) -> None:
        self.n_neighbors = n_neighbors

    def fit(self, features: Features, labels: NDArray[np.int64]) -> None:
        """Keep the patterns `(pattern, feature)` and their labels `(pattern,)`."""
        self.table = np.ascontiguousarray(features, np.float32)
        self.classes_, self.labels = np.unique(np.asarray(labels, np.int64), return_inverse=True)


@dataclass(frozen=True, eq=False)
class Neighbors:
    """Shares of the classes among the training patterns that are nearest, Euclidean.

    `table` (pattern, feature) float32 with the indices `labels` (pattern,) into `classes`.
    """

    table: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: NDArray[np.int64]
    n_neighbors: int

    @classmethod
    def from_fitted(cls, estimator: Any) -> Neighbors:
        """Of a fitted `NearestPatterns`."""
        return cls(estimator.table, estimator.labels, estimator.classes_, estimator.n_neighbors)

    @property
    def n_features(self) -> int:
        """How many features it reads."""
        return self.table.shape[1]

    def predict(self, features: Features) -> Doubles:
        """Shares `(pixel, class)` for features `(feature, pixel)`."""
        from sklearn.neighbors import NearestNeighbors

        if not features.shape[1]:
            return np.zeros((0, len(self.classes)))
        # Without a search tree, which does not help in more than 15 dimensions, fitting is no more than keeping the table.
        search = NearestNeighbors(n_neighbors=self.n_neighbors, algorithm="brute").fit(self.table)
        near = self.labels[search.kneighbors(np.ascontiguousarray(features.T), return_distance=False)]
        counts = [(near == one).sum(axis=1) for one in range(len(self.classes))]
        return np.stack(counts, axis=1) / self.n_neighbors

    def check(self) -> None:
        """Refuse arrays that do not belong together.

        Raises
        ------
        InputError
            Another dtype or shape, a label that is no class, or fewer patterns than neighbors.
        """
        kinds = _are(self.table, "f4", 2) and _are(self.labels, "i8", 1) and _are(self.classes, "i8", 1)
        if not kinds or len(self.table) != len(self.labels) or not len(self.classes):
            raise _apart("patterns and labels")
        known = bool(((self.labels >= 0) & (self.labels < len(self.classes))).all())
        if type(self.n_neighbors) is not int or not known or not 0 < self.n_neighbors <= len(self.table):
            raise _apart("patterns and labels")


class Several:
    """Several learners, each trained by itself: `Mean` takes the mean of their answers."""

    def __init__(self, predictors: Sequence[Predictor]) -> None:
        self.predictors = predictors


@dataclass(frozen=True, eq=False)
class Mean:
    """The mean of what several predictors answer, which know the same classes or properties.

    `content` is an archive of all their arrays.
    """

    content: Uint8s
    classes: Indices
    n_features: int

    @classmethod
    def from_fitted(cls, estimator: Several) -> Mean:
        """Of predictors of the same features and outputs."""
        header: dict[str, object] = {}
        arrays: dict[str, Array] = {}
        for number, one in enumerate(estimator.predictors):
            parts = {part.name: getattr(one, part.name) for part in fields(one)}  # type: ignore[arg-type]
            told = {key: value for key, value in parts.items() if not isinstance(value, np.ndarray)}
            header[str(number)] = {"row": row_of(one), "values": told}
            arrays |= {f"{number}/{k}": value for k, value in parts.items() if isinstance(value, np.ndarray)}
        first = estimator.predictors[0]
        return cls(np.frombuffer(to_archive(header, arrays), np.uint8), first.classes, first.n_features)

    @cached_property
    def members(self) -> tuple[Predictor, ...]:
        """The predictors."""
        header, arrays = from_archive(self.content.tobytes())
        found = list[Predictor]()
        for number in range(len(header)):
            told: Any = header[str(number)]
            own = {k.partition("/")[2]: a for k, a in arrays.items() if k.startswith(f"{number}/")}
            found.append(PREDICTORS[told["row"]](**told["values"], **own))
        return tuple(found)

    def predict(self, features: Features) -> Doubles:
        """Answers `(pixel, output)` to features `(feature, pixel)`."""
        found: Doubles = np.mean([one.predict(features) for one in self.members], axis=0)
        return found

    def check(self) -> None:
        """Refuse predictors that do not belong together.

        Raises
        ------
        InputError
            One is damaged, or reads or answers something else than the others.
        """
        if not _are(self.content, "u1", 1) or not _are(self.classes, "i8", 1):
            raise _apart("several predictors")
        for one in self.members:
            one.check()
            if one.n_features != self.n_features or not np.array_equal(one.classes, self.classes):
                raise _apart("several predictors")


def _are(array: object, kind: str, dims: int) -> bool:
    return isinstance(array, np.ndarray) and array.dtype == np.dtype(kind) and array.ndim == dims


def _apart(what: str) -> InputError:
    return InputError(
        f"{what} that do not belong together", "the arrays of one training", "train the model again"
    )


# A further kind of predictor is one line here: its name in model files, and its class, which has `from_fitted`.
PREDICTORS: dict[str, type[Any]] = {
    "binned_forest": BinnedForest,
    "boosted_trees": BoostedTrees,
    "exact_forest": FlatForest,
    "folded_network": FoldedNetwork,
    "kernel_machine": KernelMachine,
    "layers": Layers,
    "linear": Linear,
    "mean": Mean,
    "neighbors": Neighbors,
    "union_of_networks": UnionOfNetworks,
}


def row_of(predictor: Predictor) -> str:
    """The name of a predictor's row in the table."""
    return next(name for name, kind in PREDICTORS.items() if type(predictor) is kind)


def over_all_classes(predictor: Predictor, features: Features, count: int) -> Doubles:
    """Answers `(pixel, count)`; a class that the training did not see gets zero."""
    found = predictor.predict(features)
    if len(predictor.classes) == count:
        return found
    votes = np.zeros((len(found), count))
    votes[:, predictor.classes] = found
    return votes
