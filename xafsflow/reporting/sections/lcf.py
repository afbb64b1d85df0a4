"""The report's section on the linear combination fit (LCF)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from xafsflow.findings.maps_findings import ShareErrors, StepRatio
from xafsflow.reporting.map_findings import step_ratios
from xafsflow.reporting.panel import Content, Panel, Table
from xafsflow.reporting.scalar_maps import SHARE, MapStyle
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.share_error_findings import share_errors

MAPS = {
    "lcf_fraction": MapStyle("LCF fraction", limits=SHARE),
    "lcf_error": MapStyle(
        "Standard error of the LCF fraction by noise",
        "cividis",
        hint="How far the fraction would scatter if the sample were measured again.",
    ),
    "lcf_systematic_error": MapStyle(
        "Systematic error of the LCF fraction",
        "cividis",
        hint="By the edge steps and the resolution of the references; alike in every measurement.",
    ),
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
    """Fractions, their errors, how well the sums fit, and in units of what step."""
    yield from part.map_pictures()
    errors = share_errors(part.maps.maps)
    if any(one.fit_noise is not None for one in errors.values()):
        yield _error_panel(errors)
    ratios = step_ratios(part.maps.maps)
    if ratios:
        yield _step_panel(ratios)


def _error_panel(errors: Mapping[str, ShareErrors]) -> Panel:
    """What noise and what the references leave uncertain."""
    rows: list[tuple[Content, ...]] = [
        (
            name,
            *(
                "not known" if value is None else f"{value:.4f}"
                for value in (one.fit_noise, one.fit_systematic)
            ),
        )
        for name, one in errors.items()
    ]
    notes = [
        "Root mean squares over the pixels. Averages of pixels have smaller errors by noise, but the same systematic ones. "
        "They come of the edge steps and the resolution of the references, and a second measurement has them, too."
    ]
    head = ["reference", "error by noise", "systematic error"]
    return Panel("How uncertain the shares are", content=Table(head, rows, numeric=[1, 2]), notes=notes)


def _step_panel(ratios: Mapping[str, StepRatio]) -> Panel:
    """Edge steps of the references over their whole range."""
    rows: list[tuple[Content, ...]] = [
        (name, f"{one.ratio:.3f}", f"{one.error:.3f}", f"{one.error / 4:.3f}")
        if np.isfinite(one.error)
        else (name, "1", "not known", "not known")
        for name, one in ratios.items()
    ]
    head = ["reference", "whole range / scan", "scatter over windows", "so uncertain is a share of 50 %"]
    notes = [
        "Shares are told in units of the edge step that a reference has over its own whole range: the step found in a scan "
        "that ends early is another, and not equally so for all compounds. The window of the post-edge leaves it "
        "uncertain; this moves all pixels together and is part of their systematic error."
    ]
    return Panel("Edge steps of the references", content=Table(head, rows, numeric=[1, 2, 3]), notes=notes)
