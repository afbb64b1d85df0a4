"""The report's section on the energy over the field: the shift of each pixel, and E0 before and after the calibration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from xafsflow.findings.calibrate_findings import (
    CheckFindings,
    DistanceFindings,
    EdgeOverField,
    ShiftFieldFindings,
)
from xafsflow.reporting.color_scales import color_index, color_steps
from xafsflow.reporting.map_figure import ColorBar, MapFigure
from xafsflow.reporting.map_frame import Frame
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.raster import Raster
from xafsflow.reporting.scalar_maps import MapStyle, with_nothing
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import capitalized, number

MEASURED_ANEW = "measured again after the spectra were shifted"
LEFT = "what the fitted shift leaves"


@section(
    "energy_calibration",
    title="Energy over the field",
    intro="How far each pixel's energy is from the nominal one, and what is left of that after the calibration.",
    order=90,
    maps={
        "energy_shift": MapStyle("Energy shift"),
        "energy_shift_error": MapStyle("Standard error of the energy shift", "cividis"),
    },
    drawn=("before", "after"),
)
def energy_calibration(part: Part) -> Iterator[Block]:
    """The shift of each pixel, and E0 of tiles of the field before and after it was taken off."""
    yield from part.map_pictures()
    found, frame = part.finding, replace(part.maps.frame, width=4.0)
    if isinstance(found, ShiftFieldFindings | CheckFindings):
        yield _picture("before", found.before, frame, "")
        yield _picture(
            "after", found.after, frame, MEASURED_ANEW if isinstance(found, CheckFindings) else LEFT
        )
    elif isinstance(found, DistanceFindings):
        yield _picture("after", found.after, frame, LEFT)


def distribution(found: EdgeOverField) -> str:
    """Mean, slopes and scatter as a sentence.

    Examples
    --------
    >>> flat = EdgeOverField(np.zeros((1, 1)), 0.1, 0.01, 0.7, np.nan, np.nan, -2.2, 0.03)
    >>> distribution(flat)
    'Slope from top to bottom -2.2 ± 0.03 eV, mean 0.1 ± 0.01 eV, root mean square 0.7 eV.'
    """
    values = (
        ("slope from top to bottom", found.slope_y, found.slope_y_error),
        ("slope from left to right", found.slope_x, found.slope_x_error),
        ("mean", found.mean, found.mean_error),
    )
    parts = [
        f"{name} {number(value, 2)} ± {number(error, 1)} eV"
        for name, value, error in values
        if np.isfinite(value)
    ]
    return capitalized(", ".join([*parts, f"root mean square {number(found.rms, 2)} eV"])) + "."


def _picture(when: str, found: EdgeOverField, frame: Frame, how: str) -> Picture:
    reach = float(np.nanmax(np.abs(found.map))) if np.isfinite(found.map).any() else 0.0
    reach = reach or 1e-3
    colors = color_steps("RdBu_r")
    raster = Raster(color_index(found.map, -reach, reach), with_nothing(colors))
    # Tiles share the field evenly, whatever number of pixels each has.
    figure = MapFigure(frame, raster, frame.bounds, bar=ColorBar(colors, -reach, reach, "eV"))
    title = f"E0 over the field {when} the calibration"
    text = (
        f"E0 of each tile minus E0 of the standard{f' ({how})' if how else ''}. {distribution(found)} "
        "Each map has its own scale."
    )
    return Picture(f"e0_{when}", title, text, f"Map: {title}. {distribution(found)}", figure)
