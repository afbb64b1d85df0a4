"""What a model looks at, as the report shows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xafsflow.findings.explanation_findings import BandEffect, BandLoss, ModelExplanation
from xafsflow.reporting.curve_marks import Band, Bars

ENERGY = np.linspace(7100.0, 7130.0, 31)
EDGES = np.array([7100.0, 7110.0, 7120.0, 7130.0])
EDGE = 0.5 + np.arctan(ENERGY - 7112) / np.pi


def effect(name: str, output: str, sentence: str) -> BandEffect:
    values = np.array([-0.2, 1.0, 0.1])
    return BandEffect(name, output, sentence, 20, EDGE, values, np.abs(values), -0.4, 0.5)


@pytest.fixture
def found() -> ModelExplanation:
    return ModelExplanation(
        learner="lightgbm",
        kind="classes",
        axis="energy",
        energy=ENERGY,
        edges=EDGES,
        mean=EDGE,
        permutation=BandLoss(
            "share of wrong classes",
            ("all classes",),
            ("The share of wrong classes grows most.",),
            np.array([0.1]),
            np.array([[0.0, 0.3, 0.02]]),
            np.full((1, 3), 0.01),
            80,
        ),
        overall=(
            effect("checks", "4", "Class 4 is told most by it."),
            effect("checks", "6", "Class 6 also."),
        ),
        single=(effect("check 3 (mp-1)", "4", "check 3 (mp-1): class 4 scores."),),
        image=(effect("pixels of this class", "6", "Pixels of this class."),),
        gap=2e-14,
        notes=("One thing is left out.",),
    )


def test_sentences__stand_before_the_figures(found, shown, html) -> None:
    words, *pictures = shown("model_explanation", found)
    assert words.texts == [
        "Class 4 is told most by it.",
        "Class 6 also.",
        "The share of wrong classes grows most.",
    ]
    assert "within 2e-14" in words.notes[0]
    assert words.notes[1:] == ["One thing is left out."]
    assert [one.title for one in pictures] == [
        "What the model needs",
        "What each answer is told by",
        "Class 4: check 3 (mp-1)",
        "Class 6: pixels of this class",
    ]
    assert "One thing is left out." in html(words)


def test_rows__are_shares_of_what_all_bands_add(found, shown) -> None:
    rows = shown("model_explanation", found)[2].figure.plots[1:]
    assert len(rows) == 2
    for plot, name in zip(rows, ("class 4", "class 6"), strict=True):
        bands = [mark for mark in plot.marks if isinstance(mark, Band)]
        assert bands[0].name == name
        assert [one.high[0] for one in bands] == pytest.approx([0.2 / 1.3, 1 / 1.3, 0.1 / 1.3])


def test_properties__have_rows_with_errors(found, shown) -> None:
    lost = replace(
        found.permutation,
        names=("mean_angle", "mean_distance"),
        sentences=("One.", "Two."),
        loss=np.array([0.2, 0.1]),
        growth=np.array([[0.0, 0.3, 0.1], [0.0, 0.0, 0.4]]),
        error=np.full((2, 3), 0.05),
    )
    several = replace(found, kind="properties", permutation=lost, overall=(), single=(), image=())
    _, picture = shown("model_explanation", several)
    rows = picture.figure.plots[1:]
    assert [rows[i].marks[0].name for i in (0, 1)] == ["mean angle", "mean distance"]
    assert all(any(isinstance(mark, Bars) for mark in plot.marks) for plot in rows)


def test_without_trees__only_what_the_model_needs_is_shown(found, shown) -> None:
    other = replace(found, overall=(), single=(), image=(), gap=float("nan"))
    words, picture = shown("model_explanation", other)
    assert words.notes == ["One thing is left out."]
    assert picture.title == "What the model needs"
    (words,) = shown("model_explanation", replace(other, permutation=None))
    assert words.texts == []
