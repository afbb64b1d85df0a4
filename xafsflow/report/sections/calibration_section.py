"""What is left of the energy's change over the field: E0 of the tiles before and after the calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.report.figure_style import color_map, styled
from xafsflow.report.map_frame import Frame
from xafsflow.report.picture import Picture
from xafsflow.report.wording import number

Array = NDArray[np.float64]
# The first that a run has is shown: what was measured anew after the shift, then what the fit itself leaves.
STEPS = ("calibrate.check", "calibrate.foil", "calibrate.sample")
WORDS = {
    "calibrate.check": "measured anew after the spectra were moved",
    "calibrate.foil": "what the foil's tiles leave to the fitted surface",
    "calibrate.sample": "what the sample's tiles leave to the fitted surface",
}


def energy_pictures(findings: Mapping[str, Any], frame: Frame) -> Iterator[Picture]:
    """Maps of E0 minus that of the standard, before and after, of the first step of `STEPS` that has them.

    Parameters
    ----------
    findings
        By step, with `before` and `after`: `map` (rows of tiles, None where a tile was left out), slopes and their errors.
    frame
        Of the run's maps.
    """
    step = next((name for name in STEPS if _maps_of(findings.get(name))), None)
    if step is None:
        return
    for word in ("before", "after"):
        yield _picture(word, step, findings[step][word], replace(frame, width=4.0))


def _maps_of(found: Any) -> bool:
    return isinstance(found, Mapping) and all(
        isinstance(found.get(word), Mapping) and found[word].get("map") for word in ("before", "after")
    )


def slope_words(found: Mapping[str, Any]) -> str:
    """Mean, slopes and scatter as a sentence.

    Examples
    --------
    >>> slope_words({"mean": 0.1, "mean_error": 0.01, "slope_y": -2.2, "slope_y_error": 0.03, "rms": 0.7})
    'Slope from top to bottom -2.2 ± 0.03 eV, mean 0.1 ± 0.01 eV, root mean square 0.7 eV.'
    """
    told = []
    for key, words in (
        ("slope_y", "slope from top to bottom"),
        ("slope_x", "slope from left to right"),
        ("mean", "mean"),
    ):
        if key in found:
            told.append(f"{words} {number(found[key], 2)} ± {number(found[f'{key}_error'], 1)} eV")
    text = ", ".join([*told, f"root mean square {number(found['rms'], 2)} eV"])
    return f"{text[:1].upper()}{text[1:]}."


@styled
def _picture(word: str, step: str, found: Mapping[str, Any], frame: Frame) -> Picture:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.ticker import MaxNLocator

    values = np.array(found["map"], dtype=np.float64)
    reach = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    reach = reach or 1e-3
    figure, axes = frame.open(room=0.8)
    scale = ScalarMappable(Normalize(-reach, reach), color_map("RdBu_r"))
    colors = scale.to_rgba(np.ma.masked_invalid(values), bytes=True)
    (rows, columns), (y0, x0), (dy, dx) = frame.shape, frame.origin, frame.spacing
    # Tiles share the field evenly, whatever number of pixels each has.
    extent = (x0 - dx / 2, x0 + dx * (columns - 0.5), y0 + dy * (rows - 0.5), y0 - dy / 2)
    axes.imshow(colors, extent=extent, interpolation="none", aspect=axes.get_aspect())
    place = axes.inset_axes((1.03, 0, 0.045, 1))
    bar = figure.colorbar(scale, cax=place, ticks=MaxNLocator(6))
    bar.outline.set_visible(False)
    place.set_title("eV", fontsize=9, loc="left", pad=4)
    title = f"E0 over the field {word} the calibration"
    how = f" ({WORDS[step]})" if word == "after" else ""
    text = (
        f"E0 of each tile minus that of the standard{how}. {slope_words(found)} Each map has its own scale."
    )
    return Picture(f"e0_{word}", "shift", title, text, f"Map: {title}. {slope_words(found)}", figure)
