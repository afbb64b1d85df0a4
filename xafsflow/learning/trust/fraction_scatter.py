"""How far the fractions of a model scatter by the noise of a pixel, learnt on patterns that are measured twice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles

# Rounds of the fit, which by then changes the errors by less than a percent a round.
ROUNDS = 60


def learn_scatter(votes: NDArray[Any], noise: NDArray[Any], fractions: Doubles, again: Doubles) -> Doubles:
    """The variance of each fraction as a sum over the votes, `sum_c v_c (a_c + b_c noise^2)` with a, b >= 0.

    Half the squared difference of two measurements of one pixel is its variance, but for a factor that is distributed as
    chi-square with one degree of freedom: a and b are the most likely ones, by multiplicative updates (C. Fevotte, N. Bertin
    and J.-L. Durrieu, Neural Comput. 21, 793 (2009), their Itakura-Saito divergence), and at last made to agree with all
    differences together.

    Parameters
    ----------
    votes
        `(pattern, class)` of the first measurement.
    noise
        `(pattern,)`: the `noise` of the pixel.
    fractions, again
        `(pattern, reference)`: by the first and by the second measurement.

    Returns
    -------
    ndarray
        `(2, class, reference)`: a and b.

    Examples
    --------
    >>> rng, noise = np.random.default_rng(0), np.full(4000, 0.01)
    >>> votes = np.repeat(np.eye(2), 2000, axis=0)
    >>> one, two = (votes + votes @ [[0.01, 0.01], [0.02, 0.02]] * rng.standard_normal((4000, 1)) for _ in "ab")
    >>> scatter_at(np.eye(2), np.full(2, 0.01), learn_scatter(votes, noise, one, two)).round(2)
    array([[0.01, 0.01],
           [0.02, 0.02]])
    """
    typical = float(np.median(noise))
    columns = np.concatenate([votes, votes * (noise[:, None] / typical) ** 2], axis=1)
    squares = (fractions - again) ** 2 / 2
    # Patterns that come out alike would make the logarithm of a likelihood infinite.
    squares = squares + 1e-6 * squares.mean(axis=0) + np.finfo(float).tiny
    found = columns.T @ squares / np.maximum(columns.sum(axis=0), 1e-9)[:, None] / 2 + np.finfo(float).tiny
    for _ in range(ROUNDS):
        stated = columns @ found
        up, down = columns.T @ (squares / stated**2), columns.T @ (1 / stated)
        found *= np.sqrt(up / np.maximum(down, np.finfo(float).tiny))
    found *= squares.sum(axis=0) / (columns @ found).sum(axis=0)
    parts = found.reshape(2, votes.shape[1], -1)
    return np.asarray(parts * np.array([1.0, typical**-2])[:, None, None])


def scatter_at(votes: NDArray[Any], noise: NDArray[Any], scatter: Doubles) -> Doubles:
    """Standard deviations `(pixel, reference)` at votes `(pixel, class)` and noise `(pixel,)`; NaN where that is."""
    variance = votes @ scatter[0] + noise[:, None].astype(np.float64) ** 2 * (votes @ scatter[1])
    return np.asarray(np.sqrt(variance))
