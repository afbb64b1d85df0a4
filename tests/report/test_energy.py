"""E0 over the field before and after the calibration, as the report shows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xafsflow.report.map_frame import Frame
from xafsflow.report.sections.calibration_section import energy_pictures, slope_words

FRAME = Frame((20, 30), (0.0, 0.0), (1.0, 1.0), None)


def told(scale: float, missing: bool = False) -> dict[str, Any]:
    rows = (scale * np.linspace(-1, 1, 12).reshape(3, 4)).tolist()
    if missing:
        rows[0][0] = None
    slope = {"slope_y": 2 * scale, "slope_y_error": 0.003}
    return {"map": rows, "mean": 0.0, "mean_error": 0.001, "rms": scale, **slope}


def test_energy_pictures__draws_before_and_after_and_says_the_slopes() -> None:
    found = {"calibrate.foil": {"before": told(1.0), "after": told(0.01, missing=True)}}
    before, after = energy_pictures(found, FRAME)
    assert "from top to bottom 2 ± 0.003 eV" in before.text
    assert "0.02 ± 0.003 eV" in after.text
    image = after.figure.axes[0].images[0]
    assert image.get_array()[0, 0, 3] == 0  # a tile that was left out is not painted
    assert tuple(image.get_extent()) == (-0.5, 29.5, 19.5, -0.5)


def test_energy_pictures__prefers_what_was_measured_anew() -> None:
    found = {
        "calibrate.foil": {"before": told(1.0), "after": told(0.01)},
        "calibrate.check": {"before": told(1.0), "after": told(0.5)},
    }
    assert "measured anew" in list(energy_pictures(found, FRAME))[1].text


@pytest.mark.parametrize("found", [{}, {"calibrate.foil": None}, {"calibrate.check": {"before": {}}}])
def test_energy_pictures__are_none_where_no_step_found_any(found: dict[str, Any]) -> None:
    assert not list(energy_pictures(found, FRAME))


def test_slope_words__leave_out_what_a_field_without_width_has_not() -> None:
    assert slope_words({"mean": 0.1, "mean_error": 0.01, "rms": 0.1}).startswith("Mean 0.1")
