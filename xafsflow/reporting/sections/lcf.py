"""The report's section on the linear combination fit (LCF)."""

from __future__ import annotations

from collections.abc import Iterator

from xafsflow.reporting.scalar_maps import SHARE, MapStyle
from xafsflow.reporting.section_table import Block, Part, section

MAPS = {
    "lcf_fraction": MapStyle("LCF fraction", limits=SHARE),
    "lcf_error": MapStyle("Standard error of the LCF fraction", "cividis"),
    "r_factor": MapStyle("R factor of the fit", "cividis"),
    "reduced_chi_square": MapStyle(
        "Reduced chi-square of the fit",
        "cividis",
        hint="Near 1 where noise explains the residual.",
    ),
    "lcf_shift": MapStyle("Energy shift of the fit"),
}


@section(
    "lcf",
    title="Linear combination fit (LCF)",
    intro="The references fitted to the spectrum of each pixel: an answer that does not come from the classifier.",
    order=30,
    maps=MAPS,
)
def lcf(part: Part) -> Iterator[Block]:
    """Fractions, their errors, and how well the sums fit."""
    yield from part.map_pictures()
