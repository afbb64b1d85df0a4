"""`@section` and `SECTIONS`, the table of the report's sections: each file of `reporting/sections/` registers one.

A section is a function that takes what a run has for it and gives pictures and panels in the order in which they stand.
Findings come to the section that their step names (`@step(section="lcf")`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from xafsflow.findings.record import Finding
from xafsflow.reporting.map_views import MapView
from xafsflow.reporting.model_view import ModelView
from xafsflow.reporting.panel import Panel
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.scalar_maps import MapStyle, scalar_pictures

Block: TypeAlias = Picture | Panel
# Maps of a property of a model are called by it.
PROPERTY = "property_"


@dataclass(frozen=True, eq=False)
class Part:
    """What a run has for a section, under one name: the name of an entry of the recipe, or the label of its maps.

    Parameters
    ----------
    name
        Of the entry, the label or the model; empty for maps without label.
    maps
        The maps, those of this part under the names of the vocabulary.
    variables
        Variables of the section among the maps that this part shows.
    finding
        What the entry found, or None.
    model
        The model that made the maps, or that the entry trained; None where there is none.
    run
        As in `run.json`, for the section that shows it.
    """

    name: str
    maps: MapView
    variables: Mapping[str, MapStyle] = field(default_factory=dict)
    finding: Finding | None = None
    model: ModelView | None = None
    run: Mapping[str, object] = field(default_factory=dict)

    def map_pictures(self) -> Iterator[Picture]:
        """The section's maps, one picture for each, or for each reference or metric of it."""
        return scalar_pictures(self.maps, self.variables)


@dataclass(frozen=True)
class Section:
    """One row of the table.

    Parameters
    ----------
    name, title, intro
        Anchor in the page, heading, and a sentence for those new to it.
    order
        Sections stand in the order of these numbers.
    show
        Gives what stands in it.
    maps
        The variables of the vocabulary that it shows, and how.
    reads
        Variables of other sections; it has something to show where one of these is there, too.
    drawn
        Fields of the findings that it shows; the others follow in a folded table.
    of
        What there is a part for: each "entry" of the recipe and each label of the maps, each "model", each label with
        maps of a "property", the "rest" of maps and findings that have no section, or the "run".
    in_columns
        Whether the first block and the panels stand at the left, the other pictures at the right.
    """

    name: str
    title: str
    intro: str
    order: int
    show: Callable[[Part], Iterator[Block]]
    maps: Mapping[str, MapStyle]
    reads: Sequence[str]
    drawn: Sequence[str]
    of: str
    in_columns: bool


SECTIONS: dict[str, Section] = {}


def section(
    name: str,
    *,
    title: str,
    order: int,
    intro: str = "",
    maps: Mapping[str, MapStyle] | None = None,
    reads: Sequence[str] = (),
    drawn: Sequence[str] = (),
    of: str = "entry",
    in_columns: bool = False,
) -> Callable[[Callable[[Part], Iterator[Block]]], Callable[[Part], Iterator[Block]]]:
    """Register a function as a section; the parameters are those of `Section`.

    Raises
    ------
    ValueError
        Another section has the name, or shows one of the maps.
    """

    def register(show: Callable[[Part], Iterator[Block]]) -> Callable[[Part], Iterator[Block]]:
        taken = {variable for one in SECTIONS.values() for variable in one.maps}
        if name in SECTIONS or taken & set(maps or {}):
            raise ValueError(f"section {name}: another has its name or shows its maps")
        SECTIONS[name] = Section(name, title, intro, order, show, maps or {}, reads, drawn, of, in_columns)
        return show

    return register


def sections_in_order() -> list[Section]:
    """All sections, as they stand in a page."""
    import xafsflow.reporting.sections  # noqa: F401 - its files register themselves

    return sorted(SECTIONS.values(), key=lambda one: one.order)
