"""What a plot of curves can hold: curves, bands, bars and straight lines, in the units of its axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.reporting.figure_style import INK

# Ends of an axis; None for one that follows from what is drawn.
Limits: TypeAlias = tuple[float | None, float | None]
# Lengths of dash and gap, points.
Dash: TypeAlias = tuple[float, ...]
NOTHING: Doubles = np.zeros(0)


@dataclass(frozen=True, eq=False)
class Curve:
    """A line through points, points alone, or both.

    Parameters
    ----------
    x, y
        Shapes (point,); it is interrupted where y is NaN.
    color, width, dash
        Of the line, in points; no line for a width of 0.
    marker, size
        At each point: o, D or s for circle, diamond or square, and its width in points; empty for none.
    name
        In the legend; empty for none.
    """

    x: Doubles
    y: Doubles
    color: str = INK
    width: float = 1.5
    dash: Dash = ()
    marker: str = ""
    size: float = 5.0
    name: str = ""

    @property
    def x_values(self) -> Doubles:
        """What the x axis has to hold."""
        return self.x

    @property
    def y_values(self) -> Doubles:
        """What the y axis has to hold."""
        return self.y


@dataclass(frozen=True, eq=False)
class Band:
    """The area between two curves of shapes (point,); `low` of None is the lower end of the axis.

    With `steps` each value holds halfway to its neighbors.
    """

    x: Doubles
    high: Doubles
    low: Doubles | None
    color: str
    opacity: float = 1.0
    steps: bool = False
    name: str = ""

    @property
    def x_values(self) -> Doubles:
        """What the x axis has to hold."""
        return self.x

    @property
    def y_values(self) -> Doubles:
        """What the y axis has to hold."""
        return self.high if self.low is None else np.concatenate([self.low, self.high])


@dataclass(frozen=True, eq=False)
class Bars:
    """Upright lines from `low` to `high`, shapes (bar,), with a width in points."""

    x: Doubles
    low: Doubles
    high: Doubles
    color: str
    width: float

    @property
    def x_values(self) -> Doubles:
        """What the x axis has to hold."""
        return self.x

    @property
    def y_values(self) -> Doubles:
        """What the y axis has to hold."""
        return np.concatenate([self.low, self.high])


@dataclass(frozen=True)
class Rule:
    """A straight line across the whole plot: upright at an x, else level at a y."""

    at: float
    upright: bool = False
    color: str = INK
    width: float = 0.5
    dash: Dash = ()

    @property
    def x_values(self) -> Doubles:
        """What the x axis has to hold."""
        return np.array([self.at]) if self.upright else NOTHING

    @property
    def y_values(self) -> Doubles:
        """What the y axis has to hold."""
        return NOTHING if self.upright else np.array([self.at])


CurveMark: TypeAlias = Curve | Band | Bars | Rule
