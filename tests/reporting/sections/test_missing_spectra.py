"""Candidates for what is missing, as the report shows them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xafsflow.reporting.curve_marks import Band


def test_ranking__has_gain_price_fraction_and_near_duplicates(judged, shown, html) -> None:
    text = html(*shown("missing_spectra", judged.entries["judge.missing"]))
    for part in (
        "15,941",
        "-15,806",
        "+1,309",
        "13.4 %",
        "&lt; 0.1 %",
        "Most like FeCO3 or its near-duplicate siderite.",
        "near-duplicate of siderite",
        "near-duplicate of Fe, which is used",
        "is used already",
        "Without any candidate, reduced χ² is 7.39.",
    ):
        assert part in text, part


def test_picture__shows_mean_fit_and_residual_with_the_noise(judged, shown) -> None:
    found = judged.entries["judge.missing"]
    _, picture = shown("missing_spectra", found)
    top, low = picture.figure.plots
    np.testing.assert_array_equal(top.curves[0].y, found.mean_spectrum)
    np.testing.assert_array_equal(top.curves[1].y, found.mean_fit)
    np.testing.assert_array_equal(low.curves[0].y, found.mean_residual)
    (band,) = (mark for mark in low.marks if isinstance(mark, Band))
    np.testing.assert_allclose(band.high - band.low, 4 * 0.002)
    assert "2,512 pixels (unknown pixels)" in picture.text
    assert "up to 0.03 of the edge step" in picture.text


def test_ranking__escapes_names(judged, shown, html) -> None:
    found = judged.entries["judge.missing"]
    nasty = replace(found.ranking[0], reference="<script>", near_duplicates=("<i>",))
    text = html(*shown("missing_spectra", replace(found, ranking=(nasty,), verdict="<img src=x>")))
    for tag in ("<script>", "<i>", "<img"):
        assert tag not in text


def test_section__is_empty_without_findings(shown) -> None:
    assert shown("missing_spectra") == []
