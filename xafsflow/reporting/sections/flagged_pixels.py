"""The report's section on flags: which pixels are without an answer or in doubt, and why."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from xafsflow.reporting.category_maps import paint_codes
from xafsflow.reporting.downsample import block_lowest
from xafsflow.reporting.figure_style import FLAG_COLORS, UNFLAGGED
from xafsflow.reporting.map_figure import LegendEntry, MapFigure
from xafsflow.reporting.map_frame import STRETCHED, Frame
from xafsflow.reporting.map_statistics import Facts, flag_bits
from xafsflow.reporting.panel import Cell, Content, Panel, Table
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.scalar_maps import MapStyle
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import listed, percent
from xafsflow.vocabulary import FLAG_MEANINGS, Flag

# After a shift of the energies every pixel lacks some at the ends: that hides no other flag.
FLAG_ORDER = sorted(Flag, key=lambda flag: flag is Flag.ENERGY_RANGE)


@section(
    "flagged_pixels",
    title="Pixels without an answer or in doubt",
    intro="Why areas are hatched in the other maps.",
    order=100,
    maps={"flags": MapStyle("Flags", drawn=False)},
)
def flagged_pixels(part: Part) -> Iterator[Block]:
    """A map of the flags, and how many pixels have each."""
    facts = part.maps.facts
    yield flag_picture(part.maps.maps["flags"], facts, part.maps.frame)
    yield _flag_panel(facts)


def _flag_panel(facts: Facts) -> Panel:
    """Number of pixels with each flag, and how many of them have no answer."""
    rows: list[tuple[Content, ...]] = [
        (
            Cell(flag_name(flag), color=FLAG_COLORS[flag]),
            FLAG_MEANINGS[flag],
            f"{count:,}",
            percent(count, facts.pixels),
            f"{facts.lost[flag]:,}",
        )
        for flag, count in facts.flagged.items()
        if count
    ]
    if facts.silent:
        count, share = f"{facts.silent:,}", percent(facts.silent, facts.pixels)
        rows.append(("no flag", "no answer, and no flag says why", count, share, count))
    if not rows:
        return Panel("Pixels by flag", texts=["No pixel has a flag."])
    head = ["flag", "meaning", "pixels", "share of all", "without answer"]
    note = "A pixel can have several flags. With a flag and an answer, it is repaired or in doubt."
    return Panel("Pixels by flag", content=Table(head, rows, numeric=[2, 3, 4]), notes=[note])


def flag_picture(flags: xr.DataArray, facts: Facts, frame: Frame) -> Picture:
    """Draw which pixels are without an answer or in doubt, and why.

    Parameters
    ----------
    flags
        Dims y, x: bits of `xafsflow.vocabulary.Flag`.
    facts, frame
        Of the same run.
    """
    bits = flag_bits(flags)
    codes = np.full(bits.shape, -1, np.int16)
    for i, flag in reversed(list(enumerate(FLAG_ORDER))):
        codes[bits & int(flag) != 0] = i
    shown = block_lowest(codes, frame.block, -1)
    raster = paint_codes(shown, [FLAG_COLORS[flag] for flag in FLAG_ORDER])
    labels: list[LegendEntry] = [
        (f"{flag_name(flag)}  {percent(n, facts.pixels)}", FLAG_COLORS[flag])
        for flag in FLAG_ORDER
        if (n := facts.flagged[flag])
    ]
    figure = MapFigure(frame, raster, ground=UNFLAGGED, legend=[*labels, ("no flag", UNFLAGGED)])
    text = "Where a pixel has several flags, the first of the legend is shown."
    if frame.block > 1:
        text += f" Shown reduced: a dot has a flag if any of its {frame.block} x {frame.block} pixels has it."
    if frame.stretched:
        text += STRETCHED
    found = listed([FLAG_MEANINGS[flag] for flag, n in facts.flagged.items() if n] or ["none"])
    return Picture("flags", "Flags", text, f"Map of flags: {found}.", figure)


def flag_name(flag: Flag) -> str:
    """A flag's name for reading.

    Examples
    --------
    >>> flag_name(Flag.NOT_FINITE)
    'not finite'
    """
    return str(flag.name).lower().replace("_", " ")
