"""What a model reads of a block, and of which of its pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Indices, Singles, Uint8s
from xafsflow.vocabulary import OUT


def chosen(values: Singles, places: Indices) -> Singles:
    """The features of the model out of a block `(spectral, y, x)`; no copy where they follow on each other."""
    first, count = int(places[0]), len(places)
    return (
        values[first : first + count] if np.array_equal(places, first + np.arange(count)) else values[places]
    )


def pixels(features: Singles, good: NDArray[np.bool_]) -> Singles:
    """`(feature, pixel)`: the good pixels of `(feature, y, x)`, C-contiguous; no copy where all are good."""
    table = features.reshape(len(features), -1)
    return table if good.all() else np.compress(good.ravel(), table, axis=1)


def usable(features: Singles, flags: Uint8s) -> NDArray[np.bool_]:
    """`(y, x)`: True where a pixel may be classified, from features `(feature, y, x)`."""
    return ((flags & np.uint8(int(OUT))) == 0) & np.isfinite(features.sum(axis=0, dtype=np.float32))
