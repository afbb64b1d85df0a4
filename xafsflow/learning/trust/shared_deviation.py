"""What the pixels of a reference have in common beside it: a deviation that noise cannot give, too small to see in one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles

# Pixels' worth of a reference from which on its deviation is known well enough: neighbors share noise, so that 300 count
# as some 30, and what is left of the noise adds 3 % to a chi-square.
LEAST_PIXELS = 300


def shared_deviations(residual: NDArray[Any], fractions: NDArray[Any], noise: NDArray[Any]) -> Doubles:
    """The deviation of each reference from its pixels, by least squares: `residual = sum_k fraction_k deviation_k`.

    Pixels count by their noise: at the border of a sample some are ten times as noisy as the others.

    Parameters
    ----------
    residual
        `(energy, pixel)`: spectra minus their fits; NaN where a pixel lacks an energy.
    fractions
        `(reference, pixel)`.
    noise
        `(pixel,)`.

    Returns
    -------
    ndarray
        `(reference, energy)`; zero for a reference that too few pixels hold, and at energies that too few have.

    Examples
    --------
    >>> fractions = np.repeat(np.eye(2), 400, axis=1)
    >>> residual = np.array([[0.1], [np.nan]]) * fractions[0] + 0.2 * fractions[1]
    >>> shared_deviations(residual, fractions, np.ones(800)).round(3).tolist()
    [[0.1, 0.0], [0.2, 0.0]]
    """
    found = np.zeros((len(fractions), len(residual)))
    held = fractions.sum(axis=1) >= LEAST_PIXELS
    some = fractions[held]
    for energy, row in enumerate(residual):
        known = np.isfinite(row)
        part = some[:, known]
        if held.any() and (part.sum(axis=1) >= LEAST_PIXELS / 2).all():
            weighted = (part / noise[known]).T, row[known] / noise[known]
            found[held, energy] = np.linalg.lstsq(*weighted, rcond=None)[0]
    return found


def bounded(deviations: Doubles, noise: NDArray[Any], most: float) -> tuple[Doubles, Doubles]:
    """Deviations `(reference, energy)` scaled down to at most so much of the noise, and how large they were.

    Parameters
    ----------
    noise
        `(energy,)`, of a typical pixel; NaN where it is not known.
    most
        Largest root mean square of deviation over noise.

    Examples
    --------
    >>> small, size = bounded(np.array([[0.01, -0.01], [0.04, 0.04]]), np.array([0.02, 0.02]), 1.0)
    >>> small.tolist(), size.tolist()
    ([[0.01, -0.01], [0.02, 0.02]], [0.5, 2.0])
    """
    size = np.sqrt(np.nanmean((deviations / noise) ** 2, axis=1))
    return deviations * np.minimum(1, most / np.maximum(size, most))[:, None], size
