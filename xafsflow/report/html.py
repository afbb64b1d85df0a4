"""A run to one self-contained HTML file: no script, no address, nothing that has to be fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import xarray as xr

from xafsflow.errors import InputError
from xafsflow.report.curves import curve_pictures
from xafsflow.report.energy import energy_pictures
from xafsflow.report.facts import Facts, gather
from xafsflow.report.figures import map_pictures
from xafsflow.report.frame import frame_of
from xafsflow.report.markup import Html, el, join
from xafsflow.report.picture import Picture, to_svg
from xafsflow.report.record import findings_sheets, record
from xafsflow.report.style import CSS
from xafsflow.report.tables import class_table, composition_table, flag_table, tiles
from xafsflow.report.view import ModelView
from xafsflow.report.words import counted, listed, summary
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
    (
        "shift",
        "Energy over the field",
        "How far each pixel's energy is from the nominal one, and what is left of that.",
    ),
    ("flags", "Pixels out or in doubt", "Hatched areas in the other maps have a reason; here they are."),
    ("model", "The model", "What the classifier looks at, and what it takes for something else."),
    ("other", "Further maps", "Everything else that the run left."),
)
# Key, heading and content.
Section = tuple[str, str, Html]
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
        Variables of the vocabulary over y, x, and `mean_norm`, `mean_pixels`. Sections come only for what is
        there. Maps with a side of more than 1200 pixels are shown reduced; all numbers are from every pixel.
        `attrs["pixel_size_um"]` is the size of a pixel of the maps for the scale bar, `attrs["history"]`
        holds the steps.
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
        If there is no map, or the model is not the one that made the maps.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> maps = xr.Dataset({"edge_step": (("y", "x"), np.ones((4, 6)))})
    >>> with TemporaryDirectory() as folder:
    ...     text = build_page(maps, None, {}, {}, Path(folder) / "report.html").read_text(encoding="utf-8")
    >>> "4 x 6 pixels" in text
    True
    """
    facts = gather(maps)
    if model_view is not None:
        _check_model(facts, model_view)
    sections = _picture_sections(maps, facts, model_view, findings)
    sections.append(("findings", "What the steps found", findings_sheets(findings)))
    sections.append(("record", "How it was made", record(maps, run)))
    sections = [section for section in sections if section[2]]
    name = str(run.get("name") or path.resolve().parent.name or "a run")
    text = _page(name, _top(facts, model_view, findings, run, name), sections)
    with whole_file(path) as temporary:
        # A file name may hold bytes that are no text; they are shown by their numbers.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path


def _check_model(facts: Facts, view: ModelView) -> None:
    do = "give the model that made these maps"
    if facts.references and facts.references != tuple(view.references):
        named = " and ".join([listed(list(facts.references)), "in the model " + listed(view.references)])
        raise InputError(f"references in the maps {named}", "the same ones in the same order", do)
    if facts.classes.size > len(view.class_names):
        raise InputError(
            f"class {facts.classes.size - 1} in the maps", f"classes 0 to {len(view.class_names) - 1}", do
        )


def _picture_sections(
    maps: xr.Dataset, facts: Facts, view: ModelView | None, findings: Mapping[str, Any]
) -> list[Section]:
    groups: dict[str, list[Html]] = {}
    # Each figure becomes text before the next one is drawn: memory holds one.
    pictures = chain(
        map_pictures(maps, facts, view),
        curve_pictures(maps, facts, view),
        energy_pictures(findings, frame_of(maps, facts.shape)),
    )
    for i, picture in enumerate(pictures):
        groups.setdefault(picture.group, []).append(_card(picture, f"plot-{i}"))
    tables = {
        "state": composition_table(facts),
        "flags": flag_table(facts, maps),
        "model": class_table(facts, view),
    }
    sections = []
    for key, title, intro in GROUPS:
        cards, extra = groups.get(key, []), tables.get(key)
        if cards or extra:
            content = join([el("p", intro, class_="intro"), _laid_out(key, cards, extra)])
            sections.append((key, title, content))
    return sections


def _page(name: str, top: Html, sections: Sequence[Section]) -> str:
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="generator", content="xafsflow"),
        el("title", f"Chemical-state report: {name}"),
        el("style", Html(CSS)),
    )
    links = (el("a", title, href=f"#{key}") for key, title, _ in sections)
    nav = el("nav", el("div", *links), aria_label="Sections")
    body = (el("section", el("h2", title, id=key), content) for key, title, content in sections)
    footer = el("footer", "Written by xafsflow. Numbers are from every pixel, also where maps are reduced.")
    page = el("html", head, el("body", top, nav, el("main", *body), footer), lang="en")
    return f"<!DOCTYPE html>\n{page}"


def _top(
    facts: Facts, view: ModelView | None, findings: Mapping[str, Any], run: Mapping[str, Any], name: str
) -> Html:
    warnings = findings.get("warnings") or []
    texts = [warnings] if isinstance(warnings, str) else list(warnings)
    box = None
    if texts:
        heading = el("b", f"{counted(len(texts), 'warning')}: read before you trust the maps")
        points = el("ul", *(el("li", text) for text in texts))
        box = el("div", heading, points, class_="warnings", role="note")
    found = tiles(facts, view, run)
    shown = (el("div", el("b", big), el("span", word), class_="tile") for big, word in found)
    return el(
        "header",
        el("p", "xafsflow report", class_="sub"),
        el("h1", name),
        box,
        el("p", " ".join(summary(facts, view)), class_="lead"),
        el("div", *shown, class_="tiles"),
        None if texts else el("p", "No warnings.", class_="quiet"),
    )


def _laid_out(key: str, cards: list[Html], extra: Html | None) -> Html:
    """Cards in columns: the chemical state large with its table, others in twos or threes."""
    if key == "state" and cards:
        left, right = ([cards[0], extra], cards[1:]) if cards[1:] else (cards, [extra])
        return el("div", el("div", *left, class_="stack"), el("div", *right, class_="stack"), class_="hero")
    if extra is not None and len(cards) in (0, 1, 3):
        cards, extra = [*cards, extra], None
    return join([el("div", *cards, class_="grid twos" if len(cards) in (1, 2, 4) else "grid"), extra])


def _card(picture: Picture, key: str) -> Html:
    """A figure with heading and text; a click shows it over the whole window, without a script."""
    svg, (width, height) = to_svg(picture, key)
    # The large one is the same drawing used again, so the page does not grow.
    use = el("use", href=f"#{key}", width=width, height=height)
    large = el("svg", use, viewBox=f"0 0 {width:g} {height:g}", aria_hidden="true")
    name, words = f"{key}-large", el("p", el("b", picture.title), ". ", picture.text)
    close = el("button", "Close", popovertarget=name, popovertargetaction="hide")
    opens = el("button", popovertarget=name, aria_label=f"Enlarge: {picture.title}", title="Enlarge")
    return el(
        "figure",
        el("h3", picture.title),
        el("div", el("div", Html(svg), style=f"max-width:{1.8 * width:.0f}px"), opens, class_="plot"),
        el("figcaption", el("p", picture.text)),
        el("div", close, large, words, id=name, popover=True),
        class_="card",
    )
