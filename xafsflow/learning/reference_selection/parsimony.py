"""Cost and prediction error of a set of references: BIC, cross-validation, and the rule of parsimony."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices, Integers, Mask
from xafsflow.learning.reference_selection.set_misfit import BACKGROUND, Fits, Scatter, Set

# Energies are held out in runs of neighbors, since interpolated neighbors share noise; each run is left out once.
RUN, FOLDS = 4, 5
DRAWS = 2000
INTERVAL = (0.025, 0.975)


@dataclass(frozen=True)
class Prediction:
    """Root mean square of predicted residuals in units of the noise, and its 95 % interval."""

    error: float
    low: float
    high: float


def bic(chi_square: Doubles, references: Integers, bins: int, energies: int) -> Doubles:
    """Bayesian information criterion of bins that are fitted each on its own: `chi^2 + bins (references + 2) ln(energies)`.

    A bin's own fractions and background are known from its own energies only, so that the logarithm is theirs (Schwarz,
    Ann. Stat. 6, 461 (1978)); the sum over the bins is the criterion of all.

    Examples
    --------
    >>> bic(np.array([100.0]), np.array([1]), bins=2, energies=100).round(2)
    array([127.63])
    """
    return np.asarray(chi_square + bins * (references + BACKGROUND) * np.log(energies))


def folds(energies: int) -> Indices:
    """The fold of each energy, in runs of `RUN`.

    Examples
    --------
    >>> folds(10)
    array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
    """
    return np.arange(energies) // RUN % FOLDS


def predicted(fits: Fits, chosen: Set) -> Doubles:
    """Residuals `(bin, energy)`, each at an energy that was held out of the fit."""
    fold = folds(len(fits.bins.energy))
    out = np.empty_like(fits.spectra)
    for number in range(fold.max() + 1):
        held = fold == number
        out[:, held] = fits.residual(chosen, ~held)[1][:, held]
    return out


def squares(residual: Doubles, scatter: Scatter, rows: Mask) -> Doubles:
    """Mean over some bins of squared residuals in units of the noise, at each energy."""
    return np.asarray(scatter.of(rows).square(residual[rows]) / rows.sum())


def intervals(square: Doubles, seed: int) -> list[Prediction]:
    """Prediction errors with 95 % intervals by resampling runs of energies; the same draws for all sets.

    Energies, not bins: errors that all bins share differ from energy to energy only.

    Parameters
    ----------
    square
        `(set, energy)`, from `squares`.
    seed
        Of the draws.

    Examples
    --------
    >>> [one] = intervals(np.full((1, 40), 4.0), seed=0)
    >>> one
    Prediction(error=2.0, low=2.0, high=2.0)
    """
    runs = np.arange(square.shape[1]) // RUN
    size = np.bincount(runs)
    total = np.stack([np.bincount(runs, weights=one) for one in square])
    drawn = np.random.default_rng(seed).integers(len(size), size=(DRAWS, len(size)))
    means = total[:, drawn].sum(axis=2) / size[drawn].sum(axis=1)
    low, high = np.quantile(means, INTERVAL, axis=1)
    return [
        Prediction(*map(float, np.sqrt(np.maximum(three, 0))))
        for three in zip(square.mean(axis=1), low, high, strict=True)
    ]


def fewest(sizes: Sequence[int], errors: Sequence[Prediction]) -> tuple[int, list[int]]:
    """The rule of parsimony: of all whose interval overlaps that of the best, one with the fewest components.

    Returns
    -------
    int, list
        The place of the chosen, the one with the least error among those with the fewest; and the places of all whose
        interval overlaps that of the best.

    Examples
    --------
    >>> fewest([1, 2, 3], [Prediction(3, 2.5, 3.5), Prediction(1.1, 1.0, 1.2), Prediction(1.05, 0.9, 1.1)])
    (1, [1, 2])
    """
    best = min(errors, key=lambda one: one.error)
    near = [place for place, one in enumerate(errors) if one.low <= best.high]
    least = min(sizes[place] for place in near)
    chosen = min((place for place in near if sizes[place] == least), key=lambda place: errors[place].error)
    return chosen, near
