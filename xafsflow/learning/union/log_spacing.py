"""Patterns over the logarithm of 1/d: another size of the cell is a shift there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles, Floats, Indices, Integers, Singles
from xafsflow.learning.samples.row_blocks import row_blocks

POINTS = 640  # of the even grid: 0.003 over two theta of 10 to 90 degrees, a peak's width at low angles
REACH = 0.15  # part of d by which cells may differ from their type's mean pattern
ROUNDS = 4  # of aligning
STARTS = 24  # patterns of a type that are tried as the first to align to


def log_grid(two_theta: Floats, points: int = POINTS) -> tuple[Doubles, Singles]:
    """An even grid over `ln sin(theta)`, which is `ln(1/d)` but for a constant, and the matrix that brings patterns there.

    Each point of the grid is the mean over its cell of the pattern, taken as straight between its points: narrow peaks
    at high angles keep their area.

    Parameters
    ----------
    two_theta
        `(bin,)` degrees, increasing, above 0.
    points
        Of the grid.

    Returns
    -------
    ndarray, ndarray
        `(points,)` middles of the cells, and `(bin, points)` float32: patterns `(sample, bin)` times it are on the grid.

    Examples
    --------
    >>> grid, matrix = log_grid(np.linspace(10, 90, 1000), 200)
    >>> np.allclose(np.ones(1000) @ matrix, 1, atol=1e-5)
    True
    """
    along = np.log(np.sin(np.radians(np.asarray(two_theta, np.float64) / 2)))
    edges = np.linspace(along[0], along[-1], points + 1)
    hats = np.eye(len(along))
    places = np.concatenate([along, edges])
    order = np.argsort(places, kind="stable")
    places = places[order]
    matrix = np.empty((len(along), points), np.float32)
    for part in row_blocks(len(along), len(places)):
        values = np.stack([np.interp(places, along, hat) for hat in hats[part]])
        area = np.zeros(values.shape)
        area[:, 1:] = np.cumsum(np.diff(places) * (values[:, 1:] + values[:, :-1]) / 2, axis=1)
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        matrix[part] = np.diff(area[:, back[len(along) :]], axis=1) / np.diff(edges)
    return (edges[1:] + edges[:-1]) / 2, matrix


class LogDCorrelation:
    """The largest cosine, over shifts along `ln(1/d)`, with the mean pattern of each type.

    A cell larger or smaller by a factor moves all peaks of a cubic pattern by one distance. The patterns of a type are
    aligned to that of them which is the most like the others, then to their mean, a few times; the mean reaches beyond the
    measured range as far as shifts do.

    Parameters
    ----------
    two_theta
        `(bin,)` of the prepared patterns, degrees.
    n_classes
        Types; one without patterns gets no votes.
    """

    def __init__(self, two_theta: Floats, n_classes: int) -> None:
        grid, self.matrix = log_grid(two_theta)
        self.most_shift = int(np.floor(np.log(1 + REACH) / (grid[1] - grid[0])))
        self.n_classes = n_classes
        self.templates = np.zeros((n_classes, len(grid) + 2 * self.most_shift), np.float32)

    def fit(self, prepared: Singles, labels: Integers) -> LogDCorrelation:
        """Align and average the patterns `(sample, bin)` of each type, `labels` (sample,)."""
        for number in range(self.n_classes):
            rows = self._unit(prepared[labels == number])
            if len(rows):
                self.templates[number] = self._aligned(rows)
        return self

    def votes(self, prepared: Singles) -> Singles:
        """Cosines `(sample, class)` at the best shift of each type, 0 to 1; 0 for an empty pattern."""
        windows = np.concatenate([self._windows(one) for one in self.templates])
        shifts = len(windows) // self.n_classes
        out = np.empty((len(prepared), self.n_classes), np.float32)
        for part in row_blocks(len(prepared), len(windows)):
            cosines = self._unit(prepared[part]) @ windows.T
            out[part] = cosines.reshape(-1, self.n_classes, shifts).max(axis=2)
        return out

    def _unit(self, prepared: Singles) -> Singles:
        """On the grid, and of length one."""
        rows = prepared @ self.matrix
        length = np.sqrt((rows**2).sum(axis=1, keepdims=True))
        length[length == 0] = 1
        return rows / length

    def _windows(self, template: Singles) -> Singles:
        """The parts `(shift, point)` of a template that a pattern may lie on, each of length one."""
        windows = np.lib.stride_tricks.sliding_window_view(template, len(template) - 2 * self.most_shift)
        length = np.sqrt((windows**2).sum(axis=1, keepdims=True))
        length[length == 0] = 1
        return np.asarray(windows / length)

    def _aligned(self, rows: Singles) -> Singles:
        """The mean over a type's patterns on the grid, each at its best shift, and beyond the measured range."""
        some = rows[np.unique(np.linspace(0, len(rows) - 1, STARTS).astype(int))]
        middle = np.full(len(some), self.most_shift)
        tried = [self._mean(one[None], middle[:1]) for one in some]
        agreement = [float((some @ self._windows(one).T).max(axis=1).sum()) for one in tried]
        mean = tried[int(np.argmax(agreement))]
        for _ in range(ROUNDS):
            best = (rows @ self._windows(mean).T).argmax(axis=1)
            mean = self._mean(rows, best)
        return mean

    def _mean(self, rows: Singles, begin: Indices) -> Singles:
        """Mean of rows that begin at these points of a template."""
        n = rows.shape[1]
        total = np.zeros(n + 2 * self.most_shift)
        count: NDArray[np.float64] = np.zeros_like(total)
        for one in np.unique(begin):
            here = begin == one
            total[one : one + n] += rows[here].sum(axis=0, dtype=np.float64)
            count[one : one + n] += here.sum()
        return np.asarray(total / np.maximum(count, 1), np.float32)
