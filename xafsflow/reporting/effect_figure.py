"""The figure of effects: a row of colors for each parameter or class over the energy, below a spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.reporting.color_scales import color_index, color_steps
from xafsflow.reporting.curve_axis import Axis
from xafsflow.reporting.figure_style import INK
from xafsflow.reporting.map_figure import ColorBar, bar_marks
from xafsflow.reporting.raster import Raster
from xafsflow.reporting.scalar_maps import with_nothing
from xafsflow.reporting.scene import Box, Image, Label, Line, Mark, Scene, text_width

NUMBERS, WORDS = 8.0, 9.0
ABOVE, ROW, GAP, FOOT = 90.0, 17.0, 8.0, 30.0


@dataclass(frozen=True, eq=False)
class EffectFigure:
    """What each row does at each energy.

    Parameters
    ----------
    width
        Of the figure, inches.
    energy, spectrum
        `(energy,)`, rising; the spectrum that stands above.
    effects
        `(row, energy)`: signed, red above 0 and blue below.
    names
        Of the rows.
    axis
        Name of the x axis with its unit.
    """

    width: float
    energy: Doubles
    spectrum: Doubles
    effects: Doubles
    names: Sequence[str]
    axis: str

    def scene(self) -> Scene:
        """Where everything stands."""
        left = 12 + max(text_width(name, NUMBERS) for name in self.names)
        upper = Box(left, 6, 72 * self.width - left - 56, ABOVE)
        lower = Box(left, upper.bottom + GAP, upper.width, ROW * len(self.names))
        across = Axis(float(self.energy[0]), float(self.energy[-1]))
        marks: list[Mark] = [*self._curve(upper, across), *self._rows(lower)]
        height = lower.bottom + FOOT
        for tick, text in zip(*_ticks(across, lower.width), strict=True):
            x = lower.left + lower.width * float(across.place(np.array([tick]))[0])
            marks.append(Line([(x, lower.bottom), (x, lower.bottom + 3)]))
            marks.append(Label(x, lower.bottom + 12, text, NUMBERS, "middle"))
        marks.append(Label(lower.left + lower.width / 2, height - 4, self.axis, WORDS, "middle"))
        return Scene(72 * self.width, height, marks)

    def _curve(self, box: Box, across: Axis) -> list[Mark]:
        up = Axis.around([self.spectrum], (None, None))
        x = box.left + box.width * across.place(self.energy)
        y = box.bottom - box.height * up.place(self.spectrum)
        ground = Line([(box.left, box.bottom), (box.right, box.bottom)])
        return [Line(list(zip(x.tolist(), y.tolist(), strict=True)), INK, 1.5), ground]

    def _rows(self, box: Box) -> list[Mark]:
        most = float(np.abs(self.effects).max()) or 1.0
        # Pixels of one width: an uneven axis is drawn at its nearest energies
        places = np.linspace(self.energy[0], self.energy[-1], 2 * len(self.energy))
        nearest = np.abs(places[:, None] - self.energy).argmin(axis=1)
        colors = color_steps("RdBu_r")
        raster = Raster(color_index(self.effects[:, nearest], -most, most), with_nothing(colors))
        marks: list[Mark] = [Image(box, raster, box)]
        for i, name in enumerate(self.names):
            marks.append(
                Label(box.left - 5, box.top + ROW * (i + 0.5) + 0.35 * NUMBERS, name, NUMBERS, "end")
            )
        return [
            *marks,
            *bar_marks(ColorBar(colors, -most, most), Box(box.right + 8, box.top, 10, box.height)),
        ]


def _ticks(axis: Axis, width: float) -> tuple[list[float], list[str]]:
    ticks = axis.ticks(width / 40)
    return ticks, axis.labels(ticks)
