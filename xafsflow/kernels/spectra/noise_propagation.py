"""Noise through means over neighbors and interpolations, and how it compares with the measured scatter."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Mask, Singles
from xafsflow.kernels.images.motion_correction import cubic_taps
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.spectra.absorbance import scatter_scale

# Noise changes little from one energy to the next: the median of these is that of all, and quickly found.
SAMPLED = 40
# Energies whose mean tells whether two pixels hold the same: it knows little of the bends that measure the noise.
SMOOTHED = 8


@kernel
def mean_variance(variance: Floats, keep: Mask, half: int) -> Singles:
    """Variance of the mean over the `(2 half + 1)^2` neighbors that are kept and finite, if they are independent.

    Parameters
    ----------
    variance
        `(energy, y, x)`, of each pixel.
    keep
        `(y, x)`, True where a pixel enters the means.

    Returns
    -------
    ndarray
        float32 `(energy, y, x)`: `sum(variance)/n^2` over the n neighbors; NaN where there is none.
    """
    n_energy, n_y, n_x = variance.shape
    out = np.empty(variance.shape, np.float32)
    total, count = np.empty(n_x, np.float32), np.empty(n_x, np.float32)
    value, weight = np.zeros(n_x + 2 * half, np.float32), np.zeros(n_x + 2 * half, np.float32)
    rows = np.empty((2, n_y, n_x), np.float32)
    for e in range(n_energy):
        for y in range(n_y):
            _finite_row(variance[e, y], keep[y], value[half : half + n_x], weight[half : half + n_x])
            _window_sum(value, rows[0, y])
            _window_sum(weight, rows[1, y])
        for y in range(n_y):
            total[:], count[:] = np.float32(0), np.float32(0)
            for i in range(max(0, y - half), min(n_y, y + half + 1)):
                _add(rows[0, i], total)
                _add(rows[1, i], count)
            row = out[e, y]
            for x in range(n_x):
                mean = total[x] / (count[x] * count[x])
                row[x] = mean if count[x] > np.float32(0) else np.float32(np.nan)
    return out


@kernel
def _finite_row(row: Floats, keep: Mask, value: Singles, weight: Singles) -> None:
    zero, one = np.float32(0), np.float32(1)
    for x in range(row.size):
        # v - v is zero for finite v only.
        good = keep[x] & (row[x] - row[x] == zero)
        value[x] = row[x] if good else zero
        weight[x] = one if good else zero


@kernel
def _window_sum(padded: Singles, out: Singles) -> None:
    out[:] = np.float32(0)
    for k in range(padded.size - out.size + 1):
        _add(padded[k : k + out.size], out)


@kernel
def _add(row: Singles, out: Singles) -> None:
    for x in range(out.size):
        out[x] += row[x]


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


def sharing(path: Floats | None, windows: tuple[int, ...], images: int) -> Doubles:
    """Variance of a pixel after all interpolation and means, over that of the widest mean of independent pixels.

    White noise of variance one that goes through weights k has the variance `sum(k^2)`. Each image has its own weights
    along y and x: those of its cubic interpolation, folded with every mean.

    Parameters
    ----------
    path
        `(images, 2)` as `motion_correction.realigned` takes it; None where nothing was moved.
    windows
        Widths of the means over neighbors, pixels.

    Returns
    -------
    ndarray
        `(images,)`: below one where neighbors that share noise are interpolated only, near one for the mean of many.

    Examples
    --------
    >>> sharing(np.array([[0.0, 0.0], [0.5, 0.0]]), (), 2)
    array([1.      , 0.640625])
    >>> sharing(np.array([[0.0, 0.0], [0.5, 0.0]]), (3,), 2).round(3)
    array([1.   , 0.922])
    """
    steps = np.zeros((images, 2)) if path is None else path
    found = np.ones(images)
    for image, motion in enumerate(steps):
        for component in motion:
            weights = cubic_taps(float(component))[0]
            for window in windows:
                weights = np.convolve(weights, np.full(window, 1 / window))
            found[image] *= (weights**2).sum() * max(windows, default=1)
    return found


def difference(path: Floats | None, windows: tuple[int, ...], images: int) -> Doubles:
    """`1 - r`, r the correlation of neighbors in a row after all interpolation and means; `(images,)`.

    The difference of two such neighbors has the variance `2 (1 - r)` of one of them. Settings as for `sharing`.

    Examples
    --------
    >>> difference(None, (3,), 2).round(3)
    array([0.333, 0.333])
    """
    found = np.ones(images)
    for image in range(images):
        weights = cubic_taps(0.0 if path is None else float(path[image, 1]))[0]
        for window in windows:
            weights = np.convolve(weights, np.full(window, 1 / window))
        found[image] = 1 - (weights[1:] * weights[:-1]).sum() / (weights**2).sum()
    return found


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


def fit_noise(norm: Floats, response: Floats, variance: Floats, step: float) -> Doubles:
    """By how much the noise of fitted curves raises that of a normalized spectrum: `sqrt(sum_j J^2 v/(sum_j K^2 v))`.

    Parameters
    ----------
    norm
        `(energy, 1 + source)`: the normalized spectrum, and its change a unit of each measured value, `J`.
    response
        `(energy, source)`: the change of the absorbance that was normalized, a unit of each measured value, `K`.
    variance
        `(source,)`, of the measured values.
    step
        The edge step that the spectrum was divided by.

    Returns
    -------
    ndarray
        `(energy,)`, one where nothing is fitted; NaN where the spectrum is.

    Examples
    --------
    >>> fit_noise(np.array([[0.0, 0.5, 0.0], [1.0, 0.5, 0.5]]), np.eye(2), np.ones(2), 2.0).round(3)
    array([1.   , 1.414])
    """
    fitted, direct = norm[:, 1:] ** 2 @ variance, response**2 @ variance / step**2
    return np.asarray(np.sqrt(fitted / direct))
