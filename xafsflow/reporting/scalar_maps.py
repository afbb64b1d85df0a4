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
from xafsflow.reporting.map_spread import Spread
from xafsflow.reporting.map_views import MapView
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.raster import Raster
from xafsflow.reporting.wording import capitalized, percent

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
    if_empty
        False where a map in which no pixel has a value is left out: some models know no such value.
    """

    title: str = ""
    colors: ScaleName = "viridis"
    limits: tuple[float, float] | None = None
    hint: str = ""
    drawn: bool = True
    if_empty: bool = True


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
        if styles[layer.variable].if_empty or maps.spread(layer):
            yield scalar_picture(maps, layer, key, frame, styles[layer.variable])


def scalar_picture(
    maps: MapView, layer: Layer, key: str, frame: Frame, style: MapStyle, remark: str = ""
) -> Picture:
    """Draw one map.

    Parameters
    ----------
    maps, layer, key
        The maps, the one to draw, and the name of the picture.
    frame, style
        Where it lies and how it is shown.
    remark
        A sentence for the caption.
    """
    values, spread = maps.values(layer), maps.spread(layer)
    figure = scalar_figure(values, frame, style, spread, layer.unit)
    title = (style.title or layer.variable) + (f": {layer.label.replace('_', ' ')}" if layer.label else "")
    distribution = spread.sentence(layer.unit) if spread else "No pixel has a value."
    masked = "" if spread and spread.count == values.size else " Hatched: no value."
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
