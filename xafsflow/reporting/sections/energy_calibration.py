"""The report's section on the energy over the field: the shift of each pixel, and E0 before and after the calibration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from xafsflow.findings.calibrate_findings import (
    Broadening,
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
    if isinstance(found, CheckFindings):
        yield _picture("after", found.after, frame, MEASURED_ANEW)
    elif isinstance(found, ShiftFieldFindings | DistanceFindings):
        yield _picture("after", found.after, frame, LEFT, resolution(found.broadening))


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


def resolution(found: Broadening) -> str:
    """The images' resolution against the standard's as a sentence; none where it is not known.

    Examples
    --------
    >>> resolution(Broadening(-0.3, 0.011, clear=True))
    'The edge is sharper than the standard by a Gaussian of 0.3 ± 0.01 eV (standard deviation), which references get.'
    >>> resolution(Broadening(0.05, 0.03, clear=False))
    'The edge is as blunt as that of the standard (0.05 ± 0.03 eV).'
    """
    if not np.isfinite(found.sigma):
        return ""
    size = f"{number(abs(found.sigma), 2)} ± {number(found.error, 1)} eV"
    if not found.clear:
        return f"The edge is as blunt as that of the standard ({size})."
    how = "blunter" if found.sigma > 0 else "sharper"
    return f"The edge is {how} than the standard by a Gaussian of {size} (standard deviation), which references get."


def _picture(when: str, found: EdgeOverField, frame: Frame, how: str, more: str = "") -> Picture:
    reach = float(np.nanmax(np.abs(found.map))) if np.isfinite(found.map).any() else 0.0
    reach = reach or 1e-3
    colors = color_steps("RdBu_r")
    raster = Raster(color_index(found.map, -reach, reach), with_nothing(colors))
    # Tiles share the field evenly, whatever number of pixels each has.
    figure = MapFigure(frame, raster, frame.bounds, bar=ColorBar(colors, -reach, reach, "eV"))
    title = f"E0 over the field {when} the calibration"
    text = (
        f"E0 of each tile minus E0 of the standard{f' ({how})' if how else ''}. {distribution(found)} "
        f"Each map has its own scale.{f' {more}' if more else ''}"
    )
    return Picture(f"e0_{when}", title, text, f"Map: {title}. {distribution(found)}", figure)
