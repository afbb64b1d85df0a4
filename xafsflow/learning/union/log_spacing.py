"""Mean patterns over the logarithm of 1/d: another size of the cell is a shift there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Floats, Indices, Integers, Singles
from xafsflow.kernels.diffraction.log_places import log_sines

PLACES = 1000  # over ln(1/d): .0021 each from 10 to 90 degrees, a third of a peak's width at low angles
REACH = 0.15  # part of d by which cells may differ from their type's mean pattern
ROUNDS = 4  # of aligning
STARTS = 24  # patterns of a type that are tried as the first to align to
# Patterns of a type that its mean is made of, at most.
MOST = 2000


def largest_shift(two_theta: Floats) -> int:
    """Places by which a cell that differs by `REACH` moves a pattern over these angles, degrees.

    Examples
    --------
    >>> largest_shift(np.linspace(10, 90, 100))
    66
    """
    ends = log_sines(two_theta)
    return int(np.floor(np.log(1 + REACH) / (ends[-1] - ends[0]) * PLACES))


def aligned_means(sequences: Singles, labels: Integers, count: int, shift: int) -> Singles:
    """Mean patterns of types, each pattern at the size of the cell at which it is most like the others.

    A cell larger or smaller by a factor moves all peaks of a cubic pattern by one distance. The patterns of a type are
    aligned to that of them which is the most like the others, then to their mean, a few times; the mean reaches beyond the
    measured range as far as shifts do.

    Parameters
    ----------
    sequences, labels
        `(sample, place)` over ln(1/d), and `(sample,)` from 0 to `count - 1`.
    shift
        Places by which patterns are moved at most.

    Returns
    -------
    ndarray
        `(count, place + 2 shift)`; zeros for a type without patterns.
    """
    found = np.zeros((count, sequences.shape[1] + 2 * shift), np.float32)
    for number in range(count):
        rows = np.flatnonzero(labels == number)
        own = sequences[rows[:: -(-len(rows) // MOST) or 1]]
        if len(own):
            found[number] = _aligned(unit_length(own), shift)
    return found


def unit_length(rows: Singles) -> Singles:
    """Rows `(sample, place)` divided by the root of their sum of squares; empty ones stay so.

    Examples
    --------
    >>> unit_length(np.array([[3.0, 4.0], [0.0, 0.0]], "f4")).round(1).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    length = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    length[length == 0] = 1
    return np.asarray(rows / length)


def template_lengths(templates: Singles, places: int) -> Singles:
    """Roots `(class, shift)` of the sums of squares of templates `(class, place)` under patterns of so many places.

    Examples
    --------
    >>> template_lengths(np.array([[0.0, 3.0, 0.0, 4.0]], "f4"), 3).tolist()
    [[3.0, 5.0]]
    """
    squares = np.cumsum(np.pad(templates.astype(np.float64) ** 2, ((0, 0), (1, 0))), axis=1)
    under = squares[:, places:] - squares[:, : squares.shape[1] - places]
    return np.asarray(np.sqrt(np.maximum(under, 0)), np.float32)


def _aligned(rows: Singles, shift: int) -> Singles:
    """The mean over a type's patterns of length one, each at its best shift, and beyond the measured range."""
    some = rows[np.unique(np.linspace(0, len(rows) - 1, STARTS).astype(int))]
    middle = np.full(len(some), shift)
    tried = [_mean(one[None], middle[:1], shift) for one in some]
    agreement = [float((some @ _windows(one, shift).T).max(axis=1).sum()) for one in tried]
    mean = tried[int(np.argmax(agreement))]
    for _ in range(ROUNDS):
        mean = _mean(rows, (rows @ _windows(mean, shift).T).argmax(axis=1), shift)
    return mean


def _windows(template: Singles, shift: int) -> Singles:
    """The parts `(shift, place)` of a template that a pattern may lie on, each of length one."""
    return unit_length(np.lib.stride_tricks.sliding_window_view(template, len(template) - 2 * shift))


def _mean(rows: Singles, begin: Indices, shift: int) -> Singles:
    """Mean of rows that begin at these places of a template."""
    n = rows.shape[1]
    total = np.zeros(n + 2 * shift)
    count: NDArray[np.float64] = np.zeros_like(total)
    for one in np.unique(begin):
        here = begin == one
        total[one : one + n] += rows[here].sum(axis=0, dtype=np.float64)
        count[one : one + n] += here.sum()
    return np.asarray(total / np.maximum(count, 1), np.float32)
