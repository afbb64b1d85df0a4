"""Theoretical spectra made comparable: edge step one, and the width of a core hole and an instrument."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats


@dataclass(frozen=True)
class Preparation:
    """How spectra are prepared.

    Parameters
    ----------
    edge_step
        Whether the mean over the first `pre` eV becomes 0, and over the last `post` eV one.
    pre, post
        eV, from the ends of the axis.
    broadening
        Full width at half maximum of a Lorentzian, eV; 0 for none.
    """

    edge_step: bool
    pre: float
    post: float
    broadening: float


def prepared(mu: Floats, energy: Doubles, how: Preparation) -> Doubles:
    """Spectra `(sample, energy)` with edge step one and broadened, float64.

    Broadening is a weighted mean with weights `w_j/((E_i - E_j)^2 + (width/2)^2)`, `w_j` half of the distance between the
    neighbors of a point, whose sum is one at every energy: beyond the ends of the axis nothing is assumed.

    Raises
    ------
    InputError
        A spectrum without a step.

    Examples
    --------
    >>> energy = np.arange(0.0, 10.0)
    >>> how = Preparation(True, 2.0, 3.0, 0.0)
    >>> prepared(np.array([[1.0, 1, 1, 1, 1, 3, 3, 3, 3, 3]]), energy, how).tolist()
    [[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]]
    """
    found = np.asarray(mu, np.float64)
    if how.edge_step:
        low = found[:, energy <= energy[0] + how.pre].mean(axis=1)
        step = found[:, energy >= energy[-1] - how.post].mean(axis=1) - low
        if not (step > 0).all():
            raise InputError(
                f"{int((~(step > 0)).sum())} spectra without an edge step",
                "more absorption behind the edge than before it",
                "change `pre` and `post`, or set `edge_step: false`",
            )
        found = (found - low[:, None]) / step[:, None]
    if how.broadening > 0:
        weight = np.gradient(energy) / ((energy[:, None] - energy) ** 2 + (how.broadening / 2) ** 2)
        found = found @ (weight / weight.sum(axis=1, keepdims=True)).T
    return found
