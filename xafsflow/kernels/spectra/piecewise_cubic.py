"""Piecewise cubics and their derivatives at many energies."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.jit import kernel


@kernel
def piecewise(knots: Doubles, factors: Doubles, energy: Doubles, order: int) -> Doubles:
    """Cubics between knots, or their derivatives, at energies `(t, k)` that mostly rise along k; NaN beyond the knots.

    Parameters
    ----------
    knots
        `(knot,)`, rising.
    factors
        `(4, knot - 1)`, of the third to the zeroth power of the distance from the knot below.
    order
        0, 1 for the slope, or 2 for its change.
    """
    found = np.full(energy.shape, np.nan)
    for t in range(energy.shape[0]):
        place = 0
        for k in range(energy.shape[1]):
            e = energy[t, k]
            if not (knots[0] <= e <= knots[-1]):
                continue
            while place > 0 and e < knots[place]:
                place -= 1
            while place < knots.size - 2 and e >= knots[place + 1]:
                place += 1
            d = e - knots[place]
            a, b, c = factors[0, place], factors[1, place], factors[2, place]
            if order == 0:
                found[t, k] = ((a * d + b) * d + c) * d + factors[3, place]
            else:
                found[t, k] = (3 * a * d + 2 * b) * d + c if order == 1 else 6 * a * d + 2 * b
    return found
