"""Scree plot and residual of the components, as the report shows them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xafsflow.reporting.curve_marks import Band, Rule
from xafsflow.reporting.scene import Label


def test_scree__has_eigenvalues_noise_and_the_least_indicator(judged, shown) -> None:
    found = judged.entries["judge.components"]
    scree, _ = shown("component_number", found)
    top, low = scree.figure.plots
    np.testing.assert_array_equal(top.curves[0].x, np.arange(1, 9))
    np.testing.assert_array_equal(top.curves[0].y, found.eigenvalues[:8])
    assert top.log
    assert low.log
    (noise,) = (mark for mark in top.marks if isinstance(mark, Band))
    assert noise.high.max() == pytest.approx(1.25 * 2.0)
    assert low.curves[1].x.tolist() == [4]
    assert scree.text.startswith(
        "3 components are above the noise; IND has its minimum at 4; 3 are retained (dashed line)."
    )
    assert [mark.at for mark in top.marks if isinstance(mark, Rule)] == [3.5]


def test_scree__has_numbers_that_are_no_formulas(judged, shown) -> None:
    scree, _ = shown("component_number", judged.entries["judge.components"])
    labels = [mark.text for mark in scree.figure.scene().marks if isinstance(mark, Label)]
    assert "10,000" in labels
    assert not any("$" in label for label in labels)


def test_residual__is_in_units_of_the_noise(judged, shown) -> None:
    found = judged.entries["judge.components"]
    _, residual = shown("component_number", found)
    (plot,) = residual.figure.plots
    assert "units of the noise" in plot.name
    np.testing.assert_array_equal(plot.curves[0].y, found.residual_rms)
    assert "Root mean square 1 (median), largest at 7200 eV." in residual.text


def test_map_of_the_residual__stands_first(judged, shown) -> None:
    maps = xr.Dataset({"component_residual": (("y", "x"), np.ones((3, 4)))})
    first, *_ = shown("component_number", judged.entries["judge.components"], maps=maps)
    assert "Near 1 where noise alone is left" in first.text
