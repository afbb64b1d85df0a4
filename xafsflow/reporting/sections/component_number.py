"""The report's section on the number of components: scree plot, IND, and the residual of the retained components."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xafsflow.findings.judge_findings import ComponentFindings
from xafsflow.findings.record import Doubles
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Band, Curve, CurveMark, Rule
from xafsflow.reporting.figure_style import QUIET, SIGNAL
from xafsflow.reporting.map_statistics import axis_label
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.scalar_maps import MapStyle
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import counted, number
from xafsflow.vocabulary import AXES

WIDTH = 4.6


@section(
    "component_number",
    title="How many components",
    intro="How many different spectra the scan holds beyond what noise could make, whatever they are.",
    order=56,
    maps={
        "component_residual": MapStyle(
            "Map of the residual", "cividis", hint="Near 1 where noise alone is left."
        )
    },
    drawn=(
        "axis",
        "energy",
        "eigenvalues",
        "noise_floor",
        "explained",
        "cumulative",
        "indicator",
        "residual_mean",
        "residual_rms",
    ),
)
def component_number(part: Part) -> Iterator[Block]:
    """The map of the residual, the scree plot, and the spectrum of the residual."""
    yield from part.map_pictures()
    found = part.finding
    if isinstance(found, ComponentFindings):
        yield _scree(found)
        yield _residual(found)


def _scree(found: ComponentFindings) -> Picture:
    values, floor = found.eigenvalues, found.noise_floor
    shown = min(values.size, floor.size)
    place = np.arange(1, shown + 1, dtype=np.float64)
    retained_line = Rule(found.retained + 0.5, True, SIGNAL, 0.9, (3, 2))
    eigenvalues = Curve(place, values[:shown], width=1, marker="o", size=4.5, name="eigenvalue")
    noise = Band(place, floor[:shown] * found.noise_margin, None, QUIET, 0.3, name="noise")
    top = Plot([eigenvalues, noise, retained_line], "eigenvalue", log=True, legend="upper right")
    low = Plot(
        [*_indicator(found.indicator[: shown + 1]), retained_line], "IND", log=True, legend="upper right"
    )
    figure = CurveFigure(WIDTH, 4.2, [top, low], "number of components", whole=True)
    by_noise, retained = found.number_by_noise, found.retained
    numbers = (
        f"{counted(by_noise, 'component')} {'is' if by_noise == 1 else 'are'} above the noise; IND has its minimum at "
        f"{found.number_by_indicator}; {retained} {'is' if retained == 1 else 'are'} retained (dashed line)."
    )
    text = f"{numbers} Eigenvalues are in units of the noise; the mean spectrum is not subtracted."
    return Picture("scree", "Scree plot", text, f"Scree plot with the noise. {numbers}", figure)


def _indicator(indicator: Doubles) -> list[Curve]:
    place = np.arange(indicator.size, dtype=np.float64)
    least = int(np.nanargmin(indicator)) if np.isfinite(indicator).any() else 0
    at = slice(least, least + 1)
    mark = Curve(place[at], indicator[at], SIGNAL, 0, marker="D", size=6, name="least")
    return [Curve(place, indicator, width=1, marker="o", size=3), mark]


def _residual(found: ComponentFindings) -> Picture:
    energy, mean, rms = found.energy, found.residual_mean, found.residual_rms
    marks: list[CurveMark] = [
        Rule(1, color=QUIET, width=0.9, dash=(4, 2)),
        Rule(0, color=QUIET, width=0.6),
        Curve(energy, rms, name="root mean square"),
        Curve(energy, mean, SIGNAL, 1.2, name="mean"),
    ]
    highest = max(1.35, 1.15 * float(np.nanmax(rms, initial=1.0)))
    name = "residual (units of the noise)"
    plot = Plot(marks, name, (None, highest), legend="upper right", columns=2)
    figure = CurveFigure(WIDTH, 3.4, [plot], axis_label(found.axis))
    worst = float(energy[np.nanargmax(rms)]) if np.isfinite(rms).any() else float("nan")
    middle = float(np.median(rms[np.isfinite(rms)])) if np.isfinite(rms).any() else float("nan")
    sentence = (
        f"Root mean square {number(middle, 3)} (median), largest at {number(worst)} {AXES[found.axis].unit}."
    )
    text = f"What the retained components leave at each point; 1 is noise alone. {sentence}"
    title = "Residual of the components"
    return Picture(
        "component_spectrum", title, text, f"{title} over {axis_label(found.axis)}. {sentence}", figure
    )
