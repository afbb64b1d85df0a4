"""The report's section on what else is possible: sets of classes, and what is unlike all that a model of a library knows."""

from __future__ import annotations

from collections.abc import Iterator

from xafsflow.reporting.scalar_maps import SHARE, MapStyle
from xafsflow.reporting.section_table import Block, Part, section


@section(
    "library_answers",
    title="Sets and limits",
    intro="What else is possible, and where the data are unlike all that the model learnt from.",
    order=25,
    maps={
        "set_size": MapStyle(
            "What else is possible",
            hint="It does so as often as the training was asked for; "
            "none where the noise is too large to tell.",
        ),
        "in_set": MapStyle("In the set", "viridis", SHARE, "1 where the class is possible."),
        "outside": MapStyle(
            "Unlike the library",
            "viridis",
            SHARE,
            "1 where a spectrum or pattern is unlike those that the model learnt from.",
        ),
        "mixed": MapStyle(
            "Two structure types",
            "viridis",
            SHARE,
            "1 where a pattern looks like two of the types that are known.",
        ),
    },
)
def library_answers(part: Part) -> Iterator[Block]:
    """The maps of sets."""
    yield from part.map_pictures()
