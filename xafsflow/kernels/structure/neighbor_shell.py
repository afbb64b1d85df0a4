"""Who is a neighbor of the absorber: distances, the first shell, and the coordination number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.kernels.array_types import Doubles, Indices, Mask

FACTOR = 1.2  # times the shortest distance: the end of the first shell


def distances(position: ArrayLike, natoms: ArrayLike) -> Doubles:
    """Distances of the atoms of each cluster from its first, the absorber, in Angstrom.

    Parameters
    ----------
    position
        `(sample, atom, 3)`, Angstrom.
    natoms
        `(sample,)`, how many atoms of each cluster count, the absorber among them.

    Returns
    -------
    ndarray
        `(sample, atom)` float64; infinite for the absorber itself and for atoms that do not count, which are no neighbors.

    Examples
    --------
    >>> distances([[[0, 0, 0], [0, 0, 2.0], [0, 0, 0]]], [2])
    array([[inf,  2., inf]])
    """
    place = np.asarray(position, np.float64)
    apart = np.sqrt(((place - place[:, :1]) ** 2).sum(axis=-1))
    number = np.arange(place.shape[1])
    counts = (number > 0) & (number < np.asarray(natoms)[:, None])
    return np.where(counts & np.isfinite(apart), apart, np.inf)


def shortest(distance: ArrayLike) -> Doubles:
    """`(sample,)`: the distance of the nearest neighbor, Angstrom; NaN where there is none.

    Examples
    --------
    >>> shortest([[np.inf, 2.1, 1.9]])
    array([1.9])
    """
    found = np.asarray(distance, np.float64).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(found), found, np.nan)


def shell(distance: ArrayLike, factor: float = FACTOR) -> Mask:
    """`(sample, atom)`: which atoms stand within `factor` times the shortest distance.

    Examples
    --------
    >>> shell([[np.inf, 2.0, 2.4, 2.5]])
    array([[False,  True,  True, False]])
    """
    apart = np.asarray(distance, np.float64)
    return np.asarray(apart <= factor * shortest(apart)[:, None])


def coordination_number(distance: ArrayLike, factor: float = FACTOR) -> Indices:
    """`(sample,)`: how many atoms stand within `factor` times the shortest distance; 0 where there is no neighbor.

    Examples
    --------
    >>> coordination_number([[np.inf, 2.0, 2.4, 2.5]])
    array([2])
    """
    return np.asarray(shell(distance, factor).sum(axis=1))
