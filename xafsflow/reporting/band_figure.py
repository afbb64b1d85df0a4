"""The figure of an explanation: bands of energies in colors behind a mean spectrum."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Band, Bars, Curve, CurveMark, Rule
from xafsflow.reporting.figure_style import OKABE_ITO, QUIET

RAISES, LOWERS = OKABE_ITO[5], OKABE_ITO[0]
# Opacity of the strongest band; others fade with their effect.
STRONGEST = 0.45


def band_figure(
    width: float,
    energy: Doubles,
    spectrum: Doubles,
    edges: Doubles,
    effect: Doubles,
    name: str,
    error: Doubles | None = None,
) -> CurveFigure:
    """Bands behind the spectrum, the stronger the more they do, and below it their effect as bars.

    Parameters
    ----------
    width
        Of the figure, inches.
    energy, spectrum
        `(energy,)`: mean spectrum.
    edges, effect
        `(band + 1,)`, eV, and `(band,)`: red where it raises the answer, blue where it lowers it.
    name
        Of the effect, with its unit.
    error
        `(band,)`: standard error of the effect; None where it has none.
    """
    most = float(np.abs(effect).max()) or 1.0
    low, high = float(np.nanmin(spectrum)), float(np.nanmax(spectrum))
    low, high = low - 0.05 * (high - low), high + 0.05 * (high - low)
    behind: list[CurveMark] = []
    below: list[CurveMark] = []
    for left, right, one in zip(edges[:-1], edges[1:], effect.tolist(), strict=True):
        place, color = np.array([left, right]), RAISES if one > 0 else LOWERS
        opacity = STRONGEST * abs(one) / most
        behind.append(Band(place, np.full(2, high), np.full(2, low), color, opacity))
        below.append(Band(place, np.full(2, max(one, 0.0)), np.full(2, min(one, 0.0)), color, 0.8))
    if error is not None:
        middle = (edges[:-1] + edges[1:]) / 2
        below.append(Bars(middle, effect - error, effect + error, QUIET, 1.2))
    upper = Plot([*behind, Curve(energy, spectrum)], "mean spectrum", (low, high), share=1.4)
    lower = Plot([*below, Rule(0.0)], name)
    return CurveFigure(width, 3.6, [upper, lower], "energy (eV)", (float(edges[0]), float(edges[-1])))
