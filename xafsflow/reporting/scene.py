"""What a figure consists of once its places are known: lines, areas, texts and images, in points from the upper left."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from xafsflow.reporting.figure_style import INK
from xafsflow.reporting.raster import Raster

Place: TypeAlias = tuple[float, float]
# The fill of an area without an answer.
HATCHED = "hatched"


@dataclass(frozen=True)
class Box:
    """A rectangle: left and upper edge, width and height, points."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height

    @property
    def corners(self) -> tuple[Place, Place, Place, Place]:
        """The corners, one after the other."""
        return (
            (self.left, self.top),
            (self.right, self.top),
            (self.right, self.bottom),
            (self.left, self.bottom),
        )


@dataclass(frozen=True)
class Line:
    """A line through places; where one is not finite it is interrupted. Lengths of dash and gap, in points."""

    places: Sequence[Place]
    color: str = INK
    width: float = 0.6
    dash: tuple[float, ...] = ()
    clip: Box | None = None


@dataclass(frozen=True)
class Area:
    """A filled polygon; its fill is a color, or `HATCHED`."""

    places: Sequence[Place]
    fill: str
    opacity: float = 1.0
    clip: Box | None = None


@dataclass(frozen=True)
class Label:
    """A text; `anchor` says which end of its base line stands at the place: start, middle or end."""

    x: float
    y: float
    text: str
    size: float = 9.0
    anchor: str = "start"
    color: str = INK
    angle: float = 0.0


@dataclass(frozen=True, eq=False)
class Image:
    """An image stretched over a box, what is beyond `clip` is cut off."""

    box: Box
    raster: Raster
    clip: Box


Mark: TypeAlias = Line | Area | Label | Image


@dataclass(frozen=True, eq=False)
class Scene:
    """Marks on a sheet, those in front last; width and height in points."""

    width: float
    height: float
    marks: list[Mark] = field(default_factory=list)


class Drawable(Protocol):
    """What can be a figure of a report."""

    def scene(self) -> Scene:
        """Where everything stands."""
        ...


def marker(shape: str, x: float, y: float, size: float, color: str) -> Area:
    """A mark at a place: o, D or s for a circle, a diamond or a square, `size` points wide."""
    # A diamond is a square on its corner.
    corners, start = {"o": (24, 0.0), "D": (4, 0.0), "s": (4, math.pi / 4)}[shape]
    radius = size / 2 if shape == "o" else size / math.sqrt(2)
    angles = (start + 2 * math.pi * i / corners for i in range(corners))
    return Area([(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles], color)


def text_width(text: str, size: float) -> float:
    """About how wide a text is in the fonts of a page, points.

    Examples
    --------
    >>> text_width("il", 10) < text_width("ab", 10) < text_width("MW", 10) < text_width("日本", 10)
    True
    """
    return size * sum(_advance(letter) for letter in text)


def _advance(letter: str) -> float:
    """Width of a letter over the size of the type, rather more than less."""
    if letter in "iljtfrI.,:;'|![]() ":
        return 0.36
    if letter in "mwMW%@+=<>":
        return 0.86
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    return 0.68 if letter.isupper() else 0.6
