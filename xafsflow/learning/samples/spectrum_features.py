"""The table of features of a spectrum, each a matrix over its axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats
from xafsflow.kernels.spectra.derivative import derivative
from xafsflow.learning.models.feature_map import DESCRIPTORS, FeatureMap
from xafsflow.learning.samples.row_blocks import mean_and_covariance
from xafsflow.vocabulary import nearest

# Windows over which polynomials of the third degree are fitted, and how many principal components count.
WINDOWS, DEGREE, COMPONENTS = 8, 3, 20
# A share of the mean variance of noise that each energy has of its own, so that the noise can be divided by.
OWN = 1e-6


@dataclass(frozen=True, eq=False)
class Seen:
    """What features may know of the training: axis and mean spectrum `(energy,)`, covariance `(energy, energy)`.

    `window` is the width, in the unit of the axis, of the window of derivatives.
    """

    axis: Doubles
    mean: Doubles
    covariance: Doubles
    window: float


# From the training to weights (feature, energy) and offset (feature,).
Row = Callable[[Seen], tuple[Doubles, Doubles]]


def _spectrum(seen: Seen) -> tuple[Doubles, Doubles]:
    return np.eye(len(seen.axis)), np.zeros(len(seen.axis))


def _derivative(seen: Seen) -> tuple[Doubles, Doubles]:
    size = len(seen.axis)
    return np.asarray(derivative(seen.axis, np.eye(size), seen.window), np.float64), np.zeros(size)


def _second_derivative(seen: Seen) -> tuple[Doubles, Doubles]:
    once = _derivative(seen)[0]
    return once @ once, np.zeros(len(once))


def _cumulative(seen: Seen) -> tuple[Doubles, Doubles]:
    """The integral from the first energy on, by trapezoids, over the length of the axis."""
    axis = seen.axis
    half = np.diff(axis) / 2 / np.ptp(axis)
    steps = np.zeros((len(axis), len(axis)))
    places = np.arange(1, len(axis))
    steps[places, places - 1] = steps[places, places] = half
    return np.cumsum(steps, axis=0), np.zeros(len(axis))


def _polynomials(seen: Seen) -> tuple[Doubles, Doubles]:
    """Coefficients of Legendre polynomials fitted over windows of equally many energies."""
    rows, axis = [], seen.axis
    for places in np.array_split(np.arange(len(axis)), min(WINDOWS, len(axis) // (DEGREE + 1))):
        scaled = np.interp(axis[places], axis[places[[0, -1]]], [-1.0, 1.0])
        whole = np.zeros((DEGREE + 1, len(axis)))
        whole[:, places] = np.linalg.pinv(np.polynomial.legendre.legvander(scaled, DEGREE))
        rows.append(whole)
    weights = np.concatenate(rows)
    return weights, np.zeros(len(weights))


def _pca(seen: Seen) -> tuple[Doubles, Doubles]:
    """Scores of the first principal components of the training spectra."""
    _, vectors = np.linalg.eigh(seen.covariance)
    weights = np.ascontiguousarray(vectors[:, ::-1][:, :COMPONENTS].T, np.float64)
    # The sign of a component is free: its largest weight is positive, wherever it is computed.
    weights *= np.sign(weights[np.arange(len(weights)), np.abs(weights).argmax(axis=1)])[:, None]
    return weights, weights @ seen.mean


# A further feature is one line here.
FEATURES: dict[str, Row] = {
    "spectrum": _spectrum,
    "derivative": _derivative,
    "second_derivative": _second_derivative,
    "cumulative": _cumulative,
    "polynomials": _polynomials,
    "pca": _pca,
}
NAMES = (*FEATURES, *DESCRIPTORS)


def feature_map(
    names: Sequence[str], axis: Doubles, spectra: Floats, window: float, noise: Doubles | None = None
) -> FeatureMap | None:
    """What a learner reads of spectra, from names of the tables; None for the spectrum alone, as it is.

    Of several, each row of `FEATURES` comes in a unit of its own: its largest scatter over the training.

    Parameters
    ----------
    names
        Rows of `FEATURES` and `DESCRIPTORS`, in any order.
    axis
        `(energy,)`, increasing.
    spectra
        `(sample, energy)`: those of the training, from which principal components are learnt.
    window
        Width, in the unit of the axis, of the window in which polynomials are fitted for derivatives.
    noise
        Covariance `(energy, energy)` of the noise in `spectra`: the linear features are those of `denoising` spectra.

    Raises
    ------
    InputError
        No name, one twice, or one that is in neither table; fewer than 5 energies.

    Examples
    --------
    >>> axis = np.arange(7100.0, 7120.0)
    >>> found = feature_map(["derivative", "white_line"], axis, np.zeros((1, 20)), 3.0)
    >>> found.count, found(np.array(2 * axis[:, None], "f4"))[5].round(2).tolist()
    (22, [2.0])
    """
    wrong = [name for name in names if name not in NAMES]
    if wrong or not names or len(set(names)) < len(names):
        close = nearest(wrong[0], NAMES) if wrong else ""
        raise InputError(
            f"features {', '.join(names) or 'without a name'}{close}",
            f"different ones of {', '.join(NAMES)}",
            "mend the names",
        )
    if list(names) == ["spectrum"] and noise is None:
        return None
    if len(axis) < 5:
        raise InputError(f"{len(axis)} energies", "5 or more for these features", "widen span")
    mean, covariance = mean_and_covariance(spectra)
    clear = np.eye(len(axis)) if noise is None else denoising(covariance, noise, len(spectra))
    seen = Seen(np.asarray(axis, np.float64), mean, clear @ covariance @ clear.T, window)
    weights, offsets, kinds = [np.zeros((0, len(axis)))], [np.zeros(0)], list[str]()
    for name in (one for one in names if one in FEATURES):
        row, offset = FEATURES[name](seen)
        unit = _largest_scatter(row, seen.covariance) if len(names) > 1 else 1.0
        weights.append(row @ clear / unit)
        # What is taken off is taken off the spectrum without noise, mean + clear (spectrum - mean).
        offsets.append((offset - row @ (mean - clear @ mean)) / unit)
        kinds += [name] * len(row)
    descriptors = [name for name in names if name in DESCRIPTORS]
    return FeatureMap(seen.axis, np.concatenate(weights), np.concatenate(offsets), kinds, descriptors)


def denoising(covariance: Doubles, noise: Doubles, samples: int) -> Doubles:
    """The matrix `W` `(energy, energy)` that makes of a noisy spectrum the likeliest one: `mean + W (spectrum - mean)`.

    `W = S (S + N)^-1` is the linear estimate with the smallest mean square error (N. Wiener, 1949), with the covariances N
    of the noise and S of the spectra without it. S is what N leaves of the covariance of the noisy spectra, by those of its
    eigenvalues that noise alone does not reach in so many samples (D. Donoho, M. Gavish and I. Johnstone, Annals of
    Statistics 46, 1742 (2018)).

    Parameters
    ----------
    covariance, noise
        `(energy, energy)`: of the noisy spectra, and of the noise in them.
    samples
        How many spectra the covariance is of.

    Examples
    --------
    >>> denoising(np.diag([4.0, 1.0, 0.5]), np.eye(3), 10**9).round(3).tolist()
    [[0.75, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    size = len(noise)
    root = np.linalg.cholesky(noise + OWN * np.trace(noise) / size * np.eye(size))
    whiten = np.linalg.inv(root)
    found, vectors = np.linalg.eigh(whiten @ covariance @ whiten.T)
    ratio = size / samples
    known = found > (1 + np.sqrt(ratio)) ** 2
    middle = np.where(known, found + 1 - ratio, 2)
    true = (middle + np.sqrt(np.maximum(middle**2 - 4 * np.where(known, found, 1), 0))) / 2
    gain = np.where(known, 1 - 1 / true, 0.0)
    return np.asarray(root @ (vectors * gain) @ vectors.T @ whiten)


def _largest_scatter(row: Doubles, covariance: Doubles) -> float:
    variance = float(((row @ covariance) * row).sum(axis=1).max())
    return float(np.sqrt(variance)) if variance > 0 else 1.0
