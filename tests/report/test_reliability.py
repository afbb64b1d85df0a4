"""Reliability diagram and controls, as the report shows them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xafsflow.report.sections.model_section import (
    STEP,
    better_sentence,
    control_sheets,
    reliability_pictures,
    wilson,
)


def test_wilson__is_the_interval_that_scipy_has() -> None:
    from scipy.stats import binomtest

    low, high = wilson(np.array([0.0, 0.3, 1.0]), np.array([20.0, 10.0, 7.0]))
    for i, (right, count) in enumerate(((0, 20), (3, 10), (7, 7))):
        wanted = binomtest(right, count).proportion_ci(method="wilson")
        assert (low[i], high[i]) == pytest.approx((wanted.low, wanted.high), abs=1e-4)


def test_diagram__has_stated_and_observed_with_counts(judged) -> None:
    (picture,) = reliability_pictures(judged)
    top, low = picture.figure.axes
    points = top.lines[-1]
    assert list(points.get_xdata()) == [0.55, 0.95]
    assert list(points.get_ydata()) == [0.5, 0.96]
    assert [segment[1][1] for segment in low.collections[0].get_segments()] == [40, 960]
    assert "Expected calibration error 0.012 on 1,000 mixtures" in picture.text


def test_controls__stand_beside_the_classifier_with_the_sentence(judged) -> None:
    ((group, sheet),) = control_sheets(judged)
    assert group == "trust"
    for told in ("<b>random forest</b>", "nearest class", "90.0 %", "0.06", "0.04"):
        assert told in sheet, told
    sentence = (
        "The control nearest class is better than random forest: wrong by 0.04 (difference 0.02 ± 0.01)."
    )
    assert sentence in sheet
    assert better_sentence(judged) == sentence


def test_controls__say_that_none_is_better(judged) -> None:
    judged[STEP]["better"] = None
    ((_, sheet),) = control_sheets(judged)
    assert "No control is better than the classifier." in sheet
    assert better_sentence(judged) == ""


@pytest.mark.parametrize(
    "found", [{}, {STEP: {}}, {STEP: {"controls": None, "reliability": {"stated": [0.5], "observed": [1.0]}}}]
)
def test_nothing_is_shown__where_nothing_was_found(found: dict[str, Any]) -> None:
    assert not list(reliability_pictures(found))
    assert not list(control_sheets(found))
    assert better_sentence(found) == ""


def test_controls__are_escaped(judged) -> None:
    judged[STEP]["controls"] = {"<script>": {}}
    judged[STEP]["better"] = "<script> is better"
    ((_, sheet),) = control_sheets(judged)
    assert "<script>" not in sheet
