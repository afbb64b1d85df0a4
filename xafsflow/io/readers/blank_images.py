"""Images without light among those of a scan: the shutter was shut, or the beam was gone."""

from __future__ import annotations

import numpy as np

from xafsflow.io.readers import ImageStack
from xafsflow.kernels.array_types import Doubles, Mask

# Rows of every image that are looked at, spread over it.
ROWS = 8
# An image with less light than this share of the scan's median is blank: behind an edge step of 3 there is more.
BLANK = 0.03


def light_of(stack: ImageStack) -> Doubles:
    """The median counts `(image,)` of every image, from a few of its rows.

    Where rows cannot be read apart, as in compressed strips, they lie side by side in the middle.
    """
    rows, quantum = stack.shape[1], stack.row_quantum
    if quantum > 1:
        start = min(rows // 2 // quantum * quantum, rows - 1)
        bands = [(start, min(start + min(quantum, ROWS), rows))]
    else:
        places = np.linspace(0, rows - 1, ROWS + 2)[1:-1] if rows > ROWS else np.arange(rows)
        bands = [(int(row), int(row) + 1) for row in places]
    read = np.concatenate(stack.read_bands(bands), axis=1).astype(np.float32)
    return np.asarray(np.median(read, axis=(1, 2)), float)


def blank(light: Doubles, dark: float) -> Mask:
    """Which images `(image,)` hold no light.

    Parameters
    ----------
    light
        `(image,)`: median counts.
    dark
        Median counts without beam; 0 where they are not known.

    Examples
    --------
    >>> blank(np.array([9000.0, 8000.0, 104.0, 7000.0]), 100.0)
    array([False, False,  True, False])
    """
    above = light - dark
    usual = float(np.median(above))
    # Counts that are hardly above the dark in most images say nothing of one.
    return above < BLANK * usual if usual > 0 else np.zeros(len(light), bool)
