"""Support vectors and kernel ridge, for classes and properties, with a Matern kernel, as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Mask, Singles

# Folds of the training in which the decisions are made from which probabilities are learnt.
FOLDS = 4
# Pixels whose distances to all vectors are in memory at once.
BLOCK = 2048
# What scatters less than this share of the largest scatter is more noise than news, and is not blown up to the same size.
FLOOR = 0.1
# Samples that kernel ridge is solved of as a whole; of more, so many are drawn to carry the kernels.
MOST = 5000
# Added to the diagonal of a matrix of kernels that is not regularized otherwise.
JITTER = 1e-6


class Scaled:
    """Features with mean 0 and about the same standard deviation over the training.

    They are divided by their standard deviation and `FLOOR` of the largest one; those that are all alike stay 0.
    """

    def __init__(self, table: Floats) -> None:
        self.mean = table.mean(axis=0, dtype=np.float64)
        spread = table.std(axis=0, dtype=np.float64)
        largest = max(float(spread.max()), 1e-300)
        self.scale = np.where(spread > 1e-9 * largest, spread + FLOOR * largest, np.inf)

    def __call__(self, table: Floats) -> Doubles:
        """Scaled features `(sample, feature)`."""
        return np.asarray((table - self.mean) / self.scale)


def standardized(properties: NDArray[Any], count: int) -> tuple[Doubles, Doubles, Doubles]:
    """Properties `(sample[, property])` with mean 0 and scatter 1 `(sample, property)`, and their mean and scatter."""
    truth = np.asarray(properties, np.float64).reshape(count, -1)
    mean, spread = truth.mean(axis=0), truth.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return (truth - mean) / spread, mean, spread


def carriers(count: int, seed: int) -> Indices:
    """Places of the `MOST` samples, drawn of so many, that carry kernels where there are more."""
    return np.sort(np.random.default_rng(seed).choice(count, MOST, replace=False))


def gamma_of(table: Doubles) -> float:
    """One over the mean square distance of scaled features `(sample, feature)` from their mean: the width of the kernel."""
    return 1.0 / max(float((table**2).sum(axis=1).mean()), 1e-300)


def folds_of(groups: NDArray[Any] | None, count: int, seed: int) -> Iterator[Mask]:
    """What each of `FOLDS` folds leaves out, `(sample,)`; samples of a group stay in one fold."""
    known, of = np.unique(np.arange(count) if groups is None else groups, return_inverse=True)
    fold = (np.random.default_rng(seed).permutation(len(known)) % FOLDS)[of]
    return (fold == one for one in range(FOLDS))


def probabilities_of(decided: Doubles, labels: NDArray[Any]) -> Any:
    """scikit-learn's multinomial logistic regression of decisions `(sample, sum)`, fitted."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=1000).fit(decided, labels)


class SupportVectors:
    """Support vector classification (Matern kernel, one class against another) with probabilities.

    Classes weigh alike. Probabilities are those of a multinomial logistic regression of the decisions, which are made, as
    Platt did, in folds that were not trained on; samples of a group stay in one fold. Of more than `MOST` samples, so many
    are drawn.
    """

    takes_groups = True

    def __init__(self, trees: int, seed: int, penalty: float = 10.0) -> None:
        self.seed, self.penalty = seed, penalty

    def fit(self, features: Floats, labels: NDArray[Any], groups: NDArray[Any] | None = None) -> None:
        """Learn from features `(sample, feature)`, labels and groups `(sample,)`."""
        if len(labels) > MOST:
            some = carriers(len(labels), self.seed)
            features, labels = features[some], labels[some]
            groups = None if groups is None else groups[some]
        self.scaled = Scaled(features)
        table = self.scaled(features)
        self.gamma, self.classes_ = gamma_of(table), np.unique(labels)
        decided = [np.zeros((0, _Pairs.n_pairs(len(self.classes_))))]
        truth = [labels[:0]]
        for outside in folds_of(groups, len(labels), self.seed):
            if outside.any() and len(np.unique(labels[~outside])) == len(self.classes_):
                machine = self._machine().fit(table[~outside], labels[~outside])
                decided.append(machine.decide(table[outside]))
                truth.append(labels[outside])
        self.machine = self._machine().fit(table, labels)
        decisions, right = np.concatenate(decided), np.concatenate(truth)
        if len(np.unique(right)) < len(self.classes_):  # too few groups to leave one out
            decisions, right = self.machine.decide(table), labels
        self.platt = probabilities_of(decisions, right)

    def _machine(self) -> _Pairs:
        return _Pairs(self.penalty, self.gamma)


class _Pairs:
    """scikit-learn's SVC, and its decisions between every two classes as sums over all support vectors."""

    def __init__(self, penalty: float, gamma: float) -> None:
        self.penalty, self.gamma = penalty, gamma

    @staticmethod
    def n_pairs(classes: int) -> int:
        return classes * (classes - 1) // 2

    def fit(self, table: Doubles, labels: NDArray[Any]) -> _Pairs:
        from sklearn.svm import SVC

        made = SVC(
            C=self.penalty, kernel="precomputed", class_weight="balanced", decision_function_shape="ovo"
        )
        made.fit(kernel_sums(table, table, self.gamma, None), labels)
        self.vectors, self.offset = table[made.support_], np.asarray(made.intercept_, np.float64)
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
    """Ridge regression in the space of a Matern kernel, of properties or of the membership in classes.

    Of classes it is learnt who belongs to each, 1 or 0; probabilities are those of a multinomial logistic regression of the
    answers in folds that were not trained on, by group. Of more than `MOST` samples, so many are drawn to carry the kernels,
    and all are fitted (subset of regressors; C. E. Rasmussen and C. K. I. Williams, Gaussian Processes for Machine Learning,
    MIT Press 2006, section 8.3.1).
    """

    takes_groups = True

    def __init__(self, trees: int, seed: int, regression: bool, ridge: float) -> None:
        self.seed, self.regression, self.ridge = seed, regression, ridge

    def fit(self, features: Floats, targets: NDArray[Any], groups: NDArray[Any] | None = None) -> None:
        """Learn from features `(sample, feature)`, labels or properties `(sample[, property])` and groups `(sample,)`."""
        self.scaled = Scaled(features)
        table = self.scaled(features)
        self.gamma = gamma_of(table)
        if self.regression:
            truth = np.asarray(targets, np.float64).reshape(len(table), -1)
        else:
            self.classes_ = np.unique(targets)
            truth = (targets[:, None] == self.classes_).astype(np.float64)
        self.mean = truth.mean(axis=0)
        self.vectors, self.weights = self._solved(table, truth - self.mean)
        if not self.regression:
            self.platt = probabilities_of(self._answers(table, truth, groups), targets)

    def _answers(self, table: Doubles, truth: Doubles, groups: NDArray[Any] | None) -> Doubles:
        """Answers `(sample, class)` from folds without each."""
        found = np.empty_like(truth)
        for outside in folds_of(groups, len(table), self.seed):
            if not outside.any():  # fewer groups than folds
                continue
            # Of a single group nothing can be left out
            known = outside if outside.all() else ~outside
            vectors, weights = self._solved(table[known], truth[known] - self.mean)
            found[outside] = kernel_sums(table[outside], vectors, self.gamma, weights) + self.mean
        return found

    def _solved(self, table: Doubles, truth: Doubles) -> tuple[Doubles, Doubles]:
        """The vectors that carry kernels, and their weights `(vector, output)`."""
        from scipy.linalg import solve

        if len(table) <= MOST:
            gram = kernel_sums(table, table, self.gamma, None)
            gram[np.diag_indices_from(gram)] += self.ridge
            return table, solve(gram, truth, assume_a="pos")
        vectors = table[carriers(len(table), self.seed)]
        gram = self.ridge * kernel_sums(vectors, vectors, self.gamma, None)
        gram[np.diag_indices_from(gram)] += JITTER * len(table)
        wanted = np.zeros((MOST, truth.shape[1]))
        for start in range(0, len(table), BLOCK):
            bells = kernel_sums(table[start : start + BLOCK], vectors, self.gamma, None)
            gram += bells.T @ bells
            wanted += bells.T @ truth[start : start + BLOCK]
        return vectors, solve(gram, wanted, assume_a="pos")


def kernel_sums(table: Doubles, vectors: Doubles, gamma: float, weights: Doubles | None) -> Doubles:
    """`sum_v weights[v] k(|x - v|)` for each row x of `(sample, feature)`: `(sample, output)`.

    `k(r) = (1 + s) exp(-s)` with `s = sqrt(3 gamma) r` is the Matern kernel of order 3/2 (Rasmussen and Williams, equation
    4.17), less smooth than a Gaussian: what structures have in common ends at borders. Without weights the terms
    themselves, `(sample, vector)`.

    Examples
    --------
    >>> kernel_sums(np.zeros((1, 2)), np.array([[0.0, 0.0], [1.0, 0.0]]), 1 / 3, None).round(3).tolist()
    [[1.0, 0.736]]
    """
    found = np.empty((len(table), len(vectors) if weights is None else weights.shape[1]))
    norms = (vectors**2).sum(axis=1)
    for start in range(0, len(table), BLOCK):
        rows = table[start : start + BLOCK]
        squares = (rows**2).sum(axis=1)[:, None] - 2 * rows @ vectors.T + norms
        far = np.sqrt(3 * gamma * np.maximum(squares, 0))
        bells = (1 + far) * np.exp(-far)
        found[start : start + BLOCK] = bells if weights is None else bells @ weights
    return found


@dataclass(frozen=True, eq=False)
class KernelMachine:
    """Sums of kernels around training spectra, and for classes the probabilities that a softmax makes of them.

    `mean`, `scale` (feature,) scale the features; `vectors` (vector, feature), `weights` (vector, sum) and `offset` (sum,)
    make sums with the kernel of `kernel_sums`; `platt` (sum, class) and `platt_offset` (class,) make logits of
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
        else:
            machine = estimator.machine
            parts = machine.vectors.astype(np.float32), machine.weights, machine.offset
        if isinstance(estimator, KernelRidge) and estimator.regression:
            outputs = np.arange(len(estimator.mean))
            return cls(scaled.mean, scaled.scale, *parts, None, None, estimator.gamma, outputs)
        weights, offset = np.atleast_2d(estimator.platt.coef_).T, np.atleast_1d(estimator.platt.intercept_)
        if len(offset) == 1:  # of two classes: the second against the first
            weights, offset = np.hstack([0 * weights, weights]), np.append(0.0, offset)
        logits = np.ascontiguousarray(weights, np.float64), np.asarray(offset, np.float64)
        classes = np.asarray(estimator.classes_, np.int64)
        return cls(scaled.mean, scaled.scale, *parts, *logits, estimator.gamma, classes)

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
