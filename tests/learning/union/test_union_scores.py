"""Scores on patterns kept for the end, and what is told of a union."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from xafsflow.findings.record import from_json, to_json
from xafsflow.findings.union_findings import UnionFindings
from xafsflow.learning.models.model import Model
from xafsflow.learning.network.network_file import network_from_bytes, network_to_bytes
from xafsflow.learning.union.judged_patterns import union_in
from xafsflow.learning.union.pattern_samples import CHECK, PatternSamples
from xafsflow.learning.union.union_record import union_record
from xafsflow.learning.union.union_scores import (
    UNION,
    better_than_the_union,
    checked,
    parts_votes,
    type_score,
)
from xafsflow.sampling.pattern_library import PatternLibrary, pattern_library


@pytest.fixture(scope="module")
def library(known_patterns: xr.Dataset) -> PatternLibrary:
    return pattern_library(known_patterns, "structure_type", None, 0)


def recorded(model: Model, library: PatternLibrary, samples: PatternSamples) -> UnionFindings:
    union = union_in(model)
    (network, about), *_ = (network_from_bytes(one) for one in union.contents)
    content = network_to_bytes(network, about | {"epochs": 3, "loss": float("inf")})
    told = replace(
        union, files=np.frombuffer(content, np.uint8), lengths=np.array([len(content)]), twins=[[]] * 4
    )
    seen = checked(told, model.trust, samples, 0)
    votes = parts_votes(seen.known)
    return union_record(told, samples, library.wavelength, library.group, seen, votes, 0.9, 0)


def test_a_record__tells_of_the_check_patterns_alone(union_model: Model, library: PatternLibrary) -> None:
    samples = library.samples
    found = recorded(union_model, library, samples)
    rows, strange = samples.rows(CHECK), samples.rows(CHECK, known=False)
    assert found.check_patterns == len(rows) == found.confusion.sum()
    np.testing.assert_array_equal(found.confusion.sum(axis=1), np.bincount(samples.labels[rows], minlength=4))
    votes = union_in(union_model).parts(samples.sequences[rows]).likeness
    right = votes.argmax(axis=1) == samples.labels[rows]
    assert found.table["likeness"].top1 == found.table[UNION].top1 == right.mean()
    assert found.better is None
    assert 0 <= found.refused_unknown <= 1
    assert found.networks[0].loss == np.inf
    inside = found.class_coverage * found.confusion.sum(axis=1)
    assert np.nansum(inside) / len(rows) == pytest.approx(found.observed_coverage)
    named = {name for copies in found.near_copies.values() for name in copies}
    assert named <= set(samples.kind[strange])
    np.testing.assert_allclose(found.means.max(axis=1), 1)
    # 1/d at the ends of the measured range, half a place inside
    ends = 2 * np.sin(np.radians(np.array([10.0, 90.0]) / 2)) / library.wavelength
    np.testing.assert_allclose(found.places[[0, -1]], ends, rtol=0.01)
    assert from_json(UnionFindings, to_json(found)) == found


def test_without_background_types__nothing_is_told_of_them(
    union_model: Model, library: PatternLibrary
) -> None:
    known = library.samples.labels >= 0
    part = np.where(known, library.samples.part, -1)
    found = recorded(union_model, library, replace(library.samples, part=part))
    assert np.isnan([found.refused_unknown, found.refused_others]).all()
    assert found.near_copies == {}


def test_of_one_type_in_the_check__no_mixture_is_told(union_model: Model, library: PatternLibrary) -> None:
    part = np.where((library.samples.part == CHECK) & (library.samples.labels > 0), -1, library.samples.part)
    found = recorded(union_model, library, replace(library.samples, part=part))
    assert np.isnan(found.mixed_found)
    assert np.isnan(found.class_coverage[1:]).all()


def test_scores__count_the_first_and_the_first_three() -> None:
    votes = np.array([[0.4, 0.3, 0.2, 0.1]] * 10)
    labels = np.array([0] * 5 + [2] * 2 + [3] * 3)
    found = type_score(votes, labels, np.arange(10), 0)
    assert (found.top1, found.top3) == (0.5, 0.7)
    assert 0 <= found.interval[0] < 0.5 < found.interval[1] <= 1
    # Where all samples of a tuple are right or wrong together the interval is wider
    group = np.repeat([0, 1], 5)
    assert np.diff(type_score(votes, labels, group, 0).interval) > np.diff(found.interval)


def test_a_method_that_is_surely_better__is_named() -> None:
    labels = np.zeros(200, int)
    perfect, half = np.tile([1.0, 0.0], (200, 1)), np.eye(2)[np.arange(200) % 2]
    told = better_than_the_union({UNION: half, "forest": perfect}, labels, np.arange(200), 0)
    assert told is not None
    assert told.startswith("forest is better than the union: 1.000 of the check patterns")
    assert "in place of 0.500" in told
    assert better_than_the_union({UNION: perfect, "forest": half}, labels, np.arange(200), 0) is None
    nearly = half.copy()
    nearly[1] = [1, 0]
    assert better_than_the_union({UNION: half, "forest": nearly}, labels, np.arange(200), 0) is None
