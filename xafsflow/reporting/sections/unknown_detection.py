"""The report's section on what `judge.unknown` would find: the share of each foreign phase from which on it is seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xafsflow.findings.judge_findings import Detection, UnknownFindings
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Curve, Rule
from xafsflow.reporting.figure_style import QUIET
from xafsflow.reporting.panel import Panel, Table
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import number

OPEN_ROWS, WIDTH = 10, 4.6


@section(
    "unknown_detection",
    title="What would be found",
    intro="The share of a phase from which on the pixels that hold it are flagged unknown, simulated for this scan.",
    order=61,
    drawn=("detection", "spoiled_by", "typical_misfit", "limits"),
)
def unknown_detection(part: Part) -> Iterator[Block]:
    """What spoils the rate, the curves, and a table of the shares that are found."""
    found = part.finding
    if not isinstance(found, UnknownFindings):
        return
    if found.spoiled_by:
        texts = [f"{text[:1].upper()}{text[1:]}." for text in found.spoiled_by]
        yield Panel("The rate of false alarms is in doubt", texts=texts)
    if found.detection:
        yield _table(found)
        shown = [one for one in found.detection if one.kind != "candidate"]
        yield _curves(shown)


def _table(found: UnknownFindings) -> Panel:
    order = sorted(found.detection, key=lambda one: np.nan_to_num(one.detected_share, nan=np.inf))
    rows = [(one.name, one.kind, _share(one)) for one in order]
    note = (
        "Each phase was put into known mixtures with the noise of the scan, which were fitted as the scan was. A reference "
        "is left out of the fit; of a peak (standard deviation 2 eV, at the highest point of the references) the height is "
        "given in edge steps. A phase that sums of the references resemble is never found."
    )
    head = ["phase", "kind", "95 % of the pixels are found from"]
    return Panel("Shares that are found", content=Table(head, rows, [2], OPEN_ROWS), notes=[note])


def _share(one: Detection) -> str:
    if not np.isfinite(one.detected_share):
        return "not found"
    if one.kind == "peak":
        return f"a height of {number(one.detected_share, 2)}"
    return f"{100 * one.detected_share:.0f} %"


def _curves(shown: list[Detection]) -> Picture:
    curves = [Curve(one.shares, one.found, width=1.2, name=one.name) for one in shown]
    plot = Plot(
        [Rule(0.95, color=QUIET, width=0.9, dash=(4, 2)), *curves], "share of pixels found", (0, 1.05)
    )
    figure = CurveFigure(WIDTH, 3.0, [plot], "share of the phase, or height of the peak")
    texts = "; ".join(f"{one.name}: {_share(one)}" for one in shown)
    text = f"Part of the pixels that is flagged unknown, over what they hold of a phase. 95 % are found from: {texts}."
    return Picture("unknown_detection", "Detection of something foreign", text, text, figure)
