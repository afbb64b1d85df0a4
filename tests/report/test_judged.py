"""The judgement of the references, as the report shows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xafsflow.report.figure_style import INK, QUIET, SIGNAL, category_colors
from xafsflow.report.map_frame import Frame
from xafsflow.report.sections.reference_set_section import STEP, set_pictures, set_sheets, verdict_box

FRAME = Frame((9, 12), (0.0, 0.0), (1.0, 1.0), None)


def sheets(findings: dict[str, Any]) -> str:
    return "".join(sheet for _, sheet in set_sheets(findings))


def test_verdict_box__quotes_the_verdict_with_where_it_is_from(judged) -> None:
    box = verdict_box(judged)
    assert box is not None
    assert "Fe2O3 + Fe3O4 suffices; adding FeO improves the fit by less than its cost." in box
    assert 'href="#references"' in box


def test_set_table__tells_what_each_set_costs_and_which_is_chosen(judged) -> None:
    text = sheets(judged)
    assert "<b>Fe2O3 + Fe3O4</b>" in text
    assert text.count("<b>chosen</b>") == 1
    for told in (">0<", "+50,000", "1.02", "0.93 to 1.12", "1.25", "3e-05", ">as good<"):
        assert told in text, told
    assert "Near-duplicates: Fe3O4 and magnetite." in text


def test_verdict_sheet__says_what_it_rests_on(judged) -> None:
    text = sheets(judged)
    for told in (
        "12 bins of neighbors (108 pixels) at 41 energies from 7092 to 7192 eV",
        "Superfluous of the references used: FeO.",
        "Missing among them: Fe3O4.",
        "The noise is 1.1 times that of the photons",
        "do not cover these energies: short.",
    ):
        assert told in text, told


def test_region_table__has_the_verdict_of_every_region(judged) -> None:
    text = sheets(judged)
    assert "in region 0 (9 bins) Fe2O3 suffices" in text
    assert "100 % Fe2O3" in text
    assert "in region 1 (3 bins) something is missing" in text


def test_dot_plot__has_each_set_at_its_error_with_its_interval(judged) -> None:
    plot, _ = set_pictures(judged, FRAME)
    axes = plot.figure.axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["1  Fe2O3 + Fe3O4", "2  Fe2O3 + Fe3O4 + FeO", "3  Fe + FeO + Fe2O3"]
    bars, points = axes.lines[::2], axes.lines[1::2]
    assert [list(bar.get_xdata()) for bar in bars] == [[0.93, 1.12], [0.9, 1.11], [2.5, 4.3]]
    assert [float(np.ravel(point.get_xdata())[0]) for point in points] == [1.02, 1.01, 3.4]
    assert [point.get_color() for point in points] == [SIGNAL, INK, QUIET]
    assert [point.get_marker() for point in points] == ["D", "o", "o"]
    assert "Fe2O3 + Fe3O4 with 1.02 is chosen" in plot.alt


def test_dot_plot__shows_the_chosen_set_however_far_down_it_stands(judged) -> None:
    found = judged[STEP]
    found["sets"] = [found["sets"][2]] * 20 + found["sets"][:1]
    # The table numbers them alike.
    plot = next(set_pictures(judged, FRAME))
    names = [label.get_text() for label in plot.figure.axes[0].get_yticklabels()]
    assert names[11:] == ["12  Fe + FeO + Fe2O3", "21  Fe2O3 + Fe3O4"]
    assert "is chosen" in plot.alt


def test_region_picture__grows_bins_to_pixels(judged) -> None:
    _, picture = set_pictures(judged, FRAME)
    image = np.asarray(picture.figure.axes[0].images[0].get_array())
    colors = [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in category_colors(2)]
    assert image[0, 0, :3].tolist() == colors[0]
    assert image[5, 6, :3].tolist() == colors[1]
    assert image[6, 3, 3] == 0
    assert "region 0 72.7 %" in picture.alt


@pytest.mark.parametrize(
    "found",
    [
        {},
        {STEP: None},
        {STEP: {"verdict": "", "sets": [], "regions": "x", "region_map": {}}},
        {STEP: {"sets": [{"references": ["Fe"]}], "region_map": {"bin": None, "region": [[0]]}}},
        {STEP: {"verdict": 3, "region_map": {"bin": 2, "region": [[0, 1], [0]]}, "near_duplicates": 2}},
    ],
)
def test_nothing_is_shown__where_nothing_was_found(found: dict[str, Any]) -> None:
    assert verdict_box(found) is None
    assert not list(set_sheets(found))
    assert not list(set_pictures(found, FRAME))


def test_sets__are_shown_without_what_older_findings_lack(judged) -> None:
    found = judged[STEP]
    judged[STEP] = {
        "sets": [{k: row[k] for k in ("references", "prediction_error", "interval")} for row in found["sets"]]
    }
    assert "1.02" in sheets(judged)
    assert "chosen</b>" not in sheets(judged)
    assert len(list(set_pictures(judged, FRAME))) == 1


def test_sheets__escape_names(judged) -> None:
    judged[STEP]["sets"][0]["references"] = ["<script>alert(1)</script>"]
    judged[STEP]["regions"][0]["verdict"] = judged[STEP]["verdict"] = "<img src=x>"
    judged[STEP]["regions"][0]["shares"] = {"<b>": 1.0}
    text = sheets(judged) + str(verdict_box(judged))
    assert "<script" not in text
    assert "<img" not in text
    assert "100 % &lt;b&gt;" in text
