"""The weights of each method of normalization, for one grid of energies and one choice of windows.

A least squares fit by given functions is a set of weighted sums over the spectrum, and the weights depend on the
energies and windows only. Functions are orthonormalized first: a coefficient then is one sum.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from xafsflow.kernels.jit import kernel
from xafsflow.kernels.pixels import Doubles, orthonormalize
from xafsflow.kernels.ranges import index_nearest, index_of, resolve

EDGE_STEP, FLAT, RATIO, AREA, MBACK_NORM, MBACK = range(6)


class Tables(NamedTuple):
    """`norm = (mu - sum_j numerator[j] c_j) / sum_j denominator[j] c_j` with coefficients `c = sums @ mu`.

    Each is `(coefficient, energy)`. The first two coefficients are the pre-edge line, the last is the edge step. For
    MBACK, `c = model @ (1, scale sums @ mu)`, where the scale of the spectrum follows from `weight`, see `match`.
    """

    sums: Doubles
    numerator: Doubles
    denominator: Doubles
    weight: Doubles
    model: Doubles


@kernel
def fit_tables(energy: Any, f2: Any, e0: Any, given: Any, method: Any) -> Any:
    """The tables of one method; NaN where the windows cannot be fitted."""
    ranges = resolve(energy, e0, given)
    if ranges.edge < 0:
        nothing = np.full((3, len(energy)), np.nan)
        return Tables(nothing, nothing, nothing, np.zeros(0), np.zeros((0, 0)))
    if method == MBACK:
        return _mback_tables(energy, f2, energy[ranges.edge], given)
    sums, numerator, denominator = _line_tables(energy, f2, ranges, method)
    return Tables(sums, numerator, denominator, np.zeros(0), np.zeros((0, 0)))


@kernel
def _line_tables(energy: Any, f2: Any, ranges: Any, method: Any) -> Any:
    """The first three tables of the methods that are linear in the spectrum."""
    n = len(energy)
    curves = method in (FLAT, RATIO)
    rows = 3 + (ranges.nnorm + 1 if curves else 0)
    sums, numerator, denominator = np.zeros((rows, n)), np.zeros((rows, n)), np.zeros((rows, n))
    pre_edge_line(energy, ranges, sums, numerator)
    post, post_sums = post_edge(energy, ranges, sums, numerator)
    step = sums[-1]
    for k in range(len(post)):
        step += post[k, ranges.edge] * post_sums[k]
        if curves:  # FLAT and RATIO put the post-edge polynomial between the line and the step
            sums[2 + k] = post_sums[k]
        if method == RATIO:
            denominator[2 + k] = post[k]
        if method == FLAT:
            numerator[2 + k, ranges.edge :] = post[k, ranges.edge :] - post[k, ranges.edge]
    if method != RATIO:
        denominator[-1] = 1
    if method == AREA:
        step[:] = _mean_height(energy, ranges)
        subtract_line(step, sums, numerator)
    if method == MBACK_NORM:
        step[:] = _tabulated_step(energy, f2, ranges, step)
        subtract_line(step, sums, numerator)
    return sums, numerator, denominator


@kernel
def pre_edge_line(energy: Any, ranges: Any, sums: Any, curves: Any) -> None:
    """Fill the first two rows: the weights of the pre-edge fit, and its functions of energy."""
    n = len(energy)
    ones = np.ones(n)
    base = energy / energy[ranges.edge]
    victoreen = np.ones(n)
    for _ in range(ranges.nvict):
        victoreen *= base
    curves[0] = 1
    if ranges.npre == 1:
        curves[1] = base - 1
    orthonormalize(curves[:2], ones, ranges.pre_start, ranges.pre_stop)
    for k in range(2):
        for i in range(ranges.pre_start, ranges.pre_stop):
            sums[k, i] = curves[k, i] * victoreen[i]
        for i in range(n):
            curves[k, i] /= victoreen[i]


@kernel
def post_edge(energy: Any, ranges: Any, sums: Any, curves: Any) -> Any:
    """The functions of the post-edge polynomial, and the weights of its fit to `mu` minus the pre-edge line."""
    n = len(energy)
    post = np.ones((ranges.nnorm + 1, n))
    scale = energy[-1] - energy[0]
    for k in range(1, ranges.nnorm + 1):
        for i in range(n):
            post[k, i] = post[k - 1, i] * (energy[i] - energy[ranges.post_start]) / scale
    orthonormalize(post, np.ones(n), ranges.post_start, ranges.post_stop)
    weights = np.zeros(post.shape)
    for k in range(len(post)):
        for i in range(ranges.post_start, ranges.post_stop):
            weights[k, i] = post[k, i]
        subtract_line(weights[k], sums, curves)
    return post, weights


@kernel
def subtract_line(weights: Any, sums: Any, curves: Any) -> None:
    """Turn weights of a sum over `mu - pre_edge` into weights of the same sum over `mu`."""
    first, second = 0.0, 0.0
    for i in range(len(weights)):
        first += weights[i] * curves[0, i]
        second += weights[i] * curves[1, i]
    for i in range(len(weights)):
        weights[i] -= first * sums[0, i] + second * sums[1, i]


@kernel
def _mean_height(energy: Any, ranges: Any) -> Any:
    """Weights of the mean over the post-edge window by the trapezoidal rule."""
    weights = np.zeros(len(energy))
    start, last = ranges.post_start, ranges.post_stop - 1
    width = energy[last] - energy[start]
    for i in range(start, last):
        half = 0.5 * (energy[i + 1] - energy[i]) / width
        weights[i] += half
        weights[i + 1] += half
    if last == start:
        weights[start] = 1
    return weights


@kernel
def _tabulated_step(energy: Any, f2: Any, ranges: Any, step: Any) -> Any:
    """Weights of the edge step of `a + b energy + c f2` fitted to `mu - pre_edge` (Larch's `mback_norm`)."""
    n = len(energy)
    weight = np.zeros(n)
    weight[: index_of(energy, ranges.e0 + ranges.pre2)] = 1
    first, stop = index_of(energy, ranges.e0 + ranges.norm1), index_of(energy, ranges.e0 + ranges.norm2) + 1
    weight[first:stop] = np.linspace(0.1, 1.0, stop - first) ** 2
    model = np.ones((3, n))
    model[1] = energy / energy[ranges.edge] - 1
    model[2] = f2
    orthonormalize(model, weight, 0, n)
    weights = np.zeros(n)
    for k in range(3):
        height = np.sum(step * model[k])
        weights += height * weight * model[k]
    return weights


@kernel
def _mback_tables(energy: Any, f2: Any, e0: Any, given: Any) -> Any:
    """Tables of Larch's `mback`: `scale mu - polynomial` matches f2 in both windows, f2 + polynomial is normalized.

    With orthonormal polynomials `q_k`, their sums `m_k` over the spectrum and `rest`, the part of f2 that they leave,
    f2 + polynomial is `rest + scale sum_k m_k q_k`, and its pre-edge line and step are sums over these functions.
    """
    weight, limits = _match_weight(energy, e0, given)
    ranges = resolve(energy, e0, limits)
    order = int(given[7])
    n = len(energy)
    q = np.ones((order + 1, n))
    for k in range(1, order + 1):
        q[k] = q[k - 1] * (energy - e0) / (energy[-1] - energy[0])
    orthonormalize(q, weight, 0, n)
    rest = f2.copy()
    for k in range(order + 1):
        rest -= np.sum(weight * q[k] * f2) * q[k]
    sums = np.empty((order + 2, n))
    sums[:-1] = weight * q
    sums[-1] = weight * rest
    line, numerator, denominator = _line_tables(energy, f2, ranges, EDGE_STEP)
    model = np.empty((3, order + 2))
    for j in range(3):
        model[j, 0] = np.sum(line[j] * rest)
        for k in range(order + 1):
            model[j, k + 1] = np.sum(line[j] * q[k])
    return Tables(sums, numerator, denominator, weight, model)


@kernel
def _match_weight(energy: Any, e0: Any, given: Any) -> Any:
    """The weight of each energy in the match of mu and f2, and the windows for its normalization."""
    first, last = energy[0] - e0, energy[-1] - e0
    pre1 = first if np.isnan(given[0]) else max(given[0], first)
    norm2 = last if np.isnan(given[3]) or given[3] < 0 else min(given[3], last)
    pre1, pre2 = min(pre1, given[1]), max(pre1, given[1])
    norm1, norm2 = min(given[2], norm2), max(given[2], norm2)
    p1, p2 = index_of(energy, pre1 + e0), index_nearest(energy, pre2 + e0)
    n1, n2 = index_nearest(energy, norm1 + e0), index_of(energy, norm2 + e0)
    if p2 - p1 < 2:
        p2 = min(len(energy), p1 + 2)
    # Larch weighs each window by one over its number of points; in an overlap by what it has written there before.
    sigma = np.full(len(energy), np.inf)
    sigma[p1 : p2 + 1] = np.sqrt(len(energy[p1 : p2 + 1]))
    spread = sigma[n1 : n2 + 1]
    spread[:] = np.sqrt(np.sum(np.where(np.isinf(spread), 1.0, spread)))
    return 1 / sigma**2, np.array([pre1, pre2, norm1, norm2, 2.0, 0.0, 1.0])
