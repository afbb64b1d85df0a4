"""A run to one self-contained HTML file: no script, no address, nothing that has to be fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import xarray as xr
from markupsafe import Markup

from xafsflow.errors import InputError
from xafsflow.files import write_atomically
from xafsflow.findings.reference_set_findings import ReferenceSetFindings
from xafsflow.findings.run_findings import RunFindings
from xafsflow.findings.train_findings import FitFindings
from xafsflow.reporting.map_statistics import Facts
from xafsflow.reporting.map_views import views_of
from xafsflow.reporting.model_view import ModelView
from xafsflow.reporting.page_parts import ReportInput, blocks_of, parts_of
from xafsflow.reporting.panel import Panel
from xafsflow.reporting.picture import Picture, to_svg
from xafsflow.reporting.section_table import Block, Section, sections_in_order
from xafsflow.reporting.sections.model_accuracy import better_control
from xafsflow.reporting.summary import summary, tiles
from xafsflow.reporting.templating import environment, render
from xafsflow.reporting.wording import listed, sentence


def build_page(
    maps: xr.Dataset | None,
    models: Mapping[str, ModelView],
    findings: RunFindings,
    run: Mapping[str, object],
    path: Path,
) -> Path:
    """Write the report of a run as one HTML file.

    Parameters
    ----------
    maps
        Variables of the vocabulary over y, x, and `mean_norm`, `mean_pixels`. Sections come only for what is
        there. Maps with a side of more than 1200 pixels are shown reduced; all numbers are from every pixel.
        `attrs["pixel_size_um"]` is the size of a pixel of the maps for the scale bar. None for a run without an image, such
        as one that learns from a library of spectra: its findings are shown alone.
    models
        The models by the name of their entries; empty for none.
    findings
        What the steps found.
    run
        As in `run.json`, see `xafsflow.reporting.sections.run_record`.
    path
        Of the file. A file that is there is replaced when the new one is complete.

    Returns
    -------
    `path`.

    Raises
    ------
    InputError
        If the maps hold none, or the only model is not the one that made the maps.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> maps = xr.Dataset({"edge_step": (("y", "x"), np.ones((4, 6)))})
    >>> with TemporaryDirectory() as folder:
    ...     page = build_page(maps, {}, RunFindings(), {}, Path(folder) / "report.html")
    ...     text = page.read_text(encoding="utf-8")
    >>> "4 x 6 pixels" in text
    True
    """
    given = ReportInput([] if maps is None else views_of(maps), models, findings, run)
    facts = given.views[0].facts if given.views else None
    model = next(iter(models.values())) if len(models) == 1 else None
    if facts is not None and model is not None:
        _check_model(facts, model)
    name = str(run.get("name") or path.resolve().parent.name or "a run")
    text = render(
        "page.html.j2",
        name=name,
        overall=findings.verdict,
        warnings=findings.warnings,
        verdicts=_verdicts(findings),
        summary=" ".join([*summary(facts, model), *map(better_control, findings.of(FitFindings).values())]),
        tiles=list(tiles(facts, model, run)),
        sections=list(_sections(given)),
    )
    write_atomically(path, text)
    return path


def _check_model(facts: Facts, model: ModelView) -> None:
    do = "give the model that made these maps"
    if facts.references and facts.references != tuple(model.references):
        named = " and ".join([listed(facts.references), "in the model " + listed(model.references)])
        raise InputError(f"references in the maps {named}", "the same ones in the same order", do)
    if facts.classes.size > len(model.class_names):
        wanted = f"classes 0 to {len(model.class_names) - 1}"
        raise InputError(f"class {facts.classes.size - 1} in the maps", wanted, do)


@dataclass(frozen=True)
class Verdict:
    """A verdict for the top of the page: its text, the entry that found it, and the section that says more."""

    text: str
    entry: str
    section: str


def _verdicts(findings: RunFindings) -> list[Verdict]:
    found = findings.of(ReferenceSetFindings).items()
    return [Verdict(sentence(one.verdict), entry, "reference_choice") for entry, one in found if one.verdict]


@dataclass(frozen=True)
class Group:
    """Blocks that stand in one grid, or one below the other where `kind`, the class of the style sheet, is empty."""

    kind: str
    blocks: Sequence[Markup]


@dataclass
class ShownPart:
    """A part of a section as the template takes it."""

    heading: str
    columns: Sequence[Sequence[Markup]] = ()
    groups: list[Group] = field(default_factory=list)


@dataclass(frozen=True)
class ShownSection:
    """A section as the template takes it."""

    name: str
    title: str
    intro: str
    parts: Sequence[ShownPart]


def _sections(given: ReportInput) -> Iterator[ShownSection]:
    """All sections that the run has something for."""
    pictures = 0
    for section in sections_in_order():
        shown = []
        for part in parts_of(section, given):
            html: list[tuple[Block, Markup]] = []
            # Each figure becomes text before the next one is drawn: memory holds one.
            for block in blocks_of(section, part):
                html.append((block, _html(block, f"plot-{pictures}")))
                pictures += isinstance(block, Picture)
            if html:
                shown.append(_arranged(part.name, section, html))
        if shown:
            if len(shown) == 1:
                shown[0].heading = ""
            yield ShownSection(section.name, section.title, section.intro, shown)


def _html(block: Block, key: str) -> Markup:
    macros = environment().get_template("macros.html.j2").module
    if isinstance(block, Panel):
        return Markup(macros.panel(block))  # type: ignore[attr-defined]
    svg, (width, height) = to_svg(block, key)
    figure = {"key": key, "svg": Markup(svg), "width": width, "height": height}
    return Markup(macros.figure({"title": block.title, "text": block.text} | figure))  # type: ignore[attr-defined]


def _arranged(heading: str, section: Section, html: Sequence[tuple[Block, Markup]]) -> ShownPart:
    """The blocks in columns: pictures side by side in twos or threes, panels before or below them as they came."""
    part = ShownPart(heading)
    cards = [text for block, text in html if isinstance(block, Picture)]
    panels = [text for block, text in html if isinstance(block, Panel) and not block.small | block.closed]
    closed = [text for block, text in html if isinstance(block, Panel) and block.closed]
    small = [text for block, text in html if isinstance(block, Panel) and block.small]
    first_is_panel = isinstance(html[0][0], Panel)
    if section.in_columns and panels and cards[not first_is_panel :]:
        left = [] if first_is_panel else cards[:1]
        part.columns = [[*left, *panels], [*cards[len(left) :], *small]]
        part.groups.append(Group("", closed))
        return part
    if first_is_panel and cards and panels:
        part.groups.append(Group("", [panels.pop(0)]))
    if len(panels) == 1 and len(cards) in (1, 3):
        cards, panels = [*cards, *panels], []
    if cards:
        part.groups.append(Group("grid pairs" if len(cards) in (1, 2, 4) else "grid", cards))
    part.groups.append(Group("", [*panels, *closed]))
    part.groups.append(Group("panels" if small else "", small))
    return part
