"""The figures of diffraction patterns: peaks that spoke for a type, and mean patterns of types in rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.reporting.band_figure import LOWERS, RAISES
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Band, Curve, CurveMark, Rule
from xafsflow.reporting.figure_style import INK, QUIET
from xafsflow.reporting.map_statistics import axis_label

# Peaks are narrower than what can be seen as a color: degrees that a colored band has at least, of the whole range.
LEAST_WIDTH = 0.012
# Opacity of the strongest peak's band; others fade with the root of their effect, as effects differ by factors of tens.
STRONGEST = 0.5
ROW = 0.52


def peak_figure(
    width: float, two_theta: Doubles, pattern: Doubles, mean_pattern: Doubles, effect: Doubles
) -> CurveFigure:
    """A pattern with its peaks on colored bands, their effects as bars, and the mean pattern of the type.

    Parameters
    ----------
    width
        Of the figure, inches.
    two_theta, pattern, mean_pattern
        `(point,)`: degrees, and values from 0 to 1.
    effect
        `(point,)`: red where it is above zero, blue where it is below; 0 between peaks.
    """
    top, across = 1.06, float(two_theta[-1] - two_theta[0])
    most = float(np.abs(effect).max()) or 1.0
    behind: list[CurveMark] = []
    bars: list[CurveMark] = []
    for begin, end in _stretches(effect):
        one = float(effect[begin])
        middle = float(two_theta[begin : end + 1].mean())
        half = max(float(two_theta[end] - two_theta[begin]), LEAST_WIDTH * across) / 2
        place, color = np.array([middle - half, middle + half]), RAISES if one > 0 else LOWERS
        opacity = STRONGEST * float(np.sqrt(abs(one) / most))
        behind.append(Band(place, np.full(2, top), np.zeros(2), color, opacity))
        bars.append(Band(place, np.full(2, max(one, 0.0)), np.full(2, min(one, 0.0)), color, 0.85))
    plots = [
        Plot([*behind, Curve(two_theta, pattern, INK, 0.9)], "pattern", (0, top), share=1.5),
        Plot([*bars, Rule(0.0)], "effect"),
        Plot([Curve(two_theta, mean_pattern, QUIET, 0.9)], "mean of type", (0, top), share=1.1),
    ]
    return CurveFigure(
        width, 3.9, plots, axis_label("two_theta"), (float(two_theta[0]), float(two_theta[-1]))
    )


def mean_pattern_rows(width: float, places: Doubles, means: Doubles, names: Sequence[str]) -> CurveFigure:
    """Mean patterns of types, one below the other.

    Parameters
    ----------
    width
        Of the figure, inches.
    places, means
        `(place,)` and `(type, place)`: 1/d in 1/Angstrom, and values from 0 to 1.
    names
        `(type,)`.
    """
    plots = [
        Plot([Curve(places, one, INK, 0.9, name=name)], limits=(0, 1.06), legend="upper right")
        for one, name in zip(means, names, strict=True)
    ]
    ends = (float(places[0]), float(places[-1]))
    return CurveFigure(width, 0.5 + ROW * len(plots), plots, "1/d (1/Å)", ends)


def _stretches(effect: Doubles) -> list[tuple[int, int]]:
    """First and last point of each stretch of one effect that is not 0."""
    cuts = np.flatnonzero(np.diff(effect)) + 1
    begins = np.append(0, cuts).astype(int)
    ends = np.append(cuts, len(effect)).astype(int) - 1
    return [(b, e) for b, e in zip(begins.tolist(), ends.tolist(), strict=True) if effect[b] != 0]
