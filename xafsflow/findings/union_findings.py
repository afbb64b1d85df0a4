"""What steps on structure types find: how right a union of networks is, and what it says of measured patterns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xafsflow.findings.record import Doubles, Finding, Integers


@dataclass(frozen=True, eq=False)
class TypeScore(Finding):
    """How often structure types are right on patterns of species tuples that were not trained on.

    Parameters
    ----------
    top1, top3
        Share of the patterns whose type is the first answer, or among the first three.
    interval
        `(2,)`: 95 % interval of `top1`, by bootstrap over species tuples.
    """

    top1: float
    top3: float
    interval: Doubles


@dataclass(frozen=True, eq=False)
class Twins(Finding):
    """Two types that are told apart badly.

    Parameters
    ----------
    first, second
        The types.
    confused
        The larger share of one that is taken for the other.
    """

    first: str
    second: str
    confused: float


@dataclass(frozen=True, eq=False)
class NetworkRecord(Finding):
    """One network of a union.

    Parameters
    ----------
    types
        That it knows.
    patterns
        How many it learnt from, those of "other" included.
    epochs
        Of the training.
    loss
        The smallest on patterns that end the training.
    """

    types: tuple[str, ...]
    patterns: int
    epochs: int
    loss: float


@dataclass(frozen=True, eq=False)
class UnionFindings(Finding):
    """What `train.union` and `train.extend` find.

    Parameters
    ----------
    types
        `(class,)`: the types that are known.
    networks
        Each network of the union.
    training_patterns, check_patterns
        Numbers of patterns of known types: learnt from; kept for all that is told here.
    weights
        `(4,)`: in the vote, of the logarithms of confidence (local) and likeness (global), of one over "other", and of
        "other" of networks that were added later; 0 where there are none.
    table
        Scores by name: `union`; its parts `confidence` and `likeness`; `published_rule`; and simple methods beside it.
    better
        A sentence where one of these is better than the union; None where none is.
    confusion
        `(true class, predicted class)`: numbers of check patterns.
    twins
        Types that are told apart badly, the worst first.
    coverage, observed_coverage, class_coverage
        How often the true type is to be in the set, how often it was, over all and by class `(class,)`, NaN for a class
        without check patterns.
    set_size
        Mean number of types in the set.
    refused_known, refused_unknown
        Share of the check patterns that are answered with none of these: of known types, and of background types that
        neither networks nor limits saw.
    near_copies
        Background types whose patterns are nearly those of a known one, by the known one, named beforehand.
    refused_others
        `refused_unknown` without these; NaN where nothing is left.
    mixed_known, mixed_found
        Share of the check patterns that are flagged as two types: of one type, and of mixtures of two by 30 to 70 %.
    places, means
        `(place,)` and `(class, place)`: 1/d in 1/Angstrom, and the mean patterns there, square roots with maximum one.
    """

    types: tuple[str, ...]
    networks: tuple[NetworkRecord, ...]
    training_patterns: int
    check_patterns: int
    weights: Doubles
    table: Mapping[str, TypeScore]
    better: str | None
    confusion: Integers
    twins: tuple[Twins, ...]
    coverage: float
    observed_coverage: float
    class_coverage: Doubles
    set_size: float
    refused_known: float
    refused_unknown: float
    near_copies: Mapping[str, tuple[str, ...]]
    refused_others: float
    mixed_known: float
    mixed_found: float
    places: Doubles
    means: Doubles


@dataclass(frozen=True, eq=False)
class PatternAnswer(Finding):
    """What a union says of one measured pattern.

    Parameters
    ----------
    name
        Of the file.
    answer
        The likeliest type.
    vote
        Its vote.
    possible
        The types of the set that holds the true one as often as was asked; its twins are among them.
    candidates, votes
        The first types and their votes, the likeliest first.
    confidence, likeness
        Of the first type: what its network says, and the cosine with its mean pattern. The local and the global part.
    unlike, mixed
        Whether the pattern is none of the known types, and whether it looks like two of them.
    truth
        What the table says; empty where it says nothing.
    known
        Whether that is a type that the model knows.
    """

    name: str
    answer: str
    vote: float
    possible: tuple[str, ...]
    candidates: tuple[str, ...]
    votes: Doubles
    confidence: float
    likeness: float
    unlike: bool
    mixed: bool
    truth: str
    known: bool


@dataclass(frozen=True, eq=False)
class PatternAnswers(Finding):
    """What `judge.patterns` finds.

    Parameters
    ----------
    answers
        Of each pattern.
    labelled
        How many have a type in the table that the model knows.
    top1, top3, in_set
        Share of these whose type is the first answer, among the first three, and in the set; NaN where there are none.
    unknown_labelled, refused
        How many have a type that the model does not know, and the share of these that it answers with none of these.
    """

    answers: tuple[PatternAnswer, ...]
    labelled: int
    top1: float
    top3: float
    in_set: float
    unknown_labelled: int
    refused: float


@dataclass(frozen=True, eq=False)
class PeakEvidence(Finding):
    """Which peaks spoke for the answer to a pattern, or to a region of an image.

    Parameters
    ----------
    name
        Of the pattern or region.
    output
        The type that is explained, the first answer.
    sentence
        What is seen, in words.
    samples
        How many patterns.
    two_theta, pattern
        `(point,)`: degrees, and the prepared pattern (square root, maximum one), or the mean of several; NaN where nothing
        was measured.
    mean_pattern
        `(point,)`: of the type, at the size of the cell at which it is most like.
    effect
        `(point,)`: by how much the logarithm of the type's vote falls when the peak there is taken out; 0 between peaks.
    peaks, peak_effects
        `(peak,)`: degrees and effects of the peaks, the largest effect first.
    confidence, likeness
        Both parts of the score.
    """

    name: str
    output: str
    sentence: str
    samples: int
    two_theta: Doubles
    pattern: Doubles
    mean_pattern: Doubles
    effect: Doubles
    peaks: Doubles
    peak_effects: Doubles
    confidence: float
    likeness: float


@dataclass(frozen=True, eq=False)
class PatternExplanation(Finding):
    """What `judge.peaks` finds.

    Parameters
    ----------
    evidence
        Of single patterns, of a pixel, and of parts of an image.
    notes
        What is left out, and why.
    """

    evidence: tuple[PeakEvidence, ...]
    notes: tuple[str, ...]
