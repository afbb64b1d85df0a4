"""The figures of an explanation: bands of energies behind a mean spectrum, or as bars below it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Band, Bars, Curve, CurveMark, Rule
from xafsflow.reporting.figure_style import INK, OKABE_ITO, QUIET, SIGNAL
from xafsflow.reporting.map_statistics import axis_label

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
    axis: str = "energy",
) -> CurveFigure:
    """Bands behind the spectrum, the stronger the more they do, and below it their effect as bars.

    Parameters
    ----------
    width
        Of the figure, inches.
    energy, spectrum
        `(energy,)`: one spectrum, or a mean of several.
    edges, effect
        `(band + 1,)`, eV, and `(band,)`: red where it raises the answer, blue where it lowers it.
    name
        Of the effect, with its unit.
    error
        `(band,)`: standard error of the effect; None where it has none.
    axis
        The spectral axis.
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
    upper = Plot([*behind, Curve(energy, spectrum)], "spectrum", (low, high), share=1.4)
    lower = Plot([*below, Rule(0.0)], name)
    return CurveFigure(width, 3.6, [upper, lower], axis_label(axis), (float(edges[0]), float(edges[-1])))


def band_rows(
    width: float,
    energy: Doubles,
    spectrum: Doubles,
    edges: Doubles,
    sizes: Doubles,
    names: Sequence[str],
    error: Doubles | None = None,
    axis: str = "energy",
) -> CurveFigure:
    """Bars of bands below the spectrum, a row for each class or property, all rows of one scale.

    Parameters
    ----------
    width
        Of the figure, inches.
    energy, spectrum
        `(energy,)`: mean spectrum.
    edges, sizes
        `(band + 1,)` and `(row, band)`.
    names
        `(row,)`: what stands in each row.
    error
        `(row, band)`: standard errors; None where there are none.
    axis
        The spectral axis.
    """
    spread = np.zeros_like(sizes) if error is None else error
    low, high = min(0.0, float((sizes - spread).min())), 1.25 * float((sizes + spread).max())
    plots = [Plot([Curve(energy, spectrum)], "mean spectrum", share=1.6)]
    middle = (edges[:-1] + edges[1:]) / 2
    for row, name, wide in zip(sizes, names, spread, strict=True):
        marks: list[CurveMark] = [
            Band(np.array([left, right]), np.full(2, one), np.zeros(2), SIGNAL, 0.7, name="" if i else name)
            for i, (left, right, one) in enumerate(zip(edges[:-1], edges[1:], row.tolist(), strict=True))
        ]
        if error is not None:
            marks.append(Bars(middle, row - wide, row + wide, INK, 1.0))
        plots.append(Plot([*marks, Rule(0.0)], "", (low, high or 1.0), legend="upper right"))
    ends = (float(edges[0]), float(edges[-1]))
    return CurveFigure(width, 1.9 + 0.62 * len(names), plots, axis_label(axis), ends)
