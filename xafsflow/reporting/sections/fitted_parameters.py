"""The report's section on structures that were fitted to spectra by an inverse model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xafsflow.findings.reconstruction_findings import ParameterFindings
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Curve, CurveMark
from xafsflow.reporting.figure_style import SIGNAL
from xafsflow.reporting.map_statistics import axis_label
from xafsflow.reporting.panel import Cell, Content, Panel, Table
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import capitalized, number, readable, with_unit

WIDTH, SHOWN, OPEN_ROWS = 4.6, 4, 20


@section(
    "fitted_parameters",
    title="Structures from spectra",
    intro="Parameters of the structure whose spectrum, by the inverse model, fits best.",
    order=114,
    drawn=("structures", "energy", "known", "parameters", "units"),
)
def fitted_parameters(part: Part) -> Iterator[Block]:
    """Parameters of each spectrum with their intervals, and the first fits."""
    found = part.finding
    if isinstance(found, ParameterFindings):
        # A table that comes first has the width of the page, which many parameters need
        yield _table(found)
        yield _fits(found)


def _table(found: ParameterFindings) -> Panel:
    rows: list[list[Content]] = []
    for place, one in found.structures.items():
        row: list[Content] = [Cell(str(place), bold=not one.doubts)]
        for name in found.parameters:
            text = number(one.values[name])
            interval = f"{number(one.low[name])} to {number(one.high[name])}"
            unsure = name in one.not_determined
            row.append(Cell(text, quiet=unsure, remark=f"not determined: {interval}" if unsure else interval))
        row.append(number(one.reduced_chi_square, 3))
        row.append(
            Cell(
                "; ".join(map(capitalized, one.doubts)) or "none", quiet=not one.doubts, wide=bool(one.doubts)
            )
        )
        rows.append(row)
    names = [
        with_unit(readable(name), unit) for name, unit in zip(found.parameters, found.units, strict=True)
    ]
    doubted = sum(bool(one.doubts) for one in found.structures.values())
    lead = f"{len(found.structures) - doubted} of {len(found.structures)} spectra fitted without doubt."
    notes = [
        "Intervals are for 68 %, from a fit with the parameter held; their width comes from the errors of the model on "
        f"materials that it had not seen, and from noise of {number(found.noise, 2)}."
    ]
    for name, (held, of) in ((name, one.tolist()) for name, one in found.known.items()):
        if of:
            notes.append(f"Of {of} known values of {readable(name)}, {held} lie within their interval.")
    head = ["", *names, "reduced chi-square", "doubts"]
    return Panel("Parameters", lead=lead, content=Table(head, rows, open_rows=OPEN_ROWS), notes=notes)


def _fits(found: ParameterFindings) -> Picture:
    shown = list(found.structures.values())[:SHOWN]
    highest = max(float(np.ptp(one.spectrum)) for one in shown)
    marks: list[CurveMark] = []
    for i, one in enumerate(shown):
        up = 0.9 * highest * (len(shown) - 1 - i)
        marks.append(Curve(found.energy, one.spectrum + up, name="" if i else "spectrum"))
        marks.append(Curve(found.energy, one.fit + up, SIGNAL, 1.2, (4, 2), name="" if i else "fit"))
    plot = Plot(marks, "absorption (shifted upwards)", legend="lower right")
    figure = CurveFigure(WIDTH, 4.2, [plot], axis_label("energy"))
    text = f"Spectra 0 to {len(shown) - 1}, and the model at the fitted parameters."
    return Picture("fitted_spectra", "Spectra and fits", text, f"Spectra over their fits. {text}", figure)
