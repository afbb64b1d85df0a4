"""Whether a spectrum is like those of the training at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.samples.row_blocks import mean_and_covariance, row_blocks

# Principal components of the training that span the space of what is known.
COMPONENTS = 20
# Share of spectra like those of the training that are called outside all the same.
FALSE_ALARM = 0.01


def learn_hull(spectra: NDArray[Any]) -> tuple[Doubles, Doubles]:
    """Mean `(feature,)` and principal axes `(axis, feature)` of training spectra `(sample, feature)`.

    The axes are divided by the scatter along them: `axes @ (spectrum - mean)` has mean 0 and scatter 1.
    """
    middle, covariance = mean_and_covariance(spectra)
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[::-1][:COMPONENTS], vectors[:, ::-1][:, :COMPONENTS]
    held = values > 1e-9 * values[0]
    return middle, np.ascontiguousarray((vectors[:, held] / np.sqrt(values[held])).T)


def hull_distances(spectra: NDArray[Any], mean: Doubles, axes: Doubles) -> Doubles:
    """How far spectra `(feature, pixel)` are from the training, in it and out of it: `(2, pixel)`.

    The first is the root mean square of the scaled scores (Mahalanobis distance in the space of the principal components
    over the root of their number), the second the root mean square of what the components leave.

    Examples
    --------
    >>> table = np.random.default_rng(0).standard_normal((2000, 2)) @ np.array([[3.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    >>> found = hull_distances(np.array([[3.0, 30.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 3.0]]), *learn_hull(table))
    >>> found.round(1).tolist()
    [[1.0, 7.1, 0.0], [0.0, 0.0, 1.7]]
    """
    # The axes are orthogonal, not of length one.
    back = (axes / (axes**2).sum(axis=1, keepdims=True)).T
    found = np.empty((2, spectra.shape[1]))
    for part in row_blocks(spectra.shape[1], len(spectra)):
        apart = spectra[:, part] - mean[:, None]
        scores = axes @ apart
        left = apart - back @ scores
        found[:, part] = np.sqrt([(scores**2).mean(axis=0), (left**2).mean(axis=0)])
    return found


def hull_limits(distances: Doubles) -> Doubles:
    """Limits `(2,)` that all but `FALSE_ALARM` of known spectra keep, both together, from their distances `(2, sample)`.

    Examples
    --------
    >>> hull_limits(np.arange(2002.0).reshape(2, 1001)).tolist()
    [995.0, 1996.0]
    """
    return np.asarray(np.quantile(distances, 1 - FALSE_ALARM / 2, axis=1))
