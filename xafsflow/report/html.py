"""A run to one self-contained HTML file: no script, no address, nothing that has to be fetched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.names import FLAG_MEANINGS
from xafsflow.report.chemistry import word_of
from xafsflow.report.curves import curve_pictures
from xafsflow.report.facts import Facts, gather
from xafsflow.report.figures import map_pictures
from xafsflow.report.look import FLAG_COLORS, category_colors
from xafsflow.report.markup import Html, bar, el, join, table
from xafsflow.report.picture import Picture, to_svg
from xafsflow.report.record import findings_sheets, record
from xafsflow.report.style import CSS
from xafsflow.report.view import ModelView
from xafsflow.report.words import counted, duration, number, percent, summary
from xafsflow.report.write import whole_file

# The sections in order: key of the pictures' group, heading, a sentence for those who are new to it.
GROUPS: tuple[tuple[str, str, str], ...] = (
    ("state", "Chemical state", "Which reference each pixel resembles most, and how they mix."),
    (
        "composition",
        "Composition",
        "The share of each reference in each pixel, from the votes of the classifier.",
    ),
    (
        "combination",
        "Linear combination fit",
        "The same question answered by fitting the references to each spectrum.",
    ),
    (
        "spectra",
        "Spectra",
        "Measured means beside the references: do the answers look like what was measured?",
    ),
    ("trust", "How sure it is", "High votes and small distances mean that a pixel looks like its class."),
    (
        "edge",
        "Edge",
        "What the normalization found: where the edge is, and how much of the element there is.",
    ),
    ("shift", "Energy over the field", "How far each pixel's energy is from the nominal one."),
    ("flags", "Pixels out or in doubt", "Hatched areas in the other maps have a reason; here they are."),
    ("model", "The model", "What the classifier looks at, and what it takes for something else."),
    ("other", "Further maps", "Everything else that the run left."),
)
# A belt to the braces of escaping: a browser runs and fetches nothing in this page.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def build_page(
    maps: xr.Dataset,
    model_view: ModelView | None,
    findings: Mapping[str, Any],
    run: Mapping[str, Any],
    path: Path,
) -> Path:
    """Write the report of a run as one HTML file.

    Parameters
    ----------
    maps
        Variables of the vocabulary over y, x, and `mean_norm`, `mean_pixels`. Sections come only for what is there. Maps with a
        side of more than 1200 pixels are shown reduced; all numbers are from every pixel. `attrs["pixel_size_um"]` is the size of
        a pixel of the maps for the scale bar, `attrs["history"]` holds the steps.
    model_view
        The model, or None.
    findings
        Step to what it found: numbers, texts, lists, mappings. `findings["warnings"]` is a list of texts.
    run
        As in `run.json`, see `xafsflow.report.record.record`.
    path
        Of the file. A file that is there is replaced when the new one is complete.

    Returns
    -------
    `path`.

    Raises
    ------
    InputError
        If there is no map.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> maps = xr.Dataset({"edge_step": (("y", "x"), np.ones((4, 6)))})
    >>> with TemporaryDirectory() as folder:
    ...     text = build_page(maps, None, {}, {}, Path(folder) / "report.html").read_text(encoding="utf-8")
    >>> "4 x 6 pixels" in text
    True
    """
    facts = gather(maps)
    groups: dict[str, list[Html]] = {}
    # Each figure becomes text before the next one is drawn: memory holds one.
    for picture in chain(map_pictures(maps, facts, model_view), curve_pictures(maps, facts, model_view)):
        groups.setdefault(picture.group, []).append(_card(picture))
    extra = {
        "state": _composition_table(facts),
        "flags": _flag_table(facts, maps),
        "model": _model_table(facts, model_view),
    }
    sections = [
        (
            key,
            title,
            join([el("p", intro, class_="intro"), _laid_out(key, groups.get(key, []), extra.get(key))]),
        )
        for key, title, intro in GROUPS
        if groups.get(key) or extra.get(key)
    ]
    found, made = findings_sheets(findings), record(maps, run)
    if found:
        sections.append(("findings", "What the steps found", found))
    if made:
        sections.append(("record", "How it was made", made))
    name = str(run.get("name") or path.resolve().parent.name or "a run")
    text = _page(name, _top(facts, model_view, findings, run, name), sections)
    with whole_file(path) as temporary:
        # A file name may hold bytes that are no text; they are shown by their numbers.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path


def _page(name: str, top: Html, sections: Sequence[tuple[str, str, Html]]) -> str:
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="generator", content="xafsflow"),
        el("title", f"Chemical-state report: {name}"),
        el("style", Html(CSS)),
    )
    links = el(
        "nav",
        el("div", *(el("a", title, href=f"#{key}") for key, title, _ in sections)),
        aria_label="Sections",
    )
    body = (el("section", el("h2", title, id=key), content) for key, title, content in sections)
    footer = el(
        "footer",
        "Written by xafsflow. The numbers are from every pixel; the maps beside this page hold them all.",
    )
    return "<!DOCTYPE html>\n" + el(
        "html", head, el("body", top, links, el("main", *body), footer), lang="en"
    )


def _top(
    facts: Facts, view: ModelView | None, findings: Mapping[str, Any], run: Mapping[str, Any], name: str
) -> Html:
    warnings = findings.get("warnings") or []
    texts = [warnings] if isinstance(warnings, str) else list(warnings)
    box = None
    if texts:
        heading = el("b", f"{counted(len(texts), 'warning')}: read before you trust the maps")
        box = el(
            "div", heading, el("ul", *(el("li", text) for text in texts)), class_="warnings", role="note"
        )
    tiles = (
        el("div", el("b", number_), el("span", word), class_="tile")
        for number_, word in _tiles(facts, view, run)
    )
    return el(
        "header",
        el("p", "xafsflow report", class_="sub"),
        el("h1", name),
        box,
        el("p", " ".join(summary(facts, view)), class_="lead"),
        el("div", *tiles, class_="tiles"),
        None if texts else el("p", "No warnings.", class_="quiet"),
    )


def _tiles(facts: Facts, view: ModelView | None, run: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield f"{facts.shape[0]:,} x {facts.shape[1]:,}", f"pixels, {facts.pixels:,} in all"
    yield percent(facts.answered, facts.pixels), "of them with an answer"
    if facts.energies is not None:
        yield (
            number(facts.energies[0]),
            f"energies, {number(facts.energies[1])} to {number(facts.energies[2])} eV",
        )
    if view is not None and view.accuracy is not None:
        yield percent(view.accuracy), "of held-out spectra right"
    timings = run.get("timings")
    if isinstance(timings, Mapping) and timings and all(isinstance(s, int | float) for s in timings.values()):
        yield duration(sum(timings.values())), "computing"
    if isinstance(run.get("peak_memory_mb"), int | float):
        yield f"{number(round(run['peak_memory_mb']))} MB", "peak memory"


def _laid_out(key: str, cards: list[Html], extra: Html | None) -> Html:
    """Cards in columns: the chemical state large with its table, others in twos or threes, a table after them."""
    if key == "state" and cards:
        left, right = ([cards[0], extra], cards[1:]) if cards[1:] else (cards, [extra])
        return el("div", el("div", *left, class_="stack"), el("div", *right, class_="stack"), class_="hero")
    if extra is not None and len(cards) in (0, 1, 3):
        cards, extra = [*cards, extra], None
    return join([el("div", *cards, class_="grid twos" if len(cards) in (1, 2, 4) else "grid"), extra])


def _card(picture: Picture) -> Html:
    """A figure with heading and text, and the same figure over the whole window on a click, without a script."""
    key = f"plot-{picture.key}"
    svg, width = to_svg(picture, key)
    svg = svg.replace("<svg", str(el("svg", role="img", aria_label=picture.alt)).removesuffix("></svg>"), 1)
    box = svg[svg.index('viewBox="') + 9 :].split('"', 1)[0]
    _, _, w, h = box.split()
    large = el("svg", el("use", href=f"#{key}", width=w, height=h), viewBox=box, aria_hidden="true")
    close = el("button", "Close", popovertarget=f"{key}-large", popovertargetaction="hide")
    return el(
        "figure",
        el("h3", picture.title),
        el(
            "div",
            el("div", Html(svg), style=f"max-width:{1.35 * width:.0f}px;margin:0 auto"),
            el(
                "button",
                popovertarget=f"{key}-large",
                aria_label=f"Enlarge: {picture.title}",
                title="Enlarge",
            ),
            class_="plot",
        ),
        el("figcaption", el("p", picture.text)),
        el(
            "div",
            close,
            large,
            el("p", el("b", picture.title), ". ", picture.text),
            id=f"{key}-large",
            popover=True,
        ),
        class_="card",
    )


def _swatch(color: str, name: str) -> Html:
    return join([el("span", class_="swatch", style=f"background:{color}"), name])


def _composition_table(facts: Facts) -> Html | None:
    if facts.composition is None:
        return None
    rows = []
    for i, (name, color) in enumerate(
        zip(facts.references, category_colors(len(facts.references)), strict=True)
    ):
        mean = float(facts.composition[i])
        weighted = percent(float(facts.amount[i])) if facts.amount is not None else "none"
        share = f"{int(facts.shares[i]):,} ({percent(int(facts.shares[i]), facts.answered)})"
        rows.append((_swatch(color, name), percent(mean), bar(mean, color), weighted, share))
    head = ["reference", "mean", "", "weighted", "dominates in"]
    note = "The mean fraction counts every pixel alike; weighted by the edge step it counts the element: the composition of the sample."
    return el(
        "div",
        el("h3", "Mean composition"),
        table(head, rows, numeric=[1, 3, 4], class_="wide"),
        el("p", note, class_="quiet"),
        class_="sheet",
    )


def _flag_table(facts: Facts, maps: xr.Dataset) -> Html | None:
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
        rows.append(
            (
                "no flag",
                "no answer, and no reason noted",
                f"{facts.silent:,}",
                percent(facts.silent, facts.pixels),
                f"{facts.silent:,}",
            )
        )
    if not rows:
        return el("div", el("p", "No pixel has a flag."), class_="sheet")
    head = ["flag", "meaning", "pixels", "share", "without answer"]
    note = "A pixel can have several flags. A flag without a lost answer means: mended or in doubt, and still in the maps."
    return el(
        "div",
        table(head, rows, numeric=[2, 3, 4], class_="wide"),
        el("p", note, class_="quiet"),
        class_="sheet",
    )


def _model_table(facts: Facts, view: ModelView | None) -> Html | None:
    """The classes that occur most."""
    if view is None or not facts.classes.size or facts.classes.size > len(view.class_names):
        return None
    order = [int(i) for i in np.argsort(-facts.classes, kind="stable")[:10] if facts.classes[i]]
    rows = [
        (view.class_names[i], f"{facts.classes[i]:,}", percent(int(facts.classes[i]), facts.answered))
        for i in order
    ]
    used = f"{np.count_nonzero(facts.classes):,} of {counted(len(view.class_names), 'class')} occur; these most often."
    return el(
        "div",
        el("h3", "Commonest classes"),
        table(["class", "pixels", "share"], rows, numeric=[1, 2]),
        el("p", used, class_="quiet"),
        class_="sheet",
    )
