"""How far the fractions of a model scatter by the noise of a pixel, learnt on patterns that are measured twice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles

# Rounds of the fit, which by then changes the errors by less than a percent a round.
ROUNDS = 60
# Share of a normal distribution within two standard deviations.
COVERED = 0.9545
# Keeps what is zero from being divided by.
TINY = 1e-30


def learn_scatter(votes: NDArray[Any], noise: NDArray[Any], shares: Doubles, again: Doubles) -> Doubles:
    """The variance of each fraction as `sum_c v_c (a_c + b_c n^2) + D (c + d n^2)`, with coefficients that are not negative.

    v are the votes, n is the noise, and D how far the voted compositions lie apart, the variance of the fraction over the
    votes: where classes share the votes a little noise takes them from one to the other. Half the squared difference of two
    measurements of one pixel is its variance, but for a factor that is distributed as chi-square with one degree of freedom:
    the coefficients are the most likely ones, by multiplicative updates (C. Fevotte, N. Bertin and J.-L. Durrieu, Neural
    Comput. 21, 793 (2009), their Itakura-Saito divergence), and at last made to agree with all differences together.

    Parameters
    ----------
    votes
        `(pattern, class)` of the first measurement.
    noise
        `(pattern,)`: the `noise` of the pixel.
    shares
        `(class, reference)`: the compositions.
    again
        `(pattern, reference)`: fractions by the second measurement.

    Returns
    -------
    ndarray
        `(2, class + 1, reference)`: a and c, and b and d.

    Examples
    --------
    >>> rng, noise, shares = np.random.default_rng(0), np.full(4000, 0.01), np.eye(2)
    >>> votes = np.repeat(shares, 2000, axis=0)
    >>> again = votes + np.sqrt(2) * votes @ [[0.01, 0.01], [0.02, 0.02]] * rng.standard_normal((4000, 1))
    >>> scatter_at(shares, np.full(2, 0.01), shares, learn_scatter(votes, noise, shares, again)).round(2)
    array([[0.01, 0.01],
           [0.02, 0.02]])
    """
    typical = float(np.median(noise))
    found = [
        _variances(np.concatenate([votes, apart[:, None]], axis=1), noise / typical, squares)
        for apart, squares in zip(_apart(votes, shares).T, ((votes @ shares - again) ** 2 / 2).T, strict=True)
    ]
    return np.asarray(np.stack(found, axis=-1) * np.array([1.0, typical**-2])[:, None, None])


def scatter_at(votes: NDArray[Any], noise: NDArray[Any], shares: Doubles, scatter: Doubles) -> Doubles:
    """Standard deviations `(pixel, reference)` at votes `(pixel, class)` and noise `(pixel,)`; NaN where that is.

    `shares` (class, reference) are the compositions, `scatter` is what `learn_scatter` gives.
    """
    apart, squares = _apart(votes, shares), noise[:, None].astype(np.float64) ** 2
    still, rising = (votes @ part[:-1] + apart * part[-1] for part in scatter)
    return np.asarray(np.sqrt(still + squares * rising))


def _apart(votes: NDArray[Any], shares: Doubles) -> Doubles:
    """Variance of each fraction over the votes, `(pixel, reference)`."""
    return np.asarray(np.maximum(votes @ shares**2 - (votes @ shares) ** 2, 0.0))


def _variances(columns: Doubles, noise: Doubles, squares: Doubles) -> Doubles:
    """Coefficients `(2, column)` of `columns` and of them times the squared noise."""
    table = np.concatenate([columns, columns * noise[:, None] ** 2], axis=1)
    level = float(squares.mean())
    if level == 0:
        return np.zeros((2, columns.shape[1]))
    # A pattern that comes out alike would have an infinite likelihood.
    part = squares / level + 1e-6
    found = table.T @ part / np.maximum(table.sum(axis=0), TINY) / 2 + TINY
    for _ in range(ROUNDS):
        stated = table @ found
        found *= np.sqrt((table.T @ (part / stated**2)) / np.maximum(table.T @ (1 / stated), TINY))
    found *= squares.sum() / (table @ found).sum()
    # A forest that jumps between classes scatters with longer tails than a normal distribution.
    reach = float(np.quantile(squares / (table @ found), COVERED)) / 4
    return np.asarray(found * max(1.0, reach)).reshape(2, -1)
