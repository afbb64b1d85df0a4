"""What images hold that are no counts of transmission, as absorbance."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Numbers, Singles, Uint8s


def measured(values: Numbers, bad_bit: int) -> tuple[Singles, Uint8s]:
    """Absorbance as it stands there: `mu` `(energy, y, x)`, NaN where it is no number, and flags `(y, x)`.

    Examples
    --------
    >>> mu, flags = measured(np.array([[[0.5, np.inf]]]), 8)
    >>> print(mu, flags)
    [[[0.5 nan]]] [[0 8]]
    """
    return _flagged(np.asarray(values, np.float32), bad_bit)


def logarithm(values: Numbers, bad_bit: int) -> tuple[Singles, Uint8s]:
    """`-ln(I/I0)` of values that are I/I0: `mu` `(energy, y, x)`, NaN where they are not above zero, and flags `(y, x)`.

    Examples
    --------
    >>> mu, flags = logarithm(np.array([[[0.5, -0.1]]]), 8)
    >>> print(mu.round(4), flags)
    [[[0.6931    nan]]] [[0 8]]
    """
    values = np.asarray(values, np.float32)
    return _flagged(-np.log(np.where(values > 0, values, np.float32(np.nan))), bad_bit)


def fluorescence_over(
    counts: Numbers, monitor: Numbers, dark: Numbers, bad_bit: int, blind: float = 0.0, scale: float = 1.0
) -> tuple[Singles, Uint8s]:
    """`scale F/I0`, `F = f/(1 - blind f)`, `f = counts - dark`: `mu` `(energy, y, x)` and flags `(y, x)`.

    F are the photons that came to a detector which is blind for a share of the exposure after each that it counts, not
    longer where others come meanwhile. NaN where I0 is not above zero, and where there are more counts than there can be.

    Parameters
    ----------
    counts
        `(energy, y, x)`.
    monitor
        I0 `(energy or 1, y or 1, x or 1)`.
    dark
        `(y, x)`.
    bad_bit
        The flag of a pixel with an energy that cannot be computed.
    blind
        Time after a photon over that of the exposure.
    scale
        A number for all.

    Examples
    --------
    >>> counts = np.array([[[1000.0, 50.0]]])
    >>> mu, flags = fluorescence_over(counts, np.full((1, 1, 1), 10.0), np.zeros((1, 2)), 8, blind=1e-4)
    >>> print(mu.round(3), flags)
    [[[111.111   5.025]]] [[0 0]]
    """
    counts = np.asarray(counts, np.float32) - np.asarray(dark, np.float32)
    monitor = np.asarray(monitor, np.float32)
    live = np.float32(1) - counts * np.float32(blind)
    good = (live > 0) & (monitor > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(good, np.float32(scale) * counts / (live * monitor), np.float32(np.nan))
    return _flagged(found.astype(np.float32), bad_bit)


def _flagged(mu: Singles, bad_bit: int) -> tuple[Singles, Uint8s]:
    good = np.isfinite(mu)
    flags = np.where(good.all(axis=0), np.uint8(0), np.uint8(bad_bit))
    return np.where(good, mu, np.float32(np.nan)), flags
