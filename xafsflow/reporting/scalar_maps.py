"""Maps of numbers as pictures: one color bar each, and how the values are distributed in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from xafsflow.kernels.array_types import Singles, Uint8s
from xafsflow.reporting.color_scales import ScaleName, color_index, color_steps
from xafsflow.reporting.downsample import block_mean
from xafsflow.reporting.map_figure import ColorBar, MapFigure
from xafsflow.reporting.map_frame import Frame, of_blocks
from xafsflow.reporting.map_layers import Layer, file_names
from xafsflow.reporting.map_views import MapView
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.raster import Raster
from xafsflow.reporting.wording import capitalized, number, percent

SHARE = (0.0, 1.0)
# Many maps stand side by side; the few that come first are larger. Pixels, and inches.
SMALL, SMALL_WIDTH = 640, 4.0


@dataclass(frozen=True)
class MapStyle:
    """How a variable's maps are shown.

    Parameters
    ----------
    title
        Heading; empty for the variable's name.
    colors
        Name of the color scale.
    limits
        Of the color bar, if they are those of every run; None for those of the values.
    hint
        What a value means.
    drawn
        False where the section draws it in its own way.
    """

    title: str = ""
    colors: ScaleName = "viridis"
    limits: tuple[float, float] | None = None
    hint: str = ""
    drawn: bool = True


def small(frame: Frame) -> Frame:
    """The frame for a map that stands among others."""
    return replace(frame, longest=SMALL, width=SMALL_WIDTH)


def scalar_pictures(maps: MapView, styles: Mapping[str, MapStyle]) -> Iterator[Picture]:
    """Draw maps one after the other, in the order of the styles.

    Parameters
    ----------
    maps
        Of one run.
    styles
        How each variable is shown.

    Yields
    ------
    A picture for each map, or for each reference or metric of it; it is drawn when it is asked for.
    """
    place = {variable: i for i, (variable, style) in enumerate(styles.items()) if style.drawn}
    shown = [layer for layer in maps.layers if layer.variable in place]
    shown.sort(key=lambda layer: place[layer.variable])
    frame = small(maps.frame)
    for layer, key in zip(shown, file_names(layer.name for layer in shown), strict=True):
        yield scalar_picture(layer, key, frame, styles[layer.variable])


@dataclass(frozen=True)
class Spread:
    """How the finite values of a map are distributed: their number, and the quantiles 0, 1, 50, 99 and 100 %."""

    count: int
    quantiles: tuple[float, ...]

    @property
    def limits(self) -> tuple[float, float]:
        """Limits of a color bar: 1st and 99th percentile, or all values where they are few."""
        low, high = self.quantiles[1::2] if self.count >= 500 else self.quantiles[::4]
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    def sentence(self, unit: str) -> str:
        """The distribution as a sentence."""
        unit = "" if unit in ("", "1") else f" {unit}"
        least, low, middle, high, most = (number(value, 3) for value in self.quantiles)
        if least == most:
            return f"{middle}{unit} everywhere."
        return f"Median {middle}{unit}; 98 % of the pixels lie between {low} and {high}{unit}."


def spread_of(values: Singles) -> Spread | None:
    """Quantiles of the finite values, or None where there are none.

    Examples
    --------
    >>> spread_of(np.array([1, 2, np.nan, 4], np.float32)).quantiles
    (1.0, 1.02..., 2.0, 3.96..., 4.0)
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return None
    found = np.percentile(finite, [0, 1, 50, 99, 100], overwrite_input=True).tolist()
    return Spread(finite.size, tuple(found))


def scalar_picture(layer: Layer, key: str, frame: Frame, style: MapStyle, remark: str = "") -> Picture:
    """Draw one map.

    Parameters
    ----------
    layer, key
        The map, and the name of the picture.
    frame, style
        Where it lies and how it is shown.
    remark
        A sentence for the caption.
    """
    values = layer.values()
    spread = spread_of(values)
    figure = scalar_figure(values, frame, style, spread, layer.unit)
    title = (style.title or layer.variable) + (f": {layer.label.replace('_', ' ')}" if layer.label else "")
    distribution = spread.sentence(layer.unit) if spread else "No pixel has a value."
    masked = "" if np.isfinite(values).all() else " Hatched: no value."
    sentences = [f"{capitalized(layer.meaning)}.", style.hint, distribution, remark]
    text = " ".join(part for part in sentences if part) + masked + of_blocks(frame)
    return Picture(key, title, text, f"Map of {title}. {distribution}", figure)


def scalar_figure(
    values: Singles, frame: Frame, style: MapStyle, spread: Spread | None, unit: str
) -> MapFigure:
    """A map with its color bar; see `scalar_picture`."""
    low, high = style.limits or (spread.limits if spread else SHARE)
    beyond = (spread.quantiles[0] < low, spread.quantiles[-1] > high) if spread else (False, False)
    colors = color_steps(style.colors)
    raster = Raster(color_index(block_mean(values, frame.block), low, high), with_nothing(colors))
    return MapFigure(frame, raster, bar=ColorBar(colors, low, high, unit, *beyond))


def with_nothing(colors: Uint8s) -> Uint8s:
    """A palette, shape (step + 1, 4): colors of shape (step, 3), and none at all for pixels without a value."""
    palette = np.zeros((len(colors) + 1, 4), np.uint8)
    palette[:-1, :3], palette[:-1, 3] = colors, 255
    return palette


def share_above(values: Singles, limit: float) -> str:
    """Share of the pixels with a value that lies above a limit, in percent."""
    known = int(np.isfinite(values).sum())
    return percent(int(np.count_nonzero(values > limit)), known)
