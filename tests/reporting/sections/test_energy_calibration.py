"""E0 over the field before and after the calibration, as the report shows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xafsflow.findings.calibrate_findings import (
    Broadening,
    CheckFindings,
    DistanceFindings,
    EdgeOverField,
    OffsetFindings,
    PixelCounts,
    ShiftFieldFindings,
)
from xafsflow.reporting.sections.energy_calibration import distribution

PIXELS = PixelCounts(600, 0, 0, 0)
NONE = Broadening(0.02, 0.03, clear=False)


def field(scale: float, missing: bool = False) -> EdgeOverField:
    tiles = scale * np.linspace(-1, 1, 12).reshape(3, 4)
    if missing:
        tiles[0, 0] = np.nan
    return EdgeOverField(tiles, 0.0, 0.001, scale, np.nan, np.nan, 2 * scale, 0.003)


def shift_field(before: float, after: float, broadening: Broadening = NONE) -> ShiftFieldFindings:
    nothing = np.zeros(0)
    return ShiftFieldFindings(
        ("Fe",),
        1,
        nothing,
        nothing,
        (0, 1),
        (0, 1),
        0,
        0,
        broadening,
        0,
        0,
        PIXELS,
        field(before),
        field(after, missing=True),
    )


def test_foil__has_before_and_after_with_the_slopes(shown) -> None:
    before, after = shown("energy_calibration", shift_field(1.0, 0.01))
    assert "from top to bottom 2 ± 0.003 eV" in before.text
    assert "0.02 ± 0.003 eV" in after.text
    assert after.figure.raster.colors()[0, 0, 3] == 0  # a tile that was left out is not painted
    assert after.figure.extent == (-0.5, 11.5, 8.5, -0.5)


def test_foil__tells_the_resolution(shown) -> None:
    blunt, same = Broadening(0.5, 0.01, clear=True), Broadening(0.02, 0.03, clear=False)
    assert "blunter than the standard by a Gaussian of 0.5 ± 0.01 eV" in (
        shown("energy_calibration", shift_field(1.0, 0.01, blunt))[1].text
    )
    assert "as blunt as that of the standard (0.02 ± 0.03 eV)" in (
        shown("energy_calibration", shift_field(1.0, 0.01, same))[1].text
    )


def test_check__says_that_it_was_measured_again(shown) -> None:
    found = CheckFindings(("Fe",), 0.0, PIXELS, field(1.0), field(0.5))
    assert "measured again" in shown("energy_calibration", found)[1].text


def test_distance__shows_what_is_left(shown) -> None:
    found = DistanceFindings(30.0, 0.1, "down", 0.0, 0.1, 0.0, NONE, field(0.5))
    assert [one.title for one in shown("energy_calibration", found)] == [
        "E0 over the field after the calibration"
    ]


def test_offset__has_no_picture(shown) -> None:
    assert shown("energy_calibration", OffsetFindings(0.2, 0.01, "Fe", None)) == []


def test_distribution__leaves_out_what_was_not_measured() -> None:
    flat = replace(field(0.1), slope_y=np.nan, slope_y_error=np.nan, mean=0.1, mean_error=0.01)
    assert distribution(flat) == "Mean 0.1 ± 0.01 eV, root mean square 0.1 eV."
