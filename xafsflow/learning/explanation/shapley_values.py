"""Shapley values of any function of a few parameters: what each of them adds to an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices

# With more parameters the subsets are too many, and orders of the parameters are drawn.
EXACT = 10
# Rows that the function is given at a time.
ROWS = 20_000
# (sample, parameter) to (sample, output).
Function = Callable[[Doubles], Doubles]


@dataclass(frozen=True, eq=False)
class Shapley:
    """What each parameter adds.

    Parameters
    ----------
    base
        `(output,)`: mean answer over the background.
    values
        `(sample, parameter, output)`; with the base they add up to the answer.
    exact
        False where orders were drawn: then the sum is exact, and the single values have an error.
    """

    base: Doubles
    values: Doubles
    exact: bool


def shapley(
    function: Function, samples: Doubles, background: Doubles, *, orders: int = 64, seed: int = 0
) -> Shapley:
    """Shapley values against a background: a parameter that is not in a set has the values of the background.

    `phi_j = sum_S |S|! (d - |S| - 1)!/d! (v(S + j) - v(S))` over the sets S without j, with `v(S)` the mean of the
    function over the background with the parameters in S set to those of the sample (S. M. Lundberg and S.-I. Lee, NeurIPS
    2017, with the marginal expectation). For more than 10 parameters the mean is over drawn orders of the parameters.

    Parameters
    ----------
    function
        Takes `(sample, parameter)`, gives `(sample, output)`.
    samples, background
        `(sample, parameter)`.
    orders, seed
        How many orders are drawn, each with its reverse, and their seed; without meaning for 10 parameters or fewer.

    Examples
    --------
    >>> plane = shapley(lambda x: x @ np.array([[2.0], [3.0]]), np.array([[1.0, 1.0]]), np.zeros((1, 2)))
    >>> plane.values[0, :, 0].tolist(), plane.base.tolist()
    ([2.0, 3.0], [0.0])
    """
    count = samples.shape[1]
    base = function(background).mean(axis=0)
    if count <= EXACT:
        values = np.array([_exact(function, sample, background) for sample in samples])
        return Shapley(base, values, True)
    drawn = [np.random.default_rng(seed + i).permutation(count) for i in range(orders)]
    both = [one for order in drawn for one in (order, order[::-1])]
    values = np.array([_by_orders(function, sample, background, both) for sample in samples])
    return Shapley(base, values, False)


def _exact(function: Function, sample: Doubles, background: Doubles) -> Doubles:
    count = len(sample)
    sets = (np.arange(2**count)[:, None] >> np.arange(count)) & 1 == 1
    worth = _worth(function, sample, background, sets)
    size = sets.sum(axis=1)
    found = np.zeros((count, worth.shape[1]))
    weight = np.array([factorial(s) * factorial(count - s - 1) / factorial(count) for s in range(count)])
    for j in range(count):
        without = np.flatnonzero(~sets[:, j])
        added = worth[without + (1 << j)] - worth[without]
        found[j] = weight[size[without]] @ added
    return found


def _by_orders(function: Function, sample: Doubles, background: Doubles, orders: list[Indices]) -> Doubles:
    found = []
    for order in orders:
        # What is in the set before each place of the order, and at its end
        sets = np.argsort(order) < np.arange(len(sample) + 1)[:, None]
        added = np.diff(_worth(function, sample, background, sets), axis=0)
        found.append(added[np.argsort(order)])
    return np.asarray(np.mean(found, axis=0))


def _worth(function: Function, sample: Doubles, background: Doubles, sets: np.ndarray) -> Doubles:
    """`v(S)`, `(set, output)`."""
    some = max(1, ROWS // len(background))
    worth = []
    for start in range(0, len(sets), some):
        part = sets[start : start + some]
        mixed = np.where(part[:, None], sample, background).reshape(-1, len(sample))
        answers = function(mixed)
        worth.append(answers.reshape(len(part), len(background), -1).mean(axis=1))
    return np.concatenate(worth)
