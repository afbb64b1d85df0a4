"""How much less shares scatter that cannot be negative.

Were nothing bounded, an estimate would be normal about the truth. A fit that holds a share at zero moves the others by what
they have in common with it: of the variance of a share near zero `clipped_variance` is left, and the others lose what they
share with the rest. The truth is taken to be what was found, which states too much at zero itself, by a fifth for one share
there, and covers what is a little above it.
"""

from __future__ import annotations

from math import erf

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.jit import kernel

# Standard errors above zero from which on a share scatters freely.
FREE = 4.0


@kernel
def bound(covariance: Doubles, f: Doubles) -> None:
    """Take from the covariance what shares near zero are not free to vary by, the nearest first; in place.

    Parameters
    ----------
    covariance
        `(reference, reference)`, of shares that nothing bounds.
    f
        `(reference,)`: the shares that were found.

    Examples
    --------
    >>> free = np.array([[1.0, -1.0], [-1.0, 1.0]])
    >>> bound(free, np.array([0.0, 9.0]))
    >>> free.round(3)
    array([[ 0.341, -0.341],
           [-0.341,  0.341]])
    """
    left = np.ones(len(f), np.bool_)
    for _ in range(len(f)):
        nearest, least = -1, FREE
        for r in range(len(f)):
            if left[r] and covariance[r, r] > 0.0 and f[r] / np.sqrt(covariance[r, r]) < least:
                nearest, least = r, f[r] / np.sqrt(covariance[r, r])
        if nearest < 0:
            return
        left[nearest] = False
        taken = (1.0 - clipped_variance(least)) / covariance[nearest, nearest]
        shared = covariance[nearest].copy()
        for r in range(len(f)):
            for s in range(len(f)):
                covariance[r, s] -= taken * shared[r] * shared[s]


@kernel
def clipped_variance(mean: float) -> float:
    """Variance of `max(0, x)` for a normal x of this mean and variance one: `(m^2 + 1) P + m p - (m P + p)^2`.

    P and p are the normal distribution and its density at m.
    """
    share = 0.5 * (1.0 + erf(mean / np.sqrt(2.0)))
    density = np.exp(-0.5 * mean * mean) / np.sqrt(2.0 * np.pi)
    return (mean * mean + 1.0) * share + mean * density - (mean * share + density) ** 2
