"""What a model loses when it does not see a band of energies: for any model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles, Floats
from xafsflow.learning.explanation.tree_shap import band_of

# Of features (sample, feature) the answers (sample, ...); of answers and truth a number, or one for each output, larger for
# worse.
Predict = Callable[[Floats], NDArray[Any]]
Loss = Callable[[NDArray[Any], NDArray[Any]], float | Doubles]


@dataclass(frozen=True, eq=False)
class BandImportance:
    """What shuffling a band costs.

    Parameters
    ----------
    edges
        `(band + 1,)`, eV.
    loss
        `(output,)`: of the model that sees all; without a dimension where the loss is one number.
    growth, error
        `(band, output)` or `(band,)`: by how much the loss grows, mean and standard error over the repetitions.
    """

    edges: Doubles
    loss: Doubles
    growth: Doubles
    error: Doubles


def mean_square(answers: NDArray[Any], truth: NDArray[Any]) -> float:
    """The loss of a property."""
    return float(((answers - truth) ** 2).mean())


def mean_difference(answers: NDArray[Any], truth: NDArray[Any]) -> float:
    """The loss of fractions: their mean absolute error."""
    return float(np.abs(answers - truth).mean())


def error_over_spread(answers: NDArray[Any], truth: NDArray[Any]) -> Doubles:
    """The loss of several properties `(property,)`: root mean square error over the standard deviation of the truth.

    Examples
    --------
    >>> truth = np.array([[0.0, 0.0], [2.0, 20.0]])
    >>> error_over_spread(truth + 0.5, truth).tolist()
    [0.5, 0.05]
    """
    spread = truth.std(axis=0)
    error = np.sqrt(((answers - truth) ** 2).mean(axis=0))
    return np.asarray(error / np.where(spread > 0, spread, 1.0), np.float64)


def wrong_share(answers: NDArray[Any], truth: NDArray[Any]) -> float:
    """The loss of a class: the share that is wrong. `answers` are classes, or votes `(sample, class)`."""
    found = answers.argmax(axis=1) if answers.ndim == 2 else answers
    return float((found != truth).mean())


def band_importance(
    predict: Predict,
    features: Floats,
    truth: NDArray[Any],
    energy: Doubles,
    edges: Doubles,
    loss: Loss,
    *,
    repetitions: int = 5,
    seed: int = 0,
) -> BandImportance:
    """Permutation importance of bands (L. Breiman, Machine Learning 45, 5 (2001)), on samples not trained on.

    All energies of a band are exchanged among the samples together: of one energy alone the neighbors would tell, and none
    would seem to matter.

    Parameters
    ----------
    predict
        The model.
    features, truth
        `(sample, feature)` and `(sample, ...)`.
    energy, edges
        `(feature,)`, and as of `band_edges`.
    loss
        `mean_square`, `wrong_share`, or another one; it may give a number for each output.
    repetitions, seed
        How often it is shuffled.

    Examples
    --------
    >>> spectra = np.random.default_rng(0).normal(size=(200, 4))
    >>> energy, edges = np.arange(4.0), np.array([0.0, 1.5, 3.0])
    >>> found = band_importance(lambda x: x[:, 3], spectra, spectra[:, 3], energy, edges, mean_square)
    >>> float(found.loss), bool(found.growth[0] == 0), bool(found.growth[1] > 1)
    (0.0, True, True)
    """
    random, band = np.random.default_rng(seed), band_of(energy, edges)
    whole = np.asarray(loss(predict(features), truth), np.float64)
    grown = np.zeros((repetitions, len(edges) - 1, *whole.shape))
    for i in range(repetitions):
        others = features[random.permutation(len(features))]
        for one in range(len(edges) - 1):
            mixed = features.copy()
            mixed[:, band == one] = others[:, band == one]
            grown[i, one] = loss(predict(mixed), truth) - whole
    error = grown.std(axis=0, ddof=1) / np.sqrt(repetitions) if repetitions > 1 else np.zeros(grown.shape[1:])
    return BandImportance(edges, whole, grown.mean(axis=0), error)
