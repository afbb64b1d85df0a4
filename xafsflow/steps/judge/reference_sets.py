"""Which references the data support."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.field import from_field
from xafsflow.errors import InputError
from xafsflow.findings.reference_set_findings import ReferenceSetFindings, RegionMap
from xafsflow.kernels.mixtures.reference_subsets import MOST
from xafsflow.learning.reference_selection.bin_regions import Bins, grouped
from xafsflow.learning.reference_selection.set_comparison import Comparison
from xafsflow.sampling.binned_spectra import bin_sums, places, span_of
from xafsflow.sampling.candidate_spectra import normalized_candidates
from xafsflow.step_table import Span, step
from xafsflow.vocabulary import nearest

# More sets than these take minutes, and a set that is best among so many may be so by chance.
MOST_SETS = 200_000


@step(
    makes="findings",
    needs=["norm", "mu_noise", "edge_step", "flags", "e0", "noise_ratio"],
    section="reference_choice",
    axis="energy",
)
def reference_sets(
    cube: xr.Dataset,
    candidates: xr.Dataset,
    /,
    *,
    sets: list[list[str]] | None = None,
    most: Annotated[int, Field(ge=1, le=4)] = 3,
    used: list[str] | None = None,
    span: Span = (-20.0, 80.0),
    bin: Annotated[int, Field(ge=2)] | None = None,  # noqa: A002
    regions: Annotated[int, Field(ge=1, le=50)] = 6,
    offset: Annotated[float, Field(ge=0, le=5)] = 0.3,
    near_duplicates: Annotated[float, Field(ge=0)] = 0.02,
    share: Annotated[float, Field(gt=0, le=1)] = 0.1,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> ReferenceSetFindings:
    """Which sets of references explain the image, which of them is the simplest that does, and where something is missing.

    More references always fit better; the question is what an extra one buys. The image is cut into bins, each bin's mean
    spectrum is fitted with every set (non-negative fractions of any sum, a constant and a slope), and the sets are compared
    by

    - chi-square and the R factor, `sum((data-fit)^2)/sum(data^2)`;
    - BIC, `chi^2 + bins (references + 2) ln(energies)`: each bin has parameters of its own;
    - the prediction error: runs of 4 energies are held out in turn, a fifth of all at a time, and predicted from the rest.
      It is the root mean square of what is missed, in units of the noise, with a 95 % interval by resampling the runs.

    The simplest set is the one with the fewest references among the sets whose intervals overlap the best set's (rule of
    parsimony). Of those with equally few the one with the least error is named first, then the others. Of more sets than 24
    those are judged so closely that have the lowest BIC over the image, and 3 of each size over the image and each region.

    Then the noise is asked. It is that of the photons, checked by what no reference can explain: the bends from one energy
    to the next (third differences) of each bin, and of what all bins of a row share, an unsteady flux. The mean spectra of
    the image and of every region are tested by chi-square, with the degrees of freedom that the fit left and a tolerance of
    0.002 edge steps for what interpolation and normalization leave of the right references; all tests together reject the
    right set in one image of 1000. Where the set is rejected, sets of more references are tried. One energy offset, one
    resolution and one slope of the post-edge, shared by all references and regions, are fitted before. The verdict is one of

    - suffices: nothing contradicts, and a `share` of another phase would have been seen (in a typical region, in 19 of 20
      cases; a phase like one of the set, its edge 4 eV off);
    - does not suffice: with how much of the edge step is unexplained, where, and the candidate that explains it;
    - cannot be told: nothing contradicts, but such a share would not have been seen, or the bins scatter much more than the
      noise that is stated.

    Parameters
    ----------
    sets
        Sets of names to compare, up to 10 each; None takes all sets of up to `most` candidates.
    most
        References in a set.
    used
        Names of the candidates that the classification used: the findings say which are superfluous, which missing.
    span
        eV relative to the median e0; None is open. Candidates that do not cover it are left out.
    bin
        Side of a bin in pixels; None cuts the image into about 400.
    regions
        Number of regions that the bins are grouped into by their spectra; not used where the cube has `cluster_index`.
    offset
        How far the references of a set may be moved together, eV; 0 for not at all.
    near_duplicates
        Candidates that differ by less than this share of the edge step (root mean square, after a factor, a constant and a
        slope) count as near-duplicates: spectra of one compound from two beamlines differ by 0.005 to 0.02.
    share
        Share of another phase that must be seen, for a set to suffice.
    seed
        Of the regions and the bootstrap.

    Raises
    ------
    InputError
        A name that is no candidate, a set with none or more than 10, or too many sets.
    ComputationError
        No bin, or no candidate left.

    Examples
    --------
    >>> import xafsflow as xf
    >>> cube = xf.correct.absorbance(xf.ingest.phantom(size=(24, 24), energies=80))
    >>> cube = xf.derive.noise(xf.normalize.edge_step(cube, e0=7112.0, pre2=-15.0, norm1=40.0, nnorm=1))
    >>> reference_sets(cube, xf.ingest.phantom_references(), regions=2).chosen
    ('Fe', 'FeO', 'Fe2O3')
    """
    from threadpoolctl import threadpool_limits

    low, high = span_of(cube, span)
    usable, left_out = normalized_candidates(cube, candidates, low, high)
    names = [str(name) for name in usable.spectrum.values]
    asked = None if sets is None else [_places(one, names, left_out) for one in sets]
    if asked is not None and not (asked and all(0 < len(one) <= MOST for one in asked)):
        raise InputError(f"sets {sets}", f"sets of 1 to {MOST} names", "change sets")
    _places(used or [], names, left_out)
    _check_number(len(names), most, asked is None)
    groups = places(cube, bin)
    sums = bin_sums(cube, groups, int(groups.max()) + 1, low, high)

    def finish(found: Mapping[str, Any]) -> ReferenceSetFindings:
        # For matrices this small, threads that wait for a busy core take many times as long.
        with threadpool_limits(limits=1):
            bins = sums.bins(found)
            if "cluster_index" not in cube:
                bins = grouped(bins, regions, seed)
            compared = Comparison(
                bins, usable.norm.values, names, asked, most, offset, near_duplicates, share, seed
            )
            return compared.findings(
                used, left_out=tuple(left_out), span=(low, high), region_map=_region_map(bins, groups)
            )

    return from_field(sums.arrays, finish)


def _places(wanted: list[str], names: list[str], left_out: list[str]) -> tuple[int, ...]:
    for name in wanted:
        if name not in names:
            do = "narrow span" if name in left_out else f"mend the name{nearest(name, names)}"
            raise InputError(f"the reference {name!r}", f"one of {', '.join(names)}", do)
    return tuple(dict.fromkeys(names.index(name) for name in wanted))


def _check_number(candidates: int, most: int, searched: bool) -> None:
    import math

    count = sum(math.comb(candidates, size) for size in range(1, most + 1))
    if searched and count > MOST_SETS:
        raise InputError(
            f"{count} sets of up to {most} out of {candidates} candidates",
            f"{MOST_SETS} at most",
            "lower most, or leave candidates out that judge.target refuses",
        )


def _region_map(bins: Bins, groups: xr.DataArray) -> RegionMap:
    """The region of each bin over the image."""
    side, across = groups.attrs["side"], groups.attrs["across"]
    regions = np.full(-(-groups.sizes["y"] // side) * across, -1)
    regions[bins.number] = bins.region
    return RegionMap(int(side), regions.reshape(-1, across))
