"""The report's section on what `judge.unknown` would find: the share of each foreign phase from which on it is seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from xafsflow.findings.judge_findings import Detection, UnknownFindings
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Curve, CurveMark, Rule
from xafsflow.reporting.figure_style import QUIET, category_colors, short
from xafsflow.reporting.panel import Panel, Table
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import number, sentence

OPEN_ROWS, WIDTH = 10, 4.6
# Curves that can still be told apart.
MOST_CURVES = 7


@section(
    "unknown_detection",
    title="What would be found",
    intro="The share of a phase from which on the pixels that hold it are flagged unknown, simulated for this scan.",
    order=61,
    drawn=("detection", "spoiled_by", "shared", "typical_misfit", "limits"),
)
def unknown_detection(part: Part) -> Iterator[Block]:
    """What spoils the rate, the curves, and a table of the shares that are found."""
    found = part.finding
    if not isinstance(found, UnknownFindings):
        return
    if found.spoiled_by:
        texts = [sentence(text) for text in found.spoiled_by]
        yield Panel("The rate of false alarms is in doubt", texts=texts)
    if found.detection:
        order = sorted(found.detection, key=lambda one: np.nan_to_num(one.detected_share, nan=np.inf))
        yield _curves(_spread(order))
        yield _table(found, order)


def _table(found: UnknownFindings, order: list[Detection]) -> Panel:
    rows = [(one.name, one.kind, _share(one)) for one in order]
    notes = [
        "Each phase was put into known mixtures with the noise of the scan, which were fitted as the scan was. A reference "
        "is left out of the fit; of a peak (standard deviation 2 eV, at the highest point of the references) the height is "
        "given in edge steps. A phase that sums of the references resemble is never found."
    ]
    if found.shared:
        named = ", ".join(f"{name} {number(size, 2)}" for name, size in found.shared.items())
        notes.append(
            f"What pixels of a reference share beside it, over their noise, and the limits allow for: {named}."
        )
    head = ["phase", "kind", "95 % found from"]
    return Panel("Shares that are found", content=Table(head, rows, [2], OPEN_ROWS), notes=notes)


def _share(one: Detection) -> str:
    if not np.isfinite(one.detected_share):
        return "not found"
    if one.kind == "peak":
        return f"height {number(one.detected_share, 2)}"
    return f"{100 * one.detected_share:.0f} %"


def _curves(shown: list[Detection]) -> Picture:
    """Part of the pixels that is found over the share, the phase that is found best first."""
    colors = category_colors(len(shown))
    curves = [
        Curve(one.shares, one.found, color=color, width=1.4, name=short(one.name, 18))
        for one, color in zip(shown, colors, strict=True)
    ]
    marks: list[CurveMark] = [Rule(0.95, color=QUIET, width=0.9, dash=(4, 2)), *curves]
    plot = Plot(marks, "share of pixels found", (0, 1.05), legend="lower right")
    figure = CurveFigure(WIDTH, 3.4, [plot], "share of the phase, or height of the peak", log=True)
    texts = "; ".join(f"{one.name} {_share(one)}" for one in shown)
    text = f"Part of the pixels that is flagged unknown, over what they hold of a phase. 95 % are found from: {texts}."
    return Picture("unknown_detection", "Detection of something foreign", text, text, figure)


def _spread(found: Sequence[Detection]) -> list[Detection]:
    """At most `MOST_CURVES` of what is found, from the best to the worst; references and the peak before candidates."""
    known = [one for one in found if np.isfinite(one.detected_share)]
    first = [one for one in known if one.kind != "candidate"][:MOST_CURVES]
    rest = [one for one in known if one.kind == "candidate"]
    count = MOST_CURVES - len(first) if rest else 0
    places: list[float] = np.linspace(0, len(rest) - 1, count).round().tolist()
    chosen = [*first, *(rest[int(k)] for k in places)]
    return [one for one in known if one in chosen]
