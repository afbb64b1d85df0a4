"""Noise through means over neighbors and interpolations, and how it compares with the measured scatter."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Mask, Singles
from xafsflow.kernels.images.box_sums import box_sums
from xafsflow.kernels.images.local_quadratic import local_quadratic
from xafsflow.kernels.images.motion_correction import cubic_taps
from xafsflow.kernels.images.neighborhood import Neighborhood, fold, folded, widest
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.spectra.absorbance import scatter_scale

# Noise changes little from one energy to the next: the median of these is that of all, and quickly found.
SAMPLED = 40
# Energies whose mean tells whether two pixels hold the same: it knows little of the bends that measure the noise.
SMOOTHED = 8


@kernel
def mean_variance(variance: Floats, keep: Mask, half: int, inside: bool = False) -> Singles:
    """Variance of the mean over the `(2 half + 1)^2` neighbors that are kept and finite, if they are independent.

    Parameters
    ----------
    variance
        `(energy, y, x)`, of each pixel.
    keep
        `(y, x)`, True where a pixel enters the means.
    half
        0 for no neighbors.
    inside
        Leave the outermost `half` pixels out of the result, which is cheaper than to cut them off.

    Returns
    -------
    ndarray
        float32 `(energy, y, x)`: `sum(variance)/n^2` over the n neighbors; NaN where there is none.
    """
    n_energy, n_y, n_x = variance.shape
    if half == 0:
        alone = np.empty(variance.shape, np.float32)
        for e in range(n_energy):
            alone[e] = np.where(keep & np.isfinite(variance[e]), variance[e], np.float32(np.nan))
        return alone
    pad, cut = (0, half) if inside else (half, 0)
    width = n_x + 2 * pad
    padded = np.zeros((n_y + 2 * pad) * width, np.float32)
    along = np.empty(padded.size - 2 * half, np.float32)
    sums = np.empty(along.size - 2 * half * width, np.float32)
    usual, special = np.empty_like(sums), np.empty_like(sums)
    out = np.empty((n_energy, n_y - 2 * cut, n_x - 2 * cut), np.float32)
    ones = np.ones((n_y, n_x), np.float32)
    usual_count = box_sums(ones, keep, half, pad, padded, along, sums)
    _squares_of(sums, usual)
    for e in range(n_energy):
        squares = usual
        if box_sums(variance[e], keep, half, pad, padded, along, sums) < usual_count:
            # Some pixels are missing at this energy only: their neighbors are fewer here.
            present, counts = np.where(np.isfinite(variance[e]), ones, ones * np.nan), np.empty_like(sums)
            box_sums(present.astype(np.float32), keep, half, pad, padded, along, counts)
            _squares_of(counts, special)
            squares = special
        for y in range(out.shape[1]):
            row, total = out[e, y], sums[y * width : y * width + out.shape[2]]
            _divide(total, squares[y * width : y * width + out.shape[2]], row)
    return out


@kernel
def _squares_of(counts: Singles, out: Singles) -> None:
    """Squares of the counts, NaN in place of zero."""
    for x in range(out.size):
        out[x] = counts[x] * counts[x] if counts[x] > np.float32(0) else np.float32(np.nan)


@kernel
def _divide(values: Singles, by: Singles, out: Singles) -> None:
    for x in range(out.size):
        out[x] = values[x] / by[x]


@kernel
def typical(sigma: Floats) -> Singles:
    """Median of `(energy, y, x)` over about `SAMPLED` energies, evenly spread, those that are finite; `(y, x)`."""
    n_energy, n_y, n_x = sigma.shape
    step = max(1, n_energy // SAMPLED)
    out = np.full((n_y, n_x), np.nan, np.float32)
    some = np.empty(n_energy, np.float32)
    for y in range(n_y):
        for x in range(n_x):
            n = 0
            for e in range(step // 2, n_energy, step):
                if np.isfinite(sigma[e, y, x]):
                    some[n] = sigma[e, y, x]
                    n += 1
            if n > 0:
                out[y, x] = np.median(some[:n])
    return out


def averaged_variance(variance: Floats, keep: Mask, windows: tuple[Neighborhood, ...]) -> Singles:
    """Variance after the widest of the windows, of independent pixels; `sharing` tells what the others leave of it.

    Parameters
    ----------
    variance
        `(energy, y, x)`, of each pixel; half a window more on all sides than comes out.
    keep
        `(y, x)`, True where a pixel is averaged over.

    Returns
    -------
    ndarray
        float32 `(energy, y - width + 1, x - width + 1)`: `sum(w^2 variance)` over the kept finite neighbors; NaN where
        there is none.
    """
    window = widest(windows)
    if window.method == "quadratic":
        inner = np.ones(keep.shape, np.bool_)
        return local_quadratic(variance, keep, inner, window.half, True)
    return mean_variance(variance, keep, window.half, True)


def sharing(path: Floats | None, windows: tuple[Neighborhood, ...], images: int) -> Doubles:
    """Variance of a pixel after all interpolation and means, over that of the widest mean of independent pixels.

    White noise of variance one that goes through weights k has the variance `sum(k^2)`. Each image has its own weights
    over y and x: those of its cubic interpolation, folded with every mean.

    Parameters
    ----------
    path
        `(images, 2)` as `motion_correction.realigned` takes it; None where nothing was moved.
    windows
        The means over neighbors.

    Returns
    -------
    ndarray
        `(images,)`: below one where neighbors that share noise are interpolated only, near one for the mean of many.

    Examples
    --------
    >>> sharing(np.array([[0.0, 0.0], [0.5, 0.0]]), (), 2)
    array([1.      , 0.640625])
    >>> sharing(np.array([[0.0, 0.0], [0.5, 0.0]]), (Neighborhood(3),), 2).round(3)
    array([1.   , 0.922])
    """
    left = np.array([_left(*motion, windows)[0] for motion in _motions(path, images)])
    return left / widest(windows).noise_gain


def difference(path: Floats | None, windows: tuple[Neighborhood, ...], images: int) -> Doubles:
    """`1 - r`, r the correlation of neighbors in a row after all interpolation and means; `(images,)`.

    The difference of two such neighbors has the variance `2 (1 - r)` of one of them. Settings as for `sharing`.

    Examples
    --------
    >>> difference(None, (Neighborhood(3),), 2).round(3)
    array([0.333, 0.333])
    """
    return np.array([_left(*motion, windows)[1] for motion in _motions(path, images)])


def _motions(path: Floats | None, images: int) -> list[tuple[float, float]]:
    steps = np.zeros((images, 2)) if path is None else path
    return [(float(y), float(x)) for y, x in steps]


@lru_cache(maxsize=4096)  # the path is the same for every block, and often nearly the same for many images
def _left(y: float, x: float, windows: tuple[Neighborhood, ...]) -> tuple[float, float]:
    """`sum(k^2)` of the weights of one image, and `1 - r` along a row."""
    k = fold(folded(windows), np.outer(cubic_taps(y)[0], cubic_taps(x)[0]))
    variance = (k**2).sum()
    return float(variance), float(1 - (k[:, 1:] * k[:, :-1]).sum() / variance)


def measured_over_predicted(norm: Floats, sigma: Floats, along: int) -> float:
    """Measured scatter of spectra over the predicted one, as `scatter_scale`, where the sample is flat.

    Flat are those half of all neighbors in a row whose spectra agree best when `SMOOTHED` energies are averaged.

    Parameters
    ----------
    norm, sigma
        `(energy, y, x)`.
    along
        Energies between two that share no noise.

    Returns
    -------
    float
        The median over all ways to leave energies out; NaN where there are too few.
    """
    pairs = [np.stack([values[:, :, :-1], values[:, :, 1:]], axis=-1) for values in (norm, sigma)]
    values, noise = (pair.reshape(len(norm), -1, 2) for pair in pairs)
    apart = (values[..., 1] - values[..., 0]) / np.sqrt((noise**2).sum(axis=-1))
    there = np.isfinite(apart)
    known = there.sum(axis=0) > len(norm) / 2
    if not known.any():
        return float("nan")
    steps = np.arange(0, len(norm), SMOOTHED)
    rough = (np.add.reduceat(np.where(there, apart, 0), steps, axis=0) ** 2).sum(axis=0)
    flat = known & (rough <= np.median(rough[known]))
    values, noise = values[:, flat], noise[:, flat]
    ratios = [float(scatter_scale(values[first::along], noise[first::along])) for first in range(along)]
    finite = [ratio for ratio in ratios if np.isfinite(ratio)]
    return float(np.median(finite)) if finite else float("nan")


def fit_noise(norm: Floats, response: Any, variance: Floats, step: float) -> Doubles:
    """By how much the noise of fitted curves raises that of a normalized spectrum: `sqrt(sum_j J^2 v/(sum_j K^2 v))`.

    Parameters
    ----------
    norm
        `(energy, 1 + source)`: the normalized spectrum, and its change a unit of each measured value, `J`.
    response
        `(energy, source)`, dense or sparse: the change of the absorbance that was normalized, a unit of each measured value,
        `K`; None where it is what was measured.
    variance
        `(source,)`, of the measured values.
    step
        The edge step that the spectrum was divided by.

    Returns
    -------
    ndarray
        `(energy,)`, one where nothing is fitted; NaN where the spectrum is, and where it takes of no value.

    Examples
    --------
    >>> fit_noise(np.array([[0.0, 0.5, 0.0], [1.0, 0.5, 0.5]]), None, np.ones(2), 2.0).round(3)
    array([1.   , 1.414])
    """
    fitted, direct = norm[:, 1:] ** 2 @ variance, variance if response is None else response**2 @ variance
    # An energy that is not covered takes of no value.
    raised = np.divide(fitted, direct, out=np.full(len(norm), np.nan), where=direct > 0)
    return np.asarray(np.sqrt(raised) * step)
