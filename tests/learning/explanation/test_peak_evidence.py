"""A peak's effect on the vote for a type follows from cosines where only the likeness counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from xafsflow.findings.record import from_json, to_json
from xafsflow.findings.union_findings import PeakEvidence
from xafsflow.kernels.diffraction.log_places import log_edges, onto_places
from xafsflow.kernels.diffraction.prepared_pattern import angles_of_means, prepared
from xafsflow.learning.explanation.peak_evidence import (
    MOST,
    log_votes,
    peak_evidence,
    peak_place,
    peak_stretches,
)
from xafsflow.learning.union.log_spacing import PLACES, aligned_means, largest_shift
from xafsflow.learning.union.union_model import Parts, UnionOfNetworks, votes_of

ANGLE = np.linspace(10, 90, 4001)
SHORT = angles_of_means(ANGLE)
WEIGHT = 3.0
Make = Callable[..., UnionOfNetworks]


def pattern(*peaks: float, height: float = 900.0) -> np.ndarray:
    """Counts `(1, point)` of peaks of one height on a flat background, without noise."""
    return 50 + sum(height * np.exp(-(((ANGLE - one) / 0.25) ** 2)) for one in peaks)[None]


def sequence(*peaks: float) -> np.ndarray:
    """`(1, place)`: what networks read of it."""
    return onto_places(prepared(ANGLE, pattern(*peaks)), log_edges(SHORT, PLACES))


def square(peak: float) -> float:
    """The sum of squares of a peak that stands alone; peaks that do not touch have these side by side."""
    return float((sequence(peak).astype(float) ** 2).sum())


@pytest.fixture(scope="module")
def likeness_alone(drawn_union: Make) -> UnionOfNetworks:
    """A is peaks at 30 and 50 degrees, B is 50 and 70; cells of one size."""
    return drawn_union(ANGLE, np.concatenate([sequence(30, 50), sequence(50, 70)]), (0.0, WEIGHT))


def told(a: float, b: float) -> float:
    """ln(vote) of A, whose cosine is `a`, beside B."""
    return float(np.log(a**WEIGHT / (a**WEIGHT + b**WEIGHT)))


@pytest.mark.parametrize("shares", [(1.0, 1.0), (0.8, 0.5)])
def test_an_effect__follows_from_cosines(
    likeness_alone: UnionOfNetworks, shares: tuple[float, float]
) -> None:
    # Roots of counts 1, p and q: the squares of the peaks' lengths are those of what stands alone times 1, p^2 and q^2
    p, q = shares
    at = {peak: square(peak) for peak in (30, 50, 70)}
    rows = 50 + sum(pattern(one, height=900 * s * s) - 50 for one, s in ((30, 1.0), (50, p), (70, q)))
    whole = np.sqrt(at[30] + p * p * at[50] + q * q * at[70])
    a, b = np.sqrt(at[30] + at[50]), np.sqrt(at[50] + at[70])
    before = told((at[30] + p * at[50]) / whole / a, (p * at[50] + q * at[70]) / whole / b)
    left = {
        30: (p * at[50] / a, (p * at[50] + q * at[70]) / b),
        50: (at[30] / a, q * at[70] / b),
        70: ((at[30] + p * at[50]) / a, p * at[50] / b),
    }
    found = peak_evidence(likeness_alone, "file.xy", rows, 0)
    assert (found.output, found.samples, len(found.peaks)) == ("A", 1, 3)
    for peak, one in zip(found.peaks, found.peak_effects, strict=True):
        # Lengths of what is left cancel out between A and B
        assert one == pytest.approx(before - told(*left[round(peak)]), abs=0.01)
    assert found.peak_effects[0] > 0
    assert (round(found.peaks[0]), sorted(found.peaks.round())) == (30, [30, 50, 70])
    assert (np.diff(found.peak_effects) < 0).all()
    assert found.likeness == pytest.approx((at[30] + p * at[50]) / whole / a, abs=2e-3)


def test_an_effect_on_the_other_type__has_the_other_sign(likeness_alone: UnionOfNetworks) -> None:
    rows = pattern(30, 50, 70)
    for output, order in ((0, [30, 50, 70]), (1, [70, 50, 30])):
        found = peak_evidence(likeness_alone, "file.xy", rows, output)
        assert [round(one) for one in found.peaks] == order
        assert found.peak_effects[0] > 0.1
        assert found.peak_effects[-1] < -0.1
    assert "peaks at 50.0 and 70.0 degrees spoke for it; the one at 30.0 against it" in found.sentence


def test_an_empty_place__has_no_effect(likeness_alone: UnionOfNetworks) -> None:
    found = peak_evidence(likeness_alone, "file.xy", pattern(30, 50, 70))
    near = np.min([np.abs(found.two_theta - one) for one in (30, 50, 70)], axis=0)
    assert not found.effect[near > 1.5].any()
    assert found.effect[near < 0.1].all()
    assert not found.effect[found.pattern == 0].any()
    np.testing.assert_array_equal(found.two_theta, SHORT)


def test_effects__do_not_depend_on_other_patterns(drawn_union: Make) -> None:
    union = drawn_union(ANGLE, np.concatenate([sequence(30, 50), sequence(50, 70)]), (1.0, WEIGHT))
    one, other = pattern(30, 50, 70), pattern(35, 55, 75)
    alone = [peak_evidence(union, "p", rows, 0) for rows in (one, other)]
    both = peak_evidence(union, "p", np.concatenate([one, other]), 0)
    assert both.samples == 2
    assert sorted(both.peaks.round()) == [30, 35, 50, 55, 70, 75]
    # At each peak half of what the one pattern that has it tells, to the bit
    wanted = sorted(np.concatenate([found.peak_effects for found in alone]) / 2, reverse=True)
    np.testing.assert_array_equal(both.peak_effects, wanted)
    twice = peak_evidence(union, "p", np.concatenate([one, one]), 0)
    np.testing.assert_array_equal(twice.effect, alone[0].effect)
    assert twice.sentence == alone[0].sentence


def test_an_effect__is_that_of_a_pattern_without_the_peak(drawn_union: Make) -> None:
    # The network counts by a lot, since drawn weights tell patterns badly apart
    means, score = np.concatenate([sequence(30, 50), sequence(50, 70)]), (1e4, WEIGHT)
    union, deaf = drawn_union(ANGLE, means, score), drawn_union(ANGLE, means, (0.0, WEIGHT))
    before = log_votes(union.parts(sequence(30, 50, 70)), union.score)[0, 0]
    found = peak_evidence(union, "p", pattern(30, 50, 70), 0)
    for peak, effect in zip(found.peaks.round(), found.peak_effects, strict=True):
        left = sequence(*{30, 50, 70} - {int(peak)})
        assert effect == pytest.approx(before - log_votes(union.parts(left), union.score)[0, 0], abs=0.02)
    likeness = peak_evidence(deaf, "p", pattern(30, 50, 70), 0)
    assert np.abs(found.effect - likeness.effect).max() > 0.2


def test_where_no_peak_decides__that_is_said(drawn_union: Make) -> None:
    means = np.concatenate([sequence(30, 50), sequence(50, 70)])
    found = peak_evidence(drawn_union(ANGLE, means, (0.0, 0.0)), "p", pattern(30, 50, 70))
    assert not found.effect.any()
    assert found.sentence.endswith(
        "no single peak decides, the vote changes by less than 1 % without any one of them"
    )


def test_the_mean_pattern__stands_at_the_size_of_the_cell(drawn_union: Make) -> None:
    first = np.array([30.0, 50.0, 72.0])
    means = aligned_means(sequence(*first), np.zeros(1, int), 1, largest_shift(ANGLE))
    larger = np.degrees(2 * np.arcsin(np.sin(np.radians(first / 2)) / 1.06))
    found = peak_evidence(drawn_union(ANGLE, means, (0.0, 1.0)), "p", pattern(*larger))
    assert found.likeness > 0.95
    assert found.mean_pattern.max() == 1.0
    for place in larger:
        near = np.abs(SHORT - place) < 1.5
        top = SHORT[near][found.mean_pattern[near].argmax()]
        assert top == pytest.approx(place, abs=0.2)
        assert found.mean_pattern[near].max() > 0.6


def test_without_peaks__nothing_is_explained(likeness_alone: UnionOfNetworks) -> None:
    noise = np.random.default_rng(0).normal(400, 20, (1, ANGLE.size))
    found = peak_evidence(likeness_alone, "p", noise)
    assert found.peaks.size == found.peak_effects.size == 0
    assert found.sentence.endswith("no peak stands out of the noise")
    assert from_json(PeakEvidence, to_json(found)) == found


def test_what_was_not_measured__is_no_peak(likeness_alone: UnionOfNetworks) -> None:
    rows = pattern(30, 50, 70)
    rows[:, (ANGLE < 20) | (ANGLE > 60)] = np.nan
    found = peak_evidence(likeness_alone, "p", rows)
    assert sorted(found.peaks.round()) == [30, 50]
    assert np.isfinite(found.peak_effects).all()
    outside = (SHORT < 20) | (SHORT > 60)
    assert np.isfinite(found.pattern[~outside]).all()
    assert np.isnan(found.pattern[(SHORT < 19.9) | (SHORT > 60.1)]).all()
    assert np.isfinite(found.effect).all()


def test_peaks_that_touch__are_parted_at_their_valley() -> None:
    angle = np.arange(20.0, 40.0, 0.08)

    def bells(*places: float) -> np.ndarray:
        found = sum(np.exp(-(((angle - one) / 0.5) ** 2)) for one in places)
        return np.where(found > 0.01, found, 0)

    deep, shallow = bells(29.0, 30.8), bells(29.0, 29.9)
    assert len(peak_stretches(angle, shallow)) == 1
    (first, middle), (again, last) = peak_stretches(angle, deep).tolist()
    assert middle == again
    assert angle[middle] == pytest.approx(29.9, abs=0.1)
    assert deep[first : last + 1].sum() == pytest.approx(deep.sum())
    assert peak_place(angle, deep, first, middle) == pytest.approx(29.0, abs=0.05)
    # Two points without anything within a peak are noise that was clipped
    gap = shallow.copy()
    gap[np.abs(angle - 28.4) < 0.08] = 0
    assert len(peak_stretches(angle, gap)) == 1


def test_of_many_peaks__the_strongest_are_kept() -> None:
    rows, rng = np.zeros(1000), np.random.default_rng(0)
    heights = rng.permutation(np.linspace(0.1, 1, 40))
    for n, height in enumerate(heights):
        rows[20 * n + 5 : 20 * n + 10] = height
    ends = peak_stretches(np.linspace(10, 90, 1000), rows)
    assert len(ends) == MOST
    assert rows[ends[:, 0]].min() == np.sort(heights)[-MOST]
    assert (np.diff(ends, axis=0) > 0).all()


def test_logarithms_of_votes__are_those_of_the_votes(drawn_union: Make) -> None:
    union = drawn_union(ANGLE, np.concatenate([sequence(30, 50), sequence(50, 70)]), (1.5, 4.0))
    parts = union.parts(np.concatenate([sequence(30, 50, 70), sequence(70)]))
    np.testing.assert_allclose(
        np.exp(log_votes(parts, union.score)), votes_of(parts, union.score), rtol=1e-12
    )


def test_logarithms_of_votes__are_those_of_the_union() -> None:
    rng = np.random.default_rng(0)
    parts = Parts(*(rng.uniform(0.01, 1, (5, 3)) for _ in range(4)))
    score = np.array([1.3, 0.6, 0.4, 0.8])
    np.testing.assert_allclose(log_votes(parts, score), np.log(votes_of(parts, score)), atol=1e-9)
