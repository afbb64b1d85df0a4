"""What a model loses when it does not see a band of energies: for any model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles, Floats
from xafsflow.learning.explanation.tree_shap import band_of

# Of features (sample, feature) the answers (sample, ...); of answers and truth a number, larger for worse.
Predict = Callable[[Floats], NDArray[Any]]
Loss = Callable[[NDArray[Any], NDArray[Any]], float]


@dataclass(frozen=True, eq=False)
class BandImportance:
    """What shuffling a band costs.

    Parameters
    ----------
    edges
        `(band + 1,)`, eV.
    loss
        Of the model that sees all.
    growth, error
        `(band,)`: by how much the loss grows, mean and standard error over the repetitions.
    """

    edges: Doubles
    loss: float
    growth: Doubles
    error: Doubles


def mean_square(answers: NDArray[Any], truth: NDArray[Any]) -> float:
    """The loss of a property."""
    return float(((answers - truth) ** 2).mean())


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
        `mean_square`, `wrong_share`, or another one.
    repetitions, seed
        How often it is shuffled.

    Examples
    --------
    >>> spectra = np.random.default_rng(0).normal(size=(200, 4))
    >>> energy, edges = np.arange(4.0), np.array([0.0, 1.5, 3.0])
    >>> found = band_importance(lambda x: x[:, 3], spectra, spectra[:, 3], energy, edges, mean_square)
    >>> found.loss, bool(found.growth[0] == 0), bool(found.growth[1] > 1)
    (0.0, True, True)
    """
    random, band = np.random.default_rng(seed), band_of(energy, edges)
    whole = loss(predict(features), truth)
    grown = np.zeros((repetitions, len(edges) - 1))
    for i in range(repetitions):
        order = random.permutation(len(features))
        for one in range(len(edges) - 1):
            mixed = features.copy()
            mixed[:, band == one] = features[order][:, band == one]
            grown[i, one] = loss(predict(mixed), truth) - whole
    error = grown.std(axis=0, ddof=1) / np.sqrt(repetitions) if repetitions > 1 else np.zeros(grown.shape[1])
    return BandImportance(edges, whole, grown.mean(axis=0), error)
