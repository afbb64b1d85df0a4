"""Mean spectra of the tiles of a field, from the pixels that are fit for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Numbers

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
    with np.errstate(invalid="ignore"):
        step = np.tensordot(weights, values, 1)
        finite = np.isfinite(values.sum(axis=0, dtype=np.float64))
        whole = (step >= least) & (step <= most)
    good = bad <= 0
    keep = good & finite & whole
    layers = np.stack([keep, keep * row[:, None], keep * column]).astype(np.float64)
    down, across = (np.searchsorted(e, n, "right") - 1 for e, n in ((row_edges, row), (column_edges, column)))
    tiles = (len(row_edges) - 1, len(column_edges) - 1)
    totals = _by_tile(np.where(keep, values, 0), down, across, tiles)
    moments = _by_tile(layers, down, across, tiles)
    fates = [keep, ~good, good & ~finite, good & finite & ~whole]
    counts = np.array([np.count_nonzero(one) for one in fates], float)
    return totals[None, None], moments[None, None], counts[None, None]


def _by_tile(values: Floats, down: Indices, across: Indices, tiles: tuple[int, int]) -> Doubles:
    """Sums `(tile, layer)` of `values` `(layer, y, x)` over the pixels of each tile."""
    first_row, first_column = (
        np.concatenate([[0], 1 + np.flatnonzero(np.diff(part))]) for part in (down, across)
    )
    sums = np.add.reduceat(values, first_column, axis=2, dtype=np.float64)
    sums = np.add.reduceat(sums, first_row, axis=1)
    found = np.zeros((*tiles, len(values)))
    found[np.ix_(down[first_row], across[first_column])] = sums.transpose(1, 2, 0)
    return found.reshape(-1, len(values))
