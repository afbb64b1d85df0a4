"""Scree plot and residual of the components, as the report shows them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xafsflow.report.sections.component_section import STEP, component_pictures


def test_scree__has_eigenvalues_noise_and_the_least_indicator(judged) -> None:
    scree, _ = component_pictures(judged)
    found = judged[STEP]
    top, low = scree.figure.axes
    np.testing.assert_array_equal(top.lines[0].get_xdata(), np.arange(1, 9))
    np.testing.assert_array_equal(top.lines[0].get_ydata(), found["eigenvalues"][:8])
    assert top.get_yscale() == low.get_yscale() == "log"
    upper = top.collections[0].get_paths()[0].vertices[:, 1].max()
    assert upper == pytest.approx(1.25 * 2.0)
    least = low.lines[1]
    assert float(np.ravel(least.get_xdata())[0]) == 4
    assert scree.text.startswith(
        "3 components stand above the noise; IND has its least value at 4; 3 are kept (dashed line)."
    )
    dashed = [line.get_xdata()[0] for line in top.lines if line.get_linestyle() == "--"]
    assert dashed == [3.5]


def test_scree__has_numbers_that_are_no_formulas(judged) -> None:
    scree, _ = component_pictures(judged)
    scree.figure.canvas.draw()
    labels = [label.get_text() for axes in scree.figure.axes for label in axes.get_yticklabels()]
    assert "10,000" in labels
    assert not any("$" in label for label in labels)


def test_scree__does_without_floor_and_indicator(judged) -> None:
    judged[STEP] = {"eigenvalues": [5.0, 1.0, 0.0]}
    (scree,) = component_pictures(judged)
    assert len(scree.figure.axes) == 1
    assert "How many count was not told." in scree.text


def test_residual__is_in_units_of_the_noise(judged) -> None:
    _, residual = component_pictures(judged)
    axes = residual.figure.axes[0]
    assert "units of the noise" in axes.get_ylabel()
    np.testing.assert_array_equal(axes.lines[2].get_ydata(), judged[STEP]["residual_rms"])
    assert "Root mean square 1 in the median, largest at 7200 eV." in residual.text


@pytest.mark.parametrize(
    "found", [{}, {STEP: {}}, {STEP: {"eigenvalues": [], "energy": [1.0], "residual_mean": [0]}}]
)
def test_nothing_is_shown__where_nothing_was_found(found: dict[str, Any]) -> None:
    assert not list(component_pictures(found))
