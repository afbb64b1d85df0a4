"""How many components the cube holds, as judge.components found it: scree plot, IND, and what is left."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from xafsflow.report.figure_style import INK, QUIET, SIGNAL, log_scale, styled
from xafsflow.report.findings_values import Array, array_in, arrays_in, number_in, of_step
from xafsflow.report.picture import Picture
from xafsflow.report.wording import counted, number

STEP = "judge.components"
GROUP = "references-components"
WIDTH = 4.6
# Components that a scree plot shows where no noise floor says how many were looked at.
SHOWN = 12


def component_pictures(findings: Mapping[str, Any]) -> Iterator[Picture]:
    """The scree plot with the noise floor and IND, and the spectrum of what the kept components leave.

    Parameters
    ----------
    findings
        By step: `eigenvalues`, and where there `noise_floor`, `noise_margin`, `indicator` and the numbers; `energy`,
        `residual_mean` and `residual_rms` of judge.components are read.
    """
    found = of_step(findings, STEP)
    values = array_in(found, "eigenvalues")
    if values is not None:
        yield _scree(found, values)
    curves = arrays_in(found, "energy", "residual_mean", "residual_rms")
    if curves:
        yield _residual(*curves)


@styled
def _scree(found: Mapping[str, Any], values: Array) -> Picture:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    floor, indicator = array_in(found, "noise_floor"), array_in(found, "indicator")
    shown = min(values.size, floor.size if floor is not None else SHOWN)
    figure = Figure(figsize=(WIDTH, 4.2 if indicator is not None else 3.2), layout="constrained")
    top, *low = figure.subplots(1 + (indicator is not None), 1, sharex=True, squeeze=False).ravel()
    place = np.arange(1, shown + 1)
    top.plot(place, values[:shown], color=INK, marker="o", markersize=4.5, linewidth=1, label="eigenvalue")
    top.set_ylabel("eigenvalue")
    log_scale(top.yaxis)
    if floor is not None:
        margin, bottom = number_in(found, "noise_margin"), top.get_ylim()[0]
        limit = floor[:shown] * (margin if math.isfinite(margin) else 1.0)
        top.fill_between(place, bottom, limit, color=QUIET, alpha=0.3, linewidth=0, label="noise")
        top.set_ylim(bottom=bottom)
    if indicator is not None:
        _indicator(low[0], indicator[: shown + 1])
    kept = number_in(found, "retained")
    for axes in figure.axes:
        if math.isfinite(kept):
            axes.axvline(kept + 0.5, color=SIGNAL, linewidth=0.9, linestyle=(0, (3, 2)))
        axes.spines[["top", "right"]].set_visible(False)
    top.legend(loc="upper right")
    figure.axes[-1].set_xlabel("number of components")
    figure.axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    text = f"{_numbers(found)} Eigenvalues are in units of the noise, without the mean taken off."
    return Picture(
        "scree", GROUP, "Scree plot", text, f"Scree plot with the noise. {_numbers(found)}", figure
    )


def _indicator(axes: Any, indicator: Array) -> None:
    place = np.arange(indicator.size)
    least = int(np.nanargmin(indicator)) if np.isfinite(indicator).any() else 0
    axes.plot(place, indicator, color=INK, marker="o", markersize=3, linewidth=1)
    axes.plot(
        least, indicator[least], marker="D", color=SIGNAL, markersize=6, linestyle="none", label="least"
    )
    axes.set_ylabel("IND")
    log_scale(axes.yaxis)
    axes.legend(loc="upper right")


def _numbers(found: Mapping[str, Any]) -> str:
    """How many components, by each rule."""
    by_noise, by_indicator, kept = (
        number_in(found, key) for key in ("number_by_noise", "number_by_indicator", "retained")
    )
    told = []
    if math.isfinite(by_noise):
        word = "stands" if by_noise == 1 else "stand"
        told.append(f"{counted(int(by_noise), 'component')} {word} above the noise")
    if math.isfinite(by_indicator):
        told.append(f"IND has its least value at {number(int(by_indicator))}")
    if math.isfinite(kept):
        told.append(f"{number(int(kept))} {'is' if kept == 1 else 'are'} kept (dashed line)")
    return f"{'; '.join(told)}." if told else "How many count was not told."


@styled
def _residual(energy: Array, mean: Array, rms: Array) -> Picture:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(1, color=QUIET, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.axhline(0, color=QUIET, linewidth=0.6)
    axes.plot(energy, rms, color=INK, linewidth=1.5, label="root mean square")
    axes.plot(energy, mean, color=SIGNAL, linewidth=1.2, label="mean")
    axes.set(xlabel="energy (eV)", ylabel="residual (units of the noise)")
    axes.set_ylim(top=max(1.35, 1.15 * float(np.nanmax(rms, initial=1.0))))
    axes.legend(loc="upper right", ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
    worst = float(energy[np.nanargmax(rms)]) if np.isfinite(rms).any() else math.nan
    middle = float(np.median(rms[np.isfinite(rms)])) if np.isfinite(rms).any() else math.nan
    words = f"Root mean square {number(middle, 3)} in the median, largest at {number(worst)} eV."
    text = f"What the kept components leave at each energy; 1 is noise alone. {words}"
    title = "Residual of the components"
    return Picture("component_spectrum", GROUP, title, text, f"{title} by energy. {words}", figure)
