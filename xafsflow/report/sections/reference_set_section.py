"""Which references the data support, as judge.reference_sets found it: verdict, table of sets, dot plot, regions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from xafsflow.report.category_maps import kinds_figure
from xafsflow.report.figure_style import INK, QUIET, SIGNAL, category_colors, log_scale, short, styled
from xafsflow.report.findings_values import (
    array_in,
    interval_in,
    names_in,
    number_in,
    of_step,
    rows_in,
    sentence_in,
)
from xafsflow.report.map_frame import Frame
from xafsflow.report.markup import Html, el, folded_table, join
from xafsflow.report.picture import Picture
from xafsflow.report.wording import counted, fixed, listed, number, percent

STEP = "judge.reference_sets"
GROUP = "references-sets"
# Sets that the picture shows, and the table without a click.
SHOWN = 12
WIDTH = 4.6
NEEDED = ("references", "prediction_error", "interval")


def verdict_box(findings: Mapping[str, Any]) -> Html | None:
    """The verdict on the references for the top of the page; None where none was given."""
    text = sentence_in(of_step(findings, STEP), "verdict")
    if not text:
        return None
    source = el("cite", "By ", el("a", STEP, href="#references"), ", on the whole image.")
    return el("blockquote", el("p", text), source, class_="verdict")


def set_sheets(findings: Mapping[str, Any]) -> Iterator[tuple[str, Html]]:
    """Group and content: the verdict, the table of the sets, and that of the regions.

    Parameters
    ----------
    findings
        By step: `verdict`, `sets`, `regions`, `near_duplicates` of judge.reference_sets are read, each where it is there.
    """
    found = of_step(findings, STEP)
    text = sentence_in(found, "verdict")
    if text:
        quote = el("blockquote", el("p", text), class_="verdict")
        yield (
            GROUP,
            el("div", el("h3", "Verdict"), quote, el("p", _basis(found), class_="quiet"), class_="sheet"),
        )
    rows = rows_in(found, "sets", *NEEDED)
    if rows:
        yield GROUP, _set_table(found, rows)
    regions = rows_in(found, "regions", "region", "verdict")
    if regions:
        yield GROUP, _region_table(regions)


def _basis(found: Mapping[str, Any]) -> str:
    """What the verdict rests on, as sentences."""
    told = []
    bins, pixels, energies = (number_in(found, key) for key in ("bins", "pixels", "energies"))
    if all(map(math.isfinite, (bins, pixels, energies))):
        span = array_in(found, "span")
        over = f" from {number(float(span[0]))} to {number(float(span[-1]))} eV" if span is not None else ""
        told.append(
            f"It rests on the mean spectra of {counted(int(bins), 'bin')} of neighbors "
            f"({counted(int(pixels), 'pixel')}) at {counted(int(energies), 'energy')}{over}."
        )
    for key, words in (
        ("superfluous", "Superfluous of the references used"),
        ("missing", "Missing among them"),
    ):
        names = names_in(found, key)
        if names:
            told.append(f"{words}: {listed(names)}.")
    inflation, common = number_in(found, "inflation"), number_in(found, "common_error")
    if math.isfinite(inflation) and math.isfinite(common):
        told.append(
            f"The noise is {number(math.sqrt(max(inflation, 0)), 3)} times that of the photons, and all bins share "
            f"an error of {number(common, 2)} of the edge step."
        )
    left_out = names_in(found, "left_out")
    if left_out:
        told.append(f"Not compared, since they do not cover these energies: {listed(left_out)}.")
    return " ".join(told)


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


def _chosen(found: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return bool(names_in(found, "chosen")) and set(names_in(found, "chosen")) == set(
        names_in(row, "references")
    )


def _set_table(found: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Html:
    known = [bic for row in rows if math.isfinite(bic := number_in(row, "bic"))]
    least = min(known, default=math.nan)
    cells = []
    for rank, row in enumerate(rows, start=1):
        name: object = set_name(names_in(row, "references"))
        mark = "as good" if row.get("within_best") else ""
        if _chosen(found, row):
            name, mark = el("b", name), el("b", "chosen")
        chi, error = fixed(number_in(row, "reduced_chi_square")), number_in(row, "prediction_error")
        difference = fixed(number_in(row, "bic") - least, 0, sign=True)
        r_factor = number(number_in(row, "r_factor"), 3)
        shown = (fixed(error), _between(row), mark)
        cells.append((rank, el("span", name, class_="name"), chi, r_factor, difference, *shown))
    head = [
        "",
        "references",
        "χ² per degree",
        "R factor",
        "BIC difference",
        "prediction error",
        "95 % interval",
        "",
    ]
    note = (
        "From the lowest BIC on; its difference is from the lowest. The prediction error is the root mean square of what a "
        "set misses at energies that were held out, in units of the noise: 1 is perfect. “As good”: its interval overlaps "
        "that of the best. Chosen by the rule of parsimony: the fewest references among those."
    )
    near = _near_duplicates(found)
    content = folded_table(head, cells, SHOWN, numeric=[0, 2, 3, 4, 5, 6], class_="wide")
    notes = [el("p", text, class_="quiet") for text in (note, near) if text]
    return el("div", el("h3", "Sets of references compared"), content, *notes, class_="sheet")


def _between(row: Mapping[str, Any]) -> str:
    low, high = interval_in(row)
    return f"{fixed(low)} to {fixed(high)}" if math.isfinite(low) and math.isfinite(high) else ""


def _near_duplicates(found: Mapping[str, Any]) -> str:
    """Spectra that the data can hardly tell apart, each pair once."""
    near = found.get("near_duplicates")
    if not isinstance(near, Mapping):
        return ""
    told: list[str] = []
    seen: set[frozenset[str]] = set()
    for name in near:
        others = [other for other in names_in(near, name) if frozenset((name, other)) not in seen]
        seen.update(frozenset((name, other)) for other in others)
        if others:
            told.append(f"{name} and {listed(others)}")
    return f"Near-duplicates: {'; '.join(told)}." if told else ""


def _region_table(regions: Sequence[Mapping[str, Any]]) -> Html:
    colors = category_colors(len(regions))
    cells = []
    for row, color in zip(regions, colors, strict=True):
        shares = of_step(row, "shares")
        parts = [f"{percent(number_in(shares, name))} {name}" for name in shares]
        swatch = join([el("span", class_="swatch", style=f"background:{color}"), row["region"]])
        numbers = fixed(number_in(row, "reduced_chi_square")), fixed(number_in(row, "prediction_error"))
        pixels = fixed(number_in(row, "pixels"), 0)
        words = (el("span", text, class_="name") for text in (row["verdict"], ", ".join(parts)))
        cells.append((swatch, pixels, *words, *numbers, _between(row)))
    head = ["region", "pixels", "verdict", "shares", "χ² per degree", "prediction error", "95 % interval"]
    content = folded_table(head, cells, SHOWN, numeric=[1, 4, 5, 6], class_="wide")
    note = "Shares, χ² and error are of the set that the region needs."
    return el("div", el("h3", "Region by region"), content, el("p", note, class_="quiet"), class_="sheet")


def set_pictures(findings: Mapping[str, Any], frame: Frame) -> Iterator[Picture]:
    """The prediction errors of the sets with their intervals, and where the regions are.

    Parameters
    ----------
    findings
        By step: `sets`, `chosen`, `region_map` of judge.reference_sets are read.
    frame
        Of the run's maps.
    """
    found = of_step(findings, STEP)
    rows = rows_in(found, "sets", *NEEDED)
    if rows:
        ranked = list(enumerate(rows, start=1))
        yield _dot_plot(found, ranked[:SHOWN] + [one for one in ranked[SHOWN:] if _chosen(found, one[1])])
    region_map = of_step(found, "region_map")
    places = array_in(region_map, "region", dims=2)
    if places is not None and number_in(region_map, "bin") >= 1:
        yield _region_picture(places, int(number_in(region_map, "bin")), frame)


@styled
def _dot_plot(found: Mapping[str, Any], ranked: Sequence[tuple[int, Mapping[str, Any]]]) -> Picture:
    from matplotlib.figure import Figure

    rows = [row for _, row in ranked]
    figure = Figure(figsize=(WIDTH, 0.9 + 0.27 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    errors = [number_in(row, "prediction_error") for row in rows]
    for place, (row, error) in enumerate(zip(rows, errors, strict=True)):
        low, high = interval_in(row)
        chosen, near = _chosen(found, row), bool(row.get("within_best"))
        color = SIGNAL if chosen else INK if near else QUIET
        axes.plot([low, high], [place, place], color=color, linewidth=2.2 if chosen else 1.2)
        axes.plot(error, place, marker="D" if chosen else "o", color=color, markersize=7 if chosen else 5)
    names = [set_name(names_in(row, "references")) for row in rows]
    # Long names may be alike where they are cut: the rank is that of the table.
    labels = [f"{rank}  {set_name(names_in(row, 'references'), 34)}" for rank, row in ranked]
    axes.set_yticks(range(len(rows)), labels)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    ends = [end for row in rows for end in interval_in(row) if end > 0]
    if ends and max(ends) > 4 * min(ends):
        log_scale(axes.xaxis)
    axes.set_xlabel("prediction error (units of the noise)")
    axes.spines[["top", "right", "left"]].set_visible(False)
    text = (
        "Bars are 95 % intervals. Diamond: chosen; dark: as good as the best within the intervals; gray: worse. Numbered as "
        "in the table."
    )
    chosen_words = [
        f"{name} with {number(error, 3)} is chosen"
        for name, error, row in zip(names, errors, rows, strict=True)
        if _chosen(found, row)
    ]
    alt = f"Prediction errors of {counted(len(rows), 'set')} of references with intervals. {' '.join(chosen_words)}"
    return Picture("reference_sets", GROUP, "Prediction errors of the sets", text, alt.strip(), figure)


@styled
def _region_picture(places: Any, side: int, frame: Frame) -> Picture:
    """Regions of bins, grown to the pixels of the maps."""
    small = replace(frame, width=4.0)
    grown = np.nan_to_num(places, nan=-1.0).astype(np.int16).repeat(side, 0).repeat(side, 1)
    codes = np.full(frame.shape, -1, np.int16)
    rows, columns = (min(a, b) for a, b in zip(frame.shape, grown.shape, strict=True))
    codes[:rows, :columns] = grown[:rows, :columns]
    labels = np.unique(codes[codes >= 0])
    counts = [int(np.count_nonzero(codes == label)) for label in labels]
    index = np.full(int(labels.max(initial=-1)) + 2, -1, np.int16)
    index[labels] = np.arange(len(labels))
    colors = category_colors(max(len(labels), 1))
    entries = [(f"region {label}", c, n) for label, c, n in zip(labels, colors, counts, strict=False)]
    figure = kinds_figure(index[codes], small, entries or [("none", colors[0], 0)], sum(counts), "in no bin")
    title = "Regions that were judged"
    text = f"Bins of {side} x {side} pixels, grouped by their spectra. Hatched: no good pixel."
    found = listed([f"{name} {percent(n, sum(counts))}" for name, _, n in entries]) if entries else "none"
    return Picture("judged_regions", GROUP, title, text, f"Map of the regions: {found}.", figure)
