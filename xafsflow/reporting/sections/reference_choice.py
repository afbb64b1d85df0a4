"""The report's section on the references that the data support: verdict, sets of references compared, regions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from xafsflow.findings.reference_set_findings import (
    Outcome,
    ReferenceSet,
    ReferenceSetFindings,
    RegionFindings,
    RegionMap,
)
from xafsflow.reporting.category_maps import category_figure
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Curve
from xafsflow.reporting.figure_style import INK, QUIET, SIGNAL, category_colors, short
from xafsflow.reporting.map_frame import Frame
from xafsflow.reporting.panel import Cell, Content, Panel, Table
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import counted, fixed, listed, number, percent, sentence

# What is at the top of the section.
HEADLINES: Mapping[Outcome, str] = {
    "suffices": "The references suffice",
    "does not suffice": "The references do not suffice",
    "cannot be told": "Whether the references suffice cannot be told",
}
# eV of a difference in resolution that is worth a sentence.
LEAST_WIDTH = 0.1
# Sets that the picture shows, and the table without a click.
OPEN_ROWS = 12
WIDTH = 4.6


@section(
    "reference_choice",
    title="Are the references the right ones?",
    intro="A classifier always answers, and more references always fit better: does the scan support these?",
    order=50,
    drawn=(
        "verdict",
        "outcome",
        "chosen",
        "superfluous",
        "missing",
        "sets",
        "regions",
        "near_duplicates",
        "broadening",
        "unexplained",
        "detectable",
        "inflation",
        "common_error",
        "bins",
        "pixels",
        "energies",
        "left_out",
        "span",
        "region_map",
    ),
)
def reference_choice(part: Part) -> Iterator[Block]:
    """The verdict, the prediction errors of the sets, where the regions are, and the tables of both."""
    found = part.finding
    if isinstance(found, ReferenceSetFindings):
        yield Panel(HEADLINES[found.outcome], verdict=sentence(found.verdict), notes=[_basis(found)])
        ranked = list(enumerate(found.sets, start=1))
        if ranked:
            further = [one for one in ranked[OPEN_ROWS:] if _chosen(found, one[1])]
            yield _dot_plot(found, ranked[:OPEN_ROWS] + further)
        yield _region_picture(found.region_map, part.maps.frame)
        yield _set_panel(found)
        if found.regions:
            yield _region_panel(found.regions)


def _basis(found: ReferenceSetFindings) -> str:
    """What the verdict rests on, as sentences."""
    sentences = [
        f"It rests on the mean spectra of {counted(found.bins, 'bin')} of neighboring pixels ("
        f"{counted(found.pixels, 'pixel')}) at {counted(found.energies, 'energy')} from {number(found.span[0])} to "
        f"{number(found.span[1])} eV."
    ]
    if found.superfluous:
        sentences.append(f"Superfluous among the references used: {listed(found.superfluous)}.")
    if found.missing:
        sentences.append(f"Missing among them: {listed(found.missing)}.")
    sentences.append(
        f"The scatter from energy to energy is {number(math.sqrt(found.inflation), 3)} times the stated noise, and all bins "
        f"share an error of {number(found.common_error, 2)} relative to the flux. Another phase, its edge 4 eV off, is seen "
        f"in a typical region from a share of {percent(found.detectable)} on."
    )
    if found.unexplained:
        sentences.append(
            f"Beyond the noise the chosen set leaves up to {percent(found.unexplained)} of the edge step (root mean square)."
        )
    sentences.append(_resolution(found.broadening))
    if found.left_out:
        sentences.append(f"Not compared, since they do not cover these energies: {listed(found.left_out)}.")
    return " ".join(filter(None, sentences))


def _resolution(broadening: float) -> str:
    """How the resolution of the scan differs, where that is more than a trifle."""
    width = math.sqrt(abs(broadening))
    if width < LEAST_WIDTH:
        return ""
    what = "blunter" if broadening > 0 else "sharper"
    return f"The scan is {what} than the references, as by a Gaussian of {number(width, 2)} eV (standard deviation)."


def set_name(names: Sequence[str], longest: int | None = None) -> str:
    """A set of references as it is written; where that is longer than `longest`, each name is cut alike.

    Examples
    --------
    >>> set_name(["Fe2O3", "Fe3O4"])
    'Fe2O3 + Fe3O4'
    >>> set_name(["magnetite of Kiruna", "hematite of Elba"], 24)
    'magnetite… + hematite…'
    """
    whole = " + ".join(names)
    if longest is None or len(whole) <= longest:
        return whole
    each = max(6, (longest - 3 * (len(names) - 1)) // len(names))
    return " + ".join(short(name, each) for name in names)


def _chosen(found: ReferenceSetFindings, one: ReferenceSet) -> bool:
    return bool(found.chosen) and set(found.chosen) == set(one.references)


def _set_panel(found: ReferenceSetFindings) -> Panel:
    least = min((one.bic for one in found.sets), default=math.nan)
    rows: list[tuple[Content, ...]] = []
    for rank, one in enumerate(found.sets, start=1):
        chosen = _chosen(found, one)
        mark = Cell("chosen", bold=True) if chosen else "as good" if one.within_best else ""
        rows.append(
            (
                str(rank),
                Cell(set_name(one.references), bold=chosen),
                fixed(one.reduced_chi_square),
                number(one.r_factor, 3),
                fixed(one.bic - least, 0, sign=True),
                fixed(one.prediction_error),
                _between(one.interval),
                mark,
            )
        )
    head = ["", "references", "reduced χ²", "R factor", "ΔBIC", "prediction error", "95 % interval", ""]
    note = (
        "Sorted by BIC; ΔBIC is the difference from the lowest. The prediction error is the root mean square error at "
        "energies that were held out of the fit, in units of the noise: 1 is perfect. “As good”: the interval overlaps that "
        "of the best set. Chosen is the set with the fewest references among those (rule of parsimony)."
    )
    content = Table(head, rows, [0, 2, 3, 4, 5, 6], OPEN_ROWS)
    return Panel(
        "Sets of references compared",
        content=content,
        notes=[note, _near_duplicates(found.near_duplicates)],
    )


def _between(interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{fixed(low)} to {fixed(high)}" if math.isfinite(low) and math.isfinite(high) else ""


def _near_duplicates(pairs: Mapping[str, Sequence[str]]) -> str:
    """Spectra that the data can hardly distinguish, each pair once."""
    texts: list[str] = []
    seen: set[frozenset[str]] = set()
    for name, partners in pairs.items():
        others = [other for other in partners if frozenset((name, other)) not in seen]
        seen.update(frozenset((name, other)) for other in others)
        if others:
            texts.append(f"{name} and {listed(others)}")
    return f"Near-duplicates, whose spectra are nearly the same: {'; '.join(texts)}." if texts else ""


def _region_panel(regions: Sequence[RegionFindings]) -> Panel:
    rows = [
        (
            Cell(f"region {one.region}", color=color),
            f"{one.pixels:,}",
            Cell(one.verdict, wide=True),
            Cell(", ".join(f"{percent(share)} {name}" for name, share in one.shares.items()), wide=True),
            fixed(one.reduced_chi_square),
            fixed(one.prediction_error),
            _between(one.interval),
        )
        for one, color in zip(regions, category_colors(len(regions)), strict=True)
    ]
    head = [
        "region",
        "pixels",
        "verdict",
        "fractions",
        "reduced χ²",
        "prediction error",
        "95 % interval",
    ]
    note = "Fractions, reduced χ² and prediction error are those of the set that the region needs."
    return Panel("Region by region", content=Table(head, rows, [1, 4, 5, 6], OPEN_ROWS), notes=[note])


def _dot_plot(found: ReferenceSetFindings, ranked: Sequence[tuple[int, ReferenceSet]]) -> Picture:
    marks = []
    for place, (_, one) in enumerate(ranked):
        chosen = _chosen(found, one)
        color = SIGNAL if chosen else INK if one.within_best else QUIET
        shape, size = ("D", 7) if chosen else ("o", 5)
        row = float(place)
        marks += [
            Curve(np.array(one.interval), np.array([row, row]), color, 2.2 if chosen else 1.2),
            Curve(np.array([one.prediction_error]), np.array([row]), color, 0, marker=shape, size=size),
        ]
    # Long names may be the same where they are cut: the rank is that of the table.
    labels = [f"{rank}  {set_name(one.references, 34)}" for rank, one in ranked]
    ends = [end for _, one in ranked for end in one.interval if end > 0]
    wide = bool(ends) and max(ends) > 4 * min(ends)
    height, name = 0.9 + 0.27 * len(ranked), "prediction error (units of the noise)"
    figure = CurveFigure(WIDTH, height, [Plot(marks, rows=labels)], name, log=wide)
    text = (
        "Bars are 95 % intervals. Diamond: chosen; dark: as good as the best within the intervals; gray: worse. Numbers as "
        "in the table."
    )
    alt = f"Prediction errors of {counted(len(ranked), 'set')} of references with intervals."
    for _, one in ranked:
        if _chosen(found, one):
            alt += f" {set_name(one.references)} with {number(one.prediction_error, 3)} is chosen."
    return Picture("reference_sets", "Prediction errors of the sets", text, alt, figure)


def _region_picture(found: RegionMap, frame: Frame) -> Picture:
    """Regions of bins, grown to the pixels of the maps."""
    side = found.bin
    grown = found.region.astype(np.int16).repeat(side, 0).repeat(side, 1)
    codes = np.full(frame.shape, -1, np.int16)
    rows, columns = (min(a, b) for a, b in zip(frame.shape, grown.shape, strict=True))
    codes[:rows, :columns] = grown[:rows, :columns]
    labels = np.unique(codes[codes >= 0])
    counts = [int(np.count_nonzero(codes == label)) for label in labels]
    index = np.full(int(labels.max(initial=-1)) + 2, -1, np.int16)
    index[labels] = np.arange(len(labels))
    colors = category_colors(max(len(labels), 1))
    entries = [(f"region {label}", c, n) for label, c, n in zip(labels, colors, counts, strict=False)]
    figure = category_figure(
        index[codes],
        replace(frame, width=4.0),
        entries or [("none", colors[0], 0)],
        sum(counts),
        "in no bin",
    )
    text = f"Bins of {side} x {side} pixels, grouped by their spectra. Hatched: no usable pixel."
    named = listed([f"{name} {percent(n, sum(counts))}" for name, _, n in entries]) if entries else "none"
    return Picture(
        "judged_regions", "Regions that were judged", text, f"Map of the regions: {named}.", figure
    )
