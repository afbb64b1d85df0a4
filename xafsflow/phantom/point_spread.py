"""How the optics of a phantom spread light: a Gaussian, mirrored at the borders of the field."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Indices, Singles

# Standard deviations that the Gaussian reaches.
REACH = 4


def source_rows(y: Indices, height: int, sigma: float) -> Indices:
    """The rows whose light reaches the rows `y` of a field of `height` rows."""
    reach = _reach(sigma)
    return np.arange(max(0, y[0] - reach), min(height, y[-1] + reach + 1))


def spread_light(light: Singles, rows: Indices, y: Indices, sigma: float) -> Singles:
    """Light spread by a Gaussian.

    The Gaussian is cut at four standard deviations and sums to one; what would leave the field is mirrored
    back, so that no light is lost.

    Parameters
    ----------
    light
        Of the rows `rows`, whole, `(rows, x)`.
    rows
        Those of `source_rows`.
    y
        The rows wanted.
    sigma
        Standard deviation, pixels; 0 leaves the light as it is.

    Returns
    -------
    ndarray
        Float32 `(y, x)`.

    Examples
    --------
    >>> point = np.zeros((7, 7), np.float32)
    >>> point[3, 3] = 1
    >>> spread_light(point, np.arange(7), np.arange(7), 0.5).round(2)[3]
    array([0.  , 0.  , 0.08, 0.62, 0.08, 0.  , 0.  ], dtype=float32)
    """
    if sigma == 0:
        return light
    reach = _reach(sigma)
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    # Rows are mirrored only where the field ends: elsewhere the source has them all.
    above = max(0, reach - int(y[0] - rows[0]))
    below = max(0, reach - int(rows[-1] - y[-1]))
    padded = np.pad(light, ((above, below), (reach, reach)), mode="symmetric")
    across = sum(tap * padded[:, i : i + light.shape[1]] for i, tap in enumerate(taps))
    # The first row wanted has `reach` rows before it.
    start = int(y[0] - rows[0]) + above - reach
    return np.asarray(sum(tap * across[start + i : start + i + y.size] for i, tap in enumerate(taps)))


def _reach(sigma: float) -> int:
    return int(np.ceil(REACH * sigma))
