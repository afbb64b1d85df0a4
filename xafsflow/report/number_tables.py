"""The numbers of a run in tiles and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.report.chemical_maps import word_of
from xafsflow.report.figure_style import FLAG_COLORS, category_colors
from xafsflow.report.map_statistics import Facts
from xafsflow.report.markup import Html, bar, el, join, table
from xafsflow.report.model_view import ModelView
from xafsflow.report.wording import counted, duration, number, percent
from xafsflow.vocabulary import FLAG_MEANINGS


def tiles(facts: Facts, view: ModelView | None, run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a reader looks for first: a number and its word, several times."""
    yield f"{facts.shape[0]:,} x {facts.shape[1]:,}", f"pixels, {facts.pixels:,} in all"
    yield percent(facts.answered, facts.pixels), "of them with an answer"
    if facts.energies is not None:
        count, low, high = facts.energies
        yield number(count), f"energies, {number(low)} to {number(high)} eV"
    if view is not None and view.accuracy is not None:
        yield percent(view.accuracy), "of held-out spectra right"
    timings = run.get("timings")
    if isinstance(timings, Mapping) and timings and all(isinstance(s, int | float) for s in timings.values()):
        yield duration(sum(timings.values())), "computing"
    if isinstance(run.get("peak_memory_mb"), int | float):
        yield f"{number(round(run['peak_memory_mb']))} MB", "peak memory"


def _sheet(title: str, content: Html, note: str) -> Html:
    return el("div", el("h3", title), content, el("p", note, class_="quiet"), class_="sheet")


def _swatch(color: str, name: str) -> Html:
    return join([el("span", class_="swatch", style=f"background:{color}"), name])


def composition_table(facts: Facts) -> Html | None:
    """Mean fractions over pixels and over the element, and where each reference dominates."""
    if facts.composition is None:
        return None
    rows = []
    colors = category_colors(len(facts.references))
    for i, (name, color) in enumerate(zip(facts.references, colors, strict=True)):
        mean = float(facts.composition[i])
        weighted = percent(float(facts.amount[i])) if facts.amount is not None else "none"
        share = f"{int(facts.shares[i]):,} ({percent(int(facts.shares[i]), facts.answered)})"
        rows.append((_swatch(color, name), percent(mean), bar(mean, color), weighted, share))
    head = ["reference", "mean", "", "weighted", "dominates in"]
    note = "The mean counts every pixel alike; weighted by the edge step it is that of the whole sample."
    return _sheet("Mean composition", table(head, rows, numeric=[1, 3, 4], class_="wide"), note)


def flag_table(facts: Facts, maps: xr.Dataset) -> Html | None:
    """Number of pixels with each flag, and how many of them have no answer."""
    if "flags" not in maps:
        return None
    rows: list[tuple[object, ...]] = [
        (
            _swatch(FLAG_COLORS[flag], word_of(flag)),
            FLAG_MEANINGS[flag],
            f"{n:,}",
            percent(n, facts.pixels),
            f"{facts.lost[flag]:,}",
        )
        for flag, n in facts.flagged.items()
        if n
    ]
    if facts.silent:
        count = f"{facts.silent:,}"
        share = percent(facts.silent, facts.pixels)
        rows.append(("no flag", "no answer, no reason noted", count, share, count))
    if not rows:
        return el("div", el("p", "No pixel has a flag."), class_="sheet")
    head = ["flag", "meaning", "pixels", "share", "without answer"]
    note = "A pixel can have several flags. With a flag and an answer it is mended or in doubt."
    return _sheet("Pixels by flag", table(head, rows, numeric=[2, 3, 4], class_="wide"), note)


def class_table(facts: Facts, view: ModelView | None) -> Html | None:
    """The classes that occur most."""
    if view is None or not facts.classes.size or facts.classes.size > len(view.class_names):
        return None
    order = [int(i) for i in np.argsort(-facts.classes, kind="stable")[:10] if facts.classes[i]]
    rows = [
        (view.class_names[i], f"{facts.classes[i]:,}", percent(int(facts.classes[i]), facts.answered))
        for i in order
    ]
    used = f"{np.count_nonzero(facts.classes):,} of {counted(len(view.class_names), 'class')} occur."
    return _sheet("Commonest classes", table(["class", "pixels", "share"], rows, numeric=[1, 2]), used)
