"""Whether a pattern is of none of the known types, or of two of them: what parts of a union look like then."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices, Singles
from xafsflow.kernels.diffraction.log_places import highest_one
from xafsflow.learning.union.union_model import LEAST, Parts

# Shares of the intensity of the first of two types, in mixtures that are to be flagged.
SHARES = (0.3, 0.7)


def doubt_features(parts: Parts, votes: Doubles, sequences: Singles) -> Doubles:
    """What tells patterns of known types from others.

    Parameters
    ----------
    parts, votes
        Of the samples `(sample, ...)`.
    sequences
        `(sample, place)`.

    Returns
    -------
    ndarray
        `(sample, feature)`: logarithms of the two largest votes and confidences, of "other" of the network that knows the
        answer, of what is left of that, and of the least "other"; the three largest likenesses and that of the answer; the
        confidence in the answer; the entropy of the votes; the share of places with a peak, and their mean height.
    """
    if not len(votes):
        return np.zeros((0, 15))
    top, rows = votes.argmax(axis=1), np.arange(len(votes))
    by_vote, by_confidence, by_likeness = (
        np.sort(np.pad(one, ((0, 0), (2, 0))), axis=1) for one in (votes, parts.confidence, parts.likeness)
    )
    other = parts.other[rows, top]
    logarithms = [by_vote[:, -1], by_vote[:, -2], by_confidence[:, -1], by_confidence[:, -2]]
    logarithms += [other, 1 - other, parts.other.min(axis=1)]
    plain = [by_likeness[:, -1], by_likeness[:, -2], by_likeness[:, -3]]
    plain += [parts.likeness[rows, top], parts.confidence[rows, top]]
    plain += [-(votes * np.log(np.maximum(votes, LEAST))).sum(axis=1)]
    plain += [(sequences > 0).mean(axis=1), sequences.mean(axis=1)]
    return np.stack([*(np.log(np.maximum(one, LEAST)) for one in logarithms), *plain], axis=1)


def learnt_doubt(known: Doubles, strange: Doubles) -> Doubles:
    """Weights of features, and an offset, with which known patterns get low scores and strange ones high ones.

    Logistic regression, both kinds weighing alike.

    Parameters
    ----------
    known, strange
        `(sample, feature)`.

    Returns
    -------
    ndarray
        `(feature + 1,)`; all zeros where there is nothing strange to learn from.

    Examples
    --------
    >>> weights = learnt_doubt(np.zeros((20, 1)), np.ones((20, 1)))
    >>> bool(doubt_of(np.array([[0.0]]), weights)[0] < 0 < doubt_of(np.array([[1.0]]), weights)[0])
    True
    """
    from sklearn.linear_model import LogisticRegression

    if not len(known) or not len(strange):
        return np.zeros(known.shape[1] + 1)
    table = np.concatenate([known, strange])
    mean, spread = table.mean(axis=0), table.std(axis=0)
    spread = np.where(spread > 1e-9, spread, np.inf)
    fitted = LogisticRegression(max_iter=5000, class_weight="balanced")
    fitted.fit((table - mean) / spread, np.repeat([0, 1], [len(known), len(strange)]))
    weights = fitted.coef_[0] / spread
    return np.append(weights, fitted.intercept_[0] - weights @ mean)


def doubt_of(features: Doubles, weights: Doubles) -> Doubles:
    """Scores `(sample,)` of features `(sample, feature)`; sums in one order whatever stands beside a sample."""
    return np.asarray((features * weights[:-1]).sum(axis=1) + weights[-1])


def doubts_of(features: Doubles, weights: Doubles) -> Doubles:
    """Scores `(sample, doubt)` of features `(sample, feature)`, with weights `(doubt, feature + 1)`."""
    return np.stack([doubt_of(features, one) for one in weights], axis=1)


def mixed_sequences(sequences: Singles, labels: Indices, count: int, seed: int) -> Singles:
    """Patterns of two types at once `(mixture, place)`, from those of one `(sample, place)`, about `count` of them.

    The first has 30 to 70 % of the intensity above the background. Sequences are square roots of intensities.
    """
    rng = np.random.default_rng([seed, 23])
    first, second = (
        (rng.integers(len(sequences), size=count) for _ in range(2))
        if len(sequences)
        else 2 * [np.zeros(0, int)]
    )
    differ = labels[first] != labels[second]
    share = rng.uniform(*SHARES, size=count).astype(np.float32)[: len(first)][differ, None]
    return mixture(sequences[first[differ]], sequences[second[differ]], share)


def mixture(one: Singles, other: Singles, share: Singles) -> Singles:
    """Sequences of two patterns at once, `(sample, place)`; of the intensity above the background the first has `share`."""
    return highest_one(np.sqrt(share * _unit_area(one) + (1 - share) * _unit_area(other)))


def _unit_area(sequences: Singles) -> Singles:
    squares = sequences**2
    total = squares.sum(axis=1, keepdims=True)
    return np.asarray(squares / np.where(total > 0, total, 1))
