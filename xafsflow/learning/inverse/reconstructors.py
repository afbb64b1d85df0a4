"""The table of what can learn spectra from parameters; each row becomes arrays that answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TypeAlias

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.forest.exact_layout import FlatForest
from xafsflow.learning.inverse.radial_functions import CubicRadial, Gaussians, fit_cubic, fit_gaussians

TREES = 200
# Ridge: how strongly large coefficients are held down, chosen by leaving one out.
ALPHAS = tuple(10.0**k for k in range(-4, 5))
# Smoothing of the cubic radial functions.
SMOOTHING = 3.0


@dataclass(frozen=True, eq=False)
class Polynomial:
    """A polynomial of first or second degree: `weights` (term, target), the constant first."""

    weights: Doubles
    degree: int

    def predict(self, table: Doubles) -> Doubles:
        """Targets `(sample, target)` of parameters `(sample, parameter)`."""
        return self.weights[0] + _terms(table, self.degree) @ self.weights[1:]


@dataclass(frozen=True, eq=False)
class Trees:
    """A forest of regression trees as flat arrays."""

    forest: FlatForest

    def predict(self, table: Doubles) -> Doubles:
        """Targets `(sample, target)` of parameters `(sample, parameter)`."""
        return self.forest.predict(np.asarray(table.T, np.float32))


@dataclass(frozen=True, eq=False)
class Network:
    """A feed-forward network with one hidden layer of tanh.

    `inner` (parameter, unit), `inner_bias` (unit,), `outer` (unit, target), `outer_bias` (target,).
    """

    inner: Doubles
    inner_bias: Doubles
    outer: Doubles
    outer_bias: Doubles

    def predict(self, table: Doubles) -> Doubles:
        """Targets `(sample, target)` of parameters `(sample, parameter)`."""
        return np.tanh(table @ self.inner + self.inner_bias) @ self.outer + self.outer_bias


Reconstructor: TypeAlias = CubicRadial | Gaussians | Polynomial | Trees | Network
KINDS: dict[str, type[Reconstructor]] = {
    one.__name__: one for one in (CubicRadial, Gaussians, Polynomial, Trees, Network)
}
# Parameters of like scale (sample, parameter), targets (sample, target) with mean 0, and a seed.
Fit: TypeAlias = Callable[[Doubles, Doubles, int], Reconstructor]


def _terms(table: Doubles, degree: int) -> Doubles:
    """The parameters, and with degree 2 all products of two of them."""
    if degree == 1:
        return table
    pairs = list(combinations_with_replacement(range(table.shape[1]), 2))
    first, second = (list(side) for side in zip(*pairs, strict=True))
    return np.concatenate([table, table[:, first] * table[:, second]], axis=1)


def _plain(targets: Doubles) -> Doubles:
    """One column in two dimensions would be doubtful to scikit-learn."""
    return targets[:, 0] if targets.shape[1] == 1 else targets


def _ridge(degree: int) -> Fit:
    def fit(table: Doubles, targets: Doubles, seed: int) -> Polynomial:
        from sklearn.linear_model import RidgeCV

        found = RidgeCV(ALPHAS).fit(_terms(table, degree), targets)
        constant = np.reshape(found.intercept_, (1, -1))
        return Polynomial(np.concatenate([constant, found.coef_.reshape(targets.shape[1], -1).T]), degree)

    return fit


def _extra_trees(table: Doubles, targets: Doubles, seed: int) -> Trees:
    from sklearn.ensemble import ExtraTreesRegressor

    forest = ExtraTreesRegressor(TREES, min_samples_leaf=2, random_state=seed, n_jobs=1)
    return Trees(FlatForest.from_fitted(forest.fit(np.asarray(table, np.float32), _plain(targets))))


def _network(table: Doubles, targets: Doubles, seed: int) -> Network:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    scale = float(targets.std())
    network = MLPRegressor(
        hidden_layer_sizes=(64,),
        activation="tanh",
        solver="lbfgs",
        alpha=1.0,
        max_iter=150,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # It is meant to stop early: fewer rounds are a smoother answer
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(table, _plain(targets / scale))
    (inner, outer), (inner_bias, outer_bias) = network.coefs_, network.intercepts_
    return Network(inner, inner_bias, outer * scale, outer_bias * scale)


# A further row is one line here.
RECONSTRUCTORS: dict[str, Fit] = {
    "ridge": _ridge(1),
    "extra_trees": _extra_trees,
    "polynomial_ridge": _ridge(2),
    "radial": lambda table, targets, seed: fit_cubic(table, targets, SMOOTHING, seed),
    "gaussian_process": lambda table, targets, seed: fit_gaussians(table, targets, seed),
    "network": _network,
}
BASELINES = ("ridge", "extra_trees")
