"""Sets hold the true type, and limits refuse of known patterns, as often as was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.learning.models.model import Model
from xafsflow.learning.union.assembly import (
    assembled,
    check_types,
    confusion_of,
    learnt_limits,
    mean_patterns,
    thresholds_by_class,
)
from xafsflow.learning.union.judged_patterns import judged_sequences
from xafsflow.learning.union.pattern_samples import CHECK, LEARN, TRAIN
from xafsflow.learning.union.union_model import UnionOfNetworks, votes_of
from xafsflow.sampling.pattern_library import PatternLibrary, pattern_library


@pytest.fixture(scope="module")
def library(known_patterns: xr.Dataset) -> PatternLibrary:
    return pattern_library(known_patterns, "structure_type", None, 0)


@pytest.mark.parametrize("coverage", [0.8, 0.95])
@pytest.mark.parametrize("count", [23, 60])
def test_sets__hold_the_true_type_that_often_on_the_average(coverage: float, count: int) -> None:
    rng, inside = np.random.default_rng(0), []
    for _ in range(600):
        votes = rng.beta(5, 1, (count + 50, 1))
        threshold = thresholds_by_class(votes[:count], np.zeros(count, int), coverage)
        inside.append((1 - votes[count:] <= threshold).mean())
    # Five sigma of the mean over the trainings
    assert np.mean(inside) == pytest.approx(coverage, abs=5 * np.std(inside) / np.sqrt(600))


def test_a_class_with_too_few_patterns__is_always_possible() -> None:
    votes = np.full((30, 3), 0.9)
    labels = np.repeat([0, 1], [19, 11])
    found = thresholds_by_class(votes, labels, 0.95)
    np.testing.assert_allclose(found, [0.1, 1, 1])


def test_limits__refuse_of_known_patterns_the_share_that_is_asked_for(
    union_model: Model, library: PatternLibrary
) -> None:
    union, samples = union_model.predictor, library.samples
    assert isinstance(union, UnionOfNetworks)
    rows = samples.rows(LEARN)
    parts = union.parts(samples.sequences[rows])
    for refuse in (0.05, 0.3):
        trust = learnt_limits(union, samples, parts, 0.9, refuse, 0)
        found = judged_sequences(union, trust, samples.sequences[rows])
        for flagged in (found.unlike, found.mixed):
            assert abs(flagged.sum() - refuse * len(rows)) <= 1
        strange = judged_sequences(union, trust, samples.sequences[samples.rows(LEARN, known=False)])
        assert strange.unlike.mean() > found.unlike.mean()
    again = learnt_limits(union, samples, parts, 0.9, 0.3, 0)
    np.testing.assert_array_equal(trust.doubt, again.doubt)
    np.testing.assert_array_equal(trust.doubt_limits, again.doubt_limits)


def test_without_background_types__nothing_is_refused(union_model: Model, library: PatternLibrary) -> None:
    union, samples = union_model.predictor, library.samples
    assert isinstance(union, UnionOfNetworks)
    known = samples.labels >= 0
    alone = replace(
        samples,
        sequences=samples.sequences[known],
        labels=samples.labels[known],
        part=samples.part[known],
        kind=samples.kind[known],
    )
    parts = union.parts(alone.sequences[alone.rows(LEARN)])
    trust = learnt_limits(union, alone, parts, 0.9, 0.05, 0)
    assert trust.doubt_limits is not None
    assert trust.doubt_limits[0] == np.inf
    assert np.isfinite(trust.doubt_limits[1])
    assert not judged_sequences(union, trust, samples.sequences).unlike.any()


def test_a_union_is_assembled__with_weights_and_twins_of_its_own_samples(
    union_model: Model, library: PatternLibrary
) -> None:
    before, samples = union_model.predictor, library.samples
    assert isinstance(before, UnionOfNetworks)
    made, _ = assembled(samples, library.two_theta, before.contents, before.templates, library.ratios)
    made.check()
    assert made.contents == before.contents
    assert made.ratios == ["AB", "AB", "AB2", "AB2C4"]
    # Of a network with drawn weights there is nothing to believe
    assert made.score[1] > made.score[0]
    rows = samples.rows(LEARN)
    votes = votes_of(made.parts(samples.sequences[rows]), made.score)
    confusion = confusion_of(votes, samples.labels[rows])
    assert confusion.sum() == len(rows)
    for one, others in enumerate(made.twins):
        for other in others:
            assert one in made.twins[other]
            share = confusion / confusion.sum(axis=1, keepdims=True)
            assert max(share[one, other], share[other, one]) >= 0.05


def test_mean_patterns__of_types_that_were_known_are_kept(library: PatternLibrary) -> None:
    samples = library.samples
    whole = mean_patterns(samples, library.two_theta)
    kept = np.full_like(whole[:2], 0.5)
    found = mean_patterns(samples, library.two_theta, kept=kept)
    assert found[:2].tobytes() == kept.tobytes()
    np.testing.assert_array_equal(found[2:], whole[2:])


@pytest.mark.parametrize("part", [TRAIN, LEARN, CHECK])
def test_types_of_too_few_patterns__are_named(
    part: int, library: PatternLibrary, union_model: Model, drawn_union: Callable[..., UnionOfNetworks]
) -> None:
    samples = library.samples
    check_types(samples)
    moved = samples.part.copy()
    if part == CHECK:
        moved[moved == CHECK] = TRAIN
        told = "no pattern left for the check"
    else:
        moved[(samples.kind == "fluorite") & (moved == part)] = CHECK
        told = "too few patterns of fluorite"
    with pytest.raises(InputError, match=told):
        check_types(replace(samples, part=moved))
