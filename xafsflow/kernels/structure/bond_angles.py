"""Angles ligand - absorber - ligand of the first shell."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Indices, Mask
from xafsflow.kernels.jit import kernel


def mean_angle(position: Floats, shell: Mask) -> Doubles:
    """Mean of the angles of all pairs of ligands at the absorber, degrees.

    Parameters
    ----------
    position
        `(sample, atom, 3)`, Angstrom, the absorber first.
    shell
        `(sample, atom)`: which atoms are ligands.

    Returns
    -------
    ndarray
        `(sample,)`; NaN for fewer than two ligands.

    Examples
    --------
    >>> square = np.array([[[0.0, 0, 0], [2, 0, 0], [0, 2, 0], [-2, 0, 0], [0, -2, 0]]])
    >>> mean_angle(square, np.arange(5)[None] > 0).round(6)
    array([120.])
    """
    return _means(np.asarray(position, np.float64), np.asarray(shell, np.bool_))


def sorted_angles(position: Floats, shell: Mask) -> Doubles:
    """The angles of all pairs of ligands of one cluster, degrees, the smallest first.

    Parameters
    ----------
    position
        `(atom, 3)`, Angstrom, the absorber first.
    shell
        `(atom,)`: which atoms are ligands, n of them.

    Returns
    -------
    ndarray
        `(n (n-1)/2,)`.

    Examples
    --------
    >>> sorted_angles(np.array([[0.0, 0, 0], [2, 0, 0], [0, 2, 0], [-2, 0, 0]]), np.arange(4) > 0)
    array([ 90.,  90., 180.])
    """
    return np.sort(angles(np.asarray(position, np.float64), np.flatnonzero(shell)))


@kernel
def angles(position: Doubles, members: Indices) -> Doubles:
    """The angles of all pairs of some atoms `(n,)` at atom 0, degrees, `(n (n-1)/2,)`."""
    n = members.size
    units = np.empty((n, 3))
    for i in range(n):
        length = 0.0
        for axis in range(3):
            units[i, axis] = position[members[i], axis] - position[0, axis]
            length += units[i, axis] ** 2
        for axis in range(3):
            units[i, axis] /= np.sqrt(length)
    found = np.empty(n * (n - 1) // 2)
    pair = 0
    for i in range(n):
        for j in range(i):
            # atan2 of sine and cosine: arccos alone loses half of the digits near 180 degrees
            u, v = units[i], units[j]
            x, y, z = u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]
            cosine = u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
            found[pair] = np.degrees(np.arctan2(np.sqrt(x * x + y * y + z * z), cosine))
            pair += 1
    return found


@kernel
def _means(position: Doubles, shell: Mask) -> Doubles:
    found = np.full(shell.shape[0], np.nan)
    for sample in range(shell.shape[0]):
        members = np.flatnonzero(shell[sample])
        if members.size > 1:
            found[sample] = angles(position[sample], members).mean()
    return found
