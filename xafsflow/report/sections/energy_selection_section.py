"""Which energies the next scan needs, as train.select found it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from xafsflow.report.figure_style import INK, QUIET, SIGNAL, styled
from xafsflow.report.findings_values import (
    Array,
    array_in,
    arrays_in,
    number_in,
    of_step,
    rows_in,
    sentence_in,
)
from xafsflow.report.markup import Html, el
from xafsflow.report.model_view import ModelView
from xafsflow.report.picture import Picture
from xafsflow.report.wording import counted, number, percent, started

STEP = "train.select"
GROUP = "energies"
WIDTH = 4.6


def selection_sheets(findings: Mapping[str, Any]) -> Iterator[tuple[str, Html]]:
    """Group and content: how few energies would do, and which.

    Parameters
    ----------
    findings
        By step: `verdict` and `suggested` of train.select are read.
    """
    found = of_step(findings, STEP)
    text, chosen = sentence_in(found, "verdict"), array_in(of_step(found, "suggested"), "chosen")
    if not text and chosen is None:
        return
    parts: list[Html] = [el("h3", "A shorter scan")]
    if text:
        parts.append(el("p", el("b", started(text))))
    if chosen is not None:
        parts.append(el("p", "Energies (eV): ", ", ".join(f"{energy:.2f}" for energy in chosen)))
    note = "A scan needs the energies before and after the edge besides, by which it is normalized, and noise as low."
    yield GROUP, el("div", *parts, el("p", note, class_="quiet"), class_="sheet")


def selection_pictures(findings: Mapping[str, Any], view: ModelView | None) -> Iterator[Picture]:
    """The importances below the mean spectrum, and the error of the map against the number of energies.

    Parameters
    ----------
    findings
        By step: `energies`, `permutation`, `impurity`, `curve` and `suggested` of train.select are read.
    view
        The model, for the mean of the references; None: the importances stand alone.
    """
    found = of_step(findings, STEP)
    curves = arrays_in(found, "energies", "permutation", "impurity")
    if curves:
        yield _importances(found, curves, view)
    curve = rows_in(found, "curve", "energies", "fraction_error")
    if len(curve) > 1:
        yield _loss(found, curve)


@styled
def _importances(found: Mapping[str, Any], curves: Sequence[Array], view: ModelView | None) -> Picture:
    from matplotlib.figure import Figure

    order = np.argsort(curves[0])
    energy, permutation, impurity = (curve[order] for curve in curves)
    figure = Figure(figsize=(WIDTH, 4.2 if view else 2.8), layout="constrained")
    ratios = [2, 1, 1] if view else [1, 1]
    *top, middle, low = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios)
    chosen = array_in(of_step(found, "suggested"), "chosen")
    if view is not None:
        mean = np.asarray(view.reference_norm, np.float64).mean(axis=0)
        top[0].plot(view.reference_energy, mean, color=INK, linewidth=1.6)
        top[0].set_ylabel("mean reference")
        if chosen is not None:
            at = np.interp(chosen, view.reference_energy, mean)
            top[0].plot(chosen, at, color=SIGNAL, marker="o", markersize=3.5, linewidth=0)
    for axes, importance, word in ((middle, permutation, "permutation"), (low, impurity, "impurity")):
        axes.fill_between(energy, importance, step="mid", color=QUIET, linewidth=0)
        axes.set_ylabel(word)
        axes.set_ylim(bottom=0)
    low.set_xlabel("energy (eV)")
    if energy[-1] > energy[0]:
        low.set_xlim(energy[0], energy[-1])
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    peaks = [
        number(float(energy[np.nanargmax(one)])) for one in (permutation, impurity) if np.isfinite(one).any()
    ]
    text = "Permutation: by how much the error of the fractions grows when the values of an energy are shuffled; "
    text += f"impurity: how much a forest splits by it. Largest at {' and '.join(peaks)} eV."
    text += " Dots: the suggested energies." if view is not None and chosen is not None else ""
    title, alt = (
        "Importance of each energy",
        f"Importances of {counted(energy.size, 'energy')} below the mean spectrum.",
    )
    return Picture("select_importances", GROUP, title, text, alt, figure)


@styled
def _loss(found: Mapping[str, Any], curve: Sequence[Mapping[str, Any]]) -> Picture:
    from matplotlib.figure import Figure

    count, error, spread = (
        np.array([number_in(row, key) for row in curve]) for key in ("energies", "fraction_error", "error")
    )
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.errorbar(count, error, np.nan_to_num(spread), color=INK, marker="o", markersize=4, linewidth=1)
    suggested = of_step(found, "suggested")
    few, loss = number_in(suggested, "energies"), number_in(suggested, "fraction_error")
    text = "Mean absolute error of the fractions when the least important energies are left out, with its standard error."
    if math.isfinite(few) and math.isfinite(loss):
        axes.plot(few, loss, marker="D", color=SIGNAL, markersize=8, linestyle="none", label="suggested")
        axes.legend(loc="upper right")
        right = percent(number_in(suggested, "dominant_accuracy"))
        text += f" Suggested: {counted(int(few), 'energy')} with {number(loss, 2)}, leading reference right in {right}."
    axes.set(xlabel="number of energies", ylabel="error of the fractions", ylim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    alt = f"Error from {number(error[0], 2)} with {count[0]:.0f} energies to {number(error[-1], 2)} with {count[-1]:.0f}."
    return Picture("select_loss", GROUP, "What fewer energies cost", text, alt, figure)
