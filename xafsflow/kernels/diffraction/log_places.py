"""Patterns over the logarithm of 1/d, where another size of the cell is a shift, and their likeness to others there."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Singles
from xafsflow.kernels.jit import kernel

Array = TypeVar("Array", Singles, Doubles)


def log_edges(two_theta: Floats, places: int) -> Doubles:
    """Edges of cells that are even in `ln sin(theta)`, which is `ln(1/d)` but for a constant, among the points of a pattern.

    Parameters
    ----------
    two_theta
        `(point,)` degrees, increasing, above 0.
    places
        Number of cells.

    Returns
    -------
    ndarray
        `(places + 1,)` in points, the first from 0 to 1.

    Examples
    --------
    >>> log_edges(np.linspace(10, 90, 9), 4).round(1).tolist()
    [0.5, 1.3, 2.4, 4.5, 8.5]
    """
    along = log_sines(two_theta)
    edges = np.linspace(along[0], along[-1], places + 1)
    return np.interp(edges, along, np.arange(along.size)) + 0.5


def log_middles(two_theta: Floats, places: int) -> Doubles:
    """`ln sin(theta)` in the middle of each of these cells `(place,)`.

    Examples
    --------
    >>> np.exp(log_middles(np.linspace(10, 90, 9), 2)).round(3).tolist()
    [0.147, 0.419]
    """
    ends = log_sines(two_theta)[[0, -1]]
    return np.asarray(ends[0] + (np.arange(places) + 0.5) / places * (ends[1] - ends[0]))


def log_sines(two_theta: Floats) -> Doubles:
    """`ln sin(theta)` of angles 2 theta, degrees; of patterns at one wavelength, `ln(1/d)` but for a constant."""
    return np.log(np.sin(np.radians(np.asarray(two_theta, np.float64) / 2)))


def highest_one(rows: Array) -> Array:
    """Rows `(sample, place)` divided by the highest value of each; empty ones stay so.

    Examples
    --------
    >>> highest_one(np.array([[1.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.25, 1.0], [0.0, 0.0]]
    """
    highest = rows.max(axis=1, keepdims=True, initial=0)
    return np.asarray(rows / np.where(highest > 0, highest, highest.dtype.type(1)))


@kernel
def onto_places(rows: Singles, edges: Doubles) -> Singles:
    """Means of patterns over the cells between edges: narrow peaks keep their area.

    Parameters
    ----------
    rows
        `(sample, point)`.
    edges
        `(place + 1,)` in points.

    Returns
    -------
    ndarray
        `(sample, place)`.

    Examples
    --------
    >>> onto_places(np.array([[1.0, 3.0]], "f4"), np.array([0.0, 0.5, 2.0])).round(2)
    array([[1.  , 2.33]], dtype=float32)
    """
    last = rows.shape[1] - 1
    out = np.empty((len(rows), len(edges) - 1), np.float32)
    sums = np.zeros(rows.shape[1] + 1)
    for s in range(len(rows)):
        for j in range(rows.shape[1]):
            sums[j + 1] = sums[j] + rows[s, j]
        before = 0.0
        for k in range(len(edges)):
            point = min(int(edges[k]), last)
            here = sums[point] + (edges[k] - point) * rows[s, point]
            if k > 0:
                out[s, k - 1] = (here - before) / (edges[k] - edges[k - 1])
            before = here
    return out


@kernel
def best_cosines(rows: Singles, templates: Singles, lengths: Singles) -> Singles:
    """The largest cosine of each pattern with each template, over shifts.

    Parameters
    ----------
    rows
        `(sample, place)`.
    templates
        `(class, place + shift - 1)`.
    lengths
        `(class, shift)`: the root of the sum of squares of the part of a template that lies under a pattern.

    Returns
    -------
    ndarray
        `(sample, class)`; 0 for an empty pattern or template.

    Examples
    --------
    >>> template = np.array([[0.0, 3.0, 0.0, 4.0]], "f4")
    >>> lengths = np.sqrt(np.array([[9.0, 25.0]], "f4"))
    >>> best_cosines(np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 1.0]], "f4"), template, lengths).round(2)
    array([[0.6 ],
           [0.99]], dtype=float32)
    """
    count, shifts = lengths.shape
    out = np.zeros((len(rows), count), np.float32)
    sums = np.empty(shifts, np.float32)
    for s in range(len(rows)):
        square = np.float32(0.0)
        for j in range(rows.shape[1]):
            square += rows[s, j] * rows[s, j]
        if square == 0.0:
            continue
        for c in range(count):
            sums[:] = 0.0
            # Most places of a pattern are empty.
            for j in range(rows.shape[1]):
                value = rows[s, j]
                if value != 0.0:
                    for k in range(shifts):
                        sums[k] += value * templates[c, j + k]
            best = np.float32(0.0)
            for k in range(shifts):
                if lengths[c, k] > 0.0:
                    best = max(best, sums[k] / lengths[c, k])
            out[s, c] = best / np.sqrt(square)
    return out
