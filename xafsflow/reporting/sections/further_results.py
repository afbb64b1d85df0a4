"""The report's section for the maps and findings that no other section shows."""

from __future__ import annotations

from collections.abc import Iterator

from xafsflow.reporting.panel import Panel
from xafsflow.reporting.plain_values import finding_table
from xafsflow.reporting.section_table import Block, Part, section


@section(
    "further_results",
    title="Further results",
    intro="Other maps and findings of the run.",
    order=130,
    of="rest",
)
def further_results(part: Part) -> Iterator[Block]:
    """The maps, and the findings of a step as a plain table."""
    yield from part.map_pictures()
    if part.finding is not None:
        yield Panel(part.name, content=finding_table(part.finding))
