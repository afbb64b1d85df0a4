"""Normalization of blocks by the tables of weights: sums over the spectra, then one division.

A block whose pixels share e0 needs its tables once, then two passes over the block.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.kernels.jit import kernel
from xafsflow.kernels.pixels import (
    Doubles,
    Floats,
    as_pixels,
    gap_keys,
    gather,
    next_group,
    random_codes,
    scatter,
)
from xafsflow.kernels.ranges import index_of, resolve
from xafsflow.kernels.tables import fit_tables

TILE = 512  # pixels whose sums stay in the first level cache; 2048 is a tenth slower


def normalize_block(
    energy: ArrayLike, mu: ArrayLike, e0: ArrayLike, given: Doubles, method: int, f2: ArrayLike | None = None
) -> tuple[Floats, Doubles]:
    """Normalize a block by one of the methods of `tables`: the normalized spectra, and the edge step of each.

    With one number as `e0`, complete spectra share their tables. Those with gaps, and all where `e0` is a map, go in
    groups whose tables are the same. The result of a pixel does not depend on the others in its block.
    """
    grid, pixels = as_pixels(energy, mu)
    table = np.zeros(len(grid)) if f2 is None else np.ascontiguousarray(f2, dtype=np.float64)
    norm = np.empty_like(pixels)
    step = np.empty(pixels.shape[1])
    codes = random_codes(12, len(grid) + 16)
    if np.ndim(e0) == 0:
        edges = np.full(1, e0, dtype=np.float64)
        separate = divide(pixels, fit_tables(grid, table, edges[0], given, method), norm, step)
        keys = gap_keys(pixels, separate, codes[0])
    else:
        edges = np.ascontiguousarray(np.broadcast_to(e0, np.shape(mu)[1:]), dtype=np.float64).reshape(-1)
        separate = np.arange(len(edges))
        keys = gap_keys(pixels, separate, codes[0]) ^ window_keys(grid, pixels, edges, given, codes)
    order = np.argsort(keys, kind="stable")
    divide_groups(grid, pixels, table, edges, given, method, separate[order], keys[order], norm, step)
    return norm.reshape(np.shape(mu)), step.reshape(np.shape(mu)[1:])


@kernel
def window_keys(energy: Any, values: Any, e0: Any, given: Any, codes: Any) -> Any:
    """A key for each pixel, the same where e0 leads to the same slices and degrees, and so to the same tables."""
    keys = np.zeros(len(e0), np.int64)
    for pixel in range(len(e0)):
        grid = energy[np.isfinite(values[:, pixel])]
        found = resolve(grid, e0[pixel], given)
        if found.edge < 0:
            continue
        keys[pixel] ^= codes[1, found.edge] ^ codes[2, found.pre_start] ^ codes[3, found.pre_stop]
        keys[pixel] ^= codes[4, found.post_start] ^ codes[5, found.post_stop]
        keys[pixel] ^= codes[6, found.npre] ^ codes[7, found.nvict] ^ codes[8, found.nnorm]
        for k, limit in enumerate((found.pre2, found.norm1, found.norm2)):
            keys[pixel] ^= codes[9 + k, index_of(grid, limit + found.e0)]
    return keys


@kernel
def divide_groups(
    energy: Any, values: Any, f2: Any, e0: Any, given: Any, method: Any, order: Any, keys: Any, norm: Any, step: Any
) -> None:
    """Normalize the pixels in `order`, whose keys are equal where their tables are."""
    start = 0
    while start < len(order):
        stop = next_group(keys, start)
        members = order[start:stop]
        points = np.flatnonzero(np.isfinite(values[:, members[0]]))
        edge = e0[members[0]] if len(e0) > 1 else e0[0]
        tables = fit_tables(energy[points], f2[points], edge, given, method)
        part = gather(values, points, members)
        normalized, height = np.empty_like(part), np.empty(len(members))
        divide(part, tables, normalized, height)
        scatter(normalized, points, members, norm)
        step[members] = height
        start = stop


@kernel
def divide(values: Any, tables: Any, norm: Any, step: Any) -> Any:
    """Apply tables to all pixels; returns the pixels with gaps, which they do not fit."""
    n, pixels = values.shape
    numerator, denominator = tables.numerator, tables.denominator
    gaps = np.zeros(pixels, values.dtype)
    line_only = np.sum(numerator[2:] != 0, axis=0) == 0
    changes = np.sum(denominator[:, 1:] != denominator[:, :-1], axis=0) > 0
    for start in range(0, pixels, TILE):
        part = slice(start, min(start + TILE, pixels))
        found = project(values, part, tables.sums, gaps[part])
        if len(tables.model) > 0:
            found = match(values, part, found, tables.weight, tables.model)
        step[part] = found[-1]
        inverse, curve = np.empty(found.shape[1]), np.empty(found.shape[1])
        for i in range(n):
            if i == 0 or changes[i - 1]:
                _combine(denominator[:, i], found, curve)
                _inverse(curve, found[-1], inverse)
            row, out = values[i, part], norm[i, part]
            if line_only[i]:
                _subtract_line(row, numerator[0, i], found[0], numerator[1, i], found[1], inverse, out)
            else:
                _combine(numerator[:, i], found, curve)
                _subtract_curve(row, curve, inverse, out)
    return np.flatnonzero(~np.isfinite(gaps))


@kernel
def match(values: Any, part: Any, found: Any, weight: Any, model: Any) -> Any:
    """From the sums of MBACK to its line and step.

    The scale that matches mu and f2 is `<mu, rest> / (<mu, mu> - sum_k m_k^2)`: the part of mu that no polynomial
    explains, against the same part of f2.
    """
    pixels = found.shape[1]
    size = np.zeros(pixels)
    for i in range(len(weight)):
        if weight[i] != 0:
            row = values[i, part]
            for x in range(pixels):
                size[x] += weight[i] * np.float64(row[x]) * np.float64(row[x])
    matched = np.empty((len(model), pixels))
    for x in range(pixels):
        for k in range(len(found) - 1):
            size[x] -= found[k, x] * found[k, x]
        scale = found[-1, x] / size[x]
        for j in range(len(model)):
            total = model[j, 0] / scale
            for k in range(len(found) - 1):
                total += model[j, k + 1] * found[k, x]
            matched[j, x] = total
    return matched


@kernel
def project(values: Any, part: Any, sums: Any, gaps: Any) -> Any:
    """`sums @ values[:, part]` in float64; `gaps` becomes NaN for a pixel that is not finite somewhere.

    Four energies at a time: the totals then are read and written a quarter as often, which is most of the work.
    """
    n = len(values)
    found = np.zeros((len(sums), len(gaps)))
    whole = n - n % 4
    for i in range(0, whole, 4):
        # Rows of a C-contiguous array: numba takes rows of values[:, part] for strided ones, four times slower.
        a, b, c, d = values[i, part], values[i + 1, part], values[i + 2, part], values[i + 3, part]
        _mark_gaps(gaps, a, b, c, d)
        for j in range(len(sums)):
            wa, wb, wc, wd = sums[j, i], sums[j, i + 1], sums[j, i + 2], sums[j, i + 3]
            if wa != 0 or wb != 0 or wc != 0 or wd != 0:
                _add_four(found[j], a, b, c, d, wa, wb, wc, wd)
    for i in range(whole, n):
        row = values[i, part]
        _mark_gaps(gaps, row, row, row, row)
        for j in range(len(sums)):
            if sums[j, i] != 0:
                _add_one(found[j], row, sums[j, i])
    return found


@kernel
def _mark_gaps(gaps: Any, a: Any, b: Any, c: Any, d: Any) -> None:
    zero = gaps.dtype.type(0)
    for x in range(len(gaps)):
        gaps[x] += zero * a[x] + zero * b[x] + zero * c[x] + zero * d[x]


@kernel
def _add_four(total: Any, a: Any, b: Any, c: Any, d: Any, wa: Any, wb: Any, wc: Any, wd: Any) -> None:
    for x in range(len(total)):
        total[x] += wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x]


@kernel
def _add_one(total: Any, a: Any, weight: Any) -> None:
    for x in range(len(total)):
        total[x] += weight * a[x]


@kernel
def _combine(weights: Any, found: Any, curve: Any) -> None:
    """`weights @ found`."""
    curve[:] = 0
    for j in range(len(found)):
        if weights[j] != 0:
            _add_one(curve, found[j], weights[j])


@kernel
def _inverse(height: Any, step: Any, inverse: Any) -> None:
    """One over the height; NaN where it or the edge step is not positive."""
    for x in range(len(inverse)):
        good = (height[x] > 0) & (height[x] < np.inf) & (step[x] > 0)
        inverse[x] = 1 / height[x] if good else np.nan


@kernel
def _subtract_line(row: Any, first: Any, a: Any, second: Any, b: Any, inverse: Any, out: Any) -> None:
    for x in range(len(out)):
        out[x] = (row[x] - first * a[x] - second * b[x]) * inverse[x]


@kernel
def _subtract_curve(row: Any, curve: Any, inverse: Any, out: Any) -> None:
    for x in range(len(out)):
        out[x] = (row[x] - curve[x]) * inverse[x]
