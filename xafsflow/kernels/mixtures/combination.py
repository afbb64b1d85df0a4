"""Linear combination fit of every pixel: a projection on the references, then a small system of equations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.mixtures.active_support import standard_errors
from xafsflow.kernels.mixtures.column_sums import TILE, pairs, project, project_weighted
from xafsflow.kernels.mixtures.gram_solver import CLOSED, solve
from xafsflow.kernels.mixtures.shared_gram import fit_shared, record


class Fit(NamedTuple):
    """What a fit finds: `fraction` and `error` (reference, ...), `r_factor`, `reduced_chi_square` and `shift` (...)."""

    fraction: Doubles
    error: Doubles
    r_factor: Doubles
    reduced_chi_square: Doubles
    shift: Doubles


def fit_combination(
    values: Floats,
    sigma: Floats | None,
    references: Doubles,
    free: Doubles,
    sum_to_one: bool,
) -> Fit:
    """Fit every pixel by references with fractions that are not negative.

    The minimum of `sum(((d - sum_r f_r a_r - sum_b g_b h_b)/sigma)^2)` over f >= 0 and any g; exact to rounding, as by
    `scipy.optimize.nnls`. All sums are in float64.

    Parameters
    ----------
    values
        `(energy, ...)`, float32 or float64.
    sigma
        As `values`: standard deviations; None: equal and unknown.
    references
        `(reference, energy)`.
    free
        `(background, energy)`: columns of a background, with coefficients of either sign.
    sum_to_one
        Hold the sum of the fractions at one.

    Returns
    -------
    Fit
        `error` is the standard error from the covariance of the references that are not zero; of one that is zero, from
        the covariance with it. With sigma known it is as sigma says, else scaled by the square root of the reduced
        chi-square. `r_factor` is `sum((d - fit)^2)/sum(d^2)`, without weights; the reduced chi-square is the minimum over
        the energies less the coefficients that may vary, those at zero with them (as in Larch). `shift` is zero. NaN for
        a pixel with a value or sigma that is not finite, or where no solution is unique.

    Examples
    --------
    >>> references = np.array([[0.0, 1.0, 2.0, 1.0], [1.0, 1.0, 0.0, 0.0]])
    >>> values = (0.75 * references[0] + 0.25 * references[1]).reshape(4, 1)
    >>> fit_combination(values, None, references, np.empty((0, 4)), sum_to_one=True).fraction.ravel().round(9)
    array([0.75, 0.25])
    """
    columns = np.ascontiguousarray(np.concatenate([references, free]), np.float64)
    pixels = np.ascontiguousarray(values).reshape(len(values), -1)
    count = len(references)
    out = np.full((2 * count + 3, pixels.shape[1]), np.nan)
    freedom = float(len(values) - len(columns) + int(sum_to_one))
    gram = columns @ columns.T
    if sigma is not None:
        noise = np.ascontiguousarray(sigma).reshape(pixels.shape)
        _fit_weighted(pixels, noise, columns, gram, count, sum_to_one, freedom, out)
    elif count <= CLOSED:
        fit_shared(pixels, columns, count, sum_to_one, freedom, out)
    else:
        _fit_unweighted(pixels, columns, gram, count, sum_to_one, freedom, out)
    out[-1] = 0.0 * out[-2]
    return as_fit(out, np.shape(values)[1:])


def as_fit(out: Doubles, shape: tuple[int, ...]) -> Fit:
    """Rows of results as maps."""
    count = (len(out) - 3) // 2
    both = out[: 2 * count].reshape(2, count, *shape)
    return Fit(both[0], both[1], *out[2 * count :].reshape(3, *shape))


@kernel
def _fit_unweighted(
    values: Floats,
    columns: Doubles,
    gram: Doubles,
    count: int,
    sum_to_one: bool,
    freedom: float,
    out: Doubles,
) -> None:
    """One Gram matrix for all pixels, and too many references to try all supports."""
    size_of = len(columns)
    z, used = np.empty(size_of + 1), np.empty(size_of, np.bool_)
    work, sigma, moments = np.zeros((size_of, size_of + 2)), np.empty(count), np.empty(size_of)
    for start in range(0, values.shape[1], TILE):
        size = min(TILE, values.shape[1] - start)
        sums = project(values, start, size, columns)
        for x in range(size):
            squares = sums[size_of, x]
            moments[:] = sums[:size_of, x]
            if np.isfinite(squares):
                misfit = solve(gram, moments, squares, count, sum_to_one, z, used, work)
                if np.isfinite(misfit):
                    standard_errors(gram, used, count, sum_to_one, sigma, work)
                    reduced = max(0.0, misfit) / freedom
                    record(z, sigma, np.sqrt(reduced), max(0.0, misfit) / squares, reduced, out[:, start + x])


@kernel
def _fit_weighted(
    values: Floats,
    noise: Floats,
    columns: Doubles,
    unweighted: Doubles,
    count: int,
    sum_to_one: bool,
    freedom: float,
    out: Doubles,
) -> None:
    """A Gram matrix for each pixel; `unweighted` is the one without weights, for the R-factor."""
    size_of = len(columns)
    z, used = np.empty(size_of + 1), np.empty(size_of, np.bool_)
    work, sigma, moments = np.zeros((size_of, size_of + 2)), np.empty(count), np.empty(size_of)
    gram = np.empty((size_of, size_of))
    products = pairs(columns)
    for start in range(0, values.shape[1], TILE):
        size = min(TILE, values.shape[1] - start)
        sums = project(values, start, size, columns)
        grams, weighted = project_weighted(values, noise, start, size, columns, products)
        for x in range(size):
            squares = weighted[size_of, x]
            if not (np.isfinite(squares) and np.isfinite(grams[0, x])):
                continue
            _unpack(grams, weighted, x, gram, moments)
            misfit = solve(gram, moments, squares, count, sum_to_one, z, used, work)
            if np.isfinite(misfit):
                standard_errors(gram, used, count, sum_to_one, sigma, work)
                rest = _squares_left(unweighted, sums, x, z)
                record(z, sigma, 1.0, rest / sums[size_of, x], max(0.0, misfit) / freedom, out[:, start + x])


@kernel
def _unpack(grams: Doubles, sums: Doubles, x: int, gram: Doubles, moments: Doubles) -> None:
    pair = 0
    for i in range(len(moments)):
        moments[i] = sums[i, x]
        for j in range(i + 1):
            gram[i, j] = gram[j, i] = grams[pair, x]
            pair += 1


@kernel
def _squares_left(gram: Doubles, sums: Doubles, x: int, z: Doubles) -> float:
    """`|d - A z|^2` from `A'A`, `A'd` and `d'd`."""
    count = len(gram)
    left = sums[count, x]
    for i in range(count):
        left -= 2.0 * z[i] * sums[i, x]
        for j in range(count):
            left += z[i] * gram[i, j] * z[j]
    return max(0.0, left)
