"""Nominal energies of phantoms, and how the true ones lie over the field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from xafsflow.kernels.array_types import Doubles, Numbers

if TYPE_CHECKING:
    from xafsflow.phantom.settings import Phantom

# (to energy relative to e0, step) in eV: coarse before the edge, fine over it, coarser after it; 210 energies.
SEGMENTS = ((-14.0, 4.0), (-4.0, 1.0), (48.0, 0.4), (190.5, 2.5))
FIRST = -62.0


def nominal_energies(count: int, e0: float) -> Doubles:
    """Energies of a scan: those of `SEGMENTS` for 210, and as densely distributed for another number."""
    grid = scan_grid(FIRST, SEGMENTS)
    place = np.linspace(0, grid.size - 1, count)
    return np.round(e0 + np.interp(place, np.arange(grid.size), grid), 3)


def scan_grid(first: float, segments: Sequence[tuple[float, float]]) -> Doubles:
    """Points from `first` on, in segments `(to, step)`."""
    points, low = [first], first
    for high, step in segments:
        points += [low + step * (i + 1) for i in range(round((high - low) / step))]
        low = high
    return np.array(points)


def shift_of(phantom: Phantom, rows: Numbers, columns: Numbers) -> tuple[Doubles, Doubles]:
    """The energy shift in eV as a part of the row and a part of the column, to be added."""
    height, width = phantom.size
    v = (2 * rows + 1 - height) / height
    u = (2 * columns + 1 - width) / width
    along_y = phantom.offset + phantom.tilt / 2 * v + phantom.curvature * (v**2 - 1 / 3)
    return along_y, phantom.tilt_x / 2 * u


def shift_range(phantom: Phantom) -> tuple[float, float]:
    """The least and the largest energy shift of the field, eV."""
    parts = shift_of(phantom, np.arange(phantom.size[0]), np.arange(phantom.size[1]))
    return float(sum(part.min() for part in parts)), float(sum(part.max() for part in parts))
