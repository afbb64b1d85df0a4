"""Counts to absorbance, and the noise that photon statistics give it.

Inner loops run over all pixels of a block at one energy, so that the compiler can use vector instructions
and a row costs nothing.
"""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Floats, Numbers, Singles, Uint8s
from xafsflow.kernels.jit import kernel

LN2 = np.float32(0.6931471805599453)
# Bits of sqrt(1/2): exponents taken relative to it leave mantissas in [sqrt(1/2), sqrt(2)), centered on 1.
HALF_SQRT = np.int32(0x3F3504F3)


@kernel
def log_of_row(values: Singles, out: Singles) -> None:
    """Natural logarithm of positive, finite float32 values, to 2e-7 of the value or of 1.

    `x = 2^e m`, `ln x = e ln 2 + 2 artanh((m - 1)/(m + 1))`, the series cut after the ninth power, where the
    rest is below 1e-9. `np.log` in a kernel is not vectorized without Intel's SVML; this is nine times
    faster. Zero gives -88, what is negative, infinite or NaN some finite number. `out` is another array: in
    place it takes seven times as long.
    """
    bits, step = values.view(np.int32), np.int32(23)
    for i in range(values.size):
        # Each result is cast back: Numba widens to 64 bits, which takes half of the speed.
        exponent = np.int32(np.int32(bits[i] - HALF_SQRT) >> step)
        m = np.int32(bits[i] - np.int32(exponent << step)).view(np.float32)
        s = (m - np.float32(1)) / (m + np.float32(1))
        q = s * s
        series = np.float32(1) + q * (
            np.float32(1 / 3) + q * (np.float32(1 / 5) + q * (np.float32(1 / 7) + q * np.float32(1 / 9)))
        )
        out[i] = np.float32(exponent) * LN2 + np.float32(2) * s * series


def absorbance(
    sample: Numbers, flat: Numbers, dark: Numbers, flat_dark: float, bad_bit: int
) -> tuple[Singles, Uint8s]:
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
    bad_bit
        The flag of a pixel with an energy that cannot be computed.

    Returns
    -------
    mu, flags
        float32 `(energy, y, x)` and uint8 `(y, x)`.

    Examples
    --------
    >>> sample, flat, dark = np.full((1, 1, 2), 10.0), np.full((1, 1, 1), 20.0), np.array([[0.0, 10.0]])
    >>> mu, flags = absorbance(sample, flat, dark, 0.0, 8)
    >>> print(mu.round(4), flags)
    [[[0.6931    nan]]] [[0 8]]
    """
    mu, bad = _absorbance(*_planes(sample, flat, dark), np.float32(flat_dark))
    flags = np.where(bad, np.uint8(bad_bit), np.uint8(0))
    return mu.reshape(sample.shape), flags.reshape(sample.shape[1:])


def photon_noise(
    sample: Numbers, flat: Numbers, dark: Numbers, flat_dark: float, flat_share: float | Floats
) -> Singles:
    """`sqrt(1/I + flat_share/I0)`, to be scaled by the square root of the counts a photo-electron.

    Variance of a logarithm of Poisson counts to first order; I and I0 are counts above the dark.

    Parameters
    ----------
    sample, flat, dark, flat_dark
        As for `absorbance`.
    flat_share
        1 where the flat field was taken once an energy, 0 where its noise is the same at all energies; `(energy,)` where it
        is the mean of other numbers of images than the sample's.

    Returns
    -------
    ndarray
        float32 `(energy, y, x)`, NaN where `absorbance` gives NaN.

    Examples
    --------
    >>> counts, dark = np.full((1, 1, 1), 200.0), np.zeros((1, 1))
    >>> round(float(photon_noise(counts, counts, dark, 1.0, 1.0)[0, 0, 0]), 3)
    0.1
    """
    planes = _planes(sample, flat, dark)
    share = np.broadcast_to(np.asarray(flat_share, np.float32), len(sample)).copy()
    return _photon_noise(*planes, np.float32(flat_dark), share).reshape(sample.shape)


def _planes(sample: Numbers, flat: Numbers, dark: Numbers) -> tuple[Numbers, Numbers, Singles]:
    """Counts `(energy, pixel)`, flat field `(energy or 1, pixel or 1)`, dark `(pixel,)` float32."""
    if flat.shape[1:] not in ((1, 1), sample.shape[1:]):
        flat = np.broadcast_to(flat, (len(flat), *sample.shape[1:]))
    return (
        np.ascontiguousarray(sample).reshape(len(sample), -1),
        np.ascontiguousarray(flat).reshape(len(flat), -1),
        np.ascontiguousarray(dark, np.float32).reshape(-1),
    )


@kernel
def _absorbance(
    sample: Numbers, flat: Numbers, dark: Singles, flat_dark: np.float32
) -> tuple[Singles, Uint8s]:
    mu = np.empty(sample.shape, np.float32)
    bad = np.zeros(sample.shape[1], np.uint8)
    ratio = np.empty(sample.shape[1], np.float32)
    for e in range(sample.shape[0]):
        _ratio_row(sample[e], flat[min(e, flat.shape[0] - 1)], dark, flat_dark, ratio)
        out = mu[e]
        log_of_row(ratio, out)
        for x in range(out.size):
            good = (ratio[x] > np.float32(0)) & (ratio[x] < np.float32(np.inf))
            out[x] = out[x] if good else np.float32(np.nan)
            bad[x] |= np.uint8(0) if good else np.uint8(1)
    return mu, bad


@kernel
def _photon_noise(
    sample: Numbers, flat: Numbers, dark: Singles, flat_dark: np.float32, flat_share: Singles
) -> Singles:
    noise = np.empty(sample.shape, np.float32)
    ratio = np.empty(sample.shape[1], np.float32)
    for e in range(sample.shape[0]):
        row, out, share = sample[e], noise[e], flat_share[e]
        _ratio_row(row, flat[min(e, flat.shape[0] - 1)], dark, flat_dark, ratio)
        for x in range(out.size):
            good = (ratio[x] > np.float32(0)) & (ratio[x] < np.float32(np.inf))
            # 1/I + share/I0 = (1 + share I/I0)/I
            variance = (np.float32(1) + share / ratio[x]) / (np.float32(row[x]) - dark[x])
            out[x] = np.sqrt(variance) if good else np.float32(np.nan)
    return noise


@kernel
def _ratio_row(sample: Numbers, flat: Numbers, dark: Singles, flat_dark: np.float32, ratio: Singles) -> None:
    """I0/I, zero where one of them is not above zero or NaN."""
    zero = np.float32(0)
    if flat.size == 1:
        same = np.float32(flat[0])
        for x in range(ratio.size):
            below, above = np.float32(sample[x]) - dark[x], same - flat_dark * dark[x]
            ratio[x] = above / below if (below > zero) & (above > zero) else zero
    else:
        for x in range(ratio.size):
            below, above = np.float32(sample[x]) - dark[x], np.float32(flat[x]) - flat_dark * dark[x]
            ratio[x] = above / below if (below > zero) & (above > zero) else zero


def scatter_scale(mu: Floats, relative: Floats) -> np.float32:
    """Measured scatter over the predicted noise: a float32 scalar, NaN where there are too few pixels.

    The bend of a spectrum at each energy, against the same bend of the next pixel in the row: what is left is
    noise, for neighbors hold nearly the same spectrum. Its standard deviation is 1.4826 times the median of
    its magnitude. Where a spectrum bends most, neighbors differ in chemistry too. Those energies are few:
    the median over the energies is taken, and again without those that stand above it by more than chance.
    Spacing need not be even: two pixels share their energies.

    Parameters
    ----------
    mu
        Absorbance `(energy, y, x)`, 3 energies and 2 columns at least.
    relative
        `photon_noise` of the same pixels.
    """
    if mu.shape[2] < 2 or mu.shape[0] < 3:
        return np.float32(np.nan)
    bend = mu[1:-1] - 0.5 * (mu[:-2] + mu[2:])
    variance = relative[1:-1] ** 2 + 0.25 * (relative[:-2] ** 2 + relative[2:] ** 2)
    score = (bend[:, :, 1:] - bend[:, :, :-1]) / np.sqrt(variance[:, :, 1:] + variance[:, :, :-1])
    finite = np.isfinite(score).sum(axis=(1, 2))
    scales = np.array([np.median(np.abs(row[np.isfinite(row)])) for row in score[finite > 0]])
    if not scales.size:
        return np.float32(np.nan)
    # A median of n magnitudes scatters by 1.17/sqrt(n) of itself, a little more as differences share pixels.
    most = 1 + 4 / np.sqrt(np.median(finite[finite > 0]))
    middle = np.median(scales)
    for _ in range(10):
        middle = np.median(scales[scales <= most * middle])
    return np.float32(1.4826 * middle)
