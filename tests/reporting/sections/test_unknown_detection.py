"""What would be found, as the report shows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xafsflow.findings.judge_findings import Detection, UnknownFindings

SHARES = np.array([0.1, 0.5, 1.0])


@pytest.fixture
def found() -> UnknownFindings:
    detection = (
        Detection("peak", "peak", SHARES, np.array([0.9, 1.0, 1.0]), 0.12),
        Detection("FeO", "reference left out", SHARES, np.array([0.2, 1.0, 1.0]), 0.35),
        Detection("magnetite", "candidate", SHARES, np.array([0.0, 0.1, 0.2]), np.nan),
    )
    shared, typical, spoiled = {"Fe": 0.3}, {"Fe": 1.4}, ("images moved",)
    return UnknownFindings("residual", 0.01, np.full(8, 1.5), 6000, shared, typical, spoiled, detection)


def test_shares__are_told_the_least_first(found, shown, html) -> None:
    text = html(*shown("unknown_detection", found))
    assert text.index("height 0.12") < text.index("35 %") < text.index("not found")
    assert "reference left out" in text
    assert "Fe 0.3" in text


def test_curves__are_those_that_are_found(found, shown) -> None:
    picture = shown("unknown_detection", found)[1]
    (plot,) = picture.figure.plots
    assert [curve.name for curve in plot.curves] == ["peak", "FeO"]
    np.testing.assert_array_equal(plot.curves[1].y, found.detection[1].found)


def test_what_spoils_the_rate__stands_first(found, shown, html) -> None:
    assert "Images moved." in html(shown("unknown_detection", found)[0])
    clean = shown("unknown_detection", replace(found, spoiled_by=()))
    assert "in doubt" not in html(*clean)


def test_nothing_is_shown__where_nothing_was_simulated(found, shown) -> None:
    assert shown("unknown_detection", replace(found, detection=(), spoiled_by=())) == []
