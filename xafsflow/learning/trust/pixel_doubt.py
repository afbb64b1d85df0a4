"""What a model of a library says of a pixel beside its answer: what else is possible, and whether it knows such spectra."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.trust.prediction_sets import at_noise, check_level, sets_of
from xafsflow.learning.trust.training_hull import hull_distances
from xafsflow.learning.trust.trust_record import Trust


def knows_limits(trust: Trust) -> bool:
    """Whether the training learnt sets or intervals."""
    return trust.set_thresholds is not None


def check_scan(trust: Trust, level: float) -> None:
    """Refuse a scan whose typical noise is beyond the largest at which sets were calibrated; NaN where it is not known.

    Raises
    ------
    InputError
        It is.
    """
    if trust.noise_levels is not None:
        check_level(trust.noise_levels, level)


def possible_classes(trust: Trust, votes: Doubles, noise: NDArray[Any]) -> Doubles:
    """1 where a class is in the set of a pixel, else 0: `(pixel, class)`; NaN where the noise is not known or too large.

    Examples
    --------
    >>> trust = Trust(noise_levels=np.array([0.0, 0.1]), set_thresholds=np.array([[0.3, 0.3], [0.7, 0.3]]))
    >>> possible_classes(trust, np.array([[0.5, 0.5]] * 3), np.array([0.0, 0.1, np.nan])).tolist()
    [[0.0, 0.0], [1.0, 0.0], [nan, nan]]
    """
    limits = _thresholds(trust, noise)
    return np.where(np.isnan(limits), np.nan, sets_of(votes, limits))


def half_intervals(trust: Trust, noise: NDArray[Any]) -> Doubles:
    """Half of the width of the interval of each property, `(pixel, property)`; NaN as above."""
    return _thresholds(trust, noise)


def _thresholds(trust: Trust, noise: NDArray[Any]) -> Doubles:
    assert trust.noise_levels is not None
    assert trust.set_thresholds is not None
    return at_noise(trust.noise_levels, trust.set_thresholds, noise)


def outside_training(trust: Trust, spectra: NDArray[Any], noise: NDArray[Any]) -> Doubles:
    """1 where spectra `(feature, pixel)` are further from the training than 99 in 100 like it at their noise, else 0.

    NaN for pixels whose noise is not known or too large.
    """
    assert trust.noise_levels is not None
    assert trust.hull_mean is not None
    assert trust.hull_axes is not None
    assert trust.hull_limits is not None
    limits = at_noise(trust.noise_levels, trust.hull_limits.T, noise)
    far = limits < hull_distances(spectra, trust.hull_mean, trust.hull_axes).T
    return np.where(np.isnan(limits).any(axis=1), np.nan, far.any(axis=1))
