"""Linear combination fit with references that depend on an energy shift: known at a row of shifts, and one shift a pixel."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Mask
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.mixtures.active_support import on_support, standard_errors
from xafsflow.kernels.mixtures.combination import Fit, as_fit
from xafsflow.kernels.mixtures.gram_solver import solve
from xafsflow.kernels.mixtures.shared_gram import record

# eV; a change of the shift below this is the last.
SETTLED = 1e-4
STEPS = 25
# Every so many of the shifts is tried as the place to start from.
STRIDE = 4

# Columns, slopes, data, weights, a row, Gram matrix, moments, coefficients, support, working memory.
_State = tuple[Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Mask, Doubles]


def fit_moved_combination(
    values: Floats,
    sigma: Floats | None,
    table: Doubles,
    shifts: Doubles,
    free: Doubles,
    sum_to_one: bool,
    known: Floats | None = None,
) -> Fit:
    """As `fit_combination`, the references those of a shift that is fitted with the fractions, or known.

    Between the shifts of the table a reference is the cubic through four of them (Lagrange). From the best of a few
    shifts Gauss's and Newton's steps lead to the minimum: the fit's change with the shift is one column more beside the
    references. The errors count it in: they are larger than without a shift where both change the spectrum alike.

    Parameters
    ----------
    values, sigma, free, sum_to_one
        As for `fit_combination`.
    table
        `(shift, reference, energy)`: the references moved by each shift.
    shifts
        `(shift,)`, eV, evenly spaced, 4 or more.
    known
        `(...)`: the shift of each pixel, eV; None where it is to be fitted.

    Returns
    -------
    Fit
        `shift` is within the shifts of the table; at their ends it is a limit, no minimum.

    Examples
    --------
    >>> energy, shifts = np.arange(40.0), np.linspace(-1, 1, 9)
    >>> table = 1 / (1 + np.exp(-(energy - 20 - shifts[:, None, None]) / 2))
    >>> values = (0.8 / (1 + np.exp(-(energy - 20.3) / 2))).reshape(40, 1)
    >>> fit = fit_moved_combination(values, None, table, shifts, np.empty((0, 40)), sum_to_one=False)
    >>> fit.shift.round(4), fit.fraction.ravel().round(4)
    (array([0.3]), array([0.8]))
    """
    pixels = np.ascontiguousarray(values).reshape(len(values), -1)
    count = table.shape[1]
    out = np.full((2 * count + 3, pixels.shape[1]), np.nan)
    noise = np.ones((1, 1)) if sigma is None else np.ascontiguousarray(sigma).reshape(pixels.shape)
    freedom = float(len(values) - count - len(free) - int(known is None) + int(sum_to_one))
    moved, background = np.ascontiguousarray(table, np.float64), np.ascontiguousarray(free)
    at = np.empty(0) if known is None else np.ravel(known).astype(np.float64)
    _fit(pixels, noise, sigma is not None, moved, shifts, background, sum_to_one, freedom, at, out)
    return as_fit(out, np.shape(values)[1:])


@kernel
def _fit(
    values: Floats,
    noise: Floats,
    known: bool,
    table: Doubles,
    shifts: Doubles,
    free: Doubles,
    sum_to_one: bool,
    freedom: float,
    at: Doubles,
    out: Doubles,
) -> None:
    energies, pixels = values.shape
    count = table.shape[1]
    size = count + len(free)
    # Rows: references, background, and last how the fit changes with the shift.
    columns, slopes = np.zeros((size + 1, energies)), np.empty((count, energies))
    columns[count:size] = free
    data, weight, row = np.empty(energies), np.ones(energies), np.empty(energies)
    gram, moments = np.zeros((size + 1, size + 1)), np.zeros(size + 1)
    z, used = np.zeros(size + 2), np.zeros(size + 1, np.bool_)
    work, sigma = np.zeros((size + 1, size + 3)), np.empty(count)
    for x in range(pixels):
        good = True
        for e in range(energies):
            data[e] = values[e, x]
            if known:
                own = np.float64(noise[e, x])
                weight[e] = 1.0 / (own * own)
            good &= np.isfinite(data[e]) & np.isfinite(weight[e])
        if not good:
            continue
        squares = _dot(data, data, weight)
        state = (columns, slopes, data, weight, row, gram, moments, z, used, work)
        if len(at) > 0:
            shift = min(max(at[x], shifts[0]), shifts[len(shifts) - 1])
            misfit = _evaluate(table, shifts, shift, count, squares, sum_to_one, state)
        else:
            shift, misfit = _search(table, shifts, count, squares, sum_to_one, state)
        if np.isfinite(misfit):
            used[size] = len(at) == 0
            standard_errors(gram, used, count, sum_to_one, sigma, work)
            left, total = 0.0, 0.0
            for e in range(energies):
                rest = data[e]
                for k in range(size):
                    rest -= z[k] * columns[k, e]
                left += rest * rest
                total += data[e] * data[e]
            reduced = max(0.0, misfit) / freedom
            record(z, sigma, 1.0 if known else np.sqrt(reduced), left / total, reduced, out[:, x])
            out[2 * count + 2, x] = shift


@kernel
def _search(
    table: Doubles, shifts: Doubles, count: int, squares: float, sum_to_one: bool, state: _State
) -> tuple[float, float]:
    """The best shift and its misfit; the state is left as it is there, with the slope as its last column."""
    gram, moments, z, used, work = state[5], state[6], state[7], state[8], state[9]
    size = len(moments) - 1
    shift, best = 0.0, np.inf
    for m in range(0, len(shifts), STRIDE):
        misfit = _evaluate(table, shifts, shifts[m], count, squares, sum_to_one, state)
        if misfit < best:
            shift, best = shifts[m], misfit
    if not best < np.inf:
        return np.nan, np.nan
    best = _evaluate(table, shifts, shift, count, squares, sum_to_one, state)
    step = np.nan
    for _ in range(STEPS):
        if np.isnan(step):
            used[size] = True
            multiplier = on_support(gram, moments, used, count, sum_to_one, 1.0, z, work)
            # Where the fit does not change with the shift, there is nothing to find.
            step = z[size] if np.isfinite(multiplier) else 0.0
        fresh = min(max(shift + step, shifts[0]), shifts[len(shifts) - 1])
        if abs(fresh - shift) < SETTLED:
            break
        misfit = _evaluate(table, shifts, fresh, count, squares, sum_to_one, state)
        if misfit < best:
            shift, best, step = fresh, misfit, np.nan
        else:
            step *= 0.5
    return shift, _evaluate(table, shifts, shift, count, squares, sum_to_one, state)


@kernel
def _evaluate(
    table: Doubles, shifts: Doubles, shift: float, count: int, squares: float, sum_to_one: bool, state: _State
) -> float:
    """The best fit at a shift; fills the columns, their Gram matrix and the fit's change with the shift."""
    columns, slopes, data, weight, row, gram, moments, z, used, work = state
    size = len(moments) - 1
    _move(table, shifts, shift, columns, slopes)
    _products(columns, 0, size, data, weight, row, gram, moments)
    misfit = solve(
        gram[:size, :size], moments[:size], squares, count, sum_to_one, z[: size + 1], used[:size], work
    )
    columns[size] = 0.0
    for r in range(count):
        if used[r] and z[r] != 0.0:
            for e in range(columns.shape[1]):
                columns[size, e] += z[r] * slopes[r, e]
    _products(columns, size, size + 1, data, weight, row, gram, moments)
    used[size] = False
    return misfit


@kernel
def _move(table: Doubles, shifts: Doubles, shift: float, columns: Doubles, slopes: Doubles) -> None:
    """References at a shift, and their change with it, by the cubic through four shifts of the table."""
    spacing = shifts[1] - shifts[0]
    place = (shift - shifts[0]) / spacing
    first = min(max(int(np.floor(place)) - 1, 0), len(shifts) - 4)
    t = place - first
    p0, p1, p2, p3 = t, t - 1.0, t - 2.0, t - 3.0
    w0, w1, w2, w3 = -p1 * p2 * p3 / 6.0, p0 * p2 * p3 / 2.0, -p0 * p1 * p3 / 2.0, p0 * p1 * p2 / 6.0
    d0 = -(p2 * p3 + p1 * p3 + p1 * p2) / 6.0 / spacing
    d1 = (p2 * p3 + p0 * p3 + p0 * p2) / 2.0 / spacing
    d2 = -(p1 * p3 + p0 * p3 + p0 * p1) / 2.0 / spacing
    d3 = (p1 * p2 + p0 * p2 + p0 * p1) / 6.0 / spacing
    for r in range(len(slopes)):
        a, b, c, d = table[first, r], table[first + 1, r], table[first + 2, r], table[first + 3, r]
        moved, change = columns[r], slopes[r]
        for e in range(len(a)):
            moved[e] = w0 * a[e] + w1 * b[e] + w2 * c[e] + w3 * d[e]
            change[e] = d0 * a[e] + d1 * b[e] + d2 * c[e] + d3 * d[e]


@kernel
def _products(
    columns: Doubles,
    start: int,
    stop: int,
    data: Doubles,
    weight: Doubles,
    row: Doubles,
    gram: Doubles,
    moments: Doubles,
) -> None:
    """Rows of the Gram matrix and of the products with the data."""
    for i in range(start, stop):
        for e in range(len(row)):
            row[e] = weight[e] * columns[i, e]
        for j in range(i + 1):
            gram[i, j] = gram[j, i] = _sum_of_products(row, columns[j])
        moments[i] = _sum_of_products(row, data)


@kernel
def _sum_of_products(a: Doubles, b: Doubles) -> float:
    # Four sums, as each addition waits for the one before it.
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    whole = len(a) - len(a) % 4
    for e in range(0, whole, 4):
        s0 += a[e] * b[e]
        s1 += a[e + 1] * b[e + 1]
        s2 += a[e + 2] * b[e + 2]
        s3 += a[e + 3] * b[e + 3]
    for e in range(whole, len(a)):
        s0 += a[e] * b[e]
    return (s0 + s1) + (s2 + s3)


@kernel
def _dot(a: Doubles, b: Doubles, weight: Doubles) -> float:
    total = 0.0
    for e in range(len(a)):
        total += a[e] * b[e] * weight[e]
    return total
