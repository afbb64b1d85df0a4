"""How well spectra are reconstructed that a model has not seen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xafsflow.findings.reconstruction_findings import ReconstructionScore
from xafsflow.kernels.array_types import Doubles, Indices
from xafsflow.learning.inverse.reconstructors import BASELINES
from xafsflow.learning.inverse.train_inverse import conformal_half_width

# A difference counts when it is larger than this many of its standard errors.
SURE = 2.0


def score(answers: Doubles, truth: Doubles, mean: Doubles, fold: Indices) -> ReconstructionScore:
    """R2 about the mean spectrum of the other folds, and RMSE.

    Parameters
    ----------
    answers, truth, mean
        `(sample, energy)`.
    fold
        `(sample,)`.

    Examples
    --------
    >>> truth = np.array([[0.0, 1.0], [2.0, 1.0]])
    >>> score(truth, truth, truth[::-1], np.array([0, 1]))
    ReconstructionScore(r_squared=1.0, rmse=0.0, worst_fold=1.0)
    """
    wrong, apart = ((answers - truth) ** 2).sum(axis=1), ((mean - truth) ** 2).sum(axis=1)
    by_fold = [1 - wrong[fold == one].sum() / apart[fold == one].sum() for one in np.unique(fold)]
    rmse = float(np.sqrt(wrong.sum() / truth.size))
    return ReconstructionScore(float(1 - wrong.sum() / apart.sum()), rmse, float(min(by_fold)))


def score_by_energy(answers: Doubles, truth: Doubles, mean: Doubles) -> tuple[Doubles, Doubles]:
    """R2 and RMSE at each energy, `(energy,)`; R2 is NaN where the spectra hardly differ."""
    wrong, apart = ((answers - truth) ** 2).mean(axis=0), ((mean - truth) ** 2).mean(axis=0)
    differ = apart > 1e-4 * apart.max()
    ratio = np.divide(wrong, apart, out=np.full(len(apart), np.nan), where=differ)
    return 1 - ratio, np.sqrt(wrong)


def covered(errors: Doubles, fold: Indices, level: float) -> float:
    """Share of the errors `(sample, energy)` within the interval that the other folds give."""
    inside = 0.0
    for one in np.unique(fold):
        held = fold == one
        inside += (np.abs(errors[held]) <= conformal_half_width(errors[~held], level)).sum()
    return float(inside / errors.size)


def examples(answers: Doubles, truth: Doubles) -> dict[str, Doubles]:
    """Truth and answer `(2, energy)` of the sample with the least, the median and the largest error.

    Examples
    --------
    >>> {name: one.tolist() for name, one in examples(np.array([[1.0], [0.0], [5.0]]), np.zeros((3, 1))).items()}
    {'best': [[0.0], [0.0]], 'median': [[0.0], [1.0]], 'worst': [[0.0], [5.0]]}
    """
    order = np.argsort(((answers - truth) ** 2).sum(axis=1), kind="stable")
    chosen = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    return {name: np.array([truth[one], answers[one]]) for name, one in chosen.items()}


def verdict(row: str, answers: Mapping[str, Doubles], truth: Doubles, fold: Indices) -> str:
    """Whether a row is better than the plain ones, by paired differences of the samples' errors."""
    squares = {name: ((one - truth) ** 2).mean(axis=1) for name, one in answers.items()}
    told = []
    for other in BASELINES:
        if other == row:
            continue
        more = squares[other] - squares[row]
        sure = more.mean() > SURE * more.std() / np.sqrt(len(more))
        gain = 1 - np.sqrt(squares[row].mean() / squares[other].mean())
        name = other.replace("_", " ")
        told.append(
            f"its error is {gain:.0%} smaller than that of {name}" if sure else f"it is no better than {name}"
        )
    return f"{row.replace('_', ' ')} is chosen: {' and '.join(told)}"
