"""Candidates for what is missing, and the test of each against the components, as the report shows them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xafsflow.report.sections.missing_reference_section import candidate_pictures, candidate_sheets


def sheets(findings: dict[str, Any]) -> dict[str, str]:
    return dict(candidate_sheets(findings))


def test_ranking__tells_gain_price_share_and_near_duplicates(judged) -> None:
    text = sheets(judged)["references-missing"]
    for told in (
        "15,941",
        "-15,806",
        "+1,309",
        "13.4 %",
        "&lt; 0.1 %",
        "Most like FeCO3 or its near-duplicate siderite.",
    ):
        assert told in text, told
    assert "near-duplicate of siderite" in text
    assert "near-duplicate of Fe, which is used" in text
    assert "is used already" in text
    assert "Without any, χ² per degree of freedom is 7.39." in text


def test_spoil_table__has_grades_in_words(judged) -> None:
    text = sheets(judged)["references-target"]
    assert "<b>excellent</b>" in text
    assert "<td>unacceptable</td>" in text
    assert "7.25" in text
    assert "Target transformation with 3 components" in text
    assert "do not cover the energies: short." in text


def test_picture__shows_mean_fit_and_residual_with_the_noise(judged) -> None:
    (picture,) = candidate_pictures(judged)
    top, low = picture.figure.axes
    found = judged["judge.missing"]
    np.testing.assert_array_equal(top.lines[0].get_ydata(), found["mean_spectrum"])
    np.testing.assert_array_equal(top.lines[1].get_ydata(), found["mean_fit"])
    np.testing.assert_array_equal(low.lines[0].get_ydata(), found["mean_residual"])
    band = low.collections[0].get_datalim(low.transData).height
    assert band == pytest.approx(4 * 0.002)
    assert "2,512 pixels (unknown pixels)" in picture.text
    assert "up to 0.03 of the edge step" in picture.text


def test_picture__does_without_the_noise(judged) -> None:
    del judged["judge.missing"]["mean_noise"]
    (picture,) = candidate_pictures(judged)
    assert not picture.figure.axes[1].collections
    assert "Gray" not in picture.text


@pytest.mark.parametrize(
    "found",
    [
        {},
        {
            "judge.missing": {"ranking": [], "energy": [1.0], "mean_spectrum": [1.0, 2.0]},
            "judge.target": None,
        },
        {"judge.missing": {"ranking": [{"reference": "x"}]}, "judge.target": {"candidates": [{"name": "x"}]}},
    ],
)
def test_nothing_is_shown__where_nothing_was_found(found: dict[str, Any]) -> None:
    assert not sheets(found)
    assert not list(candidate_pictures(found))


def test_sheets__escape_names(judged) -> None:
    judged["judge.missing"]["ranking"][0] |= {"reference": "<script>", "near_duplicates": ["<i>"]}
    judged["judge.target"]["candidates"][0] |= {"name": "<script>", "grade": "<i>"}
    text = "".join(sheets(judged).values())
    assert "<script>" not in text
    assert "<i>" not in text
