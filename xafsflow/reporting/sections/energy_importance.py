"""The report's section on which energies the next scan needs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xafsflow.findings.train_findings import SelectFindings
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Band, Bars, Curve, CurveMark
from xafsflow.reporting.figure_style import INK, QUIET, SIGNAL
from xafsflow.reporting.model_view import ModelView
from xafsflow.reporting.panel import Panel
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import counted, number, percent, sentence

WIDTH = 4.6


@section(
    "energy_importance",
    title="Which energies matter",
    intro="How few energies would give the same map, and how much accuracy that would cost.",
    order=120,
    drawn=("energies", "permutation", "impurity", "curve", "suggested", "verdict"),
)
def energy_importance(part: Part) -> Iterator[Block]:
    """The suggested energies, the importance of each energy, and the error against their number."""
    found = part.finding
    if isinstance(found, SelectFindings):
        chosen = ", ".join(f"{energy:.2f}" for energy in found.suggested.chosen)
        note = "A scan also needs the energies before and after the edge that normalize it, and noise as low as here."
        yield Panel(
            "A shorter scan", lead=sentence(found.verdict), texts=[f"Energies (eV): {chosen}"], notes=[note]
        )
        known = part.model is not None and part.model.reference_energy.size > 0
        yield _importances(found, part.model if known else None)
        if len(found.curve) > 1:
            yield _loss(found)


def _importances(found: SelectFindings, model: ModelView | None) -> Picture:
    order = np.argsort(found.energies)
    energy, permutation, impurity = (
        curve[order] for curve in (found.energies, found.permutation, found.impurity)
    )
    plots = []
    if model is not None:
        chosen, mean = found.suggested.chosen, model.reference_norm.mean(axis=0)
        at = np.interp(chosen, model.reference_energy, mean)
        dots = Curve(chosen, at, SIGNAL, 0, marker="o", size=3.5)
        plots.append(Plot([Curve(model.reference_energy, mean, width=1.6), dots], "mean reference", share=2))
    for importance, name in ((permutation, "permutation"), (impurity, "impurity")):
        area = Band(energy, importance, np.zeros(energy.size), QUIET, steps=True)
        plots.append(Plot([area], name, (0, None)))
    ends = (float(energy[0]), float(energy[-1])) if energy[-1] > energy[0] else (None, None)
    figure = CurveFigure(WIDTH, 4.2 if model else 2.8, plots, "energy (eV)", ends)
    peaks = [
        number(float(energy[np.nanargmax(one)])) for one in (permutation, impurity) if np.isfinite(one).any()
    ]
    text = (
        "Permutation: how much the error of the fractions grows when the values at an energy are shuffled; impurity: how "
        f"much a forest splits by it. Largest at {' and '.join(peaks)} eV."
    )
    text += " Dots: the suggested energies." if model is not None else ""
    title = "Importance of each energy"
    alt = f"Importances of {counted(energy.size, 'energy')} below the mean spectrum."
    return Picture("select_importances", title, text, alt, figure)


def _loss(found: SelectFindings) -> Picture:
    count, error, spread = np.array(
        [(one.energies, one.fraction_error, one.error) for one in found.curve], dtype=np.float64
    ).T
    suggested, spread = found.suggested, np.nan_to_num(spread)
    few, loss = suggested.energies, suggested.fraction_error
    marks: list[CurveMark] = [
        Bars(count, error - spread, error + spread, INK, 1),
        Curve(count, error, width=1, marker="o", size=4),
        Curve(np.array([few]), np.array([loss]), SIGNAL, 0, marker="D", size=8, name="suggested"),
    ]
    plot = Plot(marks, "error of the fractions", (0, None), legend="upper right")
    figure = CurveFigure(WIDTH, 3.6, [plot], "number of energies")
    text = (
        "Mean absolute error of the fractions when the least important energies are left out, with its standard error. "
        f"Suggested: {counted(few, 'energy')} with an error of {number(loss, 2)}; the dominant reference is right in "
        f"{percent(suggested.dominant_accuracy)}."
    )
    alt = f"Error from {number(error[0], 2)} with {count[0]:.0f} energies to {number(error[-1], 2)} with {count[-1]:.0f}."
    return Picture("select_loss", "What fewer energies cost", text, alt, figure)
