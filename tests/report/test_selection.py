"""Which energies matter, as the report shows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xafsflow.report.figure_style import SIGNAL
from xafsflow.report.sections.energy_selection_section import STEP, selection_pictures, selection_sheets


def test_sheet__lists_the_suggested_energies(judged) -> None:
    ((_, sheet),) = selection_sheets(judged)
    assert "20 of 41 energies would do." in sheet
    assert "7110.50, 7115.00, 7120.25" in sheet


def test_importances__stand_below_the_mean_spectrum_with_the_suggested_energies(judged, make) -> None:
    _, view = make()
    importances, _ = selection_pictures(judged, view)
    top, middle, low = importances.figure.axes
    np.testing.assert_allclose(top.lines[0].get_ydata(), view.reference_norm.mean(axis=0))
    assert list(top.lines[1].get_xdata()) == [7110.5, 7115.0, 7120.25]
    assert middle.get_ylabel() == "permutation"
    assert low.get_ylabel() == "impurity"
    assert "Largest at 7115 and 7115 eV." in importances.text


def test_importances__stand_alone_without_a_model(judged) -> None:
    importances, _ = selection_pictures(judged, None)
    assert len(importances.figure.axes) == 2
    assert "Dots" not in importances.text


def test_loss__marks_the_suggestion(judged) -> None:
    _, loss = selection_pictures(judged, None)
    axes = loss.figure.axes[0]
    assert list(axes.lines[0].get_xdata()) == [41, 20, 8]
    mark = next(line for line in axes.lines if line.get_color() == SIGNAL)
    assert [float(np.ravel(axis)[0]) for axis in mark.get_data()] == [20, 0.021]
    assert "Suggested: 20 energies with 0.021, leading reference right in 98.0 %." in loss.text


@pytest.mark.parametrize(
    "found",
    [{}, {STEP: {}}, {STEP: {"curve": [{"energies": 3}], "energies": [1.0], "permutation": [1.0, 2.0]}}],
)
def test_nothing_is_shown__where_nothing_was_found(found: dict[str, Any]) -> None:
    assert not list(selection_sheets(found))
    assert not list(selection_pictures(found, None))
