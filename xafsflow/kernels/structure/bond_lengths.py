"""Mean and spread of the distances from the absorber: over the first shell, or weighted without a threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.kernels.array_types import Doubles


def mean_and_spread(distance: ArrayLike, weight: ArrayLike) -> tuple[Doubles, Doubles]:
    """Weighted mean and standard deviation of distances, Angstrom.

    `m = sum w_i d_i / sum w_i` and `sqrt(sum w_i (d_i - m)^2 / sum w_i)`: by the number of neighbors, not by one less.

    Parameters
    ----------
    distance
        `(sample, atom)`, Angstrom; may be infinite where the weight is 0.
    weight
        `(sample, atom)`: the `shell` for each of its atoms alike, or Hoppe's `weights`.

    Returns
    -------
    tuple of arrays
        `(sample,)` each; NaN where no atom has weight.

    Examples
    --------
    >>> mean_and_spread([[np.inf, 2.0, 2.2]], [[False, True, True]])
    (array([2.1]), array([0.1]))
    """
    heavy = np.asarray(weight, np.float64)
    apart = np.where(heavy > 0, np.asarray(distance, np.float64), 0.0)
    total = heavy.sum(axis=1)
    total = np.where(total > 0, total, np.nan)
    mean = (heavy * apart).sum(axis=1) / total
    return mean, np.sqrt((heavy * (apart - mean[:, None]) ** 2).sum(axis=1) / total)
