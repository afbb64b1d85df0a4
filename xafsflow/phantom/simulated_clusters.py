"""Clusters of atoms around an absorber, as the sites of made-up materials: distorted polyhedra and what lies beyond."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles, Indices

ABSORBER = 26  # iron
# Ligands by atomic number: share of the materials, and length of a bond to four of them, Angstrom
LIGANDS: Mapping[int, tuple[float, float]] = {
    8: (0.45, 1.93),
    16: (0.18, 2.30),
    7: (0.12, 1.98),
    9: (0.10, 1.95),
    17: (0.10, 2.26),
    34: (0.05, 2.42),
}
CATIONS = (14, 15, 20, 22, 26, 38, 40)  # beyond the ligands
RADIUS = 5.0  # Angstrom, of a cluster

_SQUARE = [[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]]
_TRIANGLE = [[1, 0, 0], [-0.5, 0.75**0.5, 0], [-0.5, -(0.75**0.5), 0]]
_UP, _DOWN = [0, 0, 1], [0, 0, -1]
_CORNER = 3**-0.5
# Share of the materials, and where the ligands stand
POLYHEDRA: Mapping[str, tuple[float, list[Any]]] = {
    "tetrahedron": (
        0.30,
        [[_CORNER * x, _CORNER * y, _CORNER * x * y] for x in (1, -1) for y in (1, -1)],
    ),
    "square_plane": (0.08, _SQUARE),
    "square_pyramid": (0.12, [*_SQUARE, _UP]),
    "trigonal_bipyramid": (0.12, [*_TRIANGLE, _UP, _DOWN]),
    "octahedron": (0.38, [*_SQUARE, _UP, _DOWN]),
}


@dataclass(frozen=True)
class Clusters:
    """`z` (sample, atom), `position` (sample, atom, 3) Angstrom, `natoms`, `group` and `polyhedron` (sample)."""

    z: NDArray[np.int16]
    position: Doubles
    natoms: Indices
    group: NDArray[np.str_]
    polyhedron: NDArray[np.str_]


def simulated_clusters(samples: int, seed: int) -> Clusters:
    """Sites of made-up materials, one to four a material, each turned in space by itself.

    A material has a polyhedron, one or two kinds of ligands, bond lengths that grow by .05 Angstrom a ligand above four, and
    atoms behind the ligands; its sites differ in their distortions. In every fourth material one or two bonds are longer by
    5 to 35 %, so that it hangs on the end of the shell which ligands count.

    Examples
    --------
    >>> clusters = simulated_clusters(10, seed=1)
    >>> clusters.z[:, 0].tolist() == 10 * [26], len(set(clusters.group.tolist())) < 10
    (True, True)
    """
    sites: list[tuple[NDArray[np.int16], Doubles]] = []
    groups, names = list[str](), list[str]()
    material = 0
    while len(sites) < samples:
        # By material: a longer library begins with the shorter one
        rng = np.random.default_rng([seed, material])
        name, ideal, ligands, lengths, beyond = _material(rng)
        for _ in range(int(rng.integers(1, 5))):
            sites.append(_site(rng, ideal, ligands, lengths, beyond))
            groups.append(f"material-{material}")
            names.append(name)
        material += 1
    sites = sites[:samples]
    natoms = np.array([len(z) for z, _ in sites])
    z = np.zeros((samples, natoms.max()), np.int16)
    position = np.zeros((samples, natoms.max(), 3))
    for row, (numbers, places) in enumerate(sites):
        z[row, : len(numbers)], position[row, : len(numbers)] = numbers, places
    return Clusters(z, position, natoms, np.array(groups[:samples]), np.array(names[:samples]))


def _material(rng: np.random.Generator) -> tuple[str, Doubles, Indices, Doubles, int]:
    """Name and corners of the polyhedron, ligands, bond lengths, and what stands behind the ligands."""
    names = list(POLYHEDRA)
    name = names[rng.choice(len(names), p=[share for share, _ in POLYHEDRA.values()])]
    ideal = np.array(POLYHEDRA[name][1], np.float64)
    elements, shares = list(LIGANDS), [share for share, _ in LIGANDS.values()]
    first, second = rng.choice(elements, 2, p=shares)
    mixed = rng.random(len(ideal)) < 0.4
    ligands = np.where(mixed & (rng.random() < 0.25), second, first)
    lengths = np.array([LIGANDS[int(z)][1] for z in ligands]) + 0.05 * (len(ideal) - 4)
    lengths *= 1 + 0.012 * rng.standard_normal()
    if rng.random() < 0.25:
        lengths[-int(rng.integers(1, 3)) :] *= rng.uniform(1.05, 1.35)
    # Bend the polyhedron as a whole
    ideal += 0.07 * rng.standard_normal(ideal.shape)
    ideal /= np.linalg.norm(ideal, axis=1, keepdims=True)
    return name, ideal, ligands, lengths, int(rng.choice(CATIONS))


def _site(
    rng: np.random.Generator, ideal: Doubles, ligands: Indices, lengths: Doubles, beyond: int
) -> tuple[NDArray[np.int16], Doubles]:
    """Atomic numbers and positions of one cluster, the absorber at the origin."""
    corners = ideal + 0.03 * rng.standard_normal(ideal.shape)
    corners /= np.linalg.norm(corners, axis=1, keepdims=True)
    near = corners * (lengths * (1 + 0.01 * rng.standard_normal(len(lengths))))[:, None]
    # Two atoms bound to each ligand, away from the absorber
    tilt = rng.uniform(0.4, 1.1, (len(near), 2))
    aside = np.cross(corners[:, None], rng.standard_normal((len(near), 2, 3)))
    aside /= np.linalg.norm(aside, axis=2, keepdims=True)
    along = np.cos(tilt)[..., None] * corners[:, None] + np.sin(tilt)[..., None] * aside
    behind = near[:, None] + rng.uniform(1.6, 1.9, (len(near), 2, 1)) * along
    far = rng.standard_normal((int(rng.integers(8, 15)), 3))
    far *= rng.uniform(3.6, RADIUS, (len(far), 1)) / np.linalg.norm(far, axis=1, keepdims=True)
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    position = np.concatenate([np.zeros((1, 3)), near, behind.reshape(-1, 3), far]) @ turn
    outer = rng.choice([int(ligands[0]), beyond], len(far))
    z = np.concatenate([[ABSORBER], ligands, np.full(2 * len(near), beyond), outer])
    inside = np.linalg.norm(position, axis=1) <= RADIUS
    return z[inside].astype(np.int16), position[inside]
