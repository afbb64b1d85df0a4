"""What a union says of patterns in the end: votes, the types that are possible, and whether to believe any of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Mask, Singles
from xafsflow.learning.models.model import Model
from xafsflow.learning.trust.prediction_sets import sets_of
from xafsflow.learning.trust.trust_record import Trust
from xafsflow.learning.union.known_composition import with_prior
from xafsflow.learning.union.pattern_doubt import doubt_features, doubts_of
from xafsflow.learning.union.union_model import Parts, UnionOfNetworks, votes_of


@dataclass(frozen=True, eq=False)
class Judged:
    """What a union says of patterns.

    Parameters
    ----------
    parts
        What its networks and mean patterns say.
    votes
        `(sample, class)`.
    possible
        `(sample, class)`: the set of types that holds the true one as often as was asked for. It is empty where no type has
        the votes that its own patterns have.
    unlike, mixed
        `(sample,)`: it is none of the known types; it looks like two of them.
    """

    parts: Parts
    votes: Doubles
    possible: Mask
    unlike: Mask
    mixed: Mask


def union_in(model: Model) -> UnionOfNetworks:
    """The union that a model answers with.

    Raises
    ------
    InputError
        It is another model.
    """
    if not isinstance(model.predictor, UnionOfNetworks):
        raise InputError(
            f"a model of {model.learner}", "a union of networks", "use one that train.union made"
        )
    return model.predictor


def judged(model: Model, patterns: Floats, weights: Doubles | None = None) -> Judged:
    """What the union of a model says of patterns `(sample, point)` on its grid, NaN where nothing was measured.

    Parameters
    ----------
    weights
        `(class,)` or `(sample, class)`: how well the types fit what else is known (`known_composition.type_weights`).
    """
    union = union_in(model)
    return judged_sequences(union, model.trust, union.sequences(patterns), weights)


def judged_sequences(
    union: UnionOfNetworks, trust: Trust, sequences: Singles, weights: Doubles | None = None
) -> Judged:
    """The same of sequences `(sample, place)`; a pattern without peaks is unlike all."""
    parts = union.parts(sequences)
    votes = votes_of(parts, union.score)
    scores = doubts(trust, parts, votes, sequences)
    if weights is not None:
        votes = with_prior(votes, weights)
    assert trust.set_thresholds is not None
    assert trust.doubt_limits is not None
    possible = sets_of(votes, np.broadcast_to(trust.set_thresholds[0], votes.shape))
    if weights is not None:
        # A type with too few patterns to learn from is always possible, but not against what is known.
        possible &= np.asarray(weights) > 0
    empty = ~(sequences > 0).any(axis=1)
    unlike, mixed = (scores > trust.doubt_limits).T
    return Judged(parts, votes, possible, unlike | empty, mixed & ~empty)


def doubts(trust: Trust, parts: Parts, votes: Doubles, sequences: Singles) -> Doubles:
    """`(sample, 2)`: how much a pattern looks like none of the types, and like two of them."""
    assert trust.doubt is not None
    return doubts_of(doubt_features(parts, votes, sequences), trust.doubt)
