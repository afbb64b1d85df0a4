"""Windows of neighbors that steps averaged over, and the weights of pixels in what came out."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.images.local_quadratic import neighbor_weights


class Neighborhood(NamedTuple):
    """`width` x `width` pixels, and how they are weighed: `mean` alike, `quadratic` as the middle of a quadratic fit."""

    width: int
    method: str = "mean"

    @property
    def half(self) -> int:
        """Pixels on either side of the one in the middle."""
        return self.width // 2

    @property
    def weights(self) -> Doubles:
        """`(width, width)`, where all neighbors are there.

        Examples
        --------
        >>> [round(float((Neighborhood(*kind).weights ** 2).sum()), 3) for kind in ((3,), (5,), (5, "quadratic"))]
        [0.111, 0.04, 0.154]
        """
        if self.method == "quadratic":
            return neighbor_weights(np.ones((self.width, self.width), np.bool_), False)
        return np.full((self.width, self.width), 1 / self.width**2)

    @property
    def noise_gain(self) -> float:
        """Variance that is left of independent pixels."""
        return float((self.weights**2).sum())


def widest(windows: tuple[Neighborhood, ...]) -> Neighborhood:
    """The first of the widest windows; a single pixel where there is none."""
    return max(windows, key=lambda window: window.width, default=Neighborhood(1))


@lru_cache(maxsize=256)  # every block asks
def folded(windows: tuple[Neighborhood, ...]) -> Doubles:
    """Weights of pixels after one window after the other, `(y, x)`; as wide as all of them together.

    Examples
    --------
    >>> (folded((Neighborhood(3), Neighborhood(3))) * 81).round().astype(int)[:2].tolist()
    [[1, 2, 3, 2, 1], [2, 4, 6, 4, 2]]
    """
    found = np.ones((1, 1))
    for window in windows:
        found = fold(found, window.weights)
    return found


def fold(one: Doubles, other: Doubles) -> Doubles:
    """The full convolution of two sets of weights `(y, x)`."""
    found = np.zeros((one.shape[0] + other.shape[0] - 1, one.shape[1] + other.shape[1] - 1))
    for y, x in np.ndindex(*other.shape):
        found[y : y + one.shape[0], x : x + one.shape[1]] += other[y, x] * one
    return found


def autocorrelation(windows: tuple[Neighborhood, ...]) -> Doubles:
    """`A(l) = sum_i k_i k_(i+l)` of the folded weights, lag zero in the middle, `(y, x)`.

    What was independent noise of variance one has the covariance A(l) in two pixels that lie l apart.

    Examples
    --------
    >>> (autocorrelation((Neighborhood(3),)) * 81)[2].round().tolist()
    [3.0, 6.0, 9.0, 6.0, 3.0]
    """
    weights = folded(windows)
    return fold(weights, weights[::-1, ::-1])
