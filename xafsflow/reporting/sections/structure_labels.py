"""The report's section on what the structures of a library say: classes, how stable they are, and properties."""

from __future__ import annotations

from collections.abc import Iterator

from xafsflow.findings.derive_findings import LabelFindings, PropertyFindings, StructureFindings
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Band, CurveMark, Rule
from xafsflow.reporting.figure_style import OKABE_ITO, SIGNAL
from xafsflow.reporting.panel import Cell, Panel, Table
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import capitalized, counted, listed, number, percent, readable, with_unit

WIDTH, HEIGHT = 3.2, 1.9


@section(
    "structure_labels",
    title="Structures of the library",
    intro="What the clusters around the absorber say: classes and numbers that a spectrum may tell.",
    order=20,
    drawn=("samples", "groups", "grouped", "factor", "factors", "labels", "properties", "missing"),
)
def structure_labels(part: Part) -> Iterator[Block]:
    """A table of classes for each label, and a histogram for each property."""
    found = part.finding
    if not isinstance(found, StructureFindings):
        return
    for name, label in found.labels.items():
        yield _label_panel(name, label, found)
    for name, one in found.properties.items():
        yield _histogram(name, one, found.missing[name])


def _label_panel(name: str, label: LabelFindings, found: StructureFindings) -> Panel:
    rows = [
        (
            kind,
            f"{count:,}",
            percent(count, found.samples),
            Cell(share=count / found.samples, color=OKABE_ITO[0]),
            percent(label.stable_by_class[kind]),
        )
        for kind, count in label.counts.items()
    ]
    groups = f" of {counted(found.groups, 'material')}" if found.grouped else ", whose material is not known"
    factors = listed([number(float(one)) for one in found.factors]) if found.factors.size else ""
    note = (
        f"{counted(found.samples, 'cluster')}{groups}. The first shell ends at {number(found.factor)} times the shortest "
        "distance."
    )
    if factors:
        note += f" A class is stable where it is the same at {factors} times: no model can pass what the others leave open."
    lead = f"{percent(label.stable)} of the samples keep their class when the end of the shell moves."
    content = Table(["class", "samples", "share", "", "stable"], rows, numeric=[1, 2, 4])
    return Panel(capitalized(readable(name)), lead=lead, content=content, notes=[note])


def _histogram(name: str, one: PropertyFindings, missing: int) -> Picture:
    middle = (one.edges[:-1] + one.edges[1:]) / 2
    marks: list[CurveMark] = [
        Band(middle, one.counts.astype(float), None, OKABE_ITO[0], 0.8, steps=True),
        Rule(one.mean, True, SIGNAL, 1.0, (3, 2)),
    ]
    axis = with_unit(readable(name), one.unit)
    figure = CurveFigure(WIDTH, HEIGHT, [Plot(marks, "samples", (0, None))], axis)
    told = f"Mean {number(one.mean)} (dashed), standard deviation {number(one.spread, 3)}"
    told += "." if one.unit == "1" else f" {one.unit}."
    text = told + (f" {counted(missing, 'sample')} without a value." if missing else "")
    title = capitalized(readable(name))
    return Picture(f"property_{name}", title, text, f"Histogram of {readable(name)}. {told}", figure)
