"""The report's section on what the references used do not explain, and which candidates would."""

from __future__ import annotations

from collections.abc import Iterator

from xafsflow.findings.judge_findings import MissingCandidate, MissingFindings
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Band, Curve, CurveMark, Rule
from xafsflow.reporting.figure_style import QUIET, SIGNAL
from xafsflow.reporting.panel import Cell, Panel, Table
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import counted, fixed, listed, number, percent, sentence

OPEN_ROWS = 10
WIDTH = 4.6


@section(
    "missing_spectra",
    title="What is missing",
    intro="Each candidate is fitted together with the references used, on the pixels that these do not explain.",
    order=52,
    drawn=(
        "verdict",
        "ranking",
        "reduced_chi_square",
        "energy",
        "mean_spectrum",
        "mean_fit",
        "mean_residual",
        "mean_noise",
    ),
    in_columns=True,
)
def missing_spectra(part: Part) -> Iterator[Block]:
    """The ranking of the candidates, and the mean spectrum with its fit and residual."""
    if isinstance(part.finding, MissingFindings):
        yield _ranking(part.finding)
        yield _residual_picture(part.finding)


def _ranking(found: MissingFindings) -> Panel:
    rows = [
        (
            Cell(one.reference, remark=_remark(one)),
            fixed(one.gain, 0),
            fixed(one.bic_change, 0, sign=True),
            fixed(one.reduced_chi_square),
            percent(one.share),
        )
        for one in found.ranking
    ]
    head = ["candidate", "χ² falls by", "BIC change", "reduced χ²", "fraction"]
    note = (
        "BIC change below zero: the candidate explains more than it costs. The fraction is what it would take. Without any "
        f"candidate, reduced χ² is {fixed(found.reduced_chi_square)}."
    )
    return Panel(
        "Candidates for what is missing",
        lead=sentence(found.verdict),
        content=Table(head, rows, [1, 2, 3, 4], OPEN_ROWS),
        notes=[note],
    )


def _remark(one: MissingCandidate) -> str:
    """What a candidate is nearly the same as."""
    if one.reference in one.near_duplicate_of:
        return "is used already"
    remarks = [f"near-duplicate of {listed(one.near_duplicates)}"] if one.near_duplicates else []
    if one.near_duplicate_of:
        remarks.append(f"near-duplicate of {listed(one.near_duplicate_of)}, which is used")
    return "; ".join(remarks)


def _residual_picture(found: MissingFindings) -> Picture:
    energy, noise = found.energy, found.mean_noise
    top = [
        Curve(energy, found.mean_spectrum, SIGNAL, 2.2, name="mean of these pixels"),
        Curve(energy, found.mean_fit, width=1, dash=(4, 2), name="fit by the references used"),
    ]
    low: list[CurveMark] = [
        Band(energy, 2 * noise, -2 * noise, QUIET, 0.35),
        Curve(energy, found.mean_residual, SIGNAL, 1.2),
        Rule(0),
    ]
    plots = [Plot(top, "normalized absorption", share=2, legend="lower right"), Plot(low, "residual")]
    figure = CurveFigure(WIDTH, 3.9, plots, "energy (eV)")
    largest = float(abs(found.mean_residual).max())
    text = (
        f"Mean over {counted(found.pixels, 'pixel')} ({found.source}). The residual is up to {number(largest, 2)} of the "
        "edge step. Gray: twice the noise of the mean."
    )
    title = "What the references used do not explain"
    alt = f"{title}: mean spectrum, fit and residual."
    return Picture("missing", title, text, alt, figure)
