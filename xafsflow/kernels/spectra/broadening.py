"""Spectra as an instrument of another resolution shows them.

A blunter instrument convolves a spectrum with a Gaussian. A sharper one would undo that, which noise forbids in full;
the first three terms of Van Cittert's series (P. H. van Cittert, Z. Phys. 69, 298 (1931)) do it nearly for a Gaussian
that is narrow against the edge, and never raise anything by more than three times:

    S_v = G_v S                        v >= 0, the Gaussian's variance
    S_v = 3 S - 3 G_|v| S + G_2|v| S   v < 0

Both begin as the heat equation demands, `dS/dv = S''/2`, so that a variance of either sign can be fitted.
"""

from __future__ import annotations

import math

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.jit import kernel

# The mean is over so many places on either side of a point, up to that many standard deviations away. Such a sum of
# a Gaussian and a cubic is exact to 1e-5.
PLACES, REACH = 20, 5.0


@kernel
def gaussian_mean(knots: Doubles, factors: Doubles, energy: Doubles, sigma: float) -> Doubles:
    """Piecewise cubics convolved with a Gaussian, at rising energies `(k,)` within the knots.

    Beyond their ends the cubics go on as their own point reflection, so that a straight line stays one.

    Parameters
    ----------
    knots, factors
        As of `piecewise`.
    sigma
        Standard deviation, in the unit of the energies.
    """
    found, place = np.zeros(energy.size), np.zeros(2 * PLACES + 1, np.int64)
    weights = np.exp(-0.5 * (np.arange(-PLACES, PLACES + 1) * (REACH / PLACES)) ** 2)
    low, high = knots[0], knots[-1]
    ends = np.empty(2)
    ends[0] = factors[3, 0]
    last = knots.size - 2
    d = high - knots[last]
    ends[1] = ((factors[0, last] * d + factors[1, last]) * d + factors[2, last]) * d + factors[3, last]
    for k in range(energy.size):
        total = 0.0
        for j in range(2 * PLACES + 1):
            e = energy[k] + sigma * (j - PLACES) * (REACH / PLACES)
            sign, offset = 1.0, 0.0
            if e < low:
                sign, offset, e = -1.0, 2 * ends[0], min(2 * low - e, high)
            elif e > high:
                sign, offset, e = -1.0, 2 * ends[1], max(2 * high - e, low)
            p = place[j]
            while p > 0 and e < knots[p]:
                p -= 1
            while p < last and e >= knots[p + 1]:
                p += 1
            place[j] = p
            d = e - knots[p]
            value = ((factors[0, p] * d + factors[1, p]) * d + factors[2, p]) * d + factors[3, p]
            total += weights[j] * (offset + sign * value)
        found[k] = total / weights.sum()
    return found


def broadened(energy: Doubles, mu: Doubles, variance: float) -> Doubles:
    """A spectrum at its own energies as an instrument blunter by a variance shows it; a sharper one below zero.

    Parameters
    ----------
    energy, mu
        `(k,)`, rising and finite; between the points goes a cubic spline.
    variance
        Of the Gaussian, eV^2; its negative where the spectrum is made sharper.

    Examples
    --------
    >>> energy = np.arange(-20, 20, 0.5)
    >>> edge = lambda width: np.array([0.5 * math.erfc(-e / width / 2**0.5) for e in energy])
    >>> [round(float(np.abs(broadened(energy, edge(1.5), v) - edge((2.25 + v) ** 0.5)).max()), 4) for v in (0.5, -0.2)]
    [0.0, 0.0002]
    """
    if variance == 0:
        return mu
    from scipy.interpolate import CubicSpline

    spline = CubicSpline(energy, mu)
    factors = np.ascontiguousarray(spline.c)
    once = gaussian_mean(spline.x, factors, energy, math.sqrt(abs(variance)))
    if variance > 0:
        return once
    return 3 * (mu - once) + gaussian_mean(spline.x, factors, energy, math.sqrt(2 * abs(variance)))


def variance_of(broadening: float) -> float:
    """The signed variance, eV^2, of a broadening, eV: its square, negative where that is.

    Examples
    --------
    >>> variance_of(0.5), variance_of(-0.3)
    (0.25, -0.09)
    """
    return broadening * abs(broadening)


def broadening_of(variance: float, error: float) -> tuple[float, float]:
    """The broadening and its standard error, eV, of a signed variance with its error, eV^2.

    The error is half of the distance between the broadenings one error above and below, for at zero the root is steep.

    Examples
    --------
    >>> [round(value, 3) for value in broadening_of(0.25, 0.01)]
    [0.5, 0.01]
    >>> broadening_of(0.0, 0.04)
    (0.0, 0.2)
    """
    low, value, high = (
        math.copysign(math.sqrt(abs(v)), v) for v in (variance - error, variance, variance + error)
    )
    return value, (high - low) / 2
