"""Maps of categories: one color for each, with a legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xafsflow.reporting.downsample import block_mode
from xafsflow.reporting.figure_style import HATCH, INK, MASKED, short
from xafsflow.reporting.map_frame import Frame
from xafsflow.reporting.wording import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Codes = NDArray[np.int16]
# As many entries as a legend can hold.
LEGEND = 12
# (name, color, pixels) of each category.
Entry = tuple[str, str, int]


def category_figure(
    codes: Codes, frame: Frame, entries: Sequence[Entry], total: int, nothing: str = "no answer"
) -> Figure:
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
    figure, axes = frame.open(room=0.3)
    shown = block_mode(codes, frame.block)
    frame.paint(axes, paint_codes(shown, [color for _, color, _ in entries]))
    common = sorted((entry for entry in entries if entry[2]), key=lambda entry: -entry[2])
    labels = [(f"{short(name)}  {percent(n, total)}", color) for name, color, n in common[:LEGEND]]
    add_legend(figure, [*labels, (nothing, None)])
    return figure


def paint_codes(codes: Codes, colors: Sequence[str]) -> NDArray[np.uint8]:
    """RGBA of each code's color; transparent for -1.

    Examples
    --------
    >>> paint_codes(np.array([[0, -1]], np.int16), ["#ff0000"]).tolist()
    [[[255, 0, 0, 255], [0, 0, 0, 0]]]
    """
    from matplotlib.colors import to_rgba_array

    # The last row is what -1 takes.
    table = np.zeros((len(colors) + 1, 4), np.uint8)
    table[:-1] = np.round(255 * to_rgba_array(list(colors)))
    return table[codes]


def add_legend(figure: Figure, labels: Sequence[tuple[str, str | None]]) -> None:
    """A legend below a map; a color of None is the hatched ground. The figure grows by its height."""
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=MASKED, hatch="/////", edgecolor=HATCH, linewidth=0, label=label)
        if color is None
        else Patch(facecolor=color, label=label)
        for label, color in labels
    ]
    longest = max(len(label) for label, _ in labels)
    columns = 1 if longest > 34 else 2 if longest > 20 else 3
    columns = min(columns, len(labels))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, labelcolor=INK)
    rows = -(-len(labels) // columns)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.12 + 0.18 * rows)
