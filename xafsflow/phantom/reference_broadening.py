"""Reference spectra as a monochromator of another resolution gives them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.kernels.array_types import Doubles
from xafsflow.phantom.spectra import Reference, piecewise, spectrum

# Standard deviations of the Gaussian that are summed to, and points in one of them.
REACH, POINTS = 6, 32


def broadened(reference: str | Reference, energy: ArrayLike, sigma: float) -> Doubles:
    """A reference's spectrum convolved with a Gaussian.

    Parameters
    ----------
    reference
        As for `spectrum`.
    energy
        eV, any shape.
    sigma
        Standard deviation of the Gaussian, eV; 0 gives the spectrum itself.

    Returns
    -------
    ndarray
        The shape of `energy`.

    Notes
    -----
    The convolution is done on points `sigma/32` apart that reach six `sigma` beyond the energies, and is
    interpolated (cubic spline) from there. Between points of a caller's spectrum it is averaged over each
    such distance, whose own variance, `sigma^2/12288`, is taken off the Gaussian's: a jump becomes an error
    function to 1e-5.

    Raises
    ------
    InputError
        As for `spectrum`; a caller's spectrum must reach six `sigma` beyond the energies, so that nothing is
        made up at its ends.

    Examples
    --------
    >>> step = Reference("step", [7000.0, 7112.0, 7112.001, 7200.0], [0.0, 0.0, 1.0, 1.0])
    >>> broadened(step, [7111.5, 7112.0, 7113.0], 0.5).round(3)
    array([0.158, 0.5  , 0.977])
    """
    from scipy.interpolate import CubicSpline

    at = np.asarray(energy, float)
    if sigma == 0 or at.size == 0:
        return spectrum(reference, at)
    # Points at whole multiples of their distance: they do not depend on what is asked for.
    step = sigma / POINTS
    first, last = int(np.floor(at.min() / step)) - 2, int(np.ceil(at.max() / step)) + 2
    points, mu = _convolved(reference, sigma, first, last)
    return np.asarray(CubicSpline(points, mu)(at))


@lru_cache(maxsize=32)
def _convolved(reference: str | Reference, sigma: float, first: int, last: int) -> tuple[Doubles, Doubles]:
    step, reach = sigma / POINTS, REACH * POINTS
    points = step * np.arange(first - reach, last + reach + 1)
    variance = float(POINTS**2)
    if isinstance(reference, Reference):
        edges = np.append(points - step / 2, points[-1] + step / 2)
        spectrum(reference, edges[[0, -1]])
        mu = np.diff(piecewise(reference).antiderivative()(edges)) / step
        variance -= 1 / 12
    else:
        mu = spectrum(reference, points)
    weight = np.exp(-0.5 * np.arange(-reach, reach + 1) ** 2 / variance)
    smooth = np.convolve(mu, weight / weight.sum(), "valid")
    return np.asarray(points[reach:-reach]), np.asarray(smooth)
