"""Mean spectra of the tiles of a field, from the pixels that are fit for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.jit import kernel

# What happened to a pixel: the places of the counts that `tile_sums` returns.
FATES = ("kept", "bad", "not_finite", "off_step")


def tile_edges(size: int, tile: float) -> NDArray[np.int64]:
    """Where the tiles along one side begin, and the end: tiles of nearly one size, about `tile` pixels.

    Examples
    --------
    >>> tile_edges(128, 30)
    array([  0,  32,  64,  96, 128])
    """
    return np.linspace(0, size, max(1, round(size / tile)) + 1).round().astype(np.int64)


def step_weights(energy: Any, below: float, above: float) -> NDArray[np.float64]:
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
    return np.asarray(high / high.sum() - low / low.sum(), np.float64)


@kernel
def tile_sums(
    values: Any,
    bad: Any,
    row: Any,
    column: Any,
    row_edges: Any,
    column_edges: Any,
    weights: Any,
    least: float,
    most: float,
) -> tuple[Any, Any, Any]:
    """Sums over the good pixels of each tile in a block, to be added up over all blocks.

    A pixel is kept where it is not `bad`, finite at all energies, and its step `sum(weights values)` lies between
    `least` and `most`: holes and specks have another step.

    Parameters
    ----------
    values
        `(energy, y, x)`, float32.
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
    total, place, fate
        float64 `(1, 1, tile, energy)`, the sums of the spectra; `(1, 1, tile, 3)`, the number of pixels and the sums of
        their rows and columns; `(1, 1, 4)`, pixels kept and left out, in the order of `FATES`.
    """
    n_energy, n_y, n_x = values.shape
    across = column_edges.size - 1
    tiles = (row_edges.size - 1) * across
    total, place = np.zeros((1, 1, tiles, n_energy)), np.zeros((1, 1, tiles, 3))
    fate = np.zeros((1, 1, 4))
    step, gap = np.zeros((n_y, n_x)), np.zeros((n_y, n_x))
    for k in range(n_energy):
        for y in range(n_y):
            _add_step(values[k, y], weights[k], step[y], gap[y])
    keep = np.zeros((n_y, n_x))
    for y in range(n_y):
        down = np.searchsorted(row_edges, row[y], "right") - 1
        for x in range(n_x):
            what = 0 if least <= step[y, x] <= most else 3
            what = 2 if gap[y, x] != 0 else what
            what = 1 if bad[y, x] > 0 else what
            fate[0, 0, what] += 1
            if what == 0:
                keep[y, x] = 1
                tile = down * across + np.searchsorted(column_edges, column[x], "right") - 1
                place[0, 0, tile] += np.array([1.0, row[y], column[x]])
    for y in range(n_y):
        down = np.searchsorted(row_edges, row[y], "right") - 1
        for tile in range(across):
            first = max(0, column_edges[tile] - column[0])
            last = min(n_x, column_edges[tile + 1] - column[0])
            for k in range(n_energy):
                total[0, 0, down * across + tile, k] += _sum_kept(values[k, y], keep[y], first, last)
    return total, place, fate


@kernel
def _add_step(row: Any, weight: Any, step: Any, gap: Any) -> None:
    for x in range(row.size):
        step[x] += weight * row[x]
        gap[x] += 0.0 * row[x]


@kernel
def _sum_kept(row: Any, keep: Any, first: int, last: int) -> Any:
    total = 0.0
    for x in range(first, last):
        total += np.float64(row[x]) if keep[x] > 0 else 0.0
    return total
