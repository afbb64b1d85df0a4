"""Normalization of spectra: every method gives `(norm, edge_step)` for `(energy, mu, e0, windows)`.

`norm` has the shape and dtype of `mu` `(energy, ...)`; `edge_step` is `(...)`, float64. `e0`, eV, is one
number (the fast way) or `(...)`; `windows` are eV relative to it. Where the edge step is zero, negative or
not finite, or e0 is not between the second and the last but one energy, `norm` is NaN; a negative edge step
is given as it is. (Larch takes the absolute value of the step, and looks for another e0.)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.kernels.array_types import Doubles, Floats
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.spectra.normalization_projection import normalize_block
from xafsflow.kernels.spectra.normalization_weights import AREA, EDGE_STEP, FLAT, RATIO
from xafsflow.kernels.spectra.normalization_windows import LARCH, Windows, settings
from xafsflow.kernels.spectra.pixel_groups import as_pixels


def edge_step(
    energy: ArrayLike, mu: ArrayLike, e0: ArrayLike, windows: Windows = LARCH
) -> tuple[Floats, Doubles]:
    """Subtract the pre-edge line and divide by the edge step: `norm` of Larch's `pre_edge` and of Athena.

    `norm = (mu - pre) / (post - pre)(e0)`. `pre` is a line fitted to `mu energy^nvict` before the edge,
    over `energy^nvict`; `post - pre` a polynomial of degree `nnorm` fitted to `mu - pre` after it, taken at
    the energy nearest to e0. See `larch_ranges` for the windows.

    Raises
    ------
    InputError
        Energies that do not increase or fit, or a degree out of range.

    Examples
    --------
    >>> energy = np.arange(7000, 7300, 2.0)
    >>> mu = 2 - 0.001 * (energy - 7112) + 0.5 * (energy > 7112)
    >>> norm, step = edge_step(energy, mu, 7112.0)
    >>> round(float(step), 9), norm[[0, -1]].round(9) + 0.0
    (0.5, array([0., 1.]))
    """
    return normalize_block(energy, mu, e0, settings(windows), EDGE_STEP)


def flat(energy: ArrayLike, mu: ArrayLike, e0: ArrayLike, windows: Windows = LARCH) -> tuple[Floats, Doubles]:
    """As `edge_step`, and from e0 on without the slope of the post-edge: `flat` of Larch's `pre_edge`.

    `flat = norm - (post - pre)/step + (post - pre)(e0)/step` at and above the energy nearest to e0.

    Examples
    --------
    >>> energy = np.arange(7000, 7300, 2.0)
    >>> mu = (0.5 + 0.001 * (energy - 7112)) * (energy > 7112)
    >>> flat(energy, mu, 7112.0)[0][-1].round(9)
    np.float64(1.0)
    """
    return normalize_block(energy, mu, e0, settings(windows), FLAT)


def ratio(
    energy: ArrayLike, mu: ArrayLike, e0: ArrayLike, windows: Windows = LARCH
) -> tuple[Floats, Doubles]:
    """`(mu - pre) / (post - pre)` at every energy, as TXM-Wizard, PyXAS and PF_ImagingXAFS do.

    NaN where the curves cross. Those programs fit the post-edge to `mu`, which is the same for a line or
    parabola and `nvict` 0.

    Examples
    --------
    >>> energy = np.arange(7000, 7300, 2.0)
    >>> mu = (0.5 + 0.001 * (energy - 7112)) * (energy > 7112)
    >>> ratio(energy, mu, 7112.0)[0][-3:].round(9)
    array([1., 1., 1.])
    """
    return normalize_block(energy, mu, e0, settings(windows), RATIO)


def mean(energy: ArrayLike, mu: ArrayLike, e0: ArrayLike, windows: Windows = LARCH) -> tuple[Floats, Doubles]:
    """Subtract the mean of the pre-edge and divide by the rise to the mean of the post-edge, as xanespy does.

    Of the windows, `nnorm`, `nvict` and `npre` do not count.

    Examples
    --------
    >>> energy = np.arange(7000, 7300, 2.0)
    >>> norm, step = mean(energy, 1 + 0.5 * (energy > 7112), 7112.0)
    >>> float(step.round(9)), norm[[0, -1]].round(9) + 0.0
    (0.5, array([0., 1.]))
    """
    means = windows._replace(nnorm=0, nvict=0, npre=0)
    return normalize_block(energy, mu, e0, settings(means), EDGE_STEP)


def area(energy: ArrayLike, mu: ArrayLike, e0: ArrayLike, windows: Windows = LARCH) -> tuple[Floats, Doubles]:
    """Subtract the pre-edge line and divide by the mean height after the edge, its area over its width.

    `edge_step` is the integral of `mu - pre` over the post-edge window by the trapezoidal rule, over the
    width of that window: no slope or curvature is taken from a short scan.

    Examples
    --------
    >>> energy = np.arange(7000, 7300, 2.0)
    >>> norm, step = area(energy, 0.5 * (energy > 7112), 7112.0)
    >>> float(step.round(9))
    0.5
    """
    return normalize_block(energy, mu, e0, settings(windows), AREA)


def minmax(
    energy: ArrayLike, mu: ArrayLike, e0: ArrayLike = np.nan, windows: Windows = LARCH
) -> tuple[Floats, Doubles]:
    """From the least value to the greatest: `(mu - min) / (max - min)`; e0 and windows do not count.

    Examples
    --------
    >>> minmax([1, 2, 3], [2.0, 4.0, 3.0])[0]
    array([0. , 1. , 0.5])
    """
    _, pixels = as_pixels(energy, mu)
    norm, step = _scale(pixels)
    return norm.reshape(np.shape(mu)), step.reshape(np.shape(mu)[1:])


METHODS: dict[str, Callable[..., tuple[Floats, Doubles]]] = {
    "edge_step": edge_step,
    "flat": flat,
    "ratio": ratio,
    "mean": mean,
    "area": area,
    "minmax": minmax,
}


@kernel
def _scale(values: Floats) -> tuple[Floats, Doubles]:
    n, pixels = values.shape
    norm, step = np.empty_like(values), np.empty(pixels)
    low, high = np.empty(pixels), np.empty(pixels)
    for x in range(pixels):
        low[x], high[x] = np.inf, -np.inf
    for i in range(n):
        row = values[i]
        for x in range(pixels):
            value = row[x]
            finite = np.isfinite(value)
            low[x] = value if finite and value < low[x] else low[x]
            high[x] = value if finite and value > high[x] else high[x]
    for x in range(pixels):
        step[x] = high[x] - low[x] if high[x] >= low[x] else np.nan
        high[x] = 1 / step[x] if step[x] > 0 else np.nan
    for i in range(n):
        row, out = values[i], norm[i]
        for x in range(pixels):
            out[x] = (row[x] - low[x]) * high[x] if np.isfinite(row[x]) else np.nan
    return norm, step
