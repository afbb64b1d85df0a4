"""Tables that are too large to be worked on at once, in blocks of rows."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats

# 4 MB of float32: with 200 features 5,000 rows.
BLOCK_NUMBERS = 1_000_000


class Rows(Protocol):
    """A table `(row, feature)` of float32 that gives some rows at a time; each array is one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and features."""
        ...

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def __getitem__(self, rows: Any, /) -> np.ndarray:
        """These rows, from a slice, a mask or places."""
        ...


def mean_and_covariance(spectra: Floats) -> tuple[Doubles, Doubles]:
    """Mean `(energy,)` and covariance `(energy, energy)` of spectra `(sample, energy)`, summed over blocks.

    Examples
    --------
    >>> mean_and_covariance(np.array([[0.0, 1.0], [2.0, 1.0]]))
    (array([1., 1.]), array([[1., 0.],
           [0., 0.]]))
    """
    mean = spectra.mean(axis=0, dtype=np.float64)
    squares = np.zeros((len(mean), len(mean)))
    for part in row_blocks(*spectra.shape):
        apart = spectra[part] - mean
        squares += apart.T @ apart
    return mean, squares / len(spectra)


def row_blocks(rows: int, width: int) -> list[slice]:
    """Where to cut so many rows, of so many numbers each, into blocks of about `BLOCK_NUMBERS`; one at least.

    Examples
    --------
    >>> row_blocks(5, BLOCK_NUMBERS // 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    >>> row_blocks(0, 200)
    [slice(0, 0, None)]
    """
    height = max(1, BLOCK_NUMBERS // max(1, width))
    return [slice(first, min(first + height, rows)) for first in range(0, max(1, rows), height)]
