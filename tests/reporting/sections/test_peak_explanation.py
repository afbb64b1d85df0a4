"""Peaks that spoke for a structure type, as the report shows them."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.findings.union_findings import PatternExplanation, PeakEvidence
from xafsflow.reporting.band_figure import LOWERS, RAISES
from xafsflow.reporting.curve_marks import Band, Curve
from xafsflow.reporting.pattern_figure import LEAST_WIDTH, peak_figure

ANGLE = np.linspace(10.0, 90.0, 1001)
PLACES = {30.0: 0.8, 50.0: -0.2, 70.0: 0.05}


def evidence(name: str = "a/Fe3O4.xy", samples: int = 1) -> PeakEvidence:
    effect = sum(one * (np.abs(ANGLE - place) < 1.0) for place, one in PLACES.items())
    pattern = sum(np.exp(-(((ANGLE - place) / 0.3) ** 2)) for place in PLACES)
    places, effects = np.array(list(PLACES)), np.array(list(PLACES.values()))
    order = np.argsort(-effects)
    said = "rocksalt (0.97): the peak at 30.0 degrees spoke for it; the one at 50.0 against it"
    found = (ANGLE, pattern, pattern, effect, places[order], effects[order], 0.91, 0.955)
    return PeakEvidence(name, "rocksalt", said, samples, *found)


@pytest.fixture
def found() -> PatternExplanation:
    return PatternExplanation((evidence(), evidence("pixels of region 2", 16)), ("Some are left out.",))


def test_each_pattern__has_a_picture_with_both_parts_of_the_score(found, shown, html) -> None:
    first, second, left_out = shown("peak_explanation", found)
    assert (first.title, second.title) == ("rocksalt: a/Fe3O4.xy", "rocksalt: pixels of region 2")
    assert first.key != second.key
    # Types and files are written as they are called
    assert first.text.startswith("rocksalt (0.97): the peak at 30.0 degrees spoke for it; ")
    assert "confidence, 0.91" in first.text
    assert "pattern of rocksalt, 0.95" in first.text
    assert "Mean over" not in first.text
    assert "Mean over 16 patterns." in second.text
    assert "Some are left out." in html(left_out)
    assert len(shown("peak_explanation", PatternExplanation(found.evidence, ()))) == 2


def test_peaks__are_red_for_and_blue_against_the_type_by_their_effect() -> None:
    one = evidence()
    figure = peak_figure(4.0, one.two_theta, one.pattern, one.mean_pattern, one.effect)
    above, bars, below = (plot.marks for plot in figure.plots)
    bands = [mark for mark in above if isinstance(mark, Band)]
    assert [band.color for band in bands] == [RAISES, LOWERS, RAISES]
    opacities = np.array([band.opacity for band in bands])
    assert (opacities / opacities.max()).tolist() == pytest.approx([1, np.sqrt(0.25), np.sqrt(0.0625)])
    for band, place in zip(bands, PLACES, strict=True):
        assert band.x.mean() == pytest.approx(place)
    heights = [mark.high[0] + mark.low[0] for mark in bars if isinstance(mark, Band)]
    assert heights == pytest.approx(list(PLACES.values()))
    assert [len(m) for m in ([m for m in above if isinstance(m, Curve)], below)] == [1, 1]


def test_a_narrow_peak__has_a_band_that_can_be_seen() -> None:
    effect = np.zeros(1001)
    effect[500] = 1.0
    figure = peak_figure(4.0, ANGLE, effect, effect, effect)
    band = next(mark for mark in figure.plots[0].marks if isinstance(mark, Band))
    assert np.ptp(band.x) == pytest.approx(LEAST_WIDTH * 80)
    assert band.x.mean() == pytest.approx(50.0)


def test_without_effects__the_pattern_stands_alone() -> None:
    figure = peak_figure(4.0, ANGLE, *np.zeros((3, 1001)))
    assert not [mark for plot in figure.plots for mark in plot.marks if isinstance(mark, Band)]
    assert figure.scene().height > 0
