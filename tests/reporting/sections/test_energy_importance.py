"""Which energies matter, as the report shows it."""

from __future__ import annotations

import numpy as np

from xafsflow.reporting.figure_style import SIGNAL


def test_panel__lists_the_suggested_energies(judged, shown, html) -> None:
    text = html(*shown("energy_importance", judged.entries["train.select"]))
    assert "20 of 41 energies would do." in text
    assert "7110.50, 7115.00, 7120.25" in text


def test_importances__stand_below_the_mean_spectrum_with_the_suggested_energies(judged, make, shown) -> None:
    _, model = make()
    _, importances, _ = shown("energy_importance", judged.entries["train.select"], model)
    top, middle, low = importances.figure.plots
    np.testing.assert_allclose(top.curves[0].y, model.reference_norm.mean(axis=0))
    assert top.curves[1].x.tolist() == [7110.5, 7115.0, 7120.25]
    assert middle.name == "permutation"
    assert low.name == "impurity"
    assert "Largest at 7115 and 7115 eV." in importances.text


def test_importances__stand_alone_without_a_model(judged, shown) -> None:
    _, importances, _ = shown("energy_importance", judged.entries["train.select"])
    assert len(importances.figure.plots) == 2
    assert "Dots" not in importances.text


def test_loss__marks_the_suggestion(judged, shown) -> None:
    *_, loss = shown("energy_importance", judged.entries["train.select"])
    (plot,) = loss.figure.plots
    assert plot.curves[0].x.tolist() == [41, 20, 8]
    mark = next(curve for curve in plot.curves if curve.color == SIGNAL)
    assert [*mark.x, *mark.y] == [20, 0.021]
    assert (
        "Suggested: 20 energies with an error of 0.021; the dominant reference is right in 98.0 %."
        in loss.text
    )
