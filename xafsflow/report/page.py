"""A run to one self-contained HTML file: no script, no address, nothing that has to be fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from xafsflow.errors import InputError
from xafsflow.files import write_atomically
from xafsflow.report.map_statistics import Facts, gather
from xafsflow.report.markup import Html, el
from xafsflow.report.model_view import ModelView
from xafsflow.report.number_tables import tiles
from xafsflow.report.page_sections import Section, picture_sections
from xafsflow.report.run_record import findings_sheets, record
from xafsflow.report.sections.model_section import better_sentence
from xafsflow.report.sections.reference_set_section import verdict_box
from xafsflow.report.stylesheet import CSS
from xafsflow.report.wording import counted, listed, summary

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
        `attrs["pixel_size_um"]` is the size of a pixel of the maps for the scale bar.
    model_view
        The model, or None.
    findings
        Step to what it found: numbers, texts, lists, mappings. `findings["warnings"]` is a list of texts.
    run
        As in `run.json`, see `xafsflow.report.run_record.record`.
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
    sections = picture_sections(maps, facts, model_view, findings)
    sections.append(("findings", "What the steps found", findings_sheets(findings)))
    sections.append(("record", "How it was made", record(maps, run)))
    sections = [section for section in sections if section[2]]
    name = str(run.get("name") or path.resolve().parent.name or "a run")
    text = _page(name, _top(facts, model_view, findings, run, name), sections)
    write_atomically(path, text)
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
    lead = [*summary(facts, view), better_sentence(findings)]
    found = tiles(facts, view, run)
    shown = (el("div", el("b", big), el("span", word), class_="tile") for big, word in found)
    return el(
        "header",
        el("p", "xafsflow report", class_="sub"),
        el("h1", name),
        box,
        verdict_box(findings),
        el("p", " ".join(lead).rstrip(), class_="lead"),
        el("div", *shown, class_="tiles"),
        None if texts else el("p", "No warnings.", class_="quiet"),
    )
