"""Sets of classes and intervals of properties that hold the truth as often as is asked: split conformal prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Integers, Mask

# How often the truth is to be in a set or interval.
COVERAGE = 0.9
# Levels of noise at which they are calibrated, in units of nearly the largest of the training.
FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)


def noise_levels(training: NDArray[Any]) -> Doubles:
    """Levels of noise `(level,)` to calibrate at, from none to twice what 95 % of the training `(sample,)` are below.

    Examples
    --------
    >>> noise_levels(np.array([0.0, 0.04])).tolist(), noise_levels(np.zeros(3)).tolist()
    ([0.0, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08], [0.0])
    """
    most = float(np.quantile(training, 0.95, method="higher"))
    return np.array([most * one for one in FACTORS]) if most > 0 else np.zeros(1)


def upper_quantile(scores: NDArray[Any]) -> float:
    """The `ceil((n + 1) COVERAGE)`-th smallest of n scores; infinite where there are too few to tell.

    V. Vovk, A. Gammerman, G. Shafer, Algorithmic learning in a random world (2005).

    Examples
    --------
    >>> upper_quantile(np.arange(1.0, 20.0)), upper_quantile(np.arange(5.0))
    (18.0, inf)
    """
    place = int(np.ceil((len(scores) + 1) * COVERAGE - 1e-9))
    return float(np.sort(scores)[place - 1]) if place <= len(scores) else float("inf")


def class_thresholds(votes: Doubles, labels: Integers) -> Doubles:
    """The largest `1 - vote` with which each class is in the set: class by class (Mondrian), so that rare ones are covered.

    Parameters
    ----------
    votes, labels
        `(sample, class)` and `(sample,)`, of samples that were not trained on.

    Returns
    -------
    ndarray
        `(class,)`; 1, always in the set, for a class with too few samples.

    Examples
    --------
    >>> votes = np.array([[0.9, 0.1]] * 10 + [[0.2, 0.8]] * 5)
    >>> class_thresholds(votes, np.repeat([0, 1], [10, 5])).round(2).tolist()
    [0.1, 1.0]
    """
    scores = 1 - votes
    found = [upper_quantile(scores[labels == one, one]) for one in range(votes.shape[1])]
    return np.minimum(found, 1.0)


def sets_of(votes: Doubles, thresholds: Doubles) -> Mask:
    """Which classes are in the set: `(sample, class)`, from votes and thresholds of this shape, or thresholds `(class,)`.

    Examples
    --------
    >>> sets_of(np.array([[0.6, 0.4], [0.95, 0.05]]), np.array([0.5, 0.7])).tolist()
    [[True, True], [True, False]]
    """
    return np.asarray(1 - votes <= thresholds + 1e-12)


def half_widths(found: Doubles, truth: Doubles) -> Doubles:
    """Half of the width of the interval of each property `(property,)`, from answers and truth `(sample, property)`.

    Examples
    --------
    >>> half_widths(np.zeros((19, 1)), np.arange(1.0, 20.0)[:, None])
    array([18.])
    """
    return np.array([upper_quantile(one) for one in np.abs(found - truth).T])


def at_noise(levels: Doubles, table: Doubles, noise: NDArray[Any]) -> Doubles:
    """Thresholds `(pixel, output)` at the noise of pixels `(pixel,)`: lines between the levels; NaN beyond the largest.

    Parameters
    ----------
    levels, table
        `(level,)` and `(level, output)`.

    Examples
    --------
    >>> at_noise(np.array([0.0, 0.1]), np.array([[0.2], [0.4]]), np.array([0.05, 0.2])).tolist()
    [[0.30000000000000004], [nan]]
    """
    known = np.where(noise <= levels[-1], noise, np.nan)
    return np.stack([np.interp(known, levels, column) for column in table.T], axis=1)


def check_level(levels: Doubles, level: float) -> None:
    """Refuse a scan that is noisier than any level at which sets were calibrated.

    Raises
    ------
    InputError
        It is.
    """
    if level > levels[-1]:
        raise InputError(
            f"a scan with noise {level:.3g} in norm",
            f"at most {levels[-1]:.3g}, up to which the model's sets were calibrated",
            "average more pixels (correct.average), or train with more noise (train.spectra)",
        )
