"""Simple ways to tell a structure type from a pattern, in the same table as the networks: is the trouble worth it?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Integers, Numbers, Singles
from xafsflow.kernels.diffraction.log_places import best_cosines, log_edges, onto_places
from xafsflow.kernels.diffraction.peak_search import peaks
from xafsflow.kernels.diffraction.prepared_pattern import angles_of_means, prepared
from xafsflow.learning.models.classifiers import Drawn, fit
from xafsflow.learning.models.predictors import Predictor, over_all_classes
from xafsflow.learning.samples.row_blocks import row_blocks
from xafsflow.learning.union.log_spacing import (
    PLACES,
    aligned_means,
    largest_shift,
    template_lengths,
    unit_length,
)
from xafsflow.vocabulary import nearest

PEAKS = 15  # the strongest of a pattern, in features that do not know the size of the cell
BINS = 200  # of a prepared pattern, for forests
TREES = 200
# Trees of scikit-learn hold a number for each node and type, 3 GB for 200 trees, 100 types and 60,000 patterns, until they
# are packed: they grow in parts of so many.
PART = 25


@dataclass(frozen=True)
class PatternTable:
    """Patterns as all baselines take them.

    `two_theta` (bin,) degrees, `prepared` (sample, bin) float32, `places` (sample, peak) degrees with NaN where there are
    fewer peaks, `heights` (sample, peak), the highest first.
    """

    two_theta: Doubles
    prepared: Singles
    places: Doubles
    heights: Doubles

    def __len__(self) -> int:
        return len(self.prepared)

    def __getitem__(self, rows: Integers | slice) -> PatternTable:
        """Some of the patterns."""
        return PatternTable(self.two_theta, self.prepared[rows], self.places[rows], self.heights[rows])


def pattern_table(two_theta: Floats, counts: Numbers, factor: int = 4) -> PatternTable:
    """Prepare patterns and find their peaks.

    Parameters
    ----------
    two_theta
        `(point,)` degrees, evenly spaced.
    counts
        `(sample, point)`; NaN where nothing was measured.
    factor
        Points in a mean of the prepared pattern.

    Examples
    --------
    >>> angle = np.linspace(10, 90, 4001)
    >>> rows = 50 + 900 * np.exp(-(((angle - np.array([[30], [50]])) / 0.2) ** 2))
    >>> table = pattern_table(angle, rows)
    >>> table.prepared.shape, table.places[:, 0].round(2)
    ((2, 1000), array([30., 50.]))
    """
    places, heights = peaks(two_theta, counts)
    return PatternTable(
        angles_of_means(two_theta, factor), prepared(two_theta, counts, factor), places, heights
    )


def spacing_ratios(places: Doubles, heights: Doubles, count: int = PEAKS) -> Singles:
    """Peak lists without the size of the cell: `d_i/d_1` from the largest d downwards, and relative heights.

    Parameters
    ----------
    places
        `(sample, peak)` in degrees two theta, the highest first, NaN where there are fewer.
    heights
        `(sample, peak)` relative to the highest.
    count
        Peaks taken, the strongest.

    Returns
    -------
    ndarray
        `(sample, 2 count - 1)` float32: ratios of peaks 2, 3, ... and heights of peaks 1, 2, ...; 0 where there are fewer.

    Examples
    --------
    >>> two_theta = 2 * np.degrees(np.arcsin([[0.2, 0.1, np.nan]]))
    >>> spacing_ratios(two_theta, np.array([[1.0, 0.5, 0.0]]), 3)
    array([[0.5, 0. , 0.5, 1. , 0. ]], dtype=float32)
    """
    strongest = np.full((len(places), count), np.nan)
    strongest[:, : places.shape[1]] = places[:, :count]
    order = np.argsort(strongest, axis=1, kind="stable")  # NaN last
    inverse = np.sin(np.radians(np.take_along_axis(strongest, order, axis=1) / 2))
    high = np.zeros(strongest.shape)
    high[:, : heights.shape[1]] = heights[:, :count]
    high = np.take_along_axis(high, order, axis=1)
    ratios = inverse[:, :1] / inverse[:, 1:]
    return np.nan_to_num(np.concatenate([ratios, high], axis=1)).astype(np.float32)


def binned(rows: Singles, bins: int = BINS) -> Singles:
    """Means of neighboring points of prepared patterns `(sample, bin)`: at most about `bins` of them.

    Examples
    --------
    >>> binned(np.arange(6, dtype="f4")[None], 3)
    array([[0.5, 2.5, 4.5]], dtype=float32)
    """
    size = max(1, rows.shape[1] // bins)
    n = rows.shape[1] // size
    return np.asarray(rows[:, : n * size].reshape(len(rows), n, size).mean(axis=2))


class Baseline(Protocol):
    """What learns from patterns with known types, and votes for types."""

    def fit(self, table: PatternTable, labels: Integers) -> Baseline:
        """Learn from patterns and their types `(sample,)`."""
        ...

    def votes(self, table: PatternTable) -> Floats:
        """Votes `(sample, class)`; the largest is the answer."""
        ...


class NearestMean:
    """The cosine with the mean prepared pattern of each type."""

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes

    def fit(self, table: PatternTable, labels: Integers) -> NearestMean:
        """Average the patterns of each type."""
        means = np.zeros((self.n_classes, table.prepared.shape[1]), np.float32)
        for number in np.unique(labels):
            means[number] = table.prepared[labels == number].mean(axis=0, dtype=np.float64)
        self.means = unit_length(means)
        return self

    def votes(self, table: PatternTable) -> Singles:
        """Cosines `(sample, class)`, 0 to 1; 0 for an empty pattern."""
        out = np.empty((len(table), self.n_classes), np.float32)
        for part in row_blocks(*table.prepared.shape):
            out[part] = unit_length(table.prepared[part]) @ self.means.T
        return out


class ShiftedMean:
    """The largest cosine, over sizes of the cell, with the mean pattern of each type over ln(1/d)."""

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes

    def fit(self, table: PatternTable, labels: Integers) -> ShiftedMean:
        """Align and average the patterns of each type."""
        self.edges = log_edges(table.two_theta, PLACES)
        rows = onto_places(table.prepared, self.edges)
        self.means = aligned_means(rows, labels, self.n_classes, largest_shift(table.two_theta))
        return self

    def votes(self, table: PatternTable) -> Singles:
        """Cosines `(sample, class)` at the best size of the cell, 0 to 1; 0 for an empty pattern."""
        lengths = template_lengths(self.means, PLACES)
        out = np.empty((len(table), self.n_classes), np.float32)
        for part in row_blocks(len(table), PLACES):
            out[part] = best_cosines(onto_places(table.prepared[part], self.edges), self.means, lengths)
        return out


class Forest:
    """A row of `CLASSIFIERS` on features of patterns; votes are shares of trees."""

    def __init__(
        self,
        learner: str,
        features: Callable[[PatternTable], Singles],
        n_classes: int,
        seed: int,
        trees: int,
        alone: bool,
    ) -> None:
        self.learner, self.features, self.n_classes = learner, features, n_classes
        sizes = [min(PART, trees - begin) for begin in range(0, trees, PART)]
        seeds = np.random.SeedSequence(seed).generate_state(len(sizes)).tolist()
        self.parts = [Drawn(trees=n, seed=one, alone=alone) for n, one in zip(sizes, seeds, strict=True)]
        self.found: list[Predictor] = []

    def fit(self, table: PatternTable, labels: Integers) -> Forest:
        """Grow the trees."""
        features = self.features(table)
        self.found = [fit(self.learner, features, labels, part)[0] for part in self.parts]
        return self

    def votes(self, table: PatternTable) -> Floats:
        """Shares of trees `(sample, class)`."""
        features = self.features(table).T
        votes = np.zeros((len(table), self.n_classes))
        for part, found in zip(self.parts, self.found, strict=True):
            votes += part.trees * over_all_classes(found, features, self.n_classes)
        return votes / sum(part.trees for part in self.parts)


def _peak_features(table: PatternTable) -> Singles:
    return spacing_ratios(table.places, table.heights)


def _binned_features(table: PatternTable) -> Singles:
    return binned(table.prepared)


def _forest(
    learner: str, features: Callable[[PatternTable], Singles]
) -> Callable[[int, int, int, bool], Baseline]:
    return partial(Forest, learner, features)


# Each makes a baseline of the number of types, a seed, the number of trees, and whether to keep to one thread.
BASELINES: dict[str, Callable[[int, int, int, bool], Baseline]] = {
    "nearest_mean": lambda n_classes, seed, trees, alone: NearestMean(n_classes),
    "log_d_correlation": lambda n_classes, seed, trees, alone: ShiftedMean(n_classes),
    "forest_peaks": _forest("random_forest", _peak_features),
    "extra_trees_peaks": _forest("extra_trees", _peak_features),
    "forest_binned": _forest("random_forest", _binned_features),
    "extra_trees_binned": _forest("extra_trees", _binned_features),
}


def baseline_votes(
    name: str,
    training: PatternTable,
    labels: Integers,
    check: PatternTable,
    *,
    n_classes: int,
    seed: int = 0,
    trees: int = TREES,
    alone: bool = True,
) -> Floats:
    """Train a baseline on patterns with known types and let it vote for others.

    Parameters
    ----------
    name
        A row of `BASELINES`.
    training
        Patterns of known types.
    labels
        `(sample,)` their types, from 0 to `n_classes - 1`.
    check
        Patterns to vote for, on the same two theta.
    n_classes
        Number of types.
    seed
        The same gives the same votes.
    trees
        In a forest.
    alone
        Keep a forest to one thread, else one a core.

    Returns
    -------
    ndarray
        `(sample, class)`: cosines or shares of trees; the largest is the answer.

    Raises
    ------
    InputError
        There is no such baseline, or the two tables are not on the same two theta.

    Examples
    --------
    >>> angle = np.linspace(10, 90, 2001)
    >>> rows = 50 + 900 * np.exp(-(((angle - np.array([[30], [50]])) / 0.2) ** 2))
    >>> table = pattern_table(angle, rows)
    >>> baseline_votes("nearest_mean", table, np.array([0, 1]), table, n_classes=2).argmax(axis=1)
    array([0, 1])
    """
    if name not in BASELINES:
        raise InputError(
            f"the baseline {name!r}",
            f"one of {', '.join(BASELINES)}",
            f"mend the name{nearest(name, BASELINES)}",
        )
    if not np.array_equal(training.two_theta, check.two_theta):
        raise InputError(
            "patterns to check on another two theta than those to learn from",
            "the same points",
            "bring both to one grid before they are prepared",
        )
    return BASELINES[name](n_classes, seed, trees, alone).fit(training, labels).votes(check)
