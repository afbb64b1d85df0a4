"""Products of spectra with the columns of a fit, a tile of pixels at a time, in float64."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats
from xafsflow.kernels.jit import kernel

# Pixels whose sums stay in the first level cache.
TILE = 256


@kernel
def project(values: Floats, start: int, size: int, columns: Doubles) -> Doubles:
    """Products of the columns with a tile of pixels, and behind them the pixels' sums of squares; NaN stays NaN."""
    count, energies = columns.shape
    sums = np.zeros((count + 1, size))
    four = energies - energies % 4
    # Four energies at a time: the sums are read and written a quarter as often, which is most of the work.
    for e in range(0, four, 4):
        a, b = values[e, start : start + size], values[e + 1, start : start + size]
        c, d = values[e + 2, start : start + size], values[e + 3, start : start + size]
        for k in range(count):
            row = columns[k]
            add_four(sums[k], a, b, c, d, row[e], row[e + 1], row[e + 2], row[e + 3])
        _add_squares(sums[count], a, b)
        _add_squares(sums[count], c, d)
    for e in range(four, energies):
        a = values[e, start : start + size]
        for k in range(count):
            add_four(sums[k], a, a, a, a, columns[k, e], 0.0, 0.0, 0.0)
        for x in range(size):
            sums[count, x] += np.float64(a[x]) * np.float64(a[x])
    return sums


@kernel
def add_four(
    total: Doubles, a: Floats, b: Floats, c: Floats, d: Floats, wa: float, wb: float, wc: float, wd: float
) -> None:
    """Add four rows, each times its weight."""
    for x in range(len(total)):
        total[x] += wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x]


@kernel
def _add_squares(total: Doubles, a: Floats, b: Floats) -> None:
    for x in range(len(total)):
        first, second = np.float64(a[x]), np.float64(b[x])
        total[x] += first * first + second * second


@kernel
def pairs(columns: Doubles) -> Doubles:
    """Products of all pairs of columns, (pair, energy), in the order of a lower triangle."""
    count, energies = columns.shape
    found = np.empty((count * (count + 1) // 2, energies))
    pair = 0
    for i in range(count):
        for j in range(i + 1):
            found[pair] = columns[i] * columns[j]
            pair += 1
    return found


@kernel
def project_weighted(
    values: Floats, noise: Floats, start: int, size: int, columns: Doubles, products: Doubles
) -> tuple[Doubles, Doubles]:
    """Gram matrices (pair, pixel), and products with the data (column, pixel) with their squares behind, of a tile."""
    count, energies = columns.shape
    grams, sums = np.zeros((len(products), size)), np.zeros((count + 1, size))
    weight, data = np.zeros((4, size)), np.zeros((4, size))
    factors = np.zeros(4)
    for e in range(0, energies, 4):
        group = min(4, energies - e)
        for m in range(4):
            if m < group:
                row, own = values[e + m, start : start + size], noise[e + m, start : start + size]
                _weigh(row, own, weight[m], data[m], sums[count])
            else:
                weight[m], data[m] = 0.0, 0.0
        for k in range(len(products)):
            factors[:group] = products[k, e : e + group]
            add_four(grams[k], weight[0], weight[1], weight[2], weight[3], *_four(factors))
        for k in range(count):
            factors[:group] = columns[k, e : e + group]
            add_four(sums[k], data[0], data[1], data[2], data[3], *_four(factors))
    return grams, sums


@kernel
def _four(factors: Doubles) -> tuple[float, float, float, float]:
    return factors[0], factors[1], factors[2], factors[3]


@kernel
def _weigh(row: Floats, sigma: Floats, weight: Doubles, data: Doubles, squares: Doubles) -> None:
    """Weights `1/sigma^2`, the data times them, and their squares added up; a sigma of zero becomes infinite."""
    for x in range(len(weight)):
        value, own = np.float64(row[x]), np.float64(sigma[x])
        w = 1.0 / (own * own)
        weight[x] = w
        data[x] = w * value
        squares[x] += w * value * value
