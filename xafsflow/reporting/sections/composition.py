"""The report's section on the composition that the model gives."""

from __future__ import annotations

from collections.abc import Iterator

from xafsflow.reporting.scalar_maps import SHARE, MapStyle
from xafsflow.reporting.section_table import Block, Part, section


@section(
    "composition",
    title="Composition",
    intro="The fraction of each reference in each pixel, from the votes of the classifier.",
    order=20,
    maps={
        "fraction": MapStyle("Fraction", limits=SHARE),
        "fraction_error": MapStyle(
            "Standard deviation of the fraction by noise",
            "cividis",
            hint="How far the fraction would scatter if the sample were measured again.",
            if_empty=False,
        ),
    },
)
def composition(part: Part) -> Iterator[Block]:
    """The fractions, and how far noise lets them scatter."""
    yield from part.map_pictures()
