"""Combination fits of pixels that share a Gram matrix: the solution on each support is a matrix that is computed before."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Indices, Mask
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.mixtures.column_sums import TILE, add_four, project
from xafsflow.kernels.mixtures.gram_solver import PIVOTS, Forms, closed_forms

# Up to so many references all supports are tried for a row of pixels at once; beyond, the few on the way to the right one.
ALL_AT_ONCE = 4


def fit_shared(
    values: Floats, columns: Doubles, references: int, sum_to_one: bool, freedom: float, out: Doubles
) -> None:
    """Fit `(energy, pixel)` without weights, up to `CLOSED` references; results into the rows of `out`."""
    forms = _cached_forms(columns.tobytes(), len(columns), references, sum_to_one)
    fit = _fit_at_once if references <= ALL_AT_ONCE else _fit_pivoting
    fit(values, columns, *forms, freedom, out)


@lru_cache(maxsize=16)
def _cached_forms(columns: bytes, count: int, references: int, sum_to_one: bool) -> Forms:
    # Every block asks for the same.
    rows = np.frombuffer(columns).reshape(count, -1)
    return closed_forms(rows @ rows.T, references, sum_to_one)


@kernel
def _fit_at_once(
    values: Floats,
    columns: Doubles,
    maps: Doubles,
    used: Mask,
    deviations: Doubles,
    freedom: float,
    out: Doubles,
) -> None:
    """One Gram matrix for all pixels and few supports: every one is tried, on a row of pixels at once."""
    size_of = len(columns)
    rows, held = np.empty((size_of + 1, TILE)), np.empty((size_of + 1, TILE))
    low, best, supports = np.empty(TILE), np.empty(TILE), np.empty(TILE, np.int64)
    for start in range(0, values.shape[1], TILE):
        size = min(TILE, values.shape[1] - start)
        sums = project(values, start, size, columns)
        best[:], held[:], supports[:] = -np.inf, np.nan, 0
        for s in range(len(maps)):
            if np.isnan(maps[s, 0, 0]):
                continue
            # Where nothing is below zero, nothing is better; else nothing but rounding is below for the right one.
            low[:] = 0.0
            for r in range(size_of + 1):
                _combine(maps[s, r], sums, rows[r, :size])
                if r < deviations.shape[1]:
                    _lower(rows[r, :size], low)
            _choose(low[:size], s, rows, used[s], best, held, supports)
        _write_results(held, supports, sums, deviations, freedom, out[:, start : start + size])


@kernel
def _combine(weights: Doubles, sums: Doubles, out: Doubles) -> None:
    """`weights[:-1] @ sums[:-1] + weights[-1]`, four sums at a time."""
    last = len(weights) - 1
    for x in range(len(out)):
        out[x] = weights[last]
    for k in range(0, last, 4):
        # Behind the last column the weights are zero, and any row will do.
        i, j, m = min(k + 1, last), min(k + 2, last), min(k + 3, last)
        wi = weights[i] if i < last else 0.0
        wj = weights[j] if j < last else 0.0
        wm = weights[m] if m < last else 0.0
        add_four(out, sums[k], sums[i], sums[j], sums[m], weights[k], wi, wj, wm)


@kernel
def _lower(row: Doubles, low: Doubles) -> None:
    for x in range(len(row)):
        low[x] = row[x] if row[x] < low[x] else low[x]


@kernel
def _choose(
    low: Doubles, number: int, rows: Doubles, used: Mask, best: Doubles, held: Doubles, supports: Indices
) -> None:
    """Hold a support's coefficients where it is better than those before it."""
    for r in range(len(rows)):
        # Behind a reference at zero stands how far it is from being wanted. Times zero, so that NaN stays.
        factor = 1.0 if r == len(used) or used[r] else 0.0
        row, coefficient = rows[r], held[r]
        for x in range(len(low)):
            coefficient[x] = factor * row[x] if low[x] > best[x] else coefficient[x]
    for x in range(len(low)):
        better = low[x] > best[x]
        supports[x] = number if better else supports[x]
        best[x] = low[x] if better else best[x]


@kernel
def _write_results(
    held: Doubles, supports: Indices, sums: Doubles, deviations: Doubles, freedom: float, out: Doubles
) -> None:
    """Write the results of a tile."""
    count, columns, size = deviations.shape[1], len(sums) - 1, out.shape[1]
    squares, left, scale = sums[columns], np.empty(size), np.empty(size)
    for x in range(size):
        left[x] = squares[x] - held[columns, x]
    for k in range(columns):
        for x in range(size):
            left[x] -= held[k, x] * sums[k, x]
    r_factor, reduced = out[2 * count], out[2 * count + 1]
    for x in range(size):
        # Rounding may leave less than nothing of a perfect fit. What is not finite becomes NaN: inf - inf.
        rest = (left[x] if left[x] > 0.0 or left[x] != left[x] else 0.0) + (squares[x] - squares[x])
        reduced[x] = rest / freedom
        r_factor[x] = rest / squares[x]
        scale[x] = np.sqrt(reduced[x])
    for r in range(count):
        fraction, error = out[r], out[count + r]
        for x in range(size):
            fraction[x] = held[r, x] + (squares[x] - squares[x])
            error[x] = deviations[supports[x], r] * scale[x]


@kernel
def _fit_pivoting(
    values: Floats,
    columns: Doubles,
    maps: Doubles,
    used: Mask,
    deviations: Doubles,
    freedom: float,
    out: Doubles,
) -> None:
    """One Gram matrix for all pixels and many supports: each pixel goes its way to the right one."""
    size_of, count = len(columns), deviations.shape[1]
    z = np.empty(size_of + 1)
    for start in range(0, values.shape[1], TILE):
        size = min(TILE, values.shape[1] - start)
        sums = project(values, start, size, columns)
        for x in range(size):
            squares = sums[size_of, x]
            support = _support(maps, sums, x, count, z) if np.isfinite(squares) else -1
            if support < 0:
                continue
            left = squares - z[size_of]
            for k in range(size_of):
                z[k] = z[k] if used[support, k] else 0.0
                left -= z[k] * sums[k, x]
            reduced = max(0.0, left) / freedom
            record(
                z, deviations[support], np.sqrt(reduced), max(0.0, left) / squares, reduced, out[:, start + x]
            )


@kernel
def _support(maps: Doubles, sums: Doubles, x: int, count: int, z: Doubles) -> int:
    """The right support and its coefficients, -1 where there is none.

    All that is below zero changes sides until nothing is (Portugal, Judice and Vicente, Math. Comp. 63, 625 (1994)).
    """
    mask = len(maps) - 1
    for _ in range(PIVOTS):
        flipped, sound = _apply(maps[mask], sums, x, count, z)
        if not sound:
            break
        if flipped == 0:
            return mask
        mask ^= flipped
    best, found = -np.inf, -1
    for mask in range(len(maps)):
        _, sound = _apply(maps[mask], sums, x, count, z)
        low = z[:count].min() if sound else -np.inf
        if low > best:
            best, found = low, mask
    if found >= 0:
        _apply(maps[found], sums, x, count, z)
    return found


@kernel
def _apply(form: Doubles, sums: Doubles, x: int, count: int, z: Doubles) -> tuple[int, bool]:
    """Coefficients on a support; which references are below zero, as bits, and whether its columns are independent."""
    last = len(form) - 1
    flipped = 0
    for r in range(last + 1):
        found = form[r, last]
        for k in range(last):
            found += form[r, k] * sums[k, x]
        z[r] = found
        if r < count and found < 0.0:
            flipped |= 1 << r
    return flipped, not np.isnan(form[0, 0])


@kernel
def record(z: Doubles, sigma: Doubles, scale: float, r_factor: float, reduced: float, out: Doubles) -> None:
    """One pixel's results into its column."""
    count = len(sigma)
    for r in range(count):
        out[r] = z[r]
        out[count + r] = sigma[r] * scale
    out[2 * count], out[2 * count + 1] = r_factor, reduced
