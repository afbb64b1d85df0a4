"""Scree plot and residual of the components, as the report shows them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr


def test_scree__has_eigenvalues_noise_and_the_least_indicator(judged, shown) -> None:
    found = judged.entries["judge.components"]
    scree, _ = shown("component_number", found)
    top, low = scree.figure.axes
    np.testing.assert_array_equal(top.lines[0].get_xdata(), np.arange(1, 9))
    np.testing.assert_array_equal(top.lines[0].get_ydata(), found.eigenvalues[:8])
    assert top.get_yscale() == low.get_yscale() == "log"
    upper = top.collections[0].get_paths()[0].vertices[:, 1].max()
    assert upper == pytest.approx(1.25 * 2.0)
    least = low.lines[1]
    assert float(np.ravel(least.get_xdata())[0]) == 4
    assert scree.text.startswith(
        "3 components are above the noise; IND has its minimum at 4; 3 are retained (dashed line)."
    )
    dashed = [line.get_xdata()[0] for line in top.lines if line.get_linestyle() == "--"]
    assert dashed == [3.5]


def test_scree__has_numbers_that_are_no_formulas(judged, shown) -> None:
    scree, _ = shown("component_number", judged.entries["judge.components"])
    scree.figure.canvas.draw()
    labels = [label.get_text() for axes in scree.figure.axes for label in axes.get_yticklabels()]
    assert "10,000" in labels
    assert not any("$" in label for label in labels)


def test_residual__is_in_units_of_the_noise(judged, shown) -> None:
    found = judged.entries["judge.components"]
    _, residual = shown("component_number", found)
    axes = residual.figure.axes[0]
    assert "units of the noise" in axes.get_ylabel()
    np.testing.assert_array_equal(axes.lines[2].get_ydata(), found.residual_rms)
    assert "Root mean square 1 (median), largest at 7200 eV." in residual.text


def test_map_of_the_residual__stands_first(judged, shown) -> None:
    maps = xr.Dataset({"component_residual": (("y", "x"), np.ones((3, 4)))})
    first, *_ = shown("component_number", judged.entries["judge.components"], maps=maps)
    assert "Near 1 where noise alone is left" in first.text
