"""A local quadratic over neighboring pixels: Savitzky and Golay's smoothing in two dimensions.

In each window the surface `c0 + c1 x + c2 y + c3 x^2 + c4 x y + c5 y^2` is fitted by least squares to the pixels that are
there, and its value in the middle, c0, is taken: a weighted mean of the neighbors. A. Savitzky and M. J. E. Golay, Anal.
Chem. 36, 1627 (1964); in two dimensions J. Kuo, H. Wang and S. Pickup, Anal. Chem. 63, 630 (1991). Unlike there, pixels may
be missing: then the fit is that to the others.
"""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Indices, Int32s, Mask, Singles
from xafsflow.kernels.images.box_sums import box_sums, copy_finite, scale_rows
from xafsflow.kernels.jit import kernel

# Numbers of terms of a quadratic, a plane and a constant.
ORDERS = (6, 3, 1)
# A pivot below this share of its diagonal element is one of rounding; those of determined fits are above 1e-3.
SINGULAR = 1e-8
# Squared weights sum to no more: then a fit is not noisier than a pixel.
MOST_NOISE = 1 + 1e-9


@kernel
def local_quadratic(values: Floats, keep: Mask, center: Mask, half: int, squares: bool) -> Singles:
    """Local quadratic over the `(2 half + 1)^2` neighbors that are kept and finite, energy by energy.

    Parameters
    ----------
    values
        `(energy, y, x)` float32; the outermost `half` pixels are neighbors only.
    keep
        `(y, x)`, True where a pixel may enter a fit.
    center
        `(y, x)`, True where a value is wanted; NaN comes back elsewhere, and where no neighbor is finite.
    half
        2 or more.
    squares
        Square the weights: with the variances of independent pixels for values, the variance of the result.

    Returns
    -------
    ndarray
        `(energy, y - 2 half, x - 2 half)` float32.
    """
    if half < 2:
        raise ValueError("half is below 2")
    n_energy, n_y, n_x = values.shape
    size = 2 * half + 1
    taps = neighbor_weights(np.ones((size, size), np.bool_), squares)[half:, half:].astype(np.float32)
    image = np.empty(n_y * n_x, np.float32)
    along = np.empty((half + 1, image.size - 2 * half), np.float32)
    sums = np.empty(along.shape[1] - 2 * half * n_x, np.float32)
    out = np.empty((n_energy, n_y - 2 * half, n_x - 2 * half), np.float32)
    wanted = center[half : n_y - half, half : n_x - half]
    usual, usual_count = _neighbors(keep, half)
    scale = np.where(wanted & (usual == size * size), np.float32(1), np.float32(np.nan))
    places, weights = _weights_beside_gaps(keep, wanted, usual, squares)
    for e in range(n_energy):
        count = 0
        for y in range(n_y):
            count += int(copy_finite(values[e, y], keep[y], image[y * n_x : (y + 1) * n_x]))
        _smoothed(image, n_x, taps, along, sums)
        scale_rows(sums, n_x, scale, out[e])
        for k in range(places.shape[0]):
            y, x = places[k]
            out[e, y, x] = _weighted(image, n_x, y, x, weights[k])
        if count < usual_count:
            # Some pixels are missing at this energy only: fits beside them have other neighbors here.
            _fit_anew(image, keep & np.isfinite(values[e]), wanted, usual, squares, out[e])
    return out


@kernel
def neighbor_weights(present: Mask, squares: bool) -> Doubles:
    """Weights of the neighbors in the value in the middle of a window.

    The order of the fit is the highest that the neighbors determine: a quadratic from six pixels on that lie on no conic,
    a plane from three on that lie on no line, else the mean. A fit that would be noisier than a single pixel, as there is
    where the middle is missing and all neighbors lie to one side, counts as not determined.

    Parameters
    ----------
    present
        `(window, window)`, True where a pixel is there; one of them at least.
    squares
        Give the squares of the weights.

    Returns
    -------
    ndarray
        `(window, window)`; the weights sum to one, their squares to the variance of a fit to independent pixels of
        variance one.

    Examples
    --------
    >>> (neighbor_weights(np.ones((5, 5), bool), False)[2] * 175).round(6).tolist()
    [7.0, 22.0, 27.0, 22.0, 7.0]
    """
    size = present.shape[0]
    half = size // 2
    weights, terms, normal = np.zeros((size, size)), np.empty(6), np.zeros((6, 6))
    count = 0
    for y in range(size):
        for x in range(size):
            if present[y, x]:
                count += 1
                _terms((y - half) / half, (x - half) / half, terms)
                for i in range(6):
                    for j in range(i + 1):
                        normal[i, j] += terms[i] * terms[j]
    fit = np.zeros(6)
    for n in ORDERS:
        if count >= n and _middle_of_fit(normal, n, fit) and fit[0] <= MOST_NOISE:
            break
    for y in range(size):
        for x in range(size):
            if present[y, x]:
                _terms((y - half) / half, (x - half) / half, terms)
                weight = np.sum(terms * fit)
                weights[y, x] = weight * weight if squares else weight
    return weights


@kernel
def _terms(y: float, x: float, out: Doubles) -> None:
    """A constant, a plane, a quadratic, at a place."""
    out[0], out[1], out[2] = 1.0, x, y
    out[3], out[4], out[5] = x * x, x * y, y * y


@kernel
def _middle_of_fit(normal: Doubles, n: int, out: Doubles) -> bool:
    """Solve `normal[:n, :n] c = (1, 0, ...)` by Cholesky's method; zeros behind n. False where it is singular.

    A neighbor's weight is the sum of its terms times c. The sum of squared weights is `c^T normal c`, the first of c.
    """
    root = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            rest = normal[i, j]
            for k in range(j):
                rest -= root[i, k] * root[j, k]
            if i > j:
                root[i, j] = rest / root[j, j]
            elif rest <= SINGULAR * normal[i, i]:
                return False
            else:
                root[i, i] = np.sqrt(rest)
    out[:] = 0.0
    for i in range(n):
        rest = 1.0 if i == 0 else 0.0
        for k in range(i):
            rest -= root[i, k] * out[k]
        out[i] = rest / root[i, i]
    for i in range(n - 1, -1, -1):
        rest = out[i]
        for k in range(i + 1, n):
            rest -= root[k, i] * out[k]
        out[i] = rest / root[i, i]
    return True


@kernel
def _neighbors(present: Mask, half: int) -> tuple[Int32s, int]:
    """How many pixels are present in each window, `(y - 2 half, x - 2 half)`, and in all."""
    n_y, n_x = present.shape
    padded = np.empty(n_y * n_x, np.float32)
    along = np.empty(padded.size - 2 * half, np.float32)
    sums = np.empty(along.size - 2 * half * n_x, np.float32)
    total = int(box_sums(np.ones((n_y, n_x), np.float32), present, half, 0, padded, along, sums))
    out = np.empty((n_y - 2 * half, n_x - 2 * half), np.int32)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            out[y, x] = np.int32(sums[y * n_x + x])
    return out, total


@kernel
def _weights_beside_gaps(keep: Mask, wanted: Mask, usual: Int32s, squares: bool) -> tuple[Indices, Singles]:
    """The wanted pixels with some neighbors but not all, `(pixel, 2)`, and their weights, `(pixel, window, window)`."""
    size = keep.shape[0] - wanted.shape[0] + 1
    places = np.argwhere(wanted & (usual > 0) & (usual < size * size))
    weights = np.empty((places.shape[0], size, size), np.float32)
    for k in range(places.shape[0]):
        y, x = places[k]
        # Along the side of the image, or of a hole, the same neighbors are there again and again.
        if k > 0 and places[k - 1, 0] == y and places[k - 1, 1] == x - 1 and _same(keep, y, x, size):
            weights[k] = weights[k - 1]
        else:
            near = keep[y : y + size, x : x + size].copy()
            weights[k] = neighbor_weights(near, squares)
    return places, weights


@kernel
def _same(present: Mask, y: int, x: int, size: int) -> bool:
    """Whether the window that starts at a place holds the same pixels as the one before it in the row."""
    for down in range(y, y + size):
        for across in range(x, x + size):
            if present[down, across] != present[down, across - 1]:
                return False
    return True


@kernel
def _smoothed(image: Singles, width: int, taps: Singles, along: Singles, sums: Singles) -> None:
    """Weighted sums over whole windows of an image in one row, with weights `(|y|, |x|)` that both signs share.

    Each kind of row of the window is summed along x; then they are put together along y.
    """
    half, n = taps.shape[0] - 1, along.shape[1]
    for kind in range(half + 1):
        near = image[half - 1 : half - 1 + n], image[half + 1 : half + 1 + n]
        far = image[half - 2 : half - 2 + n], image[half + 2 : half + 2 + n]
        _add_five(image[half : half + n], *near, *far, taps[kind], along[kind])
        for k in range(3, half + 1):
            _add_pair(
                image[half - k : half - k + n], image[half + k : half + k + n], taps[kind, k], along[kind]
            )
    m, middle = sums.size, half * width
    for i in range(m):
        sums[i] = along[0, middle + i]
    for kind in range(1, half + 1):
        above, below = middle - kind * width, middle + kind * width
        _add_pair(along[kind, above : above + m], along[kind, below : below + m], np.float32(1), sums)


@kernel
def _add_five(
    middle: Singles,
    left: Singles,
    right: Singles,
    far_left: Singles,
    far_right: Singles,
    taps: Singles,
    out: Singles,
) -> None:
    first, second, third = taps[0], taps[1], taps[2]
    for i in range(out.size):
        out[i] = first * middle[i] + second * (left[i] + right[i]) + third * (far_left[i] + far_right[i])


@kernel
def _add_pair(one: Singles, other: Singles, weight: np.float32, out: Singles) -> None:
    for i in range(out.size):
        out[i] += weight * (one[i] + other[i])


@kernel
def _weighted(image: Singles, width: int, y: int, x: int, weights: Singles) -> np.float32:
    """The weighted sum over the window that starts at a place of an image in one row."""
    total = np.float32(0)
    for down in range(weights.shape[0]):
        # Sums of rows do not wait for each other.
        start, row = (y + down) * width + x, np.float32(0)
        for across in range(weights.shape[1]):
            row += weights[down, across] * image[start + across]
        total += row
    return total


@kernel
def _fit_anew(
    image: Singles, present: Mask, wanted: Mask, usual: Int32s, squares: bool, out: Singles
) -> None:
    """Replace the fits of one energy that have fewer neighbors than at the others."""
    size = present.shape[0] - wanted.shape[0] + 1
    width = present.shape[1]
    counts, _ = _neighbors(present, size // 2)
    weights = np.zeros((size, size), np.float32)
    for y in range(out.shape[0]):
        fitted = -2
        for x in range(out.shape[1]):
            if not wanted[y, x] or counts[y, x] == usual[y, x]:
                continue
            if counts[y, x] == 0:
                out[y, x] = np.float32(np.nan)
                continue
            if fitted != x - 1 or not _same(present, y, x, size):
                near = present[y : y + size, x : x + size].copy()
                weights[:] = neighbor_weights(near, squares)
            fitted = x
            out[y, x] = _weighted(image, width, y, x, weights)
