"""Reflections of a structure type: one of each set that symmetry makes equal."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, log, sqrt
from typing import NamedTuple

import numpy as np

from xafsflow.crystals.prototypes import Prototype, cell_vectors, prototype, reciprocal_metric
from xafsflow.kernels.array_types import Complexes, Doubles, Indices
from xafsflow.kernels.diffraction.structure_factors import geometric_sums, inverse_spacings

GROWTH = 1.15  # of 1/d from one kept list of reflections to the next


class Reflections(NamedTuple):
    """Reflections (reflection, 3), how many are equal to each, and sums over atoms that do not move (role, reflection)."""

    hkl: Indices
    multiplicity: Doubles
    still: Complexes


def reflections_up_to(kind: Prototype, cell: tuple[float, ...], inverse_d: float) -> Reflections:
    """Those of a type that can have 1/d up to `inverse_d` in a cell that differs from the reference's.

    Some beyond it are among them. Lists are kept, in steps of 1/d, for the next compound of the type.
    """
    change = abs(kind.inverse_vectors @ cell_vectors(cell))
    # No vector grows by more than this: the root of the largest sums of columns and of rows.
    stretch = sqrt(change.sum(0).max() * change.sum(1).max())
    level = ceil(log(inverse_d * stretch / 0.1) / log(GROWTH))
    return _reflections(kind.name, level)


@lru_cache(maxsize=4096)
def _reflections(name: str, level: int) -> Reflections:
    kind = prototype(name)
    limit = 0.1 * GROWTH**level
    hkl = _within(kind, limit)
    images = np.einsum("ni,oij->noj", hkl, kind.laue)
    span = 2 * int(abs(images).max(initial=1)) + 1
    weights = np.array([span * span, span, 1])
    # Of equal ones the first in this order stands for all; a reflection and its opposite are equal.
    codes = abs(images @ weights)
    _, first, count = np.unique(codes.max(1), return_index=True, return_counts=True)
    order = np.argsort(inverse_spacings(hkl[first], reciprocal_metric(kind.cell)), kind="stable")
    chosen = hkl[first][order]
    chosen = np.ascontiguousarray(chosen * np.sign(chosen @ weights)[:, None])
    still = np.zeros((len(kind.elements), len(chosen)), complex)
    rest = ~kind.moves
    geometric_sums(chosen, kind.places[rest], kind.role[rest], float(len(kind.centering)), still)
    return Reflections(chosen, count[order].astype(float), still)


def _within(kind: Prototype, limit: float) -> Indices:
    """All reflections up to 1/d of the reference that centering does not extinguish."""
    ends = np.floor(limit * np.array(kind.cell[:3])).astype(int)
    axes = [np.arange(-end, end + 1) for end in ends]
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3).astype(np.int64)
    phase = hkl @ kind.centering.T
    hkl = hkl[(abs(phase - np.round(phase)) < 0.01).all(1) & hkl.any(1)]
    spacing = inverse_spacings(hkl, reciprocal_metric(kind.cell))
    return hkl[spacing <= limit]
