"""Volume of the absorber's Voronoi cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.kernels.array_types import Doubles, Indices
from xafsflow.kernels.jit import kernel

FAR = 1e4  # Angstrom: half of the side of the square that a face is cut from
OPEN = 1e3  # a corner as far away is one of that square, or as good as that: the cell is open
SAME = 1e-6  # Angstrom: atoms that stand in one place have one face


def voronoi_volume(position: ArrayLike, natoms: ArrayLike) -> Doubles:
    """Volume of the space that is nearer to the absorber than to any other atom of its cluster, Angstrom^3.

    The cell is convex. Each atom's plane, halfway to the absorber, is cut by all the others; with the face that is left
    (area A at the distance h) the cell has the volume `sum A h / 3`.

    Atoms that the cluster does not hold do not cut: a cell whose corners lie farther from the absorber than half of the
    cluster's radius may be larger than in the crystal.

    Parameters
    ----------
    position
        `(sample, atom, 3)`, Angstrom, the absorber first.
    natoms
        `(sample,)`, how many atoms count.

    Returns
    -------
    ndarray
        `(sample,)`; NaN where the cell is open, as with fewer than four neighbors or all of them on one side.

    Examples
    --------
    >>> six = np.array([[0, 0, 0], [2, 0, 0], [-2, 0, 0], [0, 2, 0], [0, -2, 0], [0, 0, 2], [0, 0, -2.0]])
    >>> voronoi_volume(six[None], [7]).round(6)
    array([8.])
    """
    place = np.asarray(position, np.float64)
    place = place - place[:, :1]
    apart = (place**2).sum(axis=-1)
    number = np.arange(place.shape[1])
    apart[(number == 0) | (number >= np.asarray(natoms)[:, None])] = np.inf
    # Near planes first: they cut most, and empty faces end early
    order = np.argsort(apart, axis=1, kind="stable")
    near = np.ascontiguousarray(np.take_along_axis(place, order[..., None], axis=1))
    return _volumes(near, np.isfinite(apart).sum(axis=1))


@kernel
def _volumes(atoms: Doubles, counts: Indices) -> Doubles:
    found = np.full(counts.size, np.nan)
    for sample in range(counts.size):
        # Three planes close no cell
        if counts[sample] > 3:
            found[sample] = _volume(atoms[sample, : counts[sample]])
    return found


@kernel
def _volume(atoms: Doubles) -> float:
    """Of the cell around the origin; NaN if it is open."""
    volume = 0.0
    most = atoms.shape[0] + 4  # each plane adds one corner at most to the four of the square
    corners, spare = np.empty((most, 2)), np.empty((most, 2))
    for i in range(atoms.shape[0]):
        left = _face(atoms, i, corners, spare)
        area = 0.0
        for k in range(left):
            after = (k + 1) % left
            if corners[k, 0] ** 2 + corners[k, 1] ** 2 > OPEN * OPEN:
                return np.nan
            area += 0.5 * (corners[k, 0] * corners[after, 1] - corners[k, 1] * corners[after, 0])
        height = 0.5 * np.sqrt(atoms[i, 0] ** 2 + atoms[i, 1] ** 2 + atoms[i, 2] ** 2)
        volume += area * height / 3
    return volume


@kernel
def _face(atoms: Doubles, i: int, corners: Doubles, spare: Doubles) -> int:
    """The corners of a face in its own plane, about the foot of the normal, counterclockwise; how many."""
    x, y, z = atoms[i, 0], atoms[i, 1], atoms[i, 2]
    length = np.sqrt(x * x + y * y + z * z)
    ux, uy, uz, vx, vy, vz = _plane_axes(x / length, y / length, z / length)
    corners[0, 0], corners[0, 1], corners[1, 0], corners[1, 1] = -FAR, -FAR, FAR, -FAR
    corners[2, 0], corners[2, 1], corners[3, 0], corners[3, 1] = FAR, FAR, -FAR, FAR
    count = 4
    for j in range(atoms.shape[0]):
        p, q, r = atoms[j, 0], atoms[j, 1], atoms[j, 2]
        if (p - x) ** 2 + (q - y) ** 2 + (r - z) ** 2 < SAME**2:
            if j < i:
                return 0  # that atom has this face
            continue
        # Inside of plane j: atom . place <= |atom|^2 / 2, with the place from the foot of this face's normal
        limit = 0.5 * (p * (p - x) + q * (q - y) + r * (r - z))
        count = _cut(corners, count, p * ux + q * uy + r * uz, p * vx + q * vy + r * vz, limit, spare)
        if count == 0:
            break
    return count


@kernel
def _plane_axes(x: float, y: float, z: float) -> tuple[float, float, float, float, float, float]:
    """Two unit vectors that make a right-handed system with a unit normal (Duff et al., JCGT 6, 1 (2017))."""
    sign = 1.0 if z >= 0 else -1.0
    a = -1.0 / (sign + z)
    b = x * y * a
    return 1.0 + sign * x * x * a, sign * b, -sign * x, b, sign + y * y * a, -y


@kernel
def _cut(corners: Doubles, count: int, a: float, b: float, c: float, spare: Doubles) -> int:
    """Leave of a polygon what has `a x + b y <= c` (Sutherland and Hodgman); how many corners it has then."""
    left = 0
    before = c - a * corners[count - 1, 0] - b * corners[count - 1, 1]
    last = count - 1
    for k in range(count):
        inside = c - a * corners[k, 0] - b * corners[k, 1]
        if (inside >= 0) != (before >= 0):
            share = before / (before - inside)
            for axis in range(2):
                spare[left, axis] = corners[last, axis] + share * (corners[k, axis] - corners[last, axis])
            left += 1
        if inside >= 0:
            for axis in range(2):
                spare[left, axis] = corners[k, axis]
            left += 1
        before, last = inside, k
    for k in range(left):
        for axis in range(2):
            corners[k, axis] = spare[k, axis]
    return left
