"""The figure of a square matrix of shares: an image with names or groups along it, and its numbers where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.reporting.color_scales import color_index, color_steps
from xafsflow.reporting.map_figure import ColorBar, bar_marks
from xafsflow.reporting.raster import Raster
from xafsflow.reporting.scalar_maps import with_nothing
from xafsflow.reporting.scene import Area, Box, Image, Label, Line, Mark, Scene, text_width

NOTHING = "#8b929b"
# Below this share a number is left out.
LEAST = 0.005
NUMBERS, WORDS = 8.0, 9.0


@dataclass(frozen=True, eq=False)
class MatrixFigure:
    """Shares by truth and answer.

    Parameters
    ----------
    width
        Of the figure, inches.
    shares
        Shape (truth, answer), 0 to 1; NaN shows a gray ground.
    names
        Along both sides.
    places
        Shape (name,): row of each name; those between two rows are possible.
    cuts
        Rows that begin a new group, with a white line before them.
    numbered
        Whether each share stands as a number in its place; else a color bar says what the colors mean.
    """

    width: float
    shares: Doubles
    names: Sequence[str]
    places: Doubles
    cuts: Sequence[int] = ()
    numbered: bool = True

    def scene(self) -> Scene:
        """Where everything stands."""
        width, longest = 72 * self.width, max(text_width(name, NUMBERS) for name in self.names)
        left, right = 24 + longest, 10.0 if self.numbered else 50.0
        # Names below are turned by 35 degrees where they would touch each other.
        step = (
            (width - left - right) / len(self.shares) * float(np.diff(self.places, prepend=-1).min(initial=9))
        )
        turned = longest > step
        foot = 22 + (0.6 * longest if turned else NUMBERS)
        side = min(width - left - right, 230.0)
        box = Box(left, 6, side, side)
        marks: list[Mark] = [Area(box.corners, NOTHING), self._image(box), *self._cuts(box)]
        marks += self._names(box, turned=turned)
        if self.numbered:
            marks += self._numbers(box)
        else:
            marks += bar_marks(ColorBar(color_steps("cividis"), 0, 1), Box(box.right + 8, box.top, 10, side))
        height = box.bottom + foot
        marks.append(Label(box.left + side / 2, height - 4, "answer", WORDS, "middle"))
        marks.append(Label(12, box.top + side / 2, "truth", WORDS, "middle", angle=-90))
        return Scene(width, height, marks)

    def _image(self, box: Box) -> Image:
        return Image(box, Raster(color_index(self.shares, 0, 1), with_nothing(color_steps("cividis"))), box)

    def _cuts(self, box: Box) -> list[Mark]:
        marks: list[Mark] = []
        for cut in self.cuts:
            at = box.width * cut / len(self.shares)
            marks.append(Line([(box.left, box.top + at), (box.right, box.top + at)], "#ffffff"))
            marks.append(Line([(box.left + at, box.top), (box.left + at, box.bottom)], "#ffffff"))
        return marks

    def _names(self, box: Box, *, turned: bool) -> list[Mark]:
        marks: list[Mark] = []
        for name, place in zip(self.names, self.places.tolist(), strict=True):
            at = box.width * (place + 0.5) / len(self.shares)
            marks.append(Label(box.left - 5, box.top + at + 0.35 * NUMBERS, name, NUMBERS, "end"))
            x, y = box.left + at, box.bottom + 4 + 0.7 * NUMBERS
            marks.append(
                Label(x + 3, y, name, NUMBERS, "end", angle=-35)
                if turned
                else Label(x, y, name, NUMBERS, "middle")
            )
        return marks

    def _numbers(self, box: Box) -> list[Mark]:
        marks: list[Mark] = []
        step = box.width / len(self.shares)
        for (row, column), share in np.ndenumerate(self.shares):
            if share >= LEAST:
                x, y = box.left + step * (column + 0.5), box.top + step * (row + 0.5) + 0.35 * NUMBERS
                color = "#000000" if share > 0.5 else "#ffffff"
                marks.append(Label(x, y, f"{share:.2f}", NUMBERS, "middle", color))
        return marks
