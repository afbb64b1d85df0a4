"""Mean spectra of the tiles of a field, from the pixels that are fit for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Mask, Numbers
from xafsflow.kernels.jit import kernel

# What happened to a pixel: the places of the counts that `tile_sums` returns.
FATES = ("used", "dead_or_saturated", "not_finite", "other_step")


def tile_edges(size: int, tile: float) -> Indices:
    """Where the tiles along one side begin, and the end: tiles of nearly one size, about `tile` pixels.

    Examples
    --------
    >>> tile_edges(128, 30)
    array([  0,  32,  64,  96, 128])
    """
    return np.linspace(0, size, max(1, round(size / tile)) + 1).round().astype(np.int64)


def step_weights(energy: ArrayLike, below: float, above: float) -> Doubles:
    """Weights whose product with a spectrum is its mean above `above` minus its mean below `below`, eV.

    Raises
    ------
    InputError
        Fewer than two energies on one side.

    Examples
    --------
    >>> step_weights(np.arange(6.0), 1.5, 3.5)
    array([-0.5, -0.5,  0. ,  0. ,  0.5,  0.5])
    """
    low, high = np.asarray(energy) <= below, np.asarray(energy) >= above
    for side, found, limit in (("below", low, below), ("above", high, above)):
        if found.sum() < 2:
            raise InputError(
                f"{found.sum()} energies {side} {limit:.1f} eV",
                "2 or more on either side of the edge",
                "scan further, or widen the span",
            )
    return np.asarray(high / high.sum() - low / low.sum(), float)


def tile_sums(
    values: Floats,
    bad: Numbers,
    row: Indices,
    column: Indices,
    row_edges: Indices,
    column_edges: Indices,
    weights: Doubles,
    least: float,
    most: float,
) -> tuple[Doubles, Doubles, Doubles]:
    """Sums over the good pixels of each tile in a block, to be added up over all blocks.

    A pixel is kept where it is not `bad`, finite at all energies, and its step `sum(weights values)` lies between
    `least` and `most`: holes and specks have another step.

    Parameters
    ----------
    values
        `(energy, y, x)`.
    bad
        `(y, x)`; above zero where a pixel is out anyway.
    row, column
        Numbers `(y,)` and `(x,)` of the block's rows and columns in the field.
    row_edges, column_edges
        From `tile_edges`.
    weights
        `(energy,)`, from `step_weights`.

    Returns
    -------
    totals, moments, fates
        `(1, 1, tile, energy)`, the sums of the spectra; `(1, 1, tile, 3)`, the number of pixels and the sums of
        their rows and columns; `(1, 1, fate)`, pixels used and left out, in the order of `FATES`.

    Examples
    --------
    >>> values = np.ones((2, 4, 4)) * [[[0.0]], [[1.0]]]
    >>> edges, numbers = tile_edges(4, 2), np.arange(4)
    >>> bad, weights = np.eye(4), np.array([-1.0, 1.0])
    >>> totals, _, fates = tile_sums(values, bad, numbers, numbers, edges, edges, weights, 0.5, 1.5)
    >>> totals[0, 0, :, 1], fates[0, 0]
    (array([2., 4., 4., 2.]), array([12.,  4.,  0.,  0.]))
    """
    step, finite = _steps(values, weights)
    whole = (step >= least) & (step <= most)
    good = bad <= 0
    keep = good & finite & whole
    layers = np.stack([keep, keep * row[:, None], keep * column]).astype(np.float64)
    down, across = (np.searchsorted(e, n, "right") - 1 for e, n in ((row_edges, row), (column_edges, column)))
    tiles = (len(row_edges) - 1, len(column_edges) - 1)
    every = np.ones(keep.shape, np.bool_)
    totals = _by_tile(values, keep, down, across, tiles)
    moments = _by_tile(layers, every, down, across, tiles)
    fates = [keep, ~good, good & ~finite, good & finite & ~whole]
    counts = np.array([np.count_nonzero(one) for one in fates], float)
    return totals[None, None], moments[None, None], counts[None, None]


def _by_tile(values: Floats, keep: Mask, down: Indices, across: Indices, tiles: tuple[int, int]) -> Doubles:
    """Sums `(tile, layer)` of `values` `(layer, y, x)` over the pixels of each tile that are kept."""
    first_row, first_column = (
        np.concatenate([[0], 1 + np.flatnonzero(np.diff(part))]) for part in (down, across)
    )
    sums = _row_sums(values, keep, np.append(first_row, len(down)))
    sums = np.add.reduceat(sums, first_column, axis=2)
    found = np.zeros((*tiles, len(values)))
    found[np.ix_(down[first_row], across[first_column])] = sums.transpose(0, 2, 1)
    return found.reshape(-1, len(values))


@kernel
def _steps(values: Floats, weights: Doubles) -> tuple[Doubles, Mask]:
    """Of every pixel of `(energy, y, x)` the sum with weights, and whether it is finite at all energies."""
    n_energy, n_y, n_x = values.shape
    step, total = np.zeros((n_y, n_x)), np.zeros((n_y, n_x))
    for e in range(n_energy):
        for y in range(n_y):
            one, out, seen, w = values[e, y], step[y], total[y], weights[e]
            for x in range(n_x):
                out[x] += w * one[x]
                seen[x] += one[x]
    return step, np.isfinite(total)


@kernel
def _row_sums(values: Floats, keep: Mask, first: Indices) -> Doubles:
    """Sums `(part, layer, x)` of `(layer, y, x)` over rows from each `first` one to the next, where a pixel is kept."""
    n_layer, _, n_x = values.shape
    sums = np.zeros((len(first) - 1, n_layer, n_x))
    for part in range(len(first) - 1):
        for k in range(n_layer):
            out = sums[part, k]
            for y in range(first[part], first[part + 1]):
                one, kept = values[k, y], keep[y]
                for x in range(n_x):
                    out[x] += one[x] if kept[x] else 0.0
    return sums
