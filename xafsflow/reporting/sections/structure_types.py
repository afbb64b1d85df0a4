"""The report's section on a union of networks: how right it is, what it confuses and refuses, and what it knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

import numpy as np

from xafsflow.findings.record import Doubles
from xafsflow.findings.union_findings import UnionFindings
from xafsflow.reporting.figure_style import short
from xafsflow.reporting.matrix_figure import MatrixFigure
from xafsflow.reporting.panel import Cell, Content, Panel, Table
from xafsflow.reporting.pattern_figure import mean_pattern_rows
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import counted, fixed, listed, number, percent, readable, sentence

WIDTH = 4.6
# Up to so many types have their shares as numbers in the confusion, and their names beside it; more stand by their networks.
NUMBERED, NAMED_TYPES = 8, 20
# Mean patterns that are drawn, and how many of them in one figure; twins that are shown at once; sets that are named.
DRAWN, ROWS, OPEN_ROWS, NAMED_SETS = 12, 6, 12, 5
ROLES = {
    "union": "this model",
    "confidence": "its local part alone: the networks",
    "likeness": "its global part alone: the mean patterns",
    "published_rule": "0.3 confidence + 0.7 likeness, as published",
    "one_network": "one network for all types",
    "nearest_mean": "cosine with mean patterns over two theta",
    "log_d_correlation": "cosine with mean patterns over ln(1/d)",
    "forest_peaks": "random forest on lists of peaks",
    "extra_trees_peaks": "extra trees on lists of peaks",
    "forest_binned": "random forest on binned patterns",
    "extra_trees_binned": "extra trees on binned patterns",
}


@section(
    "structure_types",
    title="The structure types",
    intro=(
        "A union of networks, each trained for a group of structure types, on simulated patterns: how right its answers are "
        "for compounds that it was not trained on."
    ),
    order=115,
    drawn=[one.name for one in fields(UnionFindings)],
)
def structure_types(part: Part) -> Iterator[Block]:
    """Scores beside simple methods, sets and refusals, confusion, twins, networks, and mean patterns."""
    found = part.finding
    if not isinstance(found, UnionFindings):
        return
    yield _scores(found)
    yield _confusion(found)
    yield from _mean_patterns(found)
    yield _sets(found)
    yield _twins(found)
    yield _networks(found)


def _scores(found: UnionFindings) -> Panel:
    rows = []
    for name, one in found.table.items():
        low, high = one.interval.tolist()
        right = Cell(percent(one.top1), bold=name == "union", share=one.top1)
        between = f"{fixed(100 * low, 1)} to {fixed(100 * high, 1)}"
        role = ROLES.get(name, "for comparison")
        rows.append((Cell(readable(name), bold=name == "union"), role, right, between, percent(one.top3)))
    confidence, likeness, other, later = found.weights.tolist()
    added = f" × later^{fixed(later, 2)}" if later else ""
    spoken = "; and what networks that were added later call “other”" if later else ""
    return Panel(
        "How often the type is right",
        lead=_better(found) or "No other method in the table is better than the union.",
        content=Table(["", "", "first answer", "95 % interval", "among the first three"], rows, [3, 4]),
        notes=[
            f"Measured on {counted(found.check_patterns, 'simulated pattern')} of compounds (species tuples) that nothing "
            f"was learnt from; {found.training_patterns:,} others trained the networks. Intervals by bootstrap over the "
            "compounds.",
            f"The vote is confidence^{fixed(confidence, 2)} × likeness^{fixed(likeness, 2)} / other^{fixed(other, 2)}"
            f"{added}, made to add up to one over the types: what the type's network says of the type and of “other”, and "
            f"the likeness to its mean pattern{spoken}. The exponents were learnt on patterns beside those of the training "
            "and of this table.",
        ],
    )


def _better(found: UnionFindings) -> str:
    """That another method is better, as a sentence; empty where none is."""
    text = (found.better or "").replace("+-", "±")
    for name in sorted(found.table, key=len, reverse=True):
        text = text.replace(name, readable(name))
    return sentence(text)


def _sets(found: UnionFindings) -> Panel:
    shares = (
        ("The set of possible types holds the true one", percent(found.coverage), found.observed_coverage),
        ("Patterns of known types answered with “none of these”", "", found.refused_known),
        ("Patterns of types never seen answered with “none of these”", "", found.refused_unknown),
        ("The same without near copies of known types", "", found.refused_others),
        ("Patterns of one type flagged as two types", "", found.mixed_known),
        ("Mixtures of two types (30 to 70 %) flagged as two types", "", found.mixed_found),
    )
    rows = [(text, asked, percent(observed)) for text, asked, observed in shares]
    rows.insert(1, ("Mean number of types in the set", "", fixed(found.set_size, 2)))
    near = [f"{listed(names)} (of {known})" for known, names in found.near_copies.items() if names]
    notes = [f"Near copies, named before anything was trained: {'; '.join(near)}."] if near else []
    covered = found.class_coverage
    worst = np.argsort(np.where(np.isfinite(covered), covered, np.inf), kind="stable")[:NAMED_SETS]
    named = [f"{found.types[k]} {percent(covered[k])}" for k in worst.tolist() if covered[k] < found.coverage]
    if named:
        notes.append(f"Types whose sets hold the true type least often: {', '.join(named)}.")
    return Panel(
        "Sets, refusals and mixtures", content=Table(["", "asked", "observed"], rows, [1, 2]), notes=notes
    )


def _twins(found: UnionFindings) -> Panel:
    if not found.twins:
        return Panel(
            "Twins", texts=["No two types are taken for each other in 5 % of their patterns or more."]
        )
    rows = [(f"{one.first} and {one.second}", percent(one.confused)) for one in found.twins]
    return Panel(
        "Twins: types that are told apart badly",
        content=Table(["", "one taken for the other"], rows, [1], OPEN_ROWS),
        notes=[
            "Such types share a lattice, and their patterns differ in weak peaks or heights alone. A set of possible types "
            "that holds one of them holds the other one, too; the formula of the compound often settles it."
        ],
    )


def _networks(found: UnionFindings) -> Panel:
    rows: list[Sequence[Content]] = [
        (str(place), ", ".join(one.types), f"{one.patterns:,}", one.epochs, number(one.loss, 3))
        for place, one in enumerate(found.networks, 1)
    ]
    head = ["network", "its types", "patterns", "epochs", "smallest loss"]
    note = "Each network was trained by itself, with the other types as one class more, “other”."
    return Panel("The networks", content=Table(head, rows, [2, 3, 4], OPEN_ROWS), notes=[note])


def _confusion(found: UnionFindings) -> Picture:
    """All types, those of one network together."""
    number_of = {name: place for place, name in enumerate(found.types)}
    members = [[number_of[name] for name in one.types] for one in found.networks]
    order = [place for one in members for place in one]
    total = found.confusion.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, found.confusion / np.maximum(total, 1), np.nan)[np.ix_(order, order)]
    text = "Rows are the true types, columns the answers; each row sums to 1. Types of one network stand together."
    begins = np.cumsum([0, *map(len, members)])
    cuts = begins[1:-1].tolist()
    if len(order) <= NAMED_TYPES:
        names = [short(found.types[place], 16) for place in order]
        places, numbered = np.arange(len(order), dtype=np.float64), len(order) <= NUMBERED
        figure = MatrixFigure(WIDTH, shares, names, places, cuts, numbered)
    else:
        names = [f"network {place}" for place in range(1, len(members) + 1)]
        figure = MatrixFigure(WIDTH, shares, names, (begins[1:] + begins[:-1] - 1) / 2, cuts, numbered=False)
    right = np.diag(shares)
    alt = f"Confusion of the types. On the diagonal {number(np.nanmin(right), 2)} to {number(np.nanmax(right), 2)}."
    return Picture("type_confusion", "Confusion of the types", text, alt, figure)


def _mean_patterns(found: UnionFindings) -> Iterator[Picture]:
    """The first types, twins before others."""
    paired = [name for one in found.twins for name in (one.first, one.second)]
    shown = list(dict.fromkeys([*paired, *found.types]))[:DRAWN]
    which = (
        "" if len(shown) == len(found.types) else f" {len(shown)} of {len(found.types)} types, twins first."
    )
    text = (
        "Square root of counts without background over 1/d, averaged over the compounds of a type, their cells scaled "
        f"to one another.{which}"
    )
    number_of = {name: place for place, name in enumerate(found.types)}
    parts = -(-len(shown) // ROWS)
    for place, names in enumerate([one.tolist() for one in np.array_split(shown, parts)], 1):
        means: Doubles = found.means[[number_of[name] for name in names]]
        figure = mean_pattern_rows(WIDTH, found.places, means, [short(name, 20) for name in names])
        alt = f"Mean patterns of {listed(names)}."
        yield Picture(f"mean_patterns_{place}", "Mean patterns of the types", text, alt, figure)
