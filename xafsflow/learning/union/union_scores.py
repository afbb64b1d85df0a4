"""How right a union is on patterns kept for the end, beside its parts, the published rule and simple methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.findings.union_findings import TypeScore
from xafsflow.kernels.array_types import Doubles, Floats, Integers
from xafsflow.learning.models import score_intervals
from xafsflow.learning.trust.trust_record import Trust
from xafsflow.learning.union.judged_patterns import Judged, judged_sequences
from xafsflow.learning.union.pattern_doubt import mixed_sequences
from xafsflow.learning.union.pattern_samples import CHECK, PatternSamples
from xafsflow.learning.union.score_weights import published_votes
from xafsflow.learning.union.twin_types import top_share
from xafsflow.learning.union.union_model import UnionOfNetworks

UNION = "union"


@dataclass(frozen=True, eq=False)
class Checked:
    """What a union says of the check patterns: of known types, of background types, and of mixtures of two.

    `rows` and `background` are their places among the samples.
    """

    rows: Integers
    background: Integers
    known: Judged
    strange: Judged
    mixed: Judged


def checked(union: UnionOfNetworks, trust: Trust, samples: PatternSamples, seed: int) -> Checked:
    """Let a union judge the check patterns."""
    rows, background = samples.rows(CHECK), samples.rows(CHECK, known=False)
    own = samples.sequences[rows]
    mixed = mixed_sequences(own, samples.labels[rows], len(rows), seed + 1)
    judge = [judged_sequences(union, trust, one) for one in (own, samples.sequences[background], mixed)]
    return Checked(rows, background, *judge)


def type_score(votes: Floats, labels: Integers, group: NDArray[Any], seed: int) -> TypeScore:
    """Scores of votes `(sample, class)`, with the interval of the first by bootstrap over groups `(sample,)`.

    Examples
    --------
    >>> votes = np.tile([[0.5, 0.3, 0.15, 0.05]], (40, 1))
    >>> found = type_score(votes, np.repeat([0, 3], [30, 10]), np.arange(40), 0)
    >>> found.top1, found.top3
    (0.75, 0.75)
    """
    order = np.argsort(-np.asarray(votes), axis=1, kind="stable")[:, :3]
    right = order[:, 0] == labels
    ends = score_intervals.interval(lambda places: right[places].mean(), group, seed)
    return TypeScore(top_share(order, labels, 1), top_share(order, labels, 3), ends)


def parts_votes(found: Judged) -> dict[str, Doubles]:
    """Votes of the union, of its parts alone, and by the published rule."""
    parts = found.parts
    return {
        UNION: found.votes,
        "confidence": parts.confidence,
        "likeness": parts.likeness,
        "published_rule": published_votes(parts),
    }


def better_than_the_union(
    votes: Mapping[str, Floats], labels: Integers, group: NDArray[Any], seed: int
) -> str | None:
    """A sentence where a method answers more patterns rightly than the union, surely; None where none does.

    The same patterns are compared: the 95 % interval of the difference, by bootstrap over groups, is above zero.
    """
    right = {name: np.asarray(one).argmax(axis=1) == labels for name, one in votes.items()}
    best = max(right, key=lambda name: right[name].mean())
    if best == UNION:
        return None
    gain = right[best].astype(float) - right[UNION]
    low, high = score_intervals.interval(lambda places: gain[places].mean(), group, seed)
    if low <= 0:
        return None
    return (
        f"{best} is better than the union: {right[best].mean():.3f} of the check patterns are right in place of "
        f"{right[UNION].mean():.3f} (difference {low:.3f} to {high:.3f})"
    )
