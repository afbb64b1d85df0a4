"""The figure of a map: the image on a hatched ground, axes in pixels, scale bar, and a color bar, a legend or a key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xafsflow.kernels.array_types import Uint8s
from xafsflow.reporting.axis_ticks import nice_ticks, tick_labels
from xafsflow.reporting.map_frame import STEEPEST, Frame, scale_length
from xafsflow.reporting.raster import Raster
from xafsflow.reporting.scene import HATCHED, Area, Box, Image, Label, Line, Mark, Scene, text_width

# (text, color) of an entry of a legend; a color of None is the hatched ground.
LegendEntry = tuple[str, str | None]
# Everything below is in points. Of a map:
TALLEST = 432.0
# Type of numbers along an axis, and of all other words.
NUMBERS, WORDS = 8.0, 9.0
# Above a map stand numbers, below it the scale bar.
HEAD, FOOT = 20.0, 18.0
BAR_GAP, BAR_WIDTH = 8.0, 10.0
KEY_GAP, KEY_WIDTH = 12.0, 64.0
ROW = 13.5


@dataclass(frozen=True, eq=False)
class ColorBar:
    """A scale of colors beside a map.

    Parameters
    ----------
    colors
        Shape (step, 3): the colors from low to high, 0 to 255.
    low, high
        Values of the first and the last color.
    unit
        Stands above it; empty or "1" for none.
    below, above
        Whether values lie beyond an end, which then is an arrow.
    """

    colors: Uint8s
    low: float
    high: float
    unit: str = ""
    below: bool = False
    above: bool = False

    @property
    def ticks(self) -> list[float]:
        """The values that stand at it."""
        return nice_ticks(self.low, self.high, 6)


@dataclass(frozen=True, eq=False)
class MixingKey:
    """Which color a mixture has: a drawing of all mixtures, height over width of it, and the pure colors with names."""

    raster: Raster
    ratio: float
    entries: Sequence[LegendEntry]


@dataclass(frozen=True, eq=False)
class MapFigure:
    """A map with what belongs around it.

    Parameters
    ----------
    frame
        Where the map lies, and how wide the figure is.
    raster
        The image, already reduced; its pixels without opacity show the ground.
    extent
        Left, right, bottom and top of the image in the coordinates of the frame; None for those of the frame.
    ground
        Color behind the image; `HATCHED` says that there is no answer.
    bar, key, legend
        What the colors mean; only what is there is drawn.
    """

    frame: Frame
    raster: Raster
    extent: tuple[float, float, float, float] | None = None
    ground: str = HATCHED
    bar: ColorBar | None = None
    key: MixingKey | None = None
    legend: Sequence[LegendEntry] = ()

    @property
    def x_ticks(self) -> list[float]:
        """Columns with a number above the map."""
        left, right, _, _ = self.frame.bounds
        return nice_ticks(left, right, 5, whole=True)

    @property
    def y_ticks(self) -> list[float]:
        """Rows with a number beside the map."""
        _, _, bottom, top = self.frame.bounds
        return nice_ticks(top, bottom, 5, whole=True)

    def scene(self) -> Scene:
        """Where everything stands."""
        width = 72 * self.frame.width
        plane = self._plane(width)
        marks: list[Mark] = [Area(plane.corners, self.ground), self._image(plane)]
        marks += [*self._axes(plane), *self._scale_bar(plane)]
        bottom = plane.bottom + FOOT
        if self.bar is not None:
            marks += bar_marks(self.bar, Box(plane.right + BAR_GAP, plane.top, BAR_WIDTH, plane.height))
        if self.key is not None:
            shown = _key_marks(self.key, plane.right + KEY_GAP, plane.top)
            marks += shown
            bottom = max(bottom, plane.top + KEY_WIDTH * self.key.ratio + ROW * len(self.key.entries) + 8)
        if self.legend:
            shown, height = legend_marks(self.legend, width, bottom + 8)
            marks += shown
            bottom += 8 + height
        return Scene(width, bottom, marks)

    def _plane(self, width: float) -> Box:
        """The box of the map on a sheet: as wide as what stands beside it allows, or as high as is allowed."""
        left = 8 + max([text_width(text, NUMBERS) for text in tick_labels(self.y_ticks)], default=0.0)
        right = 10.0
        if self.bar is not None:
            numbers = [text_width(text, NUMBERS) for text in tick_labels(self.bar.ticks)]
            right = BAR_GAP + BAR_WIDTH + 6 + max(numbers, default=0.0)
        elif self.key is not None:
            right = KEY_GAP + KEY_WIDTH
        rows, columns = self.frame.shape
        ratio = min(max(rows / columns, 1 / STEEPEST), STEEPEST)
        wide = min(width - left - right, TALLEST / ratio)
        # A narrow map stands in the middle, together with what is at its sides.
        return Box(left + (width - left - right - wide) / 2, HEAD, wide, wide * ratio)

    def _image(self, plane: Box) -> Image:
        left, right, bottom, top = self.extent or self.frame.extent
        x_left, x_right = (self._across(plane, x) for x in (left, right))
        y_top, y_bottom = (self._down(plane, y) for y in (top, bottom))
        return Image(Box(x_left, y_top, x_right - x_left, y_bottom - y_top), self.raster, plane)

    def _across(self, plane: Box, x: float) -> float:
        left, right, _, _ = self.frame.bounds
        return plane.left + plane.width * (x - left) / (right - left)

    def _down(self, plane: Box, y: float) -> float:
        _, _, bottom, top = self.frame.bounds
        return plane.top + plane.height * (y - top) / (bottom - top)

    def _axes(self, plane: Box) -> list[Mark]:
        """Ticks with numbers: an image starts at its upper left corner, and so do they."""
        marks: list[Mark] = []
        end = -float("inf")
        for tick, text in zip(self.x_ticks, tick_labels(self.x_ticks), strict=True):
            x, half = self._across(plane, tick), text_width(text, NUMBERS) / 2
            marks.append(Line([(x, plane.top), (x, plane.top - 3)]))
            # On a narrow map numbers would touch each other.
            if x - half > end:
                marks.append(Label(x, plane.top - 6.5, text, NUMBERS, "middle"))
                end = x + half + 2
        end = -float("inf")
        for tick, text in zip(self.y_ticks, tick_labels(self.y_ticks), strict=True):
            y = self._down(plane, tick)
            marks.append(Line([(plane.left, y), (plane.left - 3, y)]))
            if y - NUMBERS / 2 > end:
                marks.append(Label(plane.left - 6, y + 0.35 * NUMBERS, text, NUMBERS, "end"))
                end = y + NUMBERS / 2
        return marks

    def _scale_bar(self, plane: Box) -> list[Mark]:
        length, text = scale_length(self.frame.shape[1], self.frame.pixel_um)
        left, right = plane.left, plane.left + plane.width * length / self.frame.shape[1]
        y = plane.bottom + 8
        return [Line([(left, y), (right, y)], width=2.5), Label(right + 5, y + 0.35 * WORDS, text, WORDS)]


def bar_marks(bar: ColorBar, box: Box) -> list[Mark]:
    """The bar as high as the map, whatever its shape, with its numbers and the unit."""
    tip = min(0.05 * box.height, BAR_WIDTH)
    inner = Box(box.left, box.top + tip * bar.above, box.width, box.height - tip * (bar.above + bar.below))
    opaque = np.full((len(bar.colors), 1), 255, np.uint8)
    steps = np.arange(len(bar.colors), dtype=np.uint8)[::-1, None]
    marks: list[Mark] = [Image(inner, Raster(steps, np.hstack([bar.colors, opaque])), inner)]
    middle = box.left + box.width / 2
    for beyond, edge, end, color in (
        (bar.above, inner.top, box.top, bar.colors[-1]),
        (bar.below, inner.bottom, box.bottom, bar.colors[0]),
    ):
        if beyond:
            places = [(box.left, edge), (box.right, edge), (middle, end)]
            marks.append(Area(places, "#" + bytes(color).hex()))
    ticks = bar.ticks if box.height > 60 else bar.ticks[:: max(1, len(bar.ticks) - 1)]
    for tick, text in zip(ticks, tick_labels(ticks), strict=True):
        y = inner.bottom - inner.height * (tick - bar.low) / (bar.high - bar.low)
        marks += [Line([(box.right, y), (box.right + 3, y)])]
        marks += [Label(box.right + 6, y + 0.35 * NUMBERS, text, NUMBERS)]
    if bar.unit not in ("", "1"):
        marks.append(Label(box.left, box.top - 6.5, bar.unit, WORDS))
    return marks


def _key_marks(key: MixingKey, left: float, top: float) -> list[Mark]:
    box = Box(left, top, KEY_WIDTH, KEY_WIDTH * key.ratio)
    marks: list[Mark] = [Image(box, key.raster, box)]
    for i, entry in enumerate(key.entries):
        marks += _entry_marks(entry, left, box.bottom + 8 + ROW * (i + 0.5))
    return marks


def _entry_marks(entry: LegendEntry, left: float, middle: float) -> list[Mark]:
    text, color = entry
    swatch = Box(left, middle - 3.2, 12.6, 6.4)
    return [Area(swatch.corners, color or HATCHED), Label(left + 18, middle + 0.35 * WORDS, text, WORDS)]


def legend_marks(entries: Sequence[LegendEntry], width: float, top: float) -> tuple[list[Mark], float]:
    """A legend in the middle of a sheet, in up to three columns that are filled one after the other, and its height."""
    longest = max(text_width(text, WORDS) for text, _ in entries) + 18
    columns = max(1, min(3, len(entries), int((width + 18) / (longest + 18))))
    rows = -(-len(entries) // columns)
    columns = -(-len(entries) // rows)
    left = max(0.0, (width - columns * longest - (columns - 1) * 18) / 2)
    marks: list[Mark] = []
    for i, entry in enumerate(entries):
        marks += _entry_marks(entry, left + (longest + 18) * (i // rows), top + ROW * (i % rows + 0.5))
    return marks, ROW * rows
