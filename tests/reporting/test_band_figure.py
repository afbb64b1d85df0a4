"""Bands of energies behind a spectrum."""

from __future__ import annotations

import numpy as np

from xafsflow.reporting.band_figure import LOWERS, RAISES, band_figure
from xafsflow.reporting.curve_marks import Band, Bars, Curve

ENERGY = np.linspace(7100.0, 7130.0, 31)
EDGES = np.array([7100.0, 7110.0, 7120.0, 7130.0])


def test_bands__stand_behind_the_spectrum_in_the_color_of_their_effect() -> None:
    figure = band_figure(4, ENERGY, np.tanh(ENERGY - 7112), EDGES, np.array([-1.0, 2.0, 0.0]), "effect")
    upper, lower = figure.plots
    bands = [mark for mark in upper.marks if isinstance(mark, Band)]
    assert [one.color for one in bands[:2]] == [LOWERS, RAISES]
    assert bands[1].opacity == 2 * bands[0].opacity
    assert bands[2].opacity == 0
    assert isinstance(upper.marks[-1], Curve)
    assert [(one.low[0], one.high[0]) for one in lower.marks[:3]] == [(-1, 0), (0, 2), (0, 0)]
    assert figure.scene().marks


def test_errors__are_drawn_where_there_are_some() -> None:
    figure = band_figure(4, ENERGY, np.zeros(31), EDGES, np.ones(3), "growth", np.full(3, 0.25))
    (bars,) = (mark for mark in figure.plots[1].marks if isinstance(mark, Bars))
    assert (bars.high - bars.low).tolist() == [0.5] * 3
    assert bars.x.tolist() == [7105, 7115, 7125]
