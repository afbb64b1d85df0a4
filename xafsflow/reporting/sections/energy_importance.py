"""The report's section on which energies the next scan needs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xafsflow.findings.train_findings import SelectFindings
from xafsflow.reporting.figure_style import INK, QUIET, SIGNAL, styled
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


@styled
def _importances(found: SelectFindings, model: ModelView | None) -> Picture:
    from matplotlib.figure import Figure

    order = np.argsort(found.energies)
    energy, permutation, impurity = (
        curve[order] for curve in (found.energies, found.permutation, found.impurity)
    )
    figure = Figure(figsize=(WIDTH, 4.2 if model else 2.8), layout="constrained")
    ratios = [2, 1, 1] if model else [1, 1]
    *top, middle, low = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios)
    if model is not None:
        chosen, mean = found.suggested.chosen, model.reference_norm.mean(axis=0)
        top[0].plot(model.reference_energy, mean, color=INK, linewidth=1.6)
        top[0].set_ylabel("mean reference")
        at = np.interp(chosen, model.reference_energy, mean)
        top[0].plot(chosen, at, color=SIGNAL, marker="o", markersize=3.5, linewidth=0)
    for axes, importance, name in ((middle, permutation, "permutation"), (low, impurity, "impurity")):
        axes.fill_between(energy, importance, step="mid", color=QUIET, linewidth=0)
        axes.set_ylabel(name)
        axes.set_ylim(bottom=0)
    low.set_xlabel("energy (eV)")
    if energy[-1] > energy[0]:
        low.set_xlim(energy[0], energy[-1])
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
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


@styled
def _loss(found: SelectFindings) -> Picture:
    from matplotlib.figure import Figure

    count, error, spread = np.array(
        [(one.energies, one.fraction_error, one.error) for one in found.curve], dtype=np.float64
    ).T
    suggested = found.suggested
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.errorbar(count, error, np.nan_to_num(spread), color=INK, marker="o", markersize=4, linewidth=1)
    few, loss = suggested.energies, suggested.fraction_error
    axes.plot(few, loss, marker="D", color=SIGNAL, markersize=8, linestyle="none", label="suggested")
    axes.legend(loc="upper right")
    axes.set(xlabel="number of energies", ylabel="error of the fractions", ylim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    text = (
        "Mean absolute error of the fractions when the least important energies are left out, with its standard error. "
        f"Suggested: {counted(few, 'energy')} with an error of {number(loss, 2)}; the dominant reference is right in "
        f"{percent(suggested.dominant_accuracy)}."
    )
    alt = f"Error from {number(error[0], 2)} with {count[0]:.0f} energies to {number(error[-1], 2)} with {count[-1]:.0f}."
    return Picture("select_loss", "What fewer energies cost", text, alt, figure)
