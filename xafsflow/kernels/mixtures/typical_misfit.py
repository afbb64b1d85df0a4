"""What noise leaves of a weighted fit when the energies of a spectrum share it."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices


def typical_chi_square(sigma: Doubles, response: Doubles, columns: Doubles) -> float:
    """The median chi-square that noise alone leaves of a fit by all columns.

    With the weights `W = 1/sigma^2` and the covariance `C` of the spectrum, chi-square is a sum of squares of independent
    standard normals times the eigenvalues of `P C`, `P = W - W A (A'WA)^-1 A'W`. Its mean is `m = tr(P C)`, its variance
    `2 tr(P C P C)`; the median is that of the chi-square distribution with the same two, of `k = m^2/tr(P C P C)` degrees of
    freedom (F. E. Satterthwaite, Biometrics Bull. 2, 110, 1946), `m (1 - 2/(9 k))^3` (E. B. Wilson and M. M. Hilferty, PNAS
    17, 684, 1931). For independent noise that is the number of energies less that of the columns, and 2/3.

    Parameters
    ----------
    sigma
        `(energy,)`: the standard deviations that weigh the fit.
    response
        `(source, energy)`: the change of the spectrum by one standard deviation of each independent source.
    columns
        `(column, energy)`: what is free in the fit.

    Examples
    --------
    >>> one = typical_chi_square(np.ones(50), np.eye(50), np.ones((1, 50)))
    >>> slope = np.linspace(-1, 1, 50)
    >>> sources = np.vstack([np.eye(50), slope])
    >>> shared = typical_chi_square(np.sqrt(1 + slope**2), sources, np.ones((1, 50)))
    >>> round(one, 1), shared < one
    (48.3, True)
    """
    # Sums in one order, whatever number of threads there is: maps are equal to the bit.
    noise = response / sigma
    basis = columns / sigma
    orthogonal = np.zeros((0, len(sigma)))
    for row in basis:
        for _ in range(2):
            row = row - np.einsum("ij,i->j", orthogonal, np.einsum("ij,j->i", orthogonal, row))
        length = float(np.sqrt(np.einsum("j,j->", row, row)))
        if length > 1e-9 * float(np.sqrt(np.einsum("j,j->", basis[0], basis[0]))):
            orthogonal = np.vstack([orthogonal, row / length])
    left = noise - np.einsum("si,ij->sj", np.einsum("sj,ij->si", noise, orthogonal), orthogonal)
    together = np.einsum("sj,sk->jk", left, left)
    mean, square = float(np.einsum("jj->", together)), float(np.einsum("jk,jk->", together, together))
    freedom = mean**2 / square if square > 0 else np.inf
    return float(mean * max(0.0, 1 - 2 / (9 * freedom)) ** 3)


def damped(response: Doubles, places: Indices, sigma: Doubles) -> None:
    """Let each energy see what an interpolation left of its own noise, the rest shared with the next energy; in place.

    A response leaves interpolations out. The noise of a point between two others is theirs by the weights `1 - a` and `a`,
    with `(1 - a)^2 + a^2` of the variance left; cubics, whose outer weights are small, are much alike.

    Parameters
    ----------
    response
        `(source, energy)`, at energies of which each is one of the sources.
    places
        `(energy,)`: which source each energy is.
    sigma
        `(energy,)`: the standard deviations that come out.

    Examples
    --------
    >>> response = np.eye(3)
    >>> damped(response, np.arange(3), np.sqrt([0.5, 1.0, 1.0]))
    >>> (response**2).sum(axis=0), response[:2, 0].round(3)
    (array([0.5, 1. , 1. ]), array([0.5, 0.5]))
    """
    each = np.arange(len(places))
    before = response[places, each] ** 2
    response[places, each] = 0.0
    own = np.maximum(sigma**2 - (response**2).sum(axis=0), 0.0)
    left = np.clip(np.divide(own, before, out=np.ones_like(own), where=before > 0), 0.5, 1.0)
    # Of an interpolation at `a` between two points, with variance `left`.
    further = (1 - np.sqrt(2 * left - 1)) / 2
    after = np.minimum(places + 1, len(response) - 1)
    further[after == places] = 0.0
    left = (1 - further) ** 2 + further**2
    response[places, each] += (1 - further) * np.sqrt(own / left)
    response[after, each] += further * np.sqrt(own / left)
