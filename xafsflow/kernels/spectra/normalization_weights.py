"""The weights of each method of normalization, for one grid of energies and one choice of windows.

A least squares fit by given functions is a set of weighted sums over the spectrum, and the weights depend on
the energies and windows only. The functions are orthonormalized first: a coefficient then is one sum.

A table is `(sums, numerator, denominator, weight, model)`. With coefficients `c = sums @ mu`,

    norm = (mu - sum_j numerator[j] c_j) / sum_j denominator[j] c_j

where the first three are `(coefficient, energy)`. The first two coefficients are the pre-edge, the last is
the edge step. `weight` `(energy,)` and `model` are there for MBACK only, see `normalization_projection.match`.
"""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.spectra.normalization_windows import (
    EDGE,
    LINE,
    NNORM,
    NORM1,
    NORM2,
    NPRE,
    NVICT,
    ORDER,
    POST_START,
    POST_STOP,
    PRE1,
    PRE2,
    PRE_START,
    PRE_STOP,
    below,
    nearest,
    resolve,
)
from xafsflow.kernels.spectra.pixel_groups import orthonormalize

Tables = tuple[Doubles, Doubles, Doubles, Doubles, Doubles]

EDGE_STEP, FLAT, RATIO, AREA, MBACK = range(5)


def fit_tables(
    energy: Doubles, f2: Doubles, e0: float, given: Doubles, method: int, line: int = LINE
) -> Tables:
    """The table of one method; NaN where the windows cannot be fitted. `line` as `resolve` takes it."""
    _, slices = resolve(energy, e0, given, line)
    if slices[EDGE] >= 0 and method == MBACK:
        return _mback(energy, f2, energy[slices[EDGE]], given)
    if slices[EDGE] >= 0:
        return (*line_tables(energy, slices, method), np.zeros(0), np.zeros((0, 0)))
    return _nothing(energy)


def _nothing(energy: Doubles) -> Tables:
    nan = np.full((3, len(energy)), np.nan)
    return nan, nan, nan, np.zeros(0), np.zeros((0, 0))


@kernel
def line_tables(energy: Doubles, slices: Indices, method: int) -> tuple[Doubles, Doubles, Doubles]:
    """Sums, numerator and denominator of the methods that are linear in the spectrum."""
    n, edge, nnorm = len(energy), slices[EDGE], slices[NNORM]
    curves = method in (FLAT, RATIO)
    rows = 3 + (nnorm + 1 if curves else 0)
    sums, numerator, denominator = np.zeros((rows, n)), np.zeros((rows, n)), np.zeros((rows, n))
    _pre_edge(energy, slices, sums, numerator)
    post, weights = _post_edge(energy, slices, sums, numerator)
    step = sums[rows - 1]
    for i in range(n):
        denominator[rows - 1, i] = 0.0 if method == RATIO else 1.0
        for k in range(nnorm + 1):
            step[i] += post[k, edge] * weights[k, i]
            if curves:
                sums[2 + k, i] = weights[k, i]
            if method == RATIO:
                denominator[2 + k, i] = post[k, i]
            if method == FLAT and i > edge:
                numerator[2 + k, i] = post[k, i] - post[k, edge]
    if method == AREA:
        _mean_height(energy, slices, step)
        _without_line(step, sums, numerator)
    return sums, numerator, denominator


@kernel
def _pre_edge(energy: Doubles, slices: Indices, sums: Doubles, curves: Doubles) -> None:
    """The first two rows: the weights of the pre-edge fit, and its functions of energy."""
    weight, victoreen = _window(energy, slices[PRE_START], slices[PRE_STOP]), np.empty(len(energy))
    for i in range(len(energy)):
        relative = energy[i] / energy[slices[EDGE]]
        victoreen[i] = relative ** slices[NVICT]
        curves[0, i], curves[1, i] = 1, (relative - 1) * slices[NPRE]
    orthonormalize(curves[:2], weight)
    for k in range(2):
        for i in range(len(energy)):
            sums[k, i] = weight[i] * curves[k, i] * victoreen[i]
            curves[k, i] /= victoreen[i]


@kernel
def _post_edge(energy: Doubles, slices: Indices, line: Doubles, curves: Doubles) -> tuple[Doubles, Doubles]:
    """The functions of the post-edge polynomial, and the weights of its fit to `mu` minus the pre-edge."""
    n, weight = len(energy), _window(energy, slices[POST_START], slices[POST_STOP])
    post = _powers(energy, energy[slices[POST_START]], slices[NNORM])
    orthonormalize(post, weight)
    weights = np.empty_like(post)
    for k in range(len(post)):
        for i in range(n):
            weights[k, i] = weight[i] * post[k, i]
        _without_line(weights[k], line, curves)
    return post, weights


@kernel
def _window(energy: Doubles, start: int, stop: int) -> Doubles:
    """Weight 1 in a slice, 0 elsewhere."""
    weight = np.zeros(len(energy))
    for i in range(start, stop):
        weight[i] = 1
    return weight


@kernel
def _powers(energy: Doubles, center: float, degree: int) -> Doubles:
    """Powers from 0 to the degree, of the energy relative to a center, in units of the scan."""
    powers = np.ones((degree + 1, len(energy)))
    for k in range(1, degree + 1):
        for i in range(len(energy)):
            powers[k, i] = powers[k - 1, i] * (energy[i] - center) / (energy[-1] - energy[0])
    return powers


@kernel
def _without_line(weights: Doubles, line: Doubles, curves: Doubles) -> None:
    """Turn weights for a sum over `mu - pre_edge` into weights for the same sum over `mu`."""
    first, second = 0.0, 0.0
    for i in range(len(weights)):
        first += weights[i] * curves[0, i]
        second += weights[i] * curves[1, i]
    for i in range(len(weights)):
        weights[i] -= first * line[0, i] + second * line[1, i]


@kernel
def _mean_height(energy: Doubles, slices: Indices, step: Doubles) -> None:
    """Weights of the mean over the post-edge window by the trapezoidal rule."""
    start, last = slices[POST_START], slices[POST_STOP] - 1
    for i in range(len(energy)):
        step[i] = 1.0 if i == start == last else 0.0
    for i in range(start, last):
        half = 0.5 * (energy[i + 1] - energy[i]) / (energy[last] - energy[start])
        step[i] += half
        step[i + 1] += half


def _mback(energy: Doubles, f2: Doubles, e0: float, given: Doubles) -> Tables:
    """The table of Larch's `mback`: `scale mu - polynomial` is matched to f2, f2 + polynomial is normalized.

    With the coefficients `m_k` of the orthonormal polynomials `q_k` in mu, and `rest`, what they leave of f2,
    `f2 + polynomial` is `rest + scale sum_k m_k q_k`. Pre-edge and step are sums over these functions.
    """
    weight, limits = _match_weight(energy, e0, given)
    order = int(given[ORDER])
    if np.count_nonzero(weight) < order + 2:
        return _nothing(energy)
    q = _powers(energy, energy[0], order)
    orthonormalize(q, weight)
    rest = f2 - (q * weight) @ f2 @ q
    _, slices = resolve(energy, e0, limits)
    line, numerator, denominator = line_tables(energy, slices, EDGE_STEP)
    functions = np.vstack([rest, q])
    return np.vstack([q, rest]) * weight, numerator, denominator, weight, line @ functions.T


def _match_weight(energy: Doubles, e0: float, given: Doubles) -> tuple[Doubles, Doubles]:
    """The weight of each energy in the match of mu and f2, and the settings for its normalization."""
    first, last = energy[0] - e0, energy[-1] - e0
    pre1 = first if np.isnan(given[PRE1]) else max(given[PRE1], first)
    norm2 = last if np.isnan(given[NORM2]) or given[NORM2] < 0 else min(given[NORM2], last)
    pre1, pre2 = sorted((pre1, given[PRE2]))
    norm1, norm2 = sorted((given[NORM1], norm2))
    p1, p2 = below(energy, pre1 + e0), nearest(energy, pre2 + e0)
    before = slice(p1, p1 + 3 if p2 - p1 < 2 else p2 + 1)
    after = slice(nearest(energy, norm1 + e0), below(energy, norm2 + e0) + 1)
    # Larch weighs each window by one over its number of points, an overlap by what stands there already.
    weight, sigma = np.zeros_like(energy), np.ones_like(energy)
    sigma[before] = np.sqrt(len(sigma[before]))
    weight[before] = 1 / sigma[before] ** 2
    weight[after] = 1 / max(1.0, sigma[after].sum())
    return weight, np.array([pre1, pre2, norm1, norm2, 2.0, 0.0, 1.0])
