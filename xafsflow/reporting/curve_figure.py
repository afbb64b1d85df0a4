"""Figures of curves: plots one below the other that share their x axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.reporting.curve_axis import Axis
from xafsflow.reporting.curve_marks import Band, Bars, Curve, CurveMark, Limits, Rule
from xafsflow.reporting.figure_style import INK
from xafsflow.reporting.scene import Area, Box, Label, Line, Mark, Place, Scene, marker, text_width

# Type of numbers along an axis, and of all other words; points, like everything below.
NUMBERS, WORDS = 8.0, 9.0
EDGE, GAP = 7.0, 9.0
X_NUMBERS, X_NAME = 15.0, 13.0
ROW, HANDLE = 13.0, 14.0
# Between two numbers along the axes there is at least so much room.
X_STEP, Y_STEP = 40.0, 22.0


@dataclass(frozen=True, eq=False)
class Plot:
    """One plot of a figure.

    Parameters
    ----------
    marks
        What is drawn, those in front last.
    name
        Of the y axis, with its unit.
    limits
        Ends of the y axis; None for an end that follows from what is drawn.
    log
        Whether the y axis is logarithmic.
    share
        Of the height of the figure, beside those of the other plots.
    rows
        Names at y = 0, 1, ... from above instead of numbers; empty for numbers.
    legend
        Corner of the legend of what has a name, "upper right" for instance; empty for none.
    columns
        Of the legend.
    """

    marks: Sequence[CurveMark]
    name: str = ""
    limits: Limits = (None, None)
    log: bool = False
    share: float = 1.0
    rows: Sequence[str] = ()
    legend: str = ""
    columns: int = 1

    @property
    def curves(self) -> list[Curve]:
        """The curves among the marks."""
        return [mark for mark in self.marks if isinstance(mark, Curve)]

    @property
    def y_axis(self) -> Axis:
        """The y axis; that of names runs downwards."""
        if self.rows:
            return Axis(len(self.rows) - 0.5, -0.5)
        return Axis.around([mark.y_values for mark in self.marks], self.limits, log=self.log)

    @property
    def named(self) -> list[Curve | Band]:
        """What stands in the legend."""
        return [mark for mark in self.marks if isinstance(mark, Curve | Band) and mark.name]


@dataclass(frozen=True, eq=False)
class CurveFigure:
    """Plots one below the other.

    Parameters
    ----------
    width, height
        Of the figure, inches.
    plots
        From above.
    name
        Of the x axis, with its unit.
    limits, log, whole
        Of the x axis: its ends, where they do not follow from what is drawn, and whether it is logarithmic or counts.
    """

    width: float
    height: float
    plots: Sequence[Plot]
    name: str = ""
    limits: Limits = (None, None)
    log: bool = False
    whole: bool = False

    @property
    def x_axis(self) -> Axis:
        """The x axis."""
        values = [mark.x_values for plot in self.plots for mark in plot.marks]
        return Axis.around(values, self.limits, log=self.log, whole=self.whole)

    def scene(self) -> Scene:
        """Where everything stands."""
        width, height = 72 * self.width, 72 * self.height
        shown = Scene(width, height)
        if not self.plots:
            return shown
        left = EDGE + max(_room(plot) for plot in self.plots)
        foot = X_NUMBERS + (X_NAME if self.name else 0)
        free = height - EDGE - foot - GAP * (len(self.plots) - 1)
        top, whole = EDGE, sum(plot.share for plot in self.plots)
        for plot in self.plots:
            box = Box(left, top, width - left - 1.5 * EDGE, free * plot.share / whole)
            shown.marks.extend(self._plot_marks(plot, box))
            top = box.bottom + GAP
        shown.marks.extend(_x_numbers(self.x_axis, box))
        shown.marks.append(Label(box.left + box.width / 2, height - 4, self.name, WORDS, "middle"))
        return shown

    def _plot_marks(self, plot: Plot, box: Box) -> list[Mark]:
        pen = _Pen(box, self.x_axis, plot.y_axis)
        marks = [drawn for mark in plot.marks for drawn in pen.draw(mark)]
        marks.append(Line([(box.left, box.bottom), (box.right, box.bottom)]))
        marks += [
            Line([(x, box.bottom), (x, box.bottom + 3)])
            for x in pen.x(np.array(self.x_axis.ticks(box.width / X_STEP)))
        ]
        if plot.rows:
            places = pen.y(np.arange(len(plot.rows), dtype=np.float64))
            marks += [
                Label(box.left - 7, y + 0.35 * NUMBERS, text, NUMBERS, "end")
                for y, text in zip(places, plot.rows, strict=True)
            ]
        else:
            marks.append(Line([(box.left, box.top), (box.left, box.bottom)]))
            marks += _y_numbers(plot.y_axis, box)
        middle = box.top + box.height / 2
        marks.append(Label(EDGE + WORDS / 2 + 1, middle, plot.name, WORDS, "middle", angle=-90))
        return marks + (_legend(plot, box) if plot.legend and plot.named else [])


def _room(plot: Plot) -> float:
    """Width of what stands at the left of a plot."""
    texts = plot.rows or plot.y_axis.labels(plot.y_axis.ticks(4))
    return (
        8 + max((text_width(text, NUMBERS) for text in texts), default=0.0) + (WORDS + 3 if plot.name else 0)
    )


def _x_numbers(axis: Axis, box: Box) -> list[Mark]:
    ticks = axis.ticks(box.width / X_STEP)
    y = box.bottom + 6 + 0.7 * NUMBERS
    places = box.left + box.width * axis.place(np.array(ticks))
    return [
        Label(x, y, text, NUMBERS, "middle")
        for x, text in zip(places.tolist(), axis.labels(ticks), strict=True)
    ]


def _y_numbers(axis: Axis, box: Box) -> list[Mark]:
    ticks = axis.ticks(min(5.0, box.height / Y_STEP))
    marks: list[Mark] = []
    places = (box.bottom - box.height * axis.place(np.array(ticks))).tolist()
    for y, text in zip(places, axis.labels(ticks), strict=True):
        marks.append(Line([(box.left, y), (box.left - 3, y)]))
        marks.append(Label(box.left - 6, y + 0.35 * NUMBERS, text, NUMBERS, "end"))
    return marks


@dataclass(frozen=True, eq=False)
class _Pen:
    """Draws marks into the box of a plot."""

    box: Box
    x_axis: Axis
    y_axis: Axis

    def x(self, values: Doubles) -> list[float]:
        """Where values stand, points from the left of the sheet."""
        return (self.box.left + self.box.width * self.x_axis.place(values)).tolist()

    def y(self, values: Doubles) -> list[float]:
        """Where values stand, points from the top of the sheet."""
        return (self.box.bottom - self.box.height * self.y_axis.place(values)).tolist()

    def draw(self, mark: CurveMark) -> list[Mark]:
        """The marks of the scene that a mark of a plot becomes."""
        match mark:
            case Curve():
                return self._curve(mark)
            case Band():
                return self._band(mark)
            case Bars():
                ends = zip(self.x(mark.x), self.y(mark.low), self.y(mark.high), strict=True)
                return [
                    Line([(x, low), (x, high)], mark.color, mark.width, clip=self.box)
                    for x, low, high in ends
                ]
            case Rule():
                return [self._rule(mark)]

    def _curve(self, curve: Curve) -> list[Mark]:
        places: list[Place] = list(zip(self.x(curve.x), self.y(curve.y), strict=True))
        marks: list[Mark] = []
        if curve.width:
            marks.append(Line(places, curve.color, curve.width, curve.dash, self.box))
        if curve.marker:
            known = [place for place in places if np.isfinite(place).all()]
            marks += [marker(curve.marker, x, y, curve.size, curve.color) for x, y in known]
        return marks

    def _band(self, band: Band) -> list[Mark]:
        low = np.full(band.high.shape, self.y_axis.low) if band.low is None else band.low
        known = np.isfinite(low) & np.isfinite(band.high)
        x, low, high = (values[known] for values in (band.x, low, band.high))
        if band.steps and x.size > 1:
            edges = np.concatenate([x[:1], (x[:-1] + x[1:]) / 2, x[-1:]])
            x, low, high = np.repeat(edges, 2)[1:-1], np.repeat(low, 2), np.repeat(high, 2)
        upper = list(zip(self.x(x), self.y(high), strict=True))
        lower = list(zip(self.x(x[::-1]), self.y(low[::-1]), strict=True))
        return [Area([*upper, *lower], band.color, band.opacity, self.box)] if upper else []

    def _rule(self, rule: Rule) -> Line:
        at = np.array([rule.at, rule.at])
        if rule.upright:
            ends = [*zip(self.x(at), (self.box.top, self.box.bottom), strict=True)]
        else:
            ends = [*zip((self.box.left, self.box.right), self.y(at), strict=True)]
        return Line(ends, rule.color, rule.width, rule.dash, self.box)


def _legend(plot: Plot, box: Box) -> list[Mark]:
    """The legend in its corner of the plot, its columns filled one after the other."""
    rows = -(-len(plot.named) // plot.columns)
    wide = HANDLE + 6 + max(text_width(mark.name, WORDS) for mark in plot.named)
    columns = -(-len(plot.named) // rows)
    left = box.left + 6 if "left" in plot.legend else box.right - columns * (wide + 8)
    top = box.top + 3 if "upper" in plot.legend else box.bottom - 5 - ROW * rows
    marks: list[Mark] = []
    for i, mark in enumerate(plot.named):
        x, y = left + (wide + 8) * (i // rows), top + ROW * (i % rows + 0.5)
        marks.append(Label(x + HANDLE + 6, y + 0.35 * WORDS, mark.name, WORDS, color=INK))
        ends = [(x, y), (x + HANDLE, y)]
        if isinstance(mark, Band):
            marks.append(Area(Box(x, y - 3.2, HANDLE, 6.4).corners, mark.color, mark.opacity))
        elif mark.width:
            marks.append(Line(ends, mark.color, mark.width, mark.dash))
        if isinstance(mark, Curve) and mark.marker:
            marks.append(marker(mark.marker, x + HANDLE / 2, y, mark.size, mark.color))
    return marks
