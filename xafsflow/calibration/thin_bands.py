"""Which rows of a field tell the mean spectra of its tiles: pairs of rows, evenly over every tile.

A tile's mean needs fewer pixels than it has. Thin bands, many of them, stand for the tile as a whole: their mean lies at
its middle and their scatter is nearly its own. Few thick ones would not: the surface bends within a tile.
"""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Indices

# Rows of a band, and the rows of which it is the only one.
THICK, PERIOD = 2, 8
# Pixels that are read at least, of a small field all, and those that are enough of a large one.
LEAST, ENOUGH = 180_000, 2**18
# Share of the rows beyond which all are read.
MOST = 0.6


def bands_a_tile(edges: Indices, width: int) -> int:
    """How many bands of each tile are read at first: a quarter of the rows, or a number of pixels.

    Parameters
    ----------
    edges
        First rows of the tiles, and the end of the last.
    width
        Columns of the field.

    Examples
    --------
    >>> bands_a_tile(np.linspace(0, 1024, 13), 704), bands_a_tile(np.linspace(0, 4000, 13), 1700)
    (11, 7)
    """
    tiles, rows = len(edges) - 1, int(edges[-1])
    least, enough = (-(-pixels // (THICK * tiles * width)) for pixels in (LEAST, ENOUGH))
    return int(min(max(round(rows / tiles / PERIOD), least), enough))


def rows_of_bands(edges: Indices, bands: int, *, between: bool = False) -> Indices:
    """The rows of so many bands in each tile, or of those between them; all where they would leave little out.

    Examples
    --------
    >>> rows_of_bands(np.array([0, 16, 32]), 2)
    array([ 3,  4, 11, 12, 19, 20, 27, 28])
    >>> rows_of_bands(np.array([0, 4, 8]), 2)
    array([0, 1, 2, 3, 4, 5, 6, 7])
    """
    least = int(np.diff(edges).min())
    if THICK * bands > MOST * least:
        return np.arange(int(edges[-1]))
    middles = (np.arange(bands) + (1.0 if between else 0.5))[: bands - between] / bands
    starts = np.floor(edges[:-1, None] + middles * np.diff(edges)[:, None] - THICK / 2 + 0.5)
    return np.asarray((starts[:, :, None] + np.arange(THICK)).ravel(), np.int64)


def half_width(pixels: Indices, edges: Indices) -> float:
    """Half the width of an even tile whose rows (or columns) scatter as these do in theirs; the field reaches from -1 to 1.

    Examples
    --------
    >>> round(half_width(np.arange(400), np.array([0, 100, 200, 300, 400])), 3)
    0.25
    """
    count, total, square = (
        np.add.reduceat(values, np.searchsorted(pixels, edges[:-1]))
        for values in (np.ones(len(pixels)), pixels.astype(float), pixels.astype(float) ** 2)
    )
    variance = float(np.mean(np.maximum(0.0, square / count - (total / count) ** 2)))
    return float(2 * np.sqrt(3 * variance) / edges[-1])


def some_of(rows: Indices, most: int) -> Indices:
    """At most so many of the rows, in bands, spread over all.

    Examples
    --------
    >>> some_of(np.arange(8) * 5, 4)
    array([10, 15, 30, 35])
    """
    bands = np.array_split(rows, max(1, len(rows) // THICK))
    count = min(len(bands), most // THICK)
    chosen = ((np.arange(count) + 0.5) * len(bands) / count).astype(int)
    return np.concatenate([bands[k] for k in chosen])
