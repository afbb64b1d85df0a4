"""The report's section on class spectra: the measured mean where each reference dominates, beside that reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xafsflow.findings.record import Doubles
from xafsflow.reporting.figure_style import INK, QUIET, category_colors, styled
from xafsflow.reporting.map_layers import file_names, names_along
from xafsflow.reporting.map_statistics import Facts, axis_label
from xafsflow.reporting.model_view import ModelView
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.scalar_maps import MapStyle
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import counted, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 4.2


@dataclass(frozen=True, eq=False)
class Curve:
    """A spectrum: name of its axis, and shapes (axis,) of the axis's values in their order and of the spectrum."""

    axis: str
    at: Doubles
    values: Doubles


@section(
    "class_spectra",
    title="Spectra",
    intro="Measured mean spectra beside the references: do the answers look like what was measured?",
    order=40,
    maps={
        "mean_norm": MapStyle("Mean spectra", drawn=False),
        "mean_pixels": MapStyle("Pixels in the mean spectra", drawn=False),
    },
)
def class_spectra(part: Part) -> Iterator[Block]:
    """A figure for each reference that dominates somewhere."""
    maps, facts = part.maps.maps, part.maps.facts
    if "mean_norm" not in part.variables or facts.axis is None:
        return
    axis = facts.axis.name
    means = maps["mean_norm"].transpose("reference", axis)
    names = names_along(means, "reference")
    keys = file_names(f"mean_{name}" for name in names)
    count = maps["mean_pixels"].values if "mean_pixels" in maps else np.full(len(names), np.nan)
    at, order = np.sort(maps[axis].values), np.argsort(maps[axis].values)
    for i, (name, key) in enumerate(zip(names, keys, strict=True)):
        mean = means[i].values[order].astype(np.float64)
        if np.isfinite(mean).any():
            yield _mean_picture(name, key, Curve(axis, at, mean), float(count[i]), facts, part.model)


@styled
def _mean_picture(
    name: str, key: str, mean: Curve, pixels: float, facts: Facts, model: ModelView | None
) -> Picture:
    from matplotlib.figure import Figure

    known = list(model.references) if model else list(facts.references)
    color = category_colors(len(known))[known.index(name)] if name in known else QUIET
    figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
    top, low = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    top.plot(mean.at, mean.values, color=color, linewidth=2.2, label="measured mean")
    text = f"Mean over the {counted(int(pixels), 'pixel')}" if np.isfinite(pixels) else "Mean over the pixels"
    text += f" where {name} dominates."
    if model is not None and model.reference_energy.size and name in known:
        text += _compare(top, low, mean, known.index(name), facts, model)
        low.axhline(0, color=INK, linewidth=0.5)
        low.set_ylabel("residual")
    else:
        low.remove()
        top.tick_params(labelbottom=True)
    figure.axes[-1].set_xlabel(axis_label(mean.axis))
    top.set_ylabel("normalized absorption" if mean.axis == "energy" else "mean")
    top.legend(loc="lower right")
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    alt = f"Mean spectrum of the pixels where {name} dominates, its reference, and the residual."
    return Picture(key, name, text, alt, figure)


def _compare(top: Axes, low: Axes, mean: Curve, i: int, facts: Facts, model: ModelView) -> str:
    """Add the reference, the mixture that is mapped there, and the residuals; say how large these are."""
    energy, values = mean.at, mean.values
    on_scan = np.array(
        [np.interp(energy, model.reference_energy, y, np.nan, np.nan) for y in model.reference_norm]
    )
    top.plot(energy, on_scan[i], color=INK, linewidth=1, linestyle=(0, (4, 2)), label="reference")
    low.plot(energy, values - on_scan[i], color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
    text = f" R factor against the reference {number(_r_factor(values, on_scan[i]), 2)}"
    if facts.references != tuple(model.references) or not np.isfinite(facts.mixture[i]).all():
        return f"{text}."
    expected = facts.mixture[i] @ on_scan
    top.plot(energy, expected, color=INK, linewidth=0.9, label="mixture as mapped")
    low.plot(energy, values - expected, color=top.lines[0].get_color(), linewidth=1.3)
    return (
        f"{text}, against the mixture that is mapped there {number(_r_factor(values, expected), 2)}."
        " Residuals: dashed from the reference, in color from the mixture."
    )


def _r_factor(data: Doubles, fit: Doubles) -> float:
    """sum((data-fit)^2)/sum(data^2) where both are known."""
    both = np.isfinite(data) & np.isfinite(fit)
    scale = float(np.sum(data[both] ** 2))
    return float(np.sum((data[both] - fit[both]) ** 2)) / scale if scale > 0 else float("nan")
