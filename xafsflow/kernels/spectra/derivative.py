"""Savitzky-Golay smoothing and derivatives on an uneven grid of energies, with a window in eV.

The polynomial that is fitted around an energy makes one row of weights. The weights depend on the energies
only, so that a block costs one banded product.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Indices
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.spectra.pixel_groups import (
    as_pixels,
    gap_groups,
    gather,
    orthonormalize,
)

TILE = 1024  # pixels whose rows stay in cache
TABLES = 128  # a scan has a few: one for each set of energies that some pixels miss


def derivative(energy: ArrayLike, values: ArrayLike, window: float, order: int = 2) -> Floats:
    """The first derivative by energy, per eV, of polynomials fitted in a moving window.

    Parameters
    ----------
    energy
        `(energy,)`, eV, increasing.
    values
        `(energy, ...)`.
    window
        Width in eV, see `_savgol_table`.
    order
        Degree of the polynomials.

    Returns
    -------
    ndarray
        `(energy, ...)`, dtype of `values`; NaN where these are, and for a spectrum of too few finite
        energies.

    Raises
    ------
    InputError
        Energies that do not increase, do not fit or are too few, a window that is not positive, or an order
        of 0.

    Examples
    --------
    >>> derivative([1, 2, 4, 5, 8], [2.0, 4.0, 8.0, 10.0, 16.0], window=3).round(9)
    array([2., 2., 2., 2., 2.])
    """
    return _savgol(energy, values, window, order, 1)


def smooth(energy: ArrayLike, values: ArrayLike, window: float, order: int = 2) -> Floats:
    """The values of polynomials fitted in a moving window; parameters, result and errors as of `derivative`.

    Examples
    --------
    >>> smooth([1, 2, 3, 4], [0.0, 3.0, 0.0, 3.0], window=3, order=0).round(9)
    array([1., 1., 2., 2.])
    """
    return _savgol(energy, values, window, order, 0)


@lru_cache(maxsize=TABLES)
def _savgol_table(energy: bytes, window: float, order: int, deriv: int) -> tuple[Indices, Doubles]:
    """The first point of each energy's window, and the weights `(energy, width)`, eV^-deriv, zero behind the window.

    The window of an energy holds the points less than half of `window` away. Near an end of the scan, where
    half of it would stick out, it holds those less than the whole of `window` away from that end; so an even
    grid of spacing h and a window of (2 m + 1) h are `scipy.signal.savgol_filter` with 2 m + 1 points and
    `mode="interp"`. With fewer than `order + 1` points it grows by the nearest ones. Distances count as equal
    to the width from a relative difference of 1e-9 on. Cached by the bytes of the energies (float64): the
    blocks of a scan ask for the same few tables.
    """
    if not (isinstance(order, (int, np.integer)) and order >= deriv):
        raise InputError(f"order {order}", f"a whole number from {deriv} on", "change order")
    if not (np.isfinite(window) and window > 0):
        raise InputError(f"a window of {window} eV", "a width above 0 eV", "change window")
    values = np.frombuffer(energy)
    grid, _ = as_pixels(values, values, order + 1)
    start, stop = _windows(grid, window * (1 - 1e-9), order + 1)
    return start, weights_of(grid, start, stop, order, deriv)


def _savgol(energy: ArrayLike, values: ArrayLike, window: float, order: int, deriv: int) -> Floats:
    grid, pixels = as_pixels(energy, values)
    key = (window, order, deriv)
    start, weights = _savgol_table(grid.tobytes(), *key)
    out = np.empty_like(pixels)
    band(pixels, start, weights, out)
    for points, members in gap_groups(pixels, np.arange(pixels.shape[1])):
        if len(points) == len(grid):
            continue
        if len(points) <= order:
            out[:, members] = np.nan
            continue
        filter_with_gaps(pixels, points, *_gap_table(grid.tobytes(), points.tobytes(), *key), members, out)
    return out.reshape(np.shape(values))


@lru_cache(maxsize=TABLES)
def _gap_table(
    energy: bytes, points: bytes, window: float, order: int, deriv: int
) -> tuple[Indices, Indices, Doubles, Indices]:
    """For pixels that have the energies `points` only: those missing, their table, where it changes the result."""
    grid, having = np.frombuffer(energy), np.frombuffer(points, np.int64)
    own = _savgol_table(grid[having].tobytes(), window, order, deriv)
    changed = _changed(*_savgol_table(energy, window, order, deriv), having, *own)
    return np.setdiff1d(np.arange(len(grid)), having), *own, changed


def _changed(start: Indices, weights: Doubles, points: Indices, own_start: Indices, own: Doubles) -> Indices:
    """Where the weights for a part of the energies differ from those for all, or `band` read an energy not in it."""
    n, reach = len(start), 4 * -(-weights.shape[1] // 4)
    width = max(weights.shape[1], own.shape[1])
    all_rows, own_rows = (np.pad(w, ((0, 0), (0, width - w.shape[1]))) for w in (weights[points], own))
    lost = np.ones(n + 1, np.int64)
    lost[points], lost[n] = 0, 0
    before = np.concatenate([[0], np.cumsum(lost)])
    read = before[np.minimum(start[points] + reach, n)] - before[start[points]]
    same = (points[own_start] == start[points]) & (all_rows == own_rows).all(axis=1) & (read == 0)
    return np.flatnonzero(~same)


@kernel
def _windows(energy: Doubles, window: float, fewest: int) -> tuple[Indices, Indices]:
    """The slice of energies in the window of each energy."""
    n = len(energy)
    start, stop = np.empty(n, np.int64), np.empty(n, np.int64)
    for i in range(n):
        low, high = energy[i] - 0.5 * window, energy[i] + 0.5 * window
        if low < energy[0]:
            low, high = -np.inf, energy[0] + window
        elif high > energy[-1]:
            low, high = energy[-1] - window, np.inf
        first, last = i, i
        while first > 0 and energy[first - 1] > low:
            first -= 1
        while last < n - 1 and energy[last + 1] < high:
            last += 1
        while last - first + 1 < fewest:
            if first == 0 or (last < n - 1 and energy[last + 1] - energy[i] < energy[i] - energy[first - 1]):
                last += 1
            else:
                first -= 1
        start[i], stop[i] = first, last + 1
    return start, stop


@kernel
def weights_of(energy: Doubles, start: Indices, stop: Indices, order: int, deriv: int) -> Doubles:
    """The weights of the derivative, at each energy, of the polynomial fitted to the points of its window.

    One column more than there are points holds the derivative of the powers, with weight 0 in the inner
    product: it undergoes what makes the powers orthonormal.
    """
    n = len(energy)
    weights = np.zeros((n, np.max(stop - start)))
    for i in range(n):
        m = stop[i] - start[i]
        center = 0.5 * (energy[start[i]] + energy[stop[i] - 1])
        half = max(0.5 * (energy[stop[i] - 1] - energy[start[i]]), 1e-3)
        powers, inside = np.ones((order + 1, m + 1)), np.ones(m + 1)
        inside[m] = 0
        x = (energy[i] - center) / half
        for k in range(order + 1):
            for j in range(m):
                powers[k, j] = ((energy[start[i] + j] - center) / half) ** k
            powers[k, m] = 0.0 if k < deriv else x ** (k - deriv) / half**deriv
            for factor in range(k - deriv + 1, k + 1):
                powers[k, m] *= factor
        orthonormalize(powers, inside)
        for k in range(order + 1):
            for j in range(m):
                weights[i, j] += powers[k, m] * powers[k, j]
    return weights


@kernel
def band(values: Floats, start: Indices, weights: Doubles, out: Floats) -> None:
    """`out[i] = sum_j weights[i, j] values[start[i] + j]` for all pixels, in the precision of the values."""
    n, pixels = values.shape
    rows = weights.astype(values.dtype)
    for first in range(0, pixels, TILE):
        part = slice(first, min(first + TILE, pixels))
        for i in range(n):
            _filter_row(values, part, start[i], rows[i], out[i, part])


@kernel
def filter_with_gaps(
    values: Floats,
    points: Indices,
    missing: Indices,
    start: Indices,
    weights: Doubles,
    changed: Indices,
    members: Indices,
    out: Floats,
) -> None:
    """For the pixels `members`, which have the energies `points` only: the energies at which this changes the result."""
    rows = weights.astype(values.dtype)
    for first in range(0, len(members), TILE):
        chunk = members[first : first + TILE]
        line = np.empty(len(chunk), values.dtype)
        for i in changed:
            around = gather(values, points[start[i] : start[i] + rows.shape[1]], chunk)
            _filter_row(around, slice(0, len(chunk)), 0, rows[i], line)
            row = out[points[i]]
            for x in range(len(chunk)):
                row[chunk[x]] = line[x]
        for i in missing:
            row = out[i]
            for x in range(len(chunk)):
                row[chunk[x]] = np.nan


@kernel
def _filter_row(values: Floats, part: slice, start: int, weights: Floats, out: Floats) -> None:
    """One energy, four points at a time; beyond the window the weights are zero."""
    width, last = len(weights), len(values) - 1
    while width > 1 and weights[width - 1] == 0:
        width -= 1
    zero = weights.dtype.type(0)
    for k in range(0, width, 4):
        a, b = values[start + k, part], values[min(last, start + k + 1), part]
        c, d = values[min(last, start + k + 2), part], values[min(last, start + k + 3), part]
        wa = weights[k]
        wb = weights[k + 1] if k + 1 < width else zero
        wc = weights[k + 2] if k + 2 < width else zero
        wd = weights[k + 3] if k + 3 < width else zero
        if k == 0:
            for x in range(len(out)):
                out[x] = wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x]
        else:
            for x in range(len(out)):
                out[x] += wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x]
