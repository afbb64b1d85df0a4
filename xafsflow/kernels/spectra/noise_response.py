"""How the noise of the measured values moves a normalized spectrum as a whole, in the typical pixel of a scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xafsflow.kernels.array_types import Doubles


class Followed(NamedTuple):
    """A pixel whose normalization was followed.

    `norm` (energy,), its `change` (energy, source) a unit of each value that was normalized, the `variance` (source,) of
    those before any interpolation, and the noise `sigma` (energy,) of `norm` after all.
    """

    norm: Doubles
    change: Doubles
    variance: Doubles
    sigma: Doubles


def typical_response(pixels: Sequence[Followed], size: int) -> tuple[Doubles, Doubles, Doubles]:
    """The noise of a typical pixel, as independent sources that each change all energies.

    A normalization that divides by an edge step makes, to first order, `norm` change by `(J - norm q^T) dmu`: J, by the
    fitted curves, is that of all pixels, and so is q, by the step; `norm` is the pixel's own. Both are found by least
    squares over the pixels; where all are alike, q is zero and J has both.

    The sources are the measured values without the interpolation of an energy shift, which damps the noise of each energy
    and lets neighbors share it: what reaches over several energies, such as a reference or a fitted curve, sees as much
    noise after it as before.

    Parameters
    ----------
    pixels
        Of the scan.
    size
        Energies, as many as sources.

    Returns
    -------
    tuple
        `sigma` (energy,), in units in which its median in each pixel is one; the change of norm by one standard deviation
        of each source, `response` (source, energy), in the same units, and `step` (source,), to be multiplied by norm.
        What no pixel knows is one and zero.

    Examples
    --------
    >>> change = np.eye(3) - 0.5 * np.array([[0, 0, 1], [0, 0, 1], [0, 0, 1]])
    >>> pixel = Followed(np.ones(3), change, np.full(3, 0.04), 0.2 * np.sqrt([1.25, 1.25, 0.25]))
    >>> sigma, response, step = typical_response([pixel], 3)
    >>> bool(np.allclose((response**2).sum(axis=0), sigma**2)), step
    (True, array([0., 0., 0.]))
    """
    levels = np.array([np.nanmedian(pixel.sigma) for pixel in pixels])
    known = [pixel for pixel, level in zip(pixels, levels, strict=True) if np.isfinite(level) and level > 0]
    if not known:
        return np.ones(size), np.eye(size), np.zeros(size)
    levels = levels[np.isfinite(levels) & (levels > 0)]
    sigma = _typical(np.array([pixel.sigma for pixel in known]) / levels[:, None], 1.0)
    scale = np.sqrt(_typical(np.array([pixel.variance for pixel in known]) / levels[:, None] ** 2, 0.0))
    norm, change = np.array([pixel.norm for pixel in known]), np.array([pixel.change for pixel in known])
    there = np.isfinite(norm) & np.isfinite(change).all(axis=2)
    count = np.maximum(there.sum(axis=0), 1)
    norm, change = np.where(there, norm, 0.0), np.where(there[:, :, None], change, 0.0)
    mean, mean_change = norm.sum(axis=0) / count, change.sum(axis=0) / count[:, None]
    apart = np.where(there, norm - mean, 0.0)
    spread = float((apart**2).sum())
    step = np.einsum("pe,pes->s", apart, change) / spread if spread > 0 else np.zeros(size)
    return sigma, ((mean_change - np.outer(mean, step)) * scale).T, step * scale


def _typical(values: Doubles, nothing: float) -> Doubles:
    """Median of `(pixel, ...)` over the pixels where it is finite."""
    found = np.full(values.shape[1], nothing)
    for place, column in enumerate(values.T):
        finite = column[np.isfinite(column)]
        if finite.size:
            found[place] = np.median(finite)
    return found
