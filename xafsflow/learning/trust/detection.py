"""Which share of a foreign phase is found: a curve over the share, and where it reaches what is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles

# Shares of a foreign phase, or heights of a peak in edge steps, at which it is tried whether they are found.
SHARES = np.array([0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0])
# Share of the pixels that are to be found.
WANTED = 0.95


def detection_curve(over_limit: NDArray[Any]) -> Doubles:
    """Share of patterns above their limit at each share of a foreign phase and all larger ones.

    The least over all larger shares: it rises with the share even where the patterns are few, and never promises more
    than was seen.

    Parameters
    ----------
    over_limit
        `(share, pattern)`, shares rising: misfits over their limits.

    Returns
    -------
    ndarray
        `(share,)`, 0 to 1.

    Examples
    --------
    >>> detection_curve(np.array([[0.5, 0.5], [2.0, 3.0], [2.0, 0.5], [3.0, 4.0]])).tolist()
    [0.0, 0.5, 0.5, 1.0]
    """
    found = (over_limit > 1).mean(axis=1)
    return np.asarray(np.minimum.accumulate(found[::-1])[::-1], float)


def share_found(shares: Doubles, found: Doubles, wanted: float = WANTED) -> float:
    """The share from which on `wanted` of the patterns are found; a line between the points, NaN where it is never so.

    Examples
    --------
    >>> share_found(np.array([0.1, 0.2, 0.3]), np.array([0.1, 0.9, 1.0])), share_found(np.array([0.1]), np.array([0.5]))
    (0.25, nan)
    """
    above = np.flatnonzero(found >= wanted)
    if above.size == 0:
        return float("nan")
    first = int(above[0])
    before = (0.0, 0.0) if first == 0 else (float(shares[first - 1]), float(found[first - 1]))
    part = (wanted - before[1]) / (float(found[first]) - before[1])
    return float(round(before[0] + part * (float(shares[first]) - before[0]), 4))
