"""How the noise of the measured values moves a normalized spectrum as a whole, in the typical pixel of a scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from xafsflow.kernels.array_types import Doubles

# Pixels so many times as noisy as the median tell nothing of the others.
MOST = 3.0
# What is less than this share of the strongest source is rounding.
LEAST = 1e-5


class Followed(NamedTuple):
    """A pixel whose normalization was followed.

    `norm` (energy,), its `change` (energy, source) a unit of each value that was normalized, the `variance` (source,) of
    those before any interpolation, the noise `sigma` (energy,) of `norm` after all, the edge `step` that was divided by, and
    `taken` (energy, source), sparse, what an interpolation along the energies took of each value; None where there was none.
    """

    norm: Doubles
    change: Doubles
    variance: Doubles
    sigma: Doubles
    step: float = 1.0
    taken: Any = None

    @property
    def level(self) -> float:
        """The noise of norm without that of the curves, by which pixels differ."""
        return float(np.sqrt(np.median(self.variance)) / self.step)


def typical_response(pixels: Sequence[Followed], size: int) -> tuple[Doubles, Doubles, Doubles]:
    """The noise of a typical pixel, as independent sources that each change all energies.

    A normalization that divides by an edge step makes, to first order, `norm` change by `(J - norm q^T) dmu`: J, by the
    fitted curves, is that of all pixels, and so is q, by the step; `norm` is the pixel's own. Both are found by least
    squares over the pixels, but for those too noisy to tell; where all are alike, q is zero and J has both.

    The interpolation of an energy shift damps the noise of each energy and lets neighbors share it, in each pixel others. A
    fit weighs each energy by what noise is left, so that it is `W C W` whose mean over the pixels counts: the sources are
    those that give it with the weights of the typical pixel, one for each energy.

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
    >>> pixel = Followed(np.ones(3), change, np.full(3, 0.04), 0.2 * np.sqrt([1.25, 1.25, 0.25]), step=1.0)
    >>> sigma, response, step = typical_response([pixel], 3)
    >>> bool(np.allclose((response**2).sum(axis=0), sigma**2)), step
    (True, array([0., 0., 0.]))
    """
    known = [pixel for pixel in pixels if 0 < pixel.level < np.inf and np.isfinite(pixel.sigma).any()]
    if not known:
        return np.ones(size), np.eye(size), np.zeros(size)
    most = MOST * float(np.median([pixel.level for pixel in known]))
    known = [pixel for pixel in known if pixel.level <= most]
    sigma = _mean([pixel.sigma / pixel.level for pixel in known])
    unit = float(np.nanmedian(sigma))
    scale = _mean([np.sqrt(pixel.variance) / (pixel.level * pixel.step * unit) for pixel in known])
    norm = np.array([pixel.norm for pixel in known])
    change = np.array([pixel.change * pixel.step for pixel in known])
    there = np.isfinite(norm) & np.isfinite(change).all(axis=2)
    count = np.maximum(there.sum(axis=0), 1)
    norm, change = np.where(there, norm, 0.0), np.where(there[:, :, None], change, 0.0)
    mean, mean_change = norm.sum(axis=0) / count, change.sum(axis=0) / count[:, None]
    apart = np.where(there, norm - mean, 0.0)
    spread = float((apart**2).sum())
    step = np.einsum("pe,pes->s", apart, change) / spread if spread > 0 else np.zeros(size)
    curves, sigma = mean_change - np.outer(mean, step), np.where(np.isfinite(sigma), sigma / unit, 1.0)
    taken = [pixel.taken for pixel in known if pixel.taken is not None]
    if not taken:
        return sigma, (curves * scale).T, step * scale
    return sigma, *_interpolated(curves, step, mean, scale, taken)


def _interpolated(
    curves: Doubles, step: Doubles, mean: Doubles, scale: Doubles, taken: Sequence[Any]
) -> tuple[Doubles, Doubles]:
    """Response (source, energy) and step (source,) with the mean `W C W` of pixels that were interpolated unlike."""
    changes = [(one.T @ np.column_stack([curves.T, step])).T * scale for one in taken]
    noise = np.array([((one[:-1] - np.outer(mean, one[-1])) ** 2).sum(axis=1) for one in changes])
    typical = noise.mean(axis=0)
    whole = np.zeros((len(curves) + 1, len(curves) + 1))
    for one, variance in zip(changes, noise, strict=True):
        weight = np.divide(typical, variance, out=np.zeros_like(typical), where=variance > 0)
        weighted = one * np.append(weight, 1.0)[:, None]
        whole += weighted @ weighted.T / len(changes)
    values, vectors = np.linalg.eigh(whole[:-1, :-1])
    roots = np.sqrt(np.maximum(values, 0.0))
    inverse = np.divide(1.0, roots, out=np.zeros_like(roots), where=roots > LEAST * roots.max())
    # The symmetric root: each source stays near the energy that it is counted to.
    return (vectors * roots) @ vectors.T, (vectors * inverse) @ (vectors.T @ whole[:-1, -1])


def _mean(values: Sequence[Doubles]) -> Doubles:
    """Root mean square of rows `(energy,)` where they are finite; NaN where none is."""
    squares = np.array(values) ** 2
    there = np.isfinite(squares)
    count, total = there.sum(axis=0), np.where(there, squares, 0.0).sum(axis=0)
    return np.sqrt(np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0))
