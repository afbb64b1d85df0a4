"""The sections of a page: which there are, what stands in each, and how it is laid out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import xarray as xr

from xafsflow.report.curve_figures import curve_pictures
from xafsflow.report.map_figures import map_pictures
from xafsflow.report.map_frame import frame_of
from xafsflow.report.map_statistics import Facts
from xafsflow.report.markup import Html, el, join
from xafsflow.report.model_view import ModelView
from xafsflow.report.number_tables import class_table, composition_table, flag_table
from xafsflow.report.picture import Picture, to_svg
from xafsflow.report.sections.calibration_section import energy_pictures
from xafsflow.report.sections.cluster_section import region_pictures, region_sheets
from xafsflow.report.sections.component_section import component_pictures
from xafsflow.report.sections.energy_selection_section import selection_pictures, selection_sheets
from xafsflow.report.sections.missing_reference_section import candidate_pictures, candidate_sheets
from xafsflow.report.sections.model_section import control_sheets, reliability_pictures
from xafsflow.report.sections.reference_set_section import set_pictures, set_sheets

# Key, heading and content.
Section = tuple[str, str, Html]


@dataclass(frozen=True)
class Part:
    """A part of a section: key of its pictures and sheets, heading (empty for none), a sentence for those new to it."""

    key: str
    title: str
    intro: str


@dataclass(frozen=True)
class Outline:
    """A section: key, heading and intro, and its parts; one without a list of its own is its only part."""

    key: str
    title: str
    intro: str
    own_parts: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the section consists of."""
        return self.own_parts or (Part(self.key, "", ""),)


REFERENCES = (
    Part("references-sets", "", ""),
    Part(
        "references-missing",
        "What is missing",
        "Each candidate is tried beside the references used, on the pixels that these do not explain.",
    ),
    Part(
        "references-target",
        "Which candidates can be in the sample at all",
        "Every spectrum of the collection, tested against the principal components of the scan.",
    ),
    Part(
        "references-components",
        "How many components",
        "How many different spectra the scan holds more than noise could make, whatever they are.",
    ),
)
OUTLINES = (
    Outline("state", "Chemical state", "Which reference each pixel resembles most, and how they mix."),
    Outline(
        "composition",
        "Composition",
        "The share of each reference in each pixel, from the votes of the classifier.",
    ),
    Outline(
        "combination",
        "Linear combination fit",
        "The same question answered by fitting the references to each spectrum.",
    ),
    Outline(
        "spectra",
        "Spectra",
        "Measured means beside the references: do the answers look like what was measured?",
    ),
    Outline(
        "references",
        "Are the references the right ones?",
        "A classifier always answers, and more references always fit better: does the scan support these?",
        REFERENCES,
    ),
    Outline("trust", "How sure it is", "Whether what was stated is true, and where it is in doubt."),
    Outline("regions", "Regions", "Pixels whose spectra are alike, found without any reference."),
    Outline(
        "edge",
        "Edge",
        "What the normalization found: where the edge is, and how much of the element there is.",
    ),
    Outline(
        "shift",
        "Energy over the field",
        "How far each pixel's energy is from the nominal one, and what is left of that.",
    ),
    Outline(
        "flags", "Pixels out or in doubt", "Hatched areas in the other maps have a reason; here they are."
    ),
    Outline("model", "The model", "What the classifier looks at, and what it takes for something else."),
    Outline(
        "energies", "Which energies matter", "How few energies would give the same map, and at what loss."
    ),
    Outline("other", "Further maps", "Everything else that the run left."),
)
# Parts whose figures stand below their first sheet.
SHEET_FIRST = ("references-sets", "energies")
# Parts with a table at the left and a figure at its right.
TWO_COLUMNS = ("references-missing",)


def picture_sections(
    maps: xr.Dataset, facts: Facts, view: ModelView | None, findings: Mapping[str, Any]
) -> list[Section]:
    """All sections that the run has something for, with pictures and tables.

    Parameters
    ----------
    maps, facts
        Of one run.
    view
        The model, or None.
    findings
        By step.
    """
    cards: dict[str, list[Html]] = {}
    # Each figure becomes text before the next one is drawn: memory holds one.
    for i, picture in enumerate(_pictures(maps, facts, view, findings)):
        cards.setdefault(picture.group, []).append(_card(picture, f"plot-{i}"))
    sheets: dict[str, list[Html]] = {}
    for group, sheet in _sheets(maps, facts, view, findings):
        sheets.setdefault(group, []).append(sheet)
    sections = []
    for outline in OUTLINES:
        parts = [_part(part, cards.get(part.key, []), sheets.get(part.key, [])) for part in outline.parts]
        if any(parts):
            intro = el("p", outline.intro, class_="intro")
            sections.append((outline.key, outline.title, join([intro, *parts])))
    return sections


def _pictures(
    maps: xr.Dataset, facts: Facts, view: ModelView | None, findings: Mapping[str, Any]
) -> Iterator[Picture]:
    frame = frame_of(maps, facts.shape)
    return chain(
        reliability_pictures(findings),
        map_pictures(maps, facts, view),
        curve_pictures(maps, facts, view),
        set_pictures(findings, frame),
        candidate_pictures(findings),
        component_pictures(findings),
        region_pictures(findings),
        selection_pictures(findings, view),
        energy_pictures(findings, frame),
    )


def _sheets(
    maps: xr.Dataset, facts: Facts, view: ModelView | None, findings: Mapping[str, Any]
) -> Iterator[tuple[str, Html]]:
    found = {
        "state": composition_table(facts),
        "flags": flag_table(facts, maps),
        "model": class_table(facts, view),
    }
    yield from ((group, sheet) for group, sheet in found.items() if sheet is not None)
    for sheets in (set_sheets, candidate_sheets, control_sheets, region_sheets, selection_sheets):
        yield from sheets(findings)


def _part(part: Part, cards: list[Html], sheets: list[Html]) -> Html:
    if not cards and not sheets:
        return Html()
    heading = el("h3", part.title, class_="part") if part.title else None
    intro = el("p", part.intro, class_="intro") if part.intro else None
    return join([heading, intro, _laid_out(part.key, cards, sheets)])


def _laid_out(key: str, cards: list[Html], sheets: list[Html]) -> Html:
    """Cards in columns: the chemical state large with its table, others in twos or threes."""
    if key == "state" and cards:
        left, right = ([cards[0], *sheets], cards[1:]) if cards[1:] else (cards, sheets)
        return _columns(left, right)
    if key in TWO_COLUMNS and cards and sheets:
        return _columns(sheets, cards)
    if len(sheets) == 1 and len(cards) in (1, 3):
        cards, sheets = [*cards, *sheets], []
    first = [sheets.pop(0)] if key in SHEET_FIRST and sheets and cards else []
    grid = el("div", *cards, class_="grid twos" if len(cards) in (1, 2, 4) else "grid") if cards else None
    return join([*first, grid, *sheets])


def _columns(left: list[Html], right: list[Html]) -> Html:
    return el("div", el("div", *left, class_="stack"), el("div", *right, class_="stack"), class_="hero")


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
