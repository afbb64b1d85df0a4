"""Maps of categories: one color for each, with a legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xafsflow.reporting.color_scales import rgb
from xafsflow.reporting.downsample import block_mode
from xafsflow.reporting.figure_style import short
from xafsflow.reporting.map_figure import MapFigure
from xafsflow.reporting.map_frame import Frame
from xafsflow.reporting.raster import Raster
from xafsflow.reporting.wording import percent

Codes = NDArray[np.int16]
# As many entries as a legend can hold.
LEGEND = 12
# (name, color, pixels) of each category.
Entry = tuple[str, str, int]


def category_figure(
    codes: Codes, frame: Frame, entries: Sequence[Entry], total: int, nothing: str = "no answer"
) -> MapFigure:
    """A map of codes with a legend of the most frequent categories.

    Parameters
    ----------
    codes
        Shape (y, x): the place of each pixel's category among the entries, -1 for none.
    frame
        Of the maps.
    entries
        Name, color and number of pixels of each category.
    total
        Pixels of which the shares in the legend are.
    nothing
        What a pixel without a category is called.
    """
    raster = paint_codes(block_mode(codes, frame.block), [color for _, color, _ in entries])
    common = sorted((entry for entry in entries if entry[2]), key=lambda entry: -entry[2])
    labels = [(f"{short(name)}  {percent(n, total)}", color) for name, color, n in common[:LEGEND]]
    return MapFigure(frame, raster, legend=[*labels, (nothing, None)])


def paint_codes(codes: Codes, colors: Sequence[str]) -> Raster:
    """Each code in its color, nothing for -1; shape of the codes (y, x).

    Examples
    --------
    >>> paint_codes(np.array([[0, -1]], np.int16), ["#ff0000"]).colors().tolist()
    [[[255, 0, 0, 255], [0, 0, 0, 0]]]
    """
    # The last row is what -1 takes.
    table = np.zeros((len(colors) + 1, 4), np.uint8)
    table[:-1] = [(*rgb(color), 255) for color in colors]
    if len(table) > 256:
        return Raster(table[codes])
    return Raster(np.where(codes < 0, len(colors), codes).astype(np.uint8), table)
