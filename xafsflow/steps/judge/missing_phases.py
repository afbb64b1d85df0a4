"""What is in the pixels that the references do not explain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.field import from_field
from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.errors import InputError
from xafsflow.findings.judge_findings import MissingFindings, Source
from xafsflow.kernels.mixtures.reference_subsets import MOST
from xafsflow.learning.reference_selection.missing_reference import MissingReferences
from xafsflow.sampling.binned_spectra import bin_sums, places, span_of
from xafsflow.sampling.candidate_spectra import normalized_candidates
from xafsflow.step_table import Span, step
from xafsflow.vocabulary import MAP, Flag


@step(
    makes="findings",
    needs=["norm", "mu_noise", "edge_step", "flags", "e0", "noise_ratio"],
    section="missing_spectra",
    axis="energy",
)
def missing(
    cube: xr.Dataset,
    library: xr.Dataset,
    candidates: xr.Dataset,
    /,
    *,
    span: Span = (-20.0, 80.0),
    bin: Annotated[int, Field(ge=2)] | None = None,  # noqa: A002
    least: Annotated[int, Field(ge=1)] = 30,
    worst: Annotated[float, Field(gt=0, le=1)] = 0.05,
    offset: Annotated[float, Field(ge=0, le=5)] = 0.3,
    near_duplicates: Annotated[float, Field(ge=0)] = 0.02,
) -> MissingFindings:
    """Candidates in the order in which they would explain the pixels flagged unknown, when added to the references used.

    Unknown pixels are averaged bin by bin and fitted with the library's references (non-negative fractions of any sum, a
    constant and a slope), and with each candidate beside them. Where hardly a pixel is flagged, the bins that the library
    fits worst stand in their place.

    Parameters
    ----------
    span
        eV relative to the median e0; None is open. Candidates that do not cover it are left out.
    bin
        Side of a bin in pixels; None cuts the image into about 400.
    least
        Unknown pixels below which the worst bins are taken.
    worst
        Share of the bins that are the worst.
    offset
        How far all references may be moved together, eV; 0 for not at all.
    near_duplicates
        Spectra that differ by less than this share of the edge step (root mean square, after a factor, a constant and a
        slope) count as near-duplicates.

    Raises
    ------
    InputError
        More references than can be fitted, or one that the span is too wide for.
    ComputationError
        No bin, or no candidate left.

    Examples
    --------
    >>> import xafsflow as xf
    >>> cube = xf.correct.absorbance(xf.ingest.phantom(size=(24, 24), energies=80))
    >>> cube = xf.derive.noise(xf.normalize.edge_step(cube, e0=7112.0, pre2=-15.0, norm1=40.0, nnorm=1))
    >>> known = xf.ingest.phantom_references()
    >>> missing(cube, known.sel(spectrum=["Fe", "FeO"]), known).ranking[0].reference
    'Fe2O3'
    """
    from threadpoolctl import threadpool_limits

    low, high = span_of(cube, span)
    used, short = normalized_candidates(cube, library, low, high)
    if short:
        raise InputError(
            f"{', '.join(short)} from {low:.1f} to {high:.1f} eV", "all references", "narrow span"
        )
    if used.sizes["spectrum"] >= MOST:
        found = f"{used.sizes['spectrum']} references in the library"
        raise InputError(
            found, f"at most {MOST - 1}, to try one more", "leave out those that are superfluous"
        )
    usable, left_out = normalized_candidates(cube, candidates, low, high)
    numbers = places(cube, bin)
    groups = over_blocks(_groups, [numbers, cube.flags], [Output("group", MAP, np.int32)])["group"]
    sums = bin_sums(cube, groups, 2 * int(numbers.max()) + 2, low, high)

    def finish(found: Mapping[str, Any]) -> MissingFindings:
        bins = sums.bins(found, least=1)
        unknown = bins.number % 2 == 1
        source: Source = "unknown pixels" if bins.pixels[unknown].sum() >= least else "worst bins"
        with threadpool_limits(limits=1):
            where = unknown if source == "unknown pixels" else worst
            missing = MissingReferences(bins, used.norm.values, usable.norm.values, where, offset)
            names, others = ([str(name) for name in one.spectrum.values] for one in (used, usable))
            return missing.findings(
                names, others, near_duplicates, source=source, left_out=tuple(left_out), span=(low, high)
            )

    return from_field(sums.arrays, finish)


def _groups(numbers: Any, flags: Any) -> Any:
    """Two groups a bin: pixels that are not flagged unknown, and those that are."""
    return 2 * numbers + ((flags & np.uint8(int(Flag.UNKNOWN))) > 0)
