"""Networks and mean patterns to a union, and what is learnt of its limits on patterns that no network saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Integers, Singles
from xafsflow.learning.models.score_intervals import confusion_of
from xafsflow.learning.trust.trust_record import Trust
from xafsflow.learning.union.log_spacing import aligned_means, largest_shift
from xafsflow.learning.union.pattern_doubt import doubt_features, doubts_of, learnt_doubt, mixed_sequences
from xafsflow.learning.union.pattern_samples import CHECK, LEARN, TRAIN, PatternSamples
from xafsflow.learning.union.score_weights import learnt_weights
from xafsflow.learning.union.twin_types import twins_of
from xafsflow.learning.union.union_model import Parts, UnionOfNetworks, votes_of

# Mixtures of two types that limits are learnt on.
MIXTURES = 2000


def check_types(samples: PatternSamples) -> None:
    """Refuse samples with a type of which nothing can be learnt, or with none for the check.

    Raises
    ------
    InputError
        A type has no pattern to learn from or to learn its limits on, or no pattern is left for the check.
    """
    few = [
        name
        for place, name in enumerate(samples.types)
        if not all((samples.labels[samples.rows(part)] == place).any() for part in (TRAIN, LEARN))
    ]
    if few or not len(samples.rows(CHECK)):
        raise InputError(
            f"too few patterns of {', '.join(few)}" if few else "no pattern left for the check",
            "twenty species tuples of each type or more: one in seven is kept for limits, as many for the check",
            "give more compounds, or leave the type out",
        )


def mean_patterns(samples: PatternSamples, two_theta: Doubles, kept: Singles | None = None) -> Singles:
    """Mean patterns `(class, place)` of all types; those of the first ones may be `kept` from an earlier training."""
    done = 0 if kept is None else len(kept)
    rows = samples.rows(TRAIN)
    rows = rows[samples.labels[rows] >= done]
    count = len(samples.types) - done
    found = aligned_means(
        samples.sequences[rows], samples.labels[rows] - done, count, largest_shift(two_theta)
    )
    return found if kept is None else np.concatenate([kept, found])


def assembled(
    samples: PatternSamples,
    two_theta: Doubles,
    files: Sequence[bytes],
    templates: Singles,
    ratios: Sequence[str],
) -> tuple[UnionOfNetworks, Parts]:
    """A union of these networks, its weights and twins learnt on the samples kept for it, and what it says of these."""
    union = UnionOfNetworks(
        two_theta=two_theta,
        types=list(samples.types),
        ratios=list(ratios),
        twins=[[] for _ in samples.types],
        files=np.frombuffer(b"".join(files), np.uint8),
        lengths=np.array([len(one) for one in files], np.int64),
        templates=templates,
        score=np.ones(4),
        classes=np.arange(len(samples.types)),
    )
    rows = samples.rows(LEARN)
    parts, labels = union.parts(samples.sequences[rows]), samples.labels[rows]
    score = learnt_weights(parts, labels)
    twins = twins_of(confusion_of(votes_of(parts, score), labels))
    return replace(union, score=score, twins=twins), parts


def learnt_limits(
    union: UnionOfNetworks,
    samples: PatternSamples,
    parts: Parts,
    coverage: float,
    refuse: float,
    seed: int,
) -> Trust:
    """Sets that hold the true type of `coverage` of the patterns of each type, and limits beyond which `refuse` of known
    patterns are called none of these, or two; `parts` is what the union says of the known ones that are kept for it.
    """
    known, strange = samples.rows(LEARN), samples.rows(LEARN, known=False)
    labels = samples.labels[known]
    tables = [samples.sequences[known], samples.sequences[strange]]
    tables.append(mixed_sequences(tables[0], labels, MIXTURES, seed))
    told = [parts, *(union.parts(one) for one in tables[1:])]
    votes = [votes_of(one, union.score) for one in told]
    features = [
        doubt_features(one, vote, table) for one, vote, table in zip(told, votes, tables, strict=True)
    ]
    # A mixture of known types is one of these: it is told by the second doubt, not by the first.
    known_ones = np.concatenate([features[0], features[2]])
    doubt = np.stack([learnt_doubt(known_ones, features[1]), learnt_doubt(features[0], features[2])])
    trust = Trust(set_thresholds=thresholds_by_class(votes[0], labels, coverage)[None], doubt=doubt)
    return with_limits(trust, doubts_of(features[0], doubt), refuse)


def with_limits(trust: Trust, scores: Doubles, refuse: float) -> Trust:
    """The trust with limits beyond which a share `refuse` of known patterns with these doubts `(sample, 2)` lie."""
    assert trust.doubt is not None
    limits = np.quantile(scores, 1 - refuse, axis=0)
    # Without anything strange to learn from, nothing is refused.
    return replace(trust, doubt_limits=np.where(trust.doubt.any(axis=1), limits, np.inf))


def thresholds_by_class(votes: Doubles, labels: Integers, coverage: float) -> Doubles:
    """`(class,)`: the largest `1 - vote` with which each class is in the set.

    The quantile of the scores is interpolated between the two next to `(n + 1) coverage`, so that sets hold the true class
    that often on the average; 1, always in the set, for a class with too few samples for it.

    Examples
    --------
    >>> votes = np.stack([np.linspace(0.01, 1, 100), np.zeros(100)], axis=1)
    >>> thresholds_by_class(votes, np.zeros(100, int), 0.9).round(3).tolist()
    [0.899, 1.0]
    """
    found = np.ones(votes.shape[1])
    for one in range(votes.shape[1]):
        scores = 1 - votes[labels == one, one]
        if coverage * (len(scores) + 1) <= len(scores):
            found[one] = np.quantile(scores, coverage, method="weibull")
    return found
