"""Band-pass filter of images, weights that fall to zero at their borders, and single pixels that stand out."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Floats, Mask, Singles
from xafsflow.kernels.jit import kernel

# The weights of an image fall to zero over this many pixels at its borders; a wider border loses structure.
BORDER = 4


@kernel
def blurred(image: Singles, taps: Singles) -> Singles:
    """Convolution of `(y, x)` along both axes with symmetric taps `(2 n + 1,)`, zero beyond the image; float32."""
    n_y, n_x = image.shape
    half = taps.size // 2
    along = np.zeros((n_y + 2 * half, n_x), np.float32)
    padded = np.zeros(n_x + 2 * half, np.float32)
    for y in range(n_y):
        padded[half : half + n_x] = image[y]
        row = along[y + half]
        for k in range(taps.size):
            tap, near = taps[k], padded[k : k + n_x]
            for x in range(n_x):
                row[x] += tap * near[x]
    out = np.zeros((n_y, n_x), np.float32)
    for y in range(n_y):
        row = out[y]
        for k in range(taps.size):
            tap, near = taps[k], along[y + k]
            for x in range(n_x):
                row[x] += tap * near[x]
    return out


def gauss_taps(sigma: float) -> Singles:
    """A Gaussian on whole pixels, cut at 4 sigma, with sum one.

    Examples
    --------
    >>> gauss_taps(0.7).round(3)
    array([0.   , 0.01 , 0.205, 0.57 , 0.205, 0.01 , 0.   ], dtype=float32)
    """
    reach = int(np.ceil(4 * sigma))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return (taps / taps.sum()).astype(np.float32)


def band_pass(image: Floats, scale: float) -> Singles:
    """Difference of two Gaussians of widths `scale` and `2 scale`, over the finite pixels; zero where there are none.

    Both are means over what is finite, so that neither a border nor a hole of NaN leaves a mark of its own.
    """
    good = np.isfinite(image)
    level = np.median(image[good]) if good.any() else 0.0
    value = np.where(good, image - level, 0).astype(np.float32)
    weight = good.astype(np.float32)
    parts = []
    for sigma in (scale, 2 * scale):
        taps = gauss_taps(sigma)
        share = blurred(weight, taps)
        parts.append(blurred(value, taps) / np.maximum(share, np.float32(1e-6)))
    # A place that is mostly NaN knows too little of itself.
    return np.where(blurred(weight, gauss_taps(scale)) > 0.3, parts[0] - parts[1], 0).astype(np.float32)


def apodization(n_y: int, n_x: int) -> Singles:
    """Weights `(y, x)`: one inside, to zero over `BORDER` pixels at the borders, half a Hann window."""
    sides = []
    for n in (n_y, n_x):
        near = np.minimum(np.arange(n), np.arange(n)[::-1]) + 0.5
        sides.append(0.5 - 0.5 * np.cos(np.pi * np.minimum(near / min(BORDER, n / 2), 1)))
    return np.outer(*sides).astype(np.float32)


@kernel
def specks(image: Floats) -> Mask:
    """Single pixels of `(y, x)` that stand out from all of their neighbors by more than these differ; bool."""
    n_y, n_x = image.shape
    found = np.zeros(image.shape, np.bool_)
    for y in range(n_y):
        for x in range(n_x):
            low, high = np.inf, -np.inf
            for i in range(max(0, y - 1), min(n_y, y + 2)):
                for j in range(max(0, x - 1), min(n_x, x + 2)):
                    if (i != y or j != x) and np.isfinite(image[i, j]):
                        low, high = min(low, image[i, j]), max(high, image[i, j])
            spread = high - low
            found[y, x] = image[y, x] > high + spread or image[y, x] < low - spread
    return found
