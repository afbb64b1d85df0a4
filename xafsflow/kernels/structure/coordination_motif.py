"""Which ideal polyhedron the first shell comes nearest to."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Indices, Mask
from xafsflow.kernels.structure.bond_angles import sorted_angles

TETRAHEDRAL = float(np.degrees(np.arccos(-1 / 3)))
# Angles of all pairs of ligands at the center, degrees: (how many, angle)
IDEAL: dict[str, tuple[tuple[int, float], ...]] = {
    "tetrahedron": ((6, TETRAHEDRAL),),
    "square_plane": ((4, 90.0), (2, 180.0)),
    "square_pyramid": ((8, 90.0), (2, 180.0)),
    "trigonal_bipyramid": ((6, 90.0), (3, 120.0), (1, 180.0)),
    "octahedron": ((12, 90.0), (3, 180.0)),
}
MOTIFS = tuple(IDEAL)
LIMIT = 15.0  # degrees


def motif(position: Floats, shell: Mask, limit: float = LIMIT) -> tuple[Indices, Doubles]:
    """The ideal polyhedron whose sorted angles are nearest to those of the shell, in the root mean square.

    Compared are polyhedra with as many corners as the shell has ligands: tetrahedron and square plane; square pyramid and
    trigonal bipyramid; octahedron.

    Parameters
    ----------
    position
        `(sample, atom, 3)`, Angstrom, the absorber first.
    shell
        `(sample, atom)`: which atoms are ligands.
    limit
        Largest root mean square of a motif, degrees.

    Returns
    -------
    tuple of arrays
        `(sample,)` each: index into `MOTIFS`, -1 where none is within the limit; and the root mean square to the nearest of
        as many corners, degrees, NaN where there is none.

    Examples
    --------
    >>> corners = np.array([[0.0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    >>> index, misfit = motif(corners[None], np.arange(5)[None] > 0)
    >>> MOTIFS[index[0]], misfit.round(6)
    ('tetrahedron', array([0.]))
    """
    index = np.full(len(shell), -1, np.int64)
    best = np.full(len(shell), np.nan)
    pairs = np.asarray(shell).sum(axis=1)
    pairs = pairs * (pairs - 1) // 2
    ideals = [np.repeat([a for _, a in rows], [n for n, _ in rows]) for rows in IDEAL.values()]
    for size in {ideal.size for ideal in ideals}:
        members = np.flatnonzero(pairs == size)
        if not members.size:
            continue
        found = np.stack([sorted_angles(position[sample], shell[sample]) for sample in members])
        fitting = [number for number, ideal in enumerate(ideals) if ideal.size == size]
        misfit = np.stack([np.sqrt(((found - ideals[n]) ** 2).mean(axis=1)) for n in fitting])
        best[members] = misfit.min(axis=0)
        index[members] = np.where(best[members] <= limit, np.array(fitting)[misfit.argmin(axis=0)], -1)
    return index, best
