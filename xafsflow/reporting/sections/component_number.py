"""The report's section on the number of components: scree plot, IND, and the residual of the retained components."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from xafsflow.findings.judge_findings import ComponentFindings
from xafsflow.findings.record import Doubles
from xafsflow.reporting.figure_style import INK, QUIET, SIGNAL, log_scale, styled
from xafsflow.reporting.map_statistics import axis_label
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.scalar_maps import MapStyle
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import counted, number
from xafsflow.vocabulary import AXES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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


@styled
def _scree(found: ComponentFindings) -> Picture:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    values, floor = found.eigenvalues, found.noise_floor
    shown = min(values.size, floor.size)
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    top, low = figure.subplots(2, 1, sharex=True)
    place = np.arange(1, shown + 1)
    top.plot(place, values[:shown], color=INK, marker="o", markersize=4.5, linewidth=1, label="eigenvalue")
    top.set_ylabel("eigenvalue")
    log_scale(top.yaxis)
    bottom, limit = top.get_ylim()[0], floor[:shown] * found.noise_margin
    top.fill_between(place, bottom, limit, color=QUIET, alpha=0.3, linewidth=0, label="noise")
    top.set_ylim(bottom=bottom)
    _indicator(low, found.indicator[: shown + 1])
    for axes in figure.axes:
        axes.axvline(found.retained + 0.5, color=SIGNAL, linewidth=0.9, linestyle=(0, (3, 2)))
        axes.spines[["top", "right"]].set_visible(False)
    top.legend(loc="upper right")
    low.set_xlabel("number of components")
    low.xaxis.set_major_locator(MaxNLocator(integer=True))
    by_noise, retained = found.number_by_noise, found.retained
    numbers = (
        f"{counted(by_noise, 'component')} {'is' if by_noise == 1 else 'are'} above the noise; IND has its minimum at "
        f"{found.number_by_indicator}; {retained} {'is' if retained == 1 else 'are'} retained (dashed line)."
    )
    text = f"{numbers} Eigenvalues are in units of the noise; the mean spectrum is not subtracted."
    return Picture("scree", "Scree plot", text, f"Scree plot with the noise. {numbers}", figure)


def _indicator(axes: Axes, indicator: Doubles) -> None:
    place = np.arange(indicator.size)
    least = int(np.nanargmin(indicator)) if np.isfinite(indicator).any() else 0
    axes.plot(place, indicator, color=INK, marker="o", markersize=3, linewidth=1)
    axes.plot(
        least, indicator[least], marker="D", color=SIGNAL, markersize=6, linestyle="none", label="least"
    )
    axes.set_ylabel("IND")
    log_scale(axes.yaxis)
    axes.legend(loc="upper right")


@styled
def _residual(found: ComponentFindings) -> Picture:
    from matplotlib.figure import Figure

    energy, mean, rms = found.energy, found.residual_mean, found.residual_rms
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(1, color=QUIET, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.axhline(0, color=QUIET, linewidth=0.6)
    axes.plot(energy, rms, color=INK, linewidth=1.5, label="root mean square")
    axes.plot(energy, mean, color=SIGNAL, linewidth=1.2, label="mean")
    axes.set(xlabel=axis_label(found.axis), ylabel="residual (units of the noise)")
    axes.set_ylim(top=max(1.35, 1.15 * float(np.nanmax(rms, initial=1.0))))
    axes.legend(loc="upper right", ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
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
