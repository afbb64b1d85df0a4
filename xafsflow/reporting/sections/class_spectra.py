"""The report's section on class spectra: the measured mean where each reference dominates, beside that reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from xafsflow.findings.record import Doubles
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Curve, CurveMark, Rule
from xafsflow.reporting.figure_style import QUIET, category_colors
from xafsflow.reporting.map_layers import file_names, names_along
from xafsflow.reporting.map_statistics import Facts, axis_label
from xafsflow.reporting.model_view import ModelView
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.scalar_maps import MapStyle
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import counted, number

WIDTH = 4.2
DASH = (4.0, 2.0)


@dataclass(frozen=True, eq=False)
class Spectrum:
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
            yield _mean_picture(name, key, Spectrum(axis, at, mean), float(count[i]), facts, part.model)


def _mean_picture(
    name: str, key: str, mean: Spectrum, pixels: float, facts: Facts, model: ModelView | None
) -> Picture:
    known = list(model.references) if model else list(facts.references)
    color = category_colors(len(known))[known.index(name)] if name in known else QUIET
    top = [Curve(mean.at, mean.values, color, 2.2, name="measured mean")]
    low: list[CurveMark] = []
    text = f"Mean over the {counted(int(pixels), 'pixel')}" if np.isfinite(pixels) else "Mean over the pixels"
    text += f" where {name} dominates."
    if model is not None and model.reference_energy.size and name in known:
        compared = _compare(mean, color, known.index(name), facts, model)
        top, low, text = [*top, *compared[0]], [*compared[1], Rule(0)], text + compared[2]
    y_name = "normalized absorption" if mean.axis == "energy" else "mean"
    plots = [Plot(top, y_name, share=3, legend="lower right")]
    plots += [Plot(low, "residual")] if low else []
    alt = f"Mean spectrum of the pixels where {name} dominates, its reference, and the residual."
    return Picture(key, name, text, alt, CurveFigure(WIDTH, 3.5, plots, axis_label(mean.axis)))


def _compare(
    mean: Spectrum, color: str, i: int, facts: Facts, model: ModelView
) -> tuple[list[Curve], list[Curve], str]:
    """The reference and the mixture that is mapped there, the residuals from both, and how large these are."""
    energy, values = mean.at, mean.values
    on_scan = np.array(
        [np.interp(energy, model.reference_energy, y, np.nan, np.nan) for y in model.reference_norm]
    )
    top = [Curve(energy, on_scan[i], width=1, dash=DASH, name="reference")]
    low = [Curve(energy, values - on_scan[i], width=0.9, dash=DASH)]
    text = f" R factor against the reference {number(_r_factor(values, on_scan[i]), 2)}"
    if facts.references != tuple(model.references) or not np.isfinite(facts.mixture[i]).all():
        return top, low, f"{text}."
    expected = facts.mixture[i] @ on_scan
    top.append(Curve(energy, expected, width=0.9, name="mixture as mapped"))
    low.append(Curve(energy, values - expected, color, 1.3))
    text = (
        f"{text}, against the mixture that is mapped there {number(_r_factor(values, expected), 2)}."
        " Residuals: dashed from the reference, in color from the mixture."
    )
    return top, low, text


def _r_factor(data: Doubles, fit: Doubles) -> float:
    """sum((data-fit)^2)/sum(data^2) where both are known."""
    both = np.isfinite(data) & np.isfinite(fit)
    scale = float(np.sum(data[both] ** 2))
    return float(np.sum((data[both] - fit[both]) ** 2)) / scale if scale > 0 else float("nan")
