"""Types that are told apart badly, since they share a lattice: they are listed, and answered as a set."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Indices, Integers

# Part of the patterns of a type that are taken for another one, from which on the two are twins.
CONFUSED = 0.05


def twin_pairs(confusion: Integers) -> list[tuple[int, int, float]]:
    """Pairs of types that are taken for each other, the worst first, and the larger share of one taken for the other.

    Parameters
    ----------
    confusion
        `(true class, predicted class)` counts, of samples that nothing was trained on.

    Examples
    --------
    >>> twin_pairs(np.array([[90, 10, 0], [2, 98, 0], [0, 1, 99]]))
    [(0, 1, 0.1)]
    """
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(share, 0)
    most = np.maximum(share, share.T)
    first, second = np.nonzero(np.triu(most >= CONFUSED))
    order = np.argsort(-most[first, second], kind="stable")
    return [(int(first[k]), int(second[k]), float(most[first[k], second[k]])) for k in order]


def twins_of(confusion: Integers) -> list[list[int]]:
    """For each type those that it is confused with, in both directions.

    Examples
    --------
    >>> twins_of(np.array([[90, 10, 0], [2, 98, 0], [0, 1, 99]]))
    [[1], [0], []]
    """
    found: list[list[int]] = [[] for _ in confusion]
    for first, second, _ in twin_pairs(confusion):
        found[first].append(second)
        found[second].append(first)
    return [sorted(one) for one in found]


def top_share(order: Indices, labels: Integers, count: int) -> float:
    """Share of samples whose type is among the first `count` of `order` (sample, class), the likeliest first.

    Examples
    --------
    >>> top_share(np.array([[0, 1], [0, 1]]), np.array([0, 1]), 1)
    0.5
    """
    return float((order[:, :count] == labels[:, None]).any(axis=1).mean())
