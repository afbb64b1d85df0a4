"""Which energies matter: importances, recursive elimination, and what fewer energies cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Integers
from xafsflow.learning.models.classifiers import Drawn, fit
from xafsflow.learning.trust.confidence import leader_right

# From `(pattern, used feature)` to `(pattern, reference)`.
Fractions = Callable[[Floats], Floats]

# Share of the energies that a round leaves out, and patterns that a round learns from and judges by.
DROPPED, LEARNT, JUDGED = 0.2, 6000, 1000
# Of the sum of all squares: far below what noise adds to one feature.
RIDGE = 1e-9


@dataclass(frozen=True)
class Task:
    """Patterns to learn from and to judge by.

    `features` (pattern, feature), `labels` (pattern,), `compositions` (class, reference); `judge` and `score`, two sets
    of patterns off the grid, each features (check, feature) with compositions (check, reference).
    """

    features: Floats
    labels: Integers
    compositions: Floats
    judge: tuple[Floats, Floats]
    score: tuple[Floats, Floats]


def task_of(
    features: Floats,
    labels: Integers,
    compositions: Floats,
    checks: tuple[Floats, Floats],
    seed: int,
) -> Task:
    """A task of as many patterns as elimination needs; the patterns that choose energies do not judge the loss.

    Raises
    ------
    InputError
        Fewer than two classes.
    """
    if len(compositions) < 2:
        raise InputError("one class", "two or more", "give more references or a smaller step")
    rng = np.random.default_rng([seed, 4])
    known = np.sort(rng.permutation(len(labels))[:LEARNT])
    order = rng.permutation(len(checks[0]))
    first, second = order[: len(order) // 2][:JUDGED], order[len(order) // 2 :]
    sets = [(checks[0][part], checks[1][part]) for part in (first, second)]
    return Task(features[known], labels[known], compositions, sets[0], sets[1])


def fractions_by(task: Task, learner: str, used: Indices, trees: int, seed: int) -> Fractions:
    """A model of the fractions from some features, as a function from `(pattern, used feature)` to `(pattern, reference)`.

    `linear_regression` of the compositions, whose errors are those of noise only; or a classifier, whose votes between
    the classes add their own.
    """
    rows = task.features[:, used].astype(np.float64)
    if learner == "linear_regression":
        shares = task.compositions[task.labels]
        middle, mean = rows.mean(axis=0), shares.mean(axis=0)
        apart = rows - middle
        # Features that are equal in all patterns get no weight, and the equations a solution.
        ridge = RIDGE * (apart**2).sum() * np.eye(len(used))
        weights = np.linalg.solve(apart.T @ apart + ridge, apart.T @ (shares - mean))
        return lambda found: np.asarray((found - middle) @ weights + mean)
    predictor, _ = fit(learner, task.features[:, used], task.labels, Drawn(trees, seed))
    return lambda found: predictor.predict(found.T) @ task.compositions[predictor.classes]


@dataclass(frozen=True, eq=False)
class Round:
    """A round of elimination: the importance of some energies, and the error of the fractions learnt from them.

    `used` (used,) are the indices of the features, `importances` (used,) theirs; on patterns that were not judged by,
    `fraction_error` (mean absolute), its standard error `error`, `dominant_accuracy`.
    """

    used: Indices
    importances: Doubles
    fraction_error: float
    error: float
    dominant_accuracy: float


def permutation_importances(
    fractions: Fractions, features: Floats, truth: Floats, rng: np.random.Generator
) -> Doubles:
    """By how much the mean error of the fractions grows when the values of one feature are shuffled.

    L. Breiman, Machine Learning 45, 5 (2001). Features that say the same as others seem unimportant alone.

    Examples
    --------
    >>> rows = np.random.default_rng(0).random((200, 2))
    >>> permutation_importances(lambda rows: rows[:, :1], rows, rows[:, :1], np.random.default_rng(1)).round(1)
    array([0.3, 0. ])
    """
    whole = np.abs(fractions(features) - truth).mean()
    found = np.empty(features.shape[1])
    for feature in range(features.shape[1]):
        shuffled = features.copy()
        shuffled[:, feature] = rng.permutation(shuffled[:, feature])
        found[feature] = np.abs(fractions(shuffled) - truth).mean() - whole
    return found


def eliminate(task: Task, learner: str, trees: int, fewest: int, seed: int) -> list[Round]:
    """Leave out the least important energies, round by round, from all energies down to the fewest."""
    rng = np.random.default_rng([seed, 5])
    used, rounds = np.arange(task.features.shape[1]), []
    while True:
        fractions = fractions_by(task, learner, used, trees, seed)
        importances = permutation_importances(fractions, task.judge[0][:, used], task.judge[1], rng)
        found = fractions(task.score[0][:, used])
        errors = np.abs(found - task.score[1]).mean(axis=1)
        rounds.append(
            Round(
                used=used,
                importances=importances,
                fraction_error=float(errors.mean()),
                error=float(errors.std() / np.sqrt(len(errors))),
                dominant_accuracy=float(leader_right(found, task.score[1]).mean()),
            )
        )
        remaining = max(fewest, min(len(used) - 1, int(len(used) * (1 - DROPPED))))
        if remaining >= len(used):
            return rounds
        used = np.sort(used[np.argsort(-importances, kind="stable")[:remaining]])


def fewest_within(rounds: list[Round], loss: float) -> int:
    """The round with the fewest energies whose error is at most `1 + loss` times that with all of them."""
    most = rounds[0].fraction_error * (1 + loss)
    return max(place for place, one in enumerate(rounds) if one.fraction_error <= most)
