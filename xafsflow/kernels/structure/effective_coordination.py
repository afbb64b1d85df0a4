"""Hoppe's effective coordination number, which has no threshold, and its weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.structure.bond_lengths import mean_and_spread
from xafsflow.kernels.structure.neighbor_shell import shortest


def weights(distance: ArrayLike) -> Doubles:
    """How much each atom counts as a neighbor: `w_i = exp(1 - (d_i/d_min)^6)`, 1 for the nearest.

    Parameters
    ----------
    distance
        `(sample, atom)`, Angstrom; infinite where there is no neighbor, which gets weight 0.

    Examples
    --------
    >>> weights([[np.inf, 2.0, 2.4]]).round(3)
    array([[0.   , 1.   , 0.137]])
    """
    return _bell(distance, shortest(distance))


def average_distance(distance: ArrayLike) -> Doubles:
    """`(sample,)`: `d_av = sum d_i w_i / sum w_i` with the `weights`, Angstrom; NaN where there is no neighbor.

    Examples
    --------
    >>> average_distance([[np.inf, 2.0, 2.4]]).round(3)
    array([2.048])
    """
    return mean_and_spread(distance, weights(distance))[0]


def effective_coordination(distance: ArrayLike) -> Doubles:
    """Hoppe's effective coordination number, `ECoN = sum_i exp(1 - (d_i/d_av)^6)`.

    `d_av` is `average_distance`, found once, not iterated (R. Hoppe, Z. Kristallogr. 150, 23 (1979), iterates it).

    Parameters
    ----------
    distance
        `(sample, atom)`, Angstrom; infinite where there is no neighbor.

    Returns
    -------
    ndarray
        `(sample,)`; n for n neighbors at one distance and none near; NaN where there is no neighbor.

    Examples
    --------
    >>> effective_coordination([[np.inf, 2.0, 2.0, 2.0, 2.0, 4.0]]).round(6)
    array([4.])
    """
    middle = average_distance(distance)
    return np.where(np.isfinite(middle), _bell(distance, middle).sum(axis=1), np.nan)


def _bell(distance: ArrayLike, scale: Doubles) -> Doubles:
    apart = np.asarray(distance, np.float64)
    near = np.isfinite(apart)
    ratio = np.where(near, apart, 0.0) / scale[:, None]
    return np.where(near, np.exp(1 - ratio**6), 0.0)
