"""Quantiles of maps in a fraction of the time that numpy takes, and the very same numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xafsflow.kernels.array_types import Floats


def quantiles(values: Floats, shares: Sequence[float]) -> list[float]:
    """What `np.quantile` gives, by linear interpolation between neighbors.

    Parameters
    ----------
    values
        Shape (value,), at least one and all finite. They are put into another order.
    shares
        0 to 1, ascending.

    Examples
    --------
    >>> quantiles(np.array([4.0, 1.0, 2.0]), [0.0, 0.25, 0.5, 1.0])
    [1.0, 1.5, 2.0, 4.0]
    """
    index = (values.size - 1) * np.asarray(shares, np.float64)
    lower = np.floor(index).astype(np.int64)
    low, high = _neighbors(values, lower.tolist()).T
    # numpy takes the difference in the precision of the values, too.
    weight, step = index - lower, high - low
    return np.where(weight < 0.5, low + step * weight, high - step * (1 - weight)).tolist()


def median(values: Floats) -> float:
    """What `np.median` gives; shape (value,), at least one and all finite. They are put into another order.

    Examples
    --------
    >>> median(np.array([4.0, 1.0, 2.0])), median(np.array([4.0, 1.0]))
    (2.0, 2.5)
    """
    ((middle, following),) = _neighbors(values, [(values.size - 1) // 2])
    return float(middle if values.size % 2 else np.mean([middle, following], dtype=values.dtype))


def _neighbors(values: Floats, ranks: Sequence[int]) -> Floats:
    """The values of ascending ranks, each with the next larger one, the last with itself; shape (rank, 2).

    One rank at a time is what numpy finds with vector instructions; it takes six times as long for two at once.
    """
    found = np.empty((len(ranks), 2), values.dtype)
    start = 0
    for pair, rank in zip(found, ranks, strict=True):
        rest, place = values[start:], rank - start
        # The ends are searched for without ordering anything: the other ranks do not need it.
        if rank == 0:
            _swap(rest, 0, int(rest.argmin()))
        elif rank == values.size - 1:
            _swap(rest, -1, int(rest.argmax()))
        else:
            rest.partition(place)
        beyond = rest[place + 1 :]
        pair[:] = rest[place], beyond.min() if beyond.size else rest[place]
        start = rank
    return found


def _swap(values: Floats, first: int, second: int) -> None:
    values[[first, second]] = values[[second, first]]
