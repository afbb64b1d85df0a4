"""Support vectors and kernel ridge regression with a Gaussian kernel, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Singles

# Folds of the training in which the decisions are made from which probabilities are learnt.
FOLDS = 4
# Pixels whose distances to all vectors are in memory at once.
BLOCK = 2048


class Scaled:
    """Features with mean 0 and standard deviation 1 over the training; those that are all alike stay 0."""

    def __init__(self, table: Floats) -> None:
        self.mean = table.mean(axis=0, dtype=np.float64)
        spread = table.std(axis=0, dtype=np.float64)
        self.scale = np.where(spread > 1e-9 * max(float(spread.max()), 1e-300), spread, np.inf)

    def __call__(self, table: Floats) -> Doubles:
        """Scaled features `(sample, feature)`."""
        return np.asarray((table - self.mean) / self.scale)


class SupportVectors:
    """Support vector classification (RBF, one class against another) with probabilities.

    The width of the kernel is `1/(features in units of their scatter)`, scikit-learn's `scale`. Classes weigh alike.
    Probabilities are those of a multinomial logistic regression of the decisions, which are made, as Platt did, in folds
    that were not trained on; samples of a group stay in one fold.
    """

    takes_groups = True

    def __init__(self, trees: int, seed: int, penalty: float = 10.0) -> None:
        self.seed, self.penalty = seed, penalty

    def fit(self, features: Floats, labels: NDArray[Any], groups: NDArray[Any] | None = None) -> None:
        """Learn from features `(sample, feature)`, labels and groups `(sample,)`."""
        from sklearn.linear_model import LogisticRegression

        self.scaled = Scaled(features)
        table = self.scaled(features)
        self.classes_ = np.unique(labels)
        names = np.arange(len(labels)) if groups is None else groups
        known, of = np.unique(names, return_inverse=True)
        fold = (np.random.default_rng(self.seed).permutation(len(known)) % FOLDS)[of]
        decided = [np.zeros((0, self._machine().n_pairs(len(self.classes_))))]
        truth = [labels[:0]]
        for one in range(FOLDS):
            inside = fold != one
            if len(np.unique(labels[inside])) == len(self.classes_) and not inside.all():
                machine = self._machine().fit(table[inside], labels[inside])
                decided.append(machine.decide(table[~inside]))
                truth.append(labels[~inside])
        self.machine = self._machine().fit(table, labels)
        decisions, right = np.concatenate(decided), np.concatenate(truth)
        if len(np.unique(right)) < len(self.classes_):  # too few groups to leave one out
            decisions, right = self.machine.decide(table), labels
        self.platt = LogisticRegression(C=1.0, max_iter=1000).fit(decisions, right)

    def _machine(self) -> _Pairs:
        return _Pairs(self.penalty)


class _Pairs:
    """scikit-learn's SVC, and its decisions between every two classes as sums over all support vectors."""

    def __init__(self, penalty: float) -> None:
        self.penalty = penalty

    @staticmethod
    def n_pairs(classes: int) -> int:
        return classes * (classes - 1) // 2

    def fit(self, table: Doubles, labels: NDArray[Any]) -> _Pairs:
        from sklearn.svm import SVC

        self.gamma = 1.0 / max(float((table.var(axis=0) > 0).sum()), 1.0)
        made = SVC(C=self.penalty, gamma=self.gamma, class_weight="balanced", decision_function_shape="ovo")
        made.fit(table, labels)
        self.vectors, self.offset = made.support_vectors_, np.asarray(made.intercept_, np.float64)
        ends = np.cumsum(made.n_support_)
        parts = [slice(end - size, end) for end, size in zip(ends, made.n_support_, strict=True)]
        classes, pair = len(made.classes_), 0
        self.weights = np.zeros((len(self.vectors), len(self.offset)))
        for i in range(classes):
            for j in range(i + 1, classes):
                # libsvm: row j - 1 of class i, and row i of class j
                self.weights[parts[i], pair] = made.dual_coef_[j - 1, parts[i]]
                self.weights[parts[j], pair] = made.dual_coef_[i, parts[j]]
                pair += 1
        return self

    def decide(self, table: Doubles) -> Doubles:
        return kernel_sums(table, self.vectors, self.gamma, self.weights) + self.offset


class KernelRidge:
    """Ridge regression in the space of a Gaussian kernel, properties and features scaled to mean 0 and scatter 1."""

    def __init__(self, trees: int, seed: int, ridge: float = 0.05) -> None:
        self.ridge = ridge

    def fit(self, features: Floats, properties: Doubles) -> None:
        """Learn from features `(sample, feature)` and properties `(sample,)` or `(sample, property)`."""
        from scipy.linalg import solve

        self.scaled = Scaled(features)
        table = self.scaled(features)
        truth = np.asarray(properties, np.float64).reshape(len(table), -1)
        self.mean, self.spread = truth.mean(axis=0), truth.std(axis=0)
        self.gamma = 1.0 / table.shape[1]
        gram = kernel_sums(table, table, self.gamma, None)
        gram[np.diag_indices_from(gram)] += self.ridge
        apart = (truth - self.mean) / np.where(self.spread > 0, self.spread, 1.0)
        self.vectors, self.weights = table, solve(gram, apart, assume_a="pos") * self.spread


def kernel_sums(table: Doubles, vectors: Doubles, gamma: float, weights: Doubles | None) -> Doubles:
    """`sum_v weights[v] exp(-gamma |x - v|^2)` for each row x of `(sample, feature)`: `(sample, output)`.

    Without weights the terms themselves, `(sample, vector)`.

    Examples
    --------
    >>> kernel_sums(np.zeros((1, 2)), np.array([[0.0, 0.0], [1.0, 0.0]]), 1.0, None).round(3).tolist()
    [[1.0, 0.368]]
    """
    found = np.empty((len(table), len(vectors) if weights is None else weights.shape[1]))
    norms = (vectors**2).sum(axis=1)
    for start in range(0, len(table), BLOCK):
        rows = table[start : start + BLOCK]
        squares = (rows**2).sum(axis=1)[:, None] - 2 * rows @ vectors.T + norms
        bells = np.exp(-gamma * np.maximum(squares, 0))
        found[start : start + BLOCK] = bells if weights is None else bells @ weights
    return found


@dataclass(frozen=True, eq=False)
class KernelMachine:
    """Sums of Gaussians around training spectra, and for classes the probabilities that a softmax makes of them.

    `mean`, `scale` (feature,) scale the features; `vectors` (vector, feature), `weights` (vector, sum) and `offset` (sum,)
    make sums with the kernel `exp(-gamma |x - v|^2)`; `platt` (sum, class) and `platt_offset` (class,) make logits of
    these, and are None for properties.
    """

    mean: Doubles
    scale: Doubles
    vectors: Singles
    weights: Doubles
    offset: Doubles
    platt: Doubles | None
    platt_offset: Doubles | None
    gamma: float
    classes: Indices

    @classmethod
    def from_fitted(cls, estimator: SupportVectors | KernelRidge) -> KernelMachine:
        """Of fitted `SupportVectors` or a `KernelRidge`."""
        scaled = estimator.scaled
        if isinstance(estimator, KernelRidge):
            parts = estimator.vectors.astype(np.float32), estimator.weights, estimator.mean
            outputs = np.arange(len(estimator.mean))
            return cls(scaled.mean, scaled.scale, *parts, None, None, estimator.gamma, outputs)
        machine, platt = estimator.machine, estimator.platt
        weights, offset = np.atleast_2d(platt.coef_).T, np.atleast_1d(platt.intercept_)
        if len(offset) == 1:  # of two classes: the second against the first
            weights, offset = np.hstack([0 * weights, weights]), np.append(0.0, offset)
        parts = machine.vectors.astype(np.float32), machine.weights, machine.offset
        logits = np.ascontiguousarray(weights, np.float64), np.asarray(offset, np.float64)
        classes = np.asarray(estimator.classes_, np.int64)
        return cls(scaled.mean, scaled.scale, *parts, *logits, machine.gamma, classes)

    @property
    def n_features(self) -> int:
        """How many features it reads."""
        return len(self.mean)

    def predict(self, features: Singles) -> Doubles:
        """Probabilities `(pixel, class)` or answers `(pixel, property)` to features `(feature, pixel)`."""
        table = (features.T - self.mean) / self.scale
        found = kernel_sums(table, self.vectors.astype(np.float64), self.gamma, self.weights) + self.offset
        if self.platt is None or self.platt_offset is None:
            return found
        return softmax(found @ self.platt + self.platt_offset)

    def check(self) -> None:
        """Refuse arrays that do not belong together.

        Raises
        ------
        InputError
            Another dtype or shape.
        """
        arrays = [self.mean, self.scale, self.weights, self.offset]
        arrays += [one for one in (self.platt, self.platt_offset) if one is not None]
        kinds = all(isinstance(one, np.ndarray) and one.dtype == np.float64 for one in arrays)
        kinds &= isinstance(self.vectors, np.ndarray) and self.vectors.dtype == np.float32
        fits = kinds and self.weights.ndim == 2 and self.offset.shape == self.weights.shape[1:]
        fits = fits and self.mean.shape == self.scale.shape and bool((self.scale > 0).all())
        fits = fits and self.vectors.shape == (len(self.weights), len(self.mean)) and self.gamma > 0
        sums, outputs = len(self.offset), len(self.classes)
        if self.platt is None:
            fits = fits and self.platt_offset is None and sums == outputs
        else:
            fits = fits and self.platt_offset is not None and self.platt_offset.shape == (outputs,)
            fits = fits and self.platt.shape == (sums, outputs)
        if not fits:
            raise InputError(
                "a damaged kernel machine", "the arrays of one training", "train the model again"
            )


def softmax(logits: Doubles) -> Doubles:
    """Shares `(pixel, class)` from logits.

    Examples
    --------
    >>> softmax(np.array([[1e4, 0.0]])).tolist()
    [[1.0, 0.0]]
    """
    found = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(found / found.sum(axis=1, keepdims=True))
