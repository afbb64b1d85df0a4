"""Functions of several parameters made of radial ones: plain, or with a length for each parameter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xafsflow.kernels.array_types import Doubles

# Samples that lengths are learnt on, and that functions stand at; of more, some are drawn.
LEARNT_ON, CENTERS = 600, 3000
ROUNDS = 80
# How strongly logarithms of lengths are held at their start: a few samples leave many parameters open.
PRIOR = 0.02


@dataclass(frozen=True, eq=False)
class CubicRadial:
    """`sum_i c_i |x - x_i|^3` and a straight line, as scipy's `RBFInterpolator` with the kernel `cubic` and degree 1.

    `centers` (center, parameter), `weights` (center, target), `line` (1 + parameter, target).
    """

    centers: Doubles
    weights: Doubles
    line: Doubles

    def predict(self, table: Doubles) -> Doubles:
        """Targets `(sample, target)` of parameters `(sample, parameter)`."""
        powers = _squares(table, self.centers) ** 1.5
        return powers @ self.weights + self.line[0] + table @ self.line[1:]


@dataclass(frozen=True, eq=False)
class Gaussians:
    """A Gaussian process: `k(x, y) = s exp(-sum_j a_j (x_j - y_j)^2) + sum_j b_j x_j y_j + 1`.

    `narrow` is `a`, `linear` is `b` (parameter,), `height` is `s` (1,); `centers`, `weights` as in `CubicRadial`.
    """

    centers: Doubles
    weights: Doubles
    narrow: Doubles
    linear: Doubles
    height: Doubles

    def predict(self, table: Doubles) -> Doubles:
        """Targets `(sample, target)` of parameters `(sample, parameter)`."""
        return _covariance(table, self.centers, self.narrow, self.linear, self.height[0]) @ self.weights


def fit_cubic(table: Doubles, targets: Doubles, smoothing: float, seed: int) -> CubicRadial:
    """Radial functions through the samples, or past them: the squares of the misfit against those of the bend.

    Parameters
    ----------
    table, targets
        `(sample, parameter)` of like scale, and `(sample, target)`.
    smoothing
        0 goes through every sample.
    seed
        Of the samples that are drawn from many.

    Examples
    --------
    >>> table = np.random.default_rng(0).normal(size=(30, 2))
    >>> found = fit_cubic(table, table[:, :1] ** 2, 0.0, 0)
    >>> bool(np.allclose(found.predict(table), table[:, :1] ** 2))
    True
    """
    some = _drawn(len(table), CENTERS, seed)
    at, wanted = table[some], targets[some]
    n, ends = len(at), np.column_stack([np.ones(len(at)), at])
    left = np.zeros((n + ends.shape[1],) * 2)
    left[:n, :n] = _squares(at, at) ** 1.5 + smoothing * np.eye(n)
    left[:n, n:], left[n:, :n] = ends, ends.T
    right = np.concatenate([wanted, np.zeros((ends.shape[1], wanted.shape[1]))])
    # With fewer samples than parameters a straight line is not determined: the shortest one then
    solved = np.linalg.lstsq(left, right, rcond=None)[0]
    return CubicRadial(at, solved[:n], solved[n:])


def fit_gaussians(table: Doubles, targets: Doubles, seed: int) -> Gaussians:
    """A Gaussian process whose lengths and noise make the samples likely (maximum of the marginal likelihood).

    A parameter that does not matter gets a great length: what ridge and a single length cannot do. All targets share the
    lengths, and the largest weigh most.

    Parameters
    ----------
    table, targets
        `(sample, parameter)` of like scale, and `(sample, target)` with mean 0.
    seed
        Of the samples that are drawn from many.

    Notes
    -----
    C. E. Rasmussen and C. K. I. Williams, Gaussian Processes for Machine Learning (2006), eq. 2.30, with the scale of the
    targets taken out: `L = -1/2 log|K| - n/2 log tr(Y' K^-1 Y)`.

    Examples
    --------
    >>> table = np.random.default_rng(0).normal(size=(80, 3))
    >>> found = fit_gaussians(table, np.sin(2 * table[:, :1]), 0)
    >>> bool(found.narrow[0] > 20 * found.narrow[1:].max())
    True
    """
    some = _drawn(len(table), LEARNT_ON, seed)
    narrow, linear, height, noise = _likely(table[some], targets[some])
    some = _drawn(len(table), CENTERS, seed)
    at = table[some]
    inner = _covariance(at, at, narrow, linear, height)
    inner[np.diag_indices(len(at))] += noise
    weights = np.asarray(np.linalg.solve(inner, targets[some]), np.float64)
    return Gaussians(at, weights, narrow, linear, np.array([height]))


def _likely(table: Doubles, targets: Doubles) -> tuple[Doubles, Doubles, float, float]:
    """`narrow`, `linear`, `height`, and the noise over the height of the targets."""
    from scipy.linalg import cho_factor, cho_solve
    from scipy.optimize import minimize

    n, count = table.shape
    start = np.concatenate(
        [np.full(count, np.log(0.1 / count)), np.full(count, np.log(10 / count)), [0.0, np.log(0.05)]]
    )

    def loss(logs: Doubles) -> tuple[float, Doubles]:
        narrow, linear, (height, noise) = np.split(np.exp(logs), [count, 2 * count])
        bell = _covariance(table, table, narrow, np.zeros(count), height) - 1
        inner = bell + (table * linear) @ table.T + 1
        inner[np.diag_indices(n)] += noise
        factor = cho_factor(inner, lower=True)
        inverse = cho_solve(factor, np.eye(n))
        solved = inverse @ targets
        total = float((targets * solved).sum())
        slope = 0.5 * inverse - (n / 2 / total) * solved @ solved.T
        wide = slope * bell
        by_narrow = -2 * (wide.sum(axis=1) @ table**2 - ((wide @ table) * table).sum(axis=0))
        by_linear = ((slope @ table) * table).sum(axis=0)
        rest = [wide.sum(), np.trace(slope) * noise]
        away = logs - start
        value = np.log(np.diag(factor[0])).sum() + n / 2 * np.log(total) + PRIOR * (away**2).sum() / 2
        return value, np.concatenate([by_narrow * narrow, by_linear * linear, rest]) + PRIOR * away

    limits = [(one - 14, one + 8) for one in start]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": ROUNDS})
    narrow, linear, (height, noise) = np.split(np.exp(found.x), [count, 2 * count])
    return narrow, linear, float(height), float(noise)


def _squares(first: Doubles, second: Doubles) -> Doubles:
    """Squares of the distances of all pairs."""
    apart = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1) - 2 * first @ second.T
    return np.maximum(apart, 0)


def _covariance(first: Doubles, second: Doubles, narrow: Doubles, linear: Doubles, height: float) -> Doubles:
    scale = np.sqrt(narrow)
    bell = height * np.exp(-_squares(first * scale, second * scale))
    return np.asarray(bell + (first * linear) @ second.T + 1)


def _drawn(count: int, most: int, seed: int) -> slice | Doubles:
    return slice(None) if count <= most else np.sort(np.random.default_rng(seed).permutation(count)[:most])
