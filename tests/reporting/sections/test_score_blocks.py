"""Scores of a model of library spectra, as the report shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from xafsflow.findings.train_findings import IntervalScores, LibraryScores, RegressionFindings, SearchFindings
from xafsflow.reporting.scene import Label, Line, text_width
from xafsflow.reporting.score_blocks import class_blocks, property_blocks, search_panel

SCORES = LibraryScores(
    macro_f1=0.84,
    accuracy_interval=np.array([0.88, 0.92]),
    macro_f1_interval=np.array([0.8, 0.86]),
    stable_share=0.69,
    stable_accuracy=0.97,
    stable_macro_f1=0.93,
    noise_levels=np.array([0.0, 0.05]),
    accuracy_at_noise=np.array([0.91, 0.83]),
    macro_f1_at_noise=np.array([0.85, 0.7]),
    abstained=np.array([0.0, 0.1]),
    accuracy_of_others=np.array([0.83, 0.89]),
    coverage=0.9,
    class_coverage=np.array([0.91, np.nan]),
    set_size_at_noise=np.array([1.1, 1.4]),
)
PROPERTIES = RegressionFindings(
    regressor="ridge",
    properties=("distance",),
    units=("Angstrom",),
    training_samples=80,
    held_out_samples=20,
    r_squared=np.array([0.957]),
    rmse=np.array([0.02]),
    mean_absolute_error=np.array([0.0143]),
    spread=np.array([0.1]),
    importances=None,
)
INTERVALS = IntervalScores(
    r_squared_interval=np.array([[0.912], [0.981]]),
    noise_levels=np.array([0.0, 0.05]),
    r_squared_at_noise=np.array([[0.96], [0.8]]),
    coverage=0.9,
    observed_coverage=np.array([0.87]),
    width=np.array([0.0654]),
)


SEARCH = SearchFindings(
    settings=("epochs", "ridge"),
    tried=np.array([[1.0, 0.5], [20.0, 0.5], [20.0, 0.25]]),
    score="r_squared",
    mean=np.array([0.1234, 0.8765, 0.8765]),
    spread=np.array([0.05, 0.0321, 0.04]),
    folds=5,
    best={"epochs": 20.0, "ridge": 0.5},
)


class OfClasses:
    """What the blocks read of the findings of a classifier."""

    accuracy = 0.903


def test_scores__are_told_with_their_intervals(html: Any) -> None:
    found: Any = OfClasses()
    text = html(*class_blocks(found, SCORES, ["4", "5"]))
    assert "0.903 (0.88 to 0.92)" in text
    assert "0.84 (0.8 to 0.86)" in text
    assert "stable label (69.0 %)" in text
    assert "0.97" in text
    assert "4 91.0 %" in text
    assert "nan" not in text


def test_curves__are_those_that_were_measured() -> None:
    found: Any = OfClasses()
    _, noise, abstention = class_blocks(found, SCORES, ["4", "5"])
    curves = {one.name: one.y.tolist() for one in noise.figure.plots[0].curves}  # type: ignore[union-attr]
    assert curves == {"accuracy": [0.91, 0.83], "macro F1": [0.85, 0.7]}
    assert "0.89 without 10.0 %" in abstention.text  # type: ignore[union-attr]


def test_classes__are_numbered_where_no_model_names_them(shown: Any, html: Any, judged: Any) -> None:
    found: Any = OfClasses()
    assert "class 1 91.0 %" in html(*class_blocks(found, SCORES, []))
    assert "class 1 91.0 %" in html(
        *shown("model_accuracy", replace(judged.entries["train.fit"], library=SCORES))
    )


@pytest.mark.parametrize("count", [2, 6, 7])
def test_legend__of_the_noise_does_not_cover_the_curves(count: int) -> None:
    rng = np.random.default_rng(0)
    names = tuple(f"a property of number {number}" for number in range(count))
    told = replace(
        PROPERTIES,
        properties=names,
        units=("1",) * count,
        **{name: np.full(count, 0.5) for name in ("r_squared", "rmse", "mean_absolute_error", "spread")},
    )
    levels = np.linspace(0, 0.1, 7)
    scores = replace(
        INTERVALS,
        r_squared_interval=np.full((2, count), 0.5),
        noise_levels=levels,
        r_squared_at_noise=1 - rng.random((7, count)) * 9 * levels[:, None],
        observed_coverage=np.full(count, 0.9),
        width=np.full(count, 0.1),
    )
    _, picture = property_blocks(told, scores)
    scene = picture.figure.scene()  # type: ignore[union-attr]
    legend = [mark for mark in scene.marks if isinstance(mark, Label) and mark.text.startswith("a property")]
    curves = [mark for mark in scene.marks if isinstance(mark, Line) and mark.clip and len(mark.places) == 7]
    assert len(legend) == len(curves) == count
    assert min(one.y for one in legend) - 9 > max(y for one in curves for _, y in one.places)
    assert max(one.x + text_width(one.text, 9) for one in legend) < scene.width


def test_a_model_without_noise__has_no_curve_over_it() -> None:
    found: Any = OfClasses()
    quiet = replace(
        SCORES, noise_levels=np.zeros(1), accuracy_at_noise=np.ones(1), macro_f1_at_noise=np.ones(1)
    )
    assert len(list(class_blocks(found, quiet, ["4", "5"]))) == 2


@pytest.mark.parametrize("scores", [None, INTERVALS])
def test_properties__are_told_with_their_errors(scores: IntervalScores | None, html: Any) -> None:
    blocks = list(property_blocks(PROPERTIES, scores))
    text = html(*blocks)
    assert "0.957" in text
    assert "0.0143" in text
    assert (
        ("0.912" in text)
        == ("87.0 %" in text)
        == ("0.0654" in text)
        == (len(blocks) == 2)
        == (scores is not None)
    )


def test_intervals_of_too_few_spectra__are_no_numbers(html: Any) -> None:
    few = replace(
        INTERVALS,
        r_squared_interval=np.full((2, 1), np.nan),
        width=np.array([np.inf]),
        noise_levels=np.zeros(1),
    )
    text = html(*property_blocks(PROPERTIES, few))
    assert text.count("too few") == 5
    assert "87" not in text.split("too few", 1)[1].split("</table>")[0]


def test_properties__have_a_place_in_the_report(shown: Any, html: Any) -> None:
    assert "mean absolute error" in html(*shown("model_accuracy", PROPERTIES))


def test_a_search__is_told_with_the_best_first(shown: Any, html: Any) -> None:
    panel = search_panel(SEARCH)
    assert panel.lead == "Best of 3: epochs 20, ridge 0.5."
    table: Any = panel.content
    rows = [[cell.text for cell in row] for row in table.rows]
    assert rows == [
        ["20", "0.5", "0.8765", "0.0321"],
        ["20", "0.25", "0.8765", "0.04"],
        ["1", "0.5", "0.1234", "0.05"],
    ]
    assert [row[0].bold for row in table.rows] == [True, False, False]
    assert table.head[2] == "mean R2"
    assert "Search of the settings" in html(*shown("model_accuracy", replace(PROPERTIES, search=SEARCH)))
    assert "Search of the settings" not in html(*shown("model_accuracy", PROPERTIES))
