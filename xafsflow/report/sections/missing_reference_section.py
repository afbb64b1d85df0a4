"""What the references used do not explain, and which candidates would: judge.missing and judge.target."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xafsflow.report.figure_style import INK, QUIET, SIGNAL, styled
from xafsflow.report.findings_values import (
    Array,
    arrays_in,
    names_in,
    number_in,
    of_step,
    rows_in,
    sentence_in,
)
from xafsflow.report.markup import Html, el, folded_table, join
from xafsflow.report.picture import Picture
from xafsflow.report.wording import counted, fixed, listed, number, percent, started

MISSING, TARGET = "judge.missing", "judge.target"
MISSING_GROUP, TARGET_GROUP = "references-missing", "references-target"
SHOWN = 10
WIDTH = 4.6
# Malinowski's grades with their limits, for the note below the table.
GRADES = "below 1.5 excellent, 3 good, 4.5 fair, 6 acceptable"


def candidate_sheets(findings: Mapping[str, Any]) -> Iterator[tuple[str, Html]]:
    """Group and content: candidates for what is missing, and the test of each against the components.

    Parameters
    ----------
    findings
        By step: `ranking` and `verdict` of judge.missing, `candidates` of judge.target are read.
    """
    found = of_step(findings, MISSING)
    ranking = rows_in(found, "ranking", "reference", "gain", "bic_change")
    if ranking:
        yield MISSING_GROUP, _ranking(found, ranking)
    found = of_step(findings, TARGET)
    tested = rows_in(found, "candidates", "name", "spoil", "grade")
    if tested:
        yield TARGET_GROUP, _spoil_table(found, tested)


def _ranking(found: Mapping[str, Any], ranking: Sequence[Mapping[str, Any]]) -> Html:
    cells = []
    for row in ranking:
        numbers = (
            fixed(number_in(row, "gain"), 0),
            fixed(number_in(row, "bic_change"), 0, sign=True),
            fixed(number_in(row, "reduced_chi_square")),
            percent(number_in(row, "share")),
        )
        remark = _remark(row)
        name = join([row["reference"], el("div", remark, class_="quiet") if remark else None])
        cells.append((name, *numbers))
    head = ["candidate", "χ² falls by", "BIC change", "χ² per degree", "share"]
    before = number_in(found, "reduced_chi_square")
    note = (
        "Each candidate is fitted beside the references used. A BIC change below zero: it explains more than it costs; the "
        "share is what it would take."
    )
    if math.isfinite(before):
        note += f" Without any, χ² per degree of freedom is {fixed(before)}."
    return el(
        "div",
        el("h3", "Candidates for what is missing"),
        el("p", el("b", started(sentence_in(found, "verdict")))),
        folded_table(head, cells, SHOWN, numeric=[1, 2, 3, 4], class_="wide"),
        el("p", note, class_="quiet"),
        class_="sheet",
    )


def _remark(row: Mapping[str, Any]) -> str:
    """What a candidate is a near-duplicate of."""
    used, others = names_in(row, "near_duplicate_of"), names_in(row, "near_duplicates")
    if str(row["reference"]) in used:
        return "is used already"
    told = [f"near-duplicate of {listed(others)}"] if others else []
    return "; ".join([*told, f"near-duplicate of {listed(used)}, which is used"] if used else told)


def _spoil_table(found: Mapping[str, Any], tested: Sequence[Mapping[str, Any]]) -> Html:
    cells = []
    for row in tested:
        misfit = (number(number_in(row, key), 2) for key in ("rms", "r_factor"))
        grade = row["grade"] if row["grade"] == "unacceptable" else el("b", row["grade"])
        cells.append((row["name"], fixed(number_in(row, "spoil")), grade, *misfit))
    used = number_in(found, "components")
    many = f"{counted(int(used), 'component')}" if math.isfinite(used) else "components"
    note = (
        f"Target transformation with {many}: what sums of them miss of a candidate, compared with what the noise of the "
        f"data explains (SPOIL: {GRADES}). That a spectrum passes does not say that it is there: sums of those which are "
        "pass as well. The misfit is of the edge step."
    )
    if names_in(found, "left_out"):
        note += f" Not tested, since they do not cover the energies: {listed(names_in(found, 'left_out'))}."
    head = ["candidate", "SPOIL", "grade", "rms misfit", "R factor"]
    return el(
        "div",
        el("h3", "Candidates against the components"),
        folded_table(head, cells, SHOWN, numeric=[1, 3, 4]),
        el("p", note, class_="quiet"),
        class_="sheet",
    )


def candidate_pictures(findings: Mapping[str, Any]) -> Iterator[Picture]:
    """The mean spectrum of the pixels in which something is missing, with its fit and what is left.

    Parameters
    ----------
    findings
        By step: `energy`, `mean_spectrum`, `mean_fit`, `mean_residual` and, where there, `mean_noise` of judge.missing.
    """
    found = of_step(findings, MISSING)
    curves = arrays_in(found, "energy", "mean_spectrum", "mean_fit", "mean_residual")
    if curves:
        yield _residual_picture(found, curves)


@styled
def _residual_picture(found: Mapping[str, Any], curves: Sequence[Array]) -> Picture:
    from matplotlib.figure import Figure

    energy, mean, fit, residual = curves
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    top, low = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    top.plot(energy, mean, color=SIGNAL, linewidth=2.2, label="mean of these pixels")
    top.plot(energy, fit, color=INK, linewidth=1, linestyle=(0, (4, 2)), label="fit by the references used")
    noise = arrays_in(found, "energy", "mean_noise")
    if noise:
        low.fill_between(energy, -2 * noise[1], 2 * noise[1], color=QUIET, alpha=0.35, linewidth=0)
    low.plot(energy, residual, color=SIGNAL, linewidth=1.2)
    low.axhline(0, color=INK, linewidth=0.5)
    low.set(xlabel="energy (eV)", ylabel="residual")
    top.set_ylabel("normalized absorption")
    top.legend(loc="lower right")
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    source, pixels = str(found.get("source", "pixels")), number_in(found, "pixels")
    of = f"{counted(int(pixels), 'pixel')} ({source})" if math.isfinite(pixels) else source
    largest = float(abs(residual).max())
    text = f"Mean over {of}. The residual is up to {number(largest, 2)} of the edge step."
    text += " Gray: twice the noise of the mean." if noise else ""
    title = "What the references used leave"
    return Picture(
        "missing", MISSING_GROUP, title, text, f"{title}: mean spectrum, fit and residual.", figure
    )
