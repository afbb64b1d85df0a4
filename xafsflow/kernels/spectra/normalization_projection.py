"""Normalization of blocks by tables of weights: sums over the spectra, then one division.

A block whose pixels share e0 and miss no energy needs one table, and two passes over the block.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.kernels.array_types import Doubles, Floats, Indices
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.spectra.normalization_weights import Tables, fit_tables
from xafsflow.kernels.spectra.normalization_windows import LINE, least_for_line, window_keys
from xafsflow.kernels.spectra.pixel_groups import (
    as_pixels,
    chunk_of,
    gap_groups,
    gather,
    grouped,
    mark_gaps,
    random_codes,
    scatter,
)

TILE = 512  # pixels whose sums stay in the first level cache; 2048 is a tenth slower


def normalize_block(
    energy: ArrayLike,
    mu: ArrayLike,
    e0: ArrayLike,
    given: Doubles,
    method: int,
    f2: ArrayLike | None = None,
) -> tuple[Floats, Doubles]:
    """Normalize a block by a method of `tables` and `settings`: the spectra, and the edge step of each.

    Spectra that miss the same energies share a table where e0 is one number; where it is a map, those do whose tables
    are the same. Where e0 is one number, the whole scan decides whether the pre-edge is a line, see `least_for_line`.
    """
    grid, pixels = as_pixels(energy, mu)
    table = np.zeros(len(grid)) if f2 is None else np.ascontiguousarray(f2, dtype=np.float64)
    shape = np.shape(mu)
    norm, step = np.empty_like(pixels), np.empty(pixels.shape[1])
    edges = np.ascontiguousarray(np.broadcast_to(np.asarray(e0, dtype=np.float64), shape[1:])).reshape(-1)
    codes = random_codes(8 * len(grid))
    line = LINE if np.ndim(e0) else least_for_line(grid, given, float(np.asarray(e0)))
    for points, having in gap_groups(pixels, np.arange(len(step))):
        if len(points) == 0:
            norm[:, having], step[having] = np.nan, np.nan
            continue
        part_grid, part_table = grid[points], table[points]
        keys = window_keys(part_grid, edges[having], given, codes) if np.ndim(e0) else np.zeros_like(having)
        for members in grouped(having, keys):
            tables = fit_tables(part_grid, part_table, edges[members[0]], given, method, line)
            divide(pixels, points, members, tables, norm, step)
    return norm.reshape(shape), step.reshape(shape[1:])


@kernel
def divide(
    values: Floats, points: Indices, members: Indices, tables: Tables, norm: Floats, step: Doubles
) -> None:
    """Apply a table for the energies `points` to the pixels `members`, in order; other energies become NaN."""
    first, n = points[0], len(points)
    inner = slice(first, first + n)
    start = 0
    while start < len(members):
        stop, whole = chunk_of(members, start, TILE)
        chunk = members[start:stop]
        if whole and points[n - 1] == first + n - 1:
            part = slice(chunk[0], chunk[0] + len(chunk))
            for i in range(len(values)):
                if not first <= i < first + n:
                    norm[i, part] = np.nan
            _divide_part(values[inner], part, tables, norm[inner], step[part])
        else:
            rows = gather(values, points, chunk)
            normalized, height = np.empty_like(rows), np.empty(len(chunk))
            _divide_part(rows, slice(0, len(chunk)), tables, normalized, height)
            scatter(normalized, points, chunk, norm)
            for x in range(len(chunk)):
                step[chunk[x]] = height[x]
        start = stop


@kernel
def _divide_part(values: Floats, part: slice, tables: Tables, norm: Floats, step: Doubles) -> None:
    """Apply a table to a few pixels side by side."""
    sums, numerator, denominator, weight, model = tables
    size = len(step)
    inverse, curve = np.empty(size), np.empty(size)
    found = project(values, part, sums, np.zeros(size, values.dtype))
    if len(model) > 0:
        found = match(values, part, found, weight, model)
    for x in range(size):
        step[x] = found[-1, x]
    for i in range(len(values)):
        if i == 0 or not _same(denominator, i, i - 1):
            _combine(denominator[:, i], found, curve)
            _invert(curve, found[-1], inverse)
        row, out = values[i, part], norm[i, part]
        if _straight(numerator, i):
            _subtract_line(row, numerator[0, i], found[0], numerator[1, i], found[1], inverse, out)
        else:
            _combine(numerator[:, i], found, curve)
            _subtract_curve(row, curve, inverse, out)


@kernel
def _same(weights: Doubles, i: int, j: int) -> bool:
    """Whether the weights at energies i and j are equal, all of them."""
    different = 0
    for k in range(len(weights)):
        different += weights[k, i] != weights[k, j]
    return different == 0


@kernel
def _straight(weights: Doubles, i: int) -> bool:
    """Whether nothing but the line is subtracted at energy i."""
    more = 0
    for k in range(2, len(weights)):
        more += weights[k, i] != 0
    return more == 0


@kernel
def match(values: Floats, part: slice, found: Doubles, weight: Doubles, model: Doubles) -> Doubles:
    """The pre-edge and step of MBACK from its sums.

    The scale that matches mu and f2 is `<mu, rest> / (<mu, mu> - sum_k m_k^2)`: over what no polynomial
    explains.
    """
    pixels = found.shape[1]
    size, matched = np.zeros(pixels), np.zeros((len(model), pixels))
    for i in range(len(weight)):
        if weight[i] != 0:
            row = values[i, part]
            for x in range(pixels):
                size[x] += weight[i] * np.float64(row[x]) * np.float64(row[x])
    # Row by row, so that the sums of a pixel have the same order wherever it stands in the tile.
    for k in range(len(found) - 1):
        for x in range(pixels):
            size[x] -= found[k, x] * found[k, x]
    for x in range(pixels):
        size[x] /= found[-1, x]
    for j in range(len(model)):
        _add_one(matched[j], size, model[j, 0])
        for k in range(len(found) - 1):
            _add_one(matched[j], found[k], model[j, k + 1])
    return matched


@kernel
def project(values: Floats, part: slice, sums: Doubles, gaps: Floats) -> Doubles:
    """`sums @ values[:, part]` in float64; `gaps` becomes NaN for a pixel that is not finite somewhere.

    Four energies at a time: the totals are read and written a quarter as often, which is most of the work.
    """
    n = len(values)
    found = np.zeros((len(sums), len(gaps)))
    whole = n - n % 4
    for i in range(0, whole, 4):
        # Parts of rows, as numba takes the rows of values[:, part] for strided ones, four times slower.
        a, b, c, d = values[i, part], values[i + 1, part], values[i + 2, part], values[i + 3, part]
        mark_gaps(gaps, a, b, c, d)
        for j in range(len(sums)):
            wa, wb, wc, wd = sums[j, i], sums[j, i + 1], sums[j, i + 2], sums[j, i + 3]
            if wa != 0 or wb != 0 or wc != 0 or wd != 0:
                _add_four(found[j], a, b, c, d, wa, wb, wc, wd)
    for i in range(whole, n):
        row = values[i, part]
        mark_gaps(gaps, row, row, row, row)
        for j in range(len(sums)):
            if sums[j, i] != 0:
                _add_one(found[j], row, sums[j, i])
    return found


@kernel
def _add_four(
    total: Doubles, a: Floats, b: Floats, c: Floats, d: Floats, wa: float, wb: float, wc: float, wd: float
) -> None:
    for x in range(len(total)):
        total[x] += wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x]


@kernel
def _add_one(total: Doubles, a: Floats, weight: float) -> None:
    for x in range(len(total)):
        total[x] += weight * a[x]


@kernel
def _combine(weights: Doubles, found: Doubles, curve: Doubles) -> None:
    """`weights @ found`."""
    for x in range(len(curve)):
        curve[x] = 0
    for j in range(len(found)):
        if weights[j] != 0:
            _add_one(curve, found[j], weights[j])


@kernel
def _invert(height: Doubles, step: Doubles, inverse: Doubles) -> None:
    """One over the height; NaN where it or the edge step is not positive."""
    for x in range(len(height)):
        good = (height[x] > 0) & (height[x] < np.inf) & (step[x] > 0)
        inverse[x] = 1 / height[x] if good else np.nan


@kernel
def _subtract_line(
    row: Floats, first: float, a: Doubles, second: float, b: Doubles, inverse: Doubles, out: Floats
) -> None:
    for x in range(len(out)):
        out[x] = (row[x] - first * a[x] - second * b[x]) * inverse[x]


@kernel
def _subtract_curve(row: Floats, curve: Doubles, inverse: Doubles, out: Floats) -> None:
    for x in range(len(out)):
        out[x] = (row[x] - curve[x]) * inverse[x]
