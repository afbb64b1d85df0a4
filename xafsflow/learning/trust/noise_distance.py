"""Distances that noise alone gives between a pixel and its class, by class and noise level."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.spectra.spectral_distance import distances

# How distances grow with the noise where it is small, in the order of kernels.spectra.spectral_distance.METRICS.
POWERS = np.array([1.0, 1.0, 1.0, 2.0])


def learn_distances(
    features: NDArray[Any], labels: NDArray[Any], class_features: NDArray[Any], noise: NDArray[Any]
) -> tuple[Doubles, Doubles]:
    """Median distances as `scale (metric, class)` times the noise to the `power (metric,)`.

    The power is the slope of ln d over ln noise within the classes, by least squares, with a pull towards its limit for
    small noise as strong as one pattern whose noise is off by a factor e; the scale is the median of d/noise^power.

    Parameters
    ----------
    features
        `(pattern, feature)`, of patterns of the classes.
    labels, noise
        `(pattern,)`: their classes, and the `noise` of their pixels; patterns without noise are left out.
    class_features
        `(class, feature)` without noise.

    Returns
    -------
    scale, power
        NaN for a class without patterns.

    Examples
    --------
    >>> rng, center = np.random.default_rng(0), np.array([np.linspace(0.5, 1.5, 400)])
    >>> noise = rng.uniform(0.005, 0.02, 500)
    >>> table = center + noise[:, None] * rng.standard_normal((500, 400))
    >>> scale, power = learn_distances(table, np.zeros(500, int), center, noise)
    >>> power[[0, 1, 3]].round(1).tolist(), scale[0].round().tolist()
    ([1.0, 1.0, 2.0], [20.0])
    """
    blocks = np.ascontiguousarray(features.T, np.float32)[:, None, :]
    found = distances(blocks, labels[None].astype(np.int16), class_features.astype(np.float32))[:, 0]
    usable = (found > 0).all(axis=0) & np.isfinite(found).all(axis=0) & (noise > 0)
    far, level, of = found[:, usable].astype(float), noise[usable], labels[usable]
    groups = [np.flatnonzero(of == label) for label in range(len(class_features))]
    apart = np.log(level)
    for group in groups:
        apart[group] -= apart[group].mean() if len(group) else 0.0
    power = (np.log(far) @ apart + POWERS) / (apart @ apart + 1)
    alike = far / level ** power[:, None]
    nothing = np.full(len(POWERS), np.nan)
    scale = np.stack([np.median(alike[:, g], axis=1) if len(g) else nothing for g in groups], axis=1)
    return scale, power


def expected_at(noise: NDArray[Any], classes: NDArray[Any], scale: Doubles, power: Doubles) -> NDArray[Any]:
    """Median distances `(metric, ...)` under the noise of pixels; NaN where the class is negative.

    Examples
    --------
    >>> expected_at(np.array([0.01, 0.02, 0.02]), np.array([0, 0, -1]), np.array([[20.0]]), np.array([1.0]))
    array([[0.2, 0.4, nan]])
    """
    shape = (len(power), *([1] * noise.ndim))
    values = scale[:, classes] * noise ** power.reshape(shape)
    return np.where(classes >= 0, values, np.nan)
