"""Reliability diagram and comparison with simple classifiers, as the report shows them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xafsflow.reporting.sections.model_accuracy import better_control, wilson


def test_wilson__is_the_interval_that_scipy_has() -> None:
    from scipy.stats import binomtest

    low, high = wilson(np.array([0.0, 0.3, 1.0]), np.array([20.0, 10.0, 7.0]))
    for i, (right, count) in enumerate(((0, 20), (3, 10), (7, 7))):
        wanted = binomtest(right, count).proportion_ci(method="wilson")
        assert (low[i], high[i]) == pytest.approx((wanted.low, wanted.high), abs=1e-4)


def test_diagram__has_stated_and_observed_with_counts(judged, shown) -> None:
    _, picture = shown("model_accuracy", judged.entries["train.fit"])
    top, low = picture.figure.plots
    points = top.curves[-1]
    assert points.x.tolist() == [0.55, 0.95]
    assert points.y.tolist() == [0.5, 0.96]
    assert low.marks[0].high.tolist() == [40, 960]
    assert "Expected calibration error 0.012 on 1,000 mixtures" in picture.text


def test_controls__stand_beside_the_model_with_the_sentence(judged, shown, html) -> None:
    found = judged.entries["train.fit"]
    text = html(*shown("model_accuracy", found))
    for part in ("<b>random forest</b>", "nearest class", "90.0 %", "0.06", "0.04"):
        assert part in text, part
    sentence = "The simple classifier nearest class is better than random forest: wrong by 0.04 (difference 0.02 ± 0.01)."
    assert sentence in text
    assert better_control(found) == sentence


def test_controls__say_that_none_is_better(judged, shown, html) -> None:
    found = replace(judged.entries["train.fit"], better=None)
    assert "No simple classifier is better than the model." in html(*shown("model_accuracy", found))
    assert better_control(found) == ""


def test_controls__are_escaped(judged, shown, html) -> None:
    fit = judged.entries["train.fit"]
    nasty = replace(fit, controls={"<script>": fit.controls["nearest_class"]}, better="<script> is better")
    assert "<script>" not in html(*shown("model_accuracy", nasty))


def test_model__is_shown_without_findings(make, shown) -> None:
    _, model = make()
    titles = [one.title for one in shown("model_accuracy", None, model)]
    assert titles == [
        "What the classifier looks at",
        "Confusion of all classes",
        "Confusion of the dominant reference",
    ]


def test_model_without_spectra__has_importances_alone(make, shown) -> None:
    _, model = make()
    bare = replace(model, reference_energy=np.zeros(0), reference_norm=np.zeros((3, 0)), confusion=None)
    (picture,) = shown("model_accuracy", None, bare)
    assert picture.key == "importances"
    maps, _ = make()
    assert [one.title for one in shown("class_spectra", None, bare, maps)] == ["Fe", "FeO", "Fe2O3"]
