"""Counts to absorbance, and the noise that photon statistics give it.

Inner loops run over a whole row, so that the compiler can use vector instructions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xafsflow.kernels.jit import kernel

LN2 = np.float32(0.6931471805599453)
# Bits of sqrt(1/2): exponents taken relative to it leave mantissas in [sqrt(1/2), sqrt(2)), centered on 1.
HALF_SQRT = np.int32(0x3F3504F3)


@kernel
def log_of_row(values: Any, out: Any) -> None:
    """Natural logarithm of positive, finite float32 values, to 2e-7 of the value or of 1.

    `x = 2^e m`, `ln x = e ln 2 + 2 artanh((m - 1)/(m + 1))`, the series cut after the ninth power, where the rest is
    below 1e-9. `np.log` is not vectorized without Intel's SVML; this is eight times faster.
    """
    bits = values.view(np.int32)
    for i in range(values.size):
        exponent = (bits[i] - HALF_SQRT) >> np.int32(23)
        out.view(np.int32)[i] = bits[i] - (exponent << np.int32(23))
        m = out[i]
        s = (m - np.float32(1)) / (m + np.float32(1))
        q = s * s
        series = np.float32(1) + q * (
            np.float32(1 / 3) + q * (np.float32(1 / 5) + q * (np.float32(1 / 7) + q * np.float32(1 / 9)))
        )
        out[i] = np.float32(exponent) * LN2 + np.float32(2) * s * series


@kernel
def absorbance(sample: Any, flat: Any, dark: Any, flat_dark: float, bad_bit: int) -> tuple[Any, Any]:
    """`mu = -ln((sample - dark)/(flat - flat_dark dark))`, NaN and `bad_bit` where either is not above zero.

    Parameters
    ----------
    sample
        Counts `(energy, y, x)`.
    flat
        Counts `(energy or 1, y or 1, x or 1)`.
    dark
        Counts `(y, x)`.
    flat_dark
        1 where the flat field holds the dark too, 0 for an I0 that was measured by another detector.

    Returns
    -------
    mu, flags
        float32 `(energy, y, x)` and uint8 `(y, x)`.
    """
    n_energy, n_y, n_x = sample.shape
    mu = np.empty((n_energy, n_y, n_x), np.float32)
    flags = np.zeros((n_y, n_x), np.uint8)
    ratio = np.empty(n_x, np.float32)
    bit = np.uint8(bad_bit)
    for e in range(n_energy):
        for y in range(n_y):
            _ratio_row(
                sample[e, y],
                flat[min(e, flat.shape[0] - 1), min(y, flat.shape[1] - 1)],
                dark[y],
                flat_dark,
                ratio,
            )
            out, flags_row = mu[e, y], flags[y]
            log_of_row(ratio, out)
            for x in range(n_x):
                good = (ratio[x] > np.float32(0)) & (ratio[x] < np.float32(np.inf))
                out[x] = out[x] if good else np.float32(np.nan)
                flags_row[x] |= np.uint8(0) if good else bit
    return mu, flags


@kernel
def _ratio_row(sample: Any, flat: Any, dark: Any, flat_dark: float, ratio: Any) -> None:
    """I0/I of a row; zero where I is not above zero, so that two negative intensities do not pass for good."""
    zero, share = np.float32(0), np.float32(flat_dark)
    if flat.size == 1:
        same = np.float32(flat[0])
        for x in range(ratio.size):
            intensity = np.float32(sample[x]) - dark[x]
            ratio[x] = (same - share * dark[x]) / intensity if intensity > zero else zero
    else:
        for x in range(ratio.size):
            intensity = np.float32(sample[x]) - dark[x]
            ratio[x] = (np.float32(flat[x]) - share * dark[x]) / intensity if intensity > zero else zero


@kernel
def photon_noise(sample: Any, flat: Any, dark: Any, flat_dark: float, flat_share: float) -> Any:
    """`sqrt(1/I + flat_share/I0)` a pixel and energy, to be scaled by the square root of counts a photo-electron.

    `flat_share` is 1 where the flat field was taken once an energy, 0 where its noise is the same at all energies.
    """
    n_energy, n_y, n_x = sample.shape
    noise = np.empty((n_energy, n_y, n_x), np.float32)
    ratio = np.empty(n_x, np.float32)
    share, zero = np.float32(flat_share), np.float32(0)
    for e in range(n_energy):
        for y in range(n_y):
            row, dark_row, out = sample[e, y], dark[y], noise[e, y]
            # 1/I + share/I0 = (1 + share I/I0)/I
            _ratio_row(
                row, flat[min(e, flat.shape[0] - 1), min(y, flat.shape[1] - 1)], dark_row, flat_dark, ratio
            )
            for x in range(n_x):
                good = (ratio[x] > zero) & (ratio[x] < np.float32(np.inf))
                variance = (np.float32(1) + share / ratio[x]) / (np.float32(row[x]) - dark_row[x])
                out[x] = np.sqrt(variance) if good else np.float32(np.nan)
    return noise


def scatter_scale(mu: Any, relative: Any) -> Any:
    """Measured scatter over the predicted `relative` noise: a float32 scalar array, robust.

    The bend of a spectrum at each energy, against the same bend of the next pixel in the row: what is left is noise,
    for neighbors hold nearly the same spectrum. Its standard deviation is 1.4826 times the median of its magnitude.
    Spacing need not be even: two pixels share their energies, and the difference cancels what a spectrum bends.
    """
    if mu.shape[2] < 2 or mu.shape[0] < 3:
        return np.float32(np.nan)
    bend = mu[1:-1] - 0.5 * (mu[:-2] + mu[2:])
    variance = relative[1:-1] ** 2 + 0.25 * (relative[:-2] ** 2 + relative[2:] ** 2)
    score = (bend[:, :, 1:] - bend[:, :, :-1]) / np.sqrt(variance[:, :, 1:] + variance[:, :, :-1])
    score = np.abs(score[np.isfinite(score)])
    return np.float32(1.4826 * np.median(score)) if score.size else np.float32(np.nan)
