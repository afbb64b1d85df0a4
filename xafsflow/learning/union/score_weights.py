"""How much confidence, likeness and "other" weigh in the vote of a union."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Integers
from xafsflow.learning.models.kernel_machine import softmax
from xafsflow.learning.union.union_model import Parts, logarithms

# Weights are between none and so much: one of a few patterns would grow without limit.
MOST = 100.0


def learnt_weights(parts: Parts, labels: Integers) -> Doubles:
    """The weights with which the votes have the largest likelihood.

    Parameters
    ----------
    parts, labels
        Of samples `(sample,)` of known types that no network learnt from.

    Returns
    -------
    ndarray
        `(4,)`: of ln confidence, of ln likeness, of -ln "other", and of ln "other" of later networks.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 2, 400)
    >>> sure = np.clip(0.5 + (labels - 0.5) * rng.uniform(-0.2, 0.9, 400), 0.01, 0.99)
    >>> alike, same = rng.uniform(0.5, 0.6, (400, 2)), np.ones((400, 2))
    >>> parts = Parts(np.stack([1 - sure, sure], axis=1), 0.5 * same, alike, same)
    >>> bool((learnt_weights(parts, labels)[0] > 0.5))
    True
    """
    from scipy.optimize import minimize

    terms = logarithms(parts)
    rows = np.arange(len(labels))

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        votes = softmax(sum(weight * one for weight, one in zip(weights, terms, strict=True)))
        slope = [((votes * one).sum(axis=1) - one[rows, labels]).mean() for one in terms]
        return float(-np.log(np.maximum(votes[rows, labels], 1e-300)).mean()), np.array(slope)

    found = minimize(
        loss, np.array([1.0, 1.0, 0.5, 1.0]), jac=True, bounds=[(0.0, MOST)] * 4, method="L-BFGS-B"
    )
    # What is the same for all types tells nothing: "other" of later networks, where there are none
    return np.where(np.array([np.ptp(one) > 0 if one.size else False for one in terms]), found.x, 0.0)


def published_votes(parts: Parts) -> Doubles:
    """The rule of the published program: .3 of the confidence and .7 of the cosine; a comparator.

    Chen and others, J. Am. Chem. Soc. 146, 8098 (2024). There the confidence is that of the network, hinted by how sure it
    is of its own types: here one less its "other". The cosine is that over sizes of the cell.

    Examples
    --------
    >>> parts = Parts(np.array([[0.9, 0.1]]), np.array([[0.0, 0.0]]), np.array([[0.5, 1.0]]), np.ones((1, 2)))
    >>> published_votes(parts).round(2).tolist()
    [[0.62, 0.73]]
    """
    return 0.3 * parts.confidence + 0.7 * parts.likeness
