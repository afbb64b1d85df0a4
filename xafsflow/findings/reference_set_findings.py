"""What `judge.reference_sets` finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from xafsflow.findings.record import Doubles, Finding, Integers

Outcome: TypeAlias = Literal["suffices", "does not suffice", "cannot be told"]


@dataclass(frozen=True, eq=False)
class ReferenceSet(Finding):
    """How a set of references explains the image.

    Parameters
    ----------
    references
        Names.
    offset
        Energy by which the set was moved, eV.
    chi_square, reduced_chi_square, r_factor
        Of the fits of all bins.
    parameters
        How many were fitted.
    bic
        Bayesian information criterion, the smaller the better.
    prediction_error, interval
        Root mean square error at energies held out of the fits, in units of the noise, and its 95 % interval.
    within_best
        Whether that interval overlaps the best set's.
    shares
        Mean fraction of each reference over the image, by name.
    region_bic, region_prediction_error
        `(region,)`: the same of each region.
    """

    references: tuple[str, ...]
    offset: float
    chi_square: float
    reduced_chi_square: float
    r_factor: float
    parameters: int
    bic: float
    prediction_error: float
    interval: tuple[float, float]
    within_best: bool
    shares: Mapping[str, float]
    region_bic: Doubles
    region_prediction_error: Doubles


@dataclass(frozen=True, eq=False)
class MissingReference(Finding):
    """A reference that a region needs beyond the chosen set.

    Parameters
    ----------
    reference
        Its name.
    alternatives
        Names of others that would do as well there.
    """

    reference: str
    alternatives: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class RegionFindings(Finding):
    """What a region of the image needs.

    Parameters
    ----------
    region
        Its number.
    bins, pixels
        Its size.
    verdict
        A sentence.
    references
        Names of the set that explains it.
    missing
        Those of them that the chosen set lacks.
    unexplained
        Whether its noise contradicts every set.
    shares
        Mean fraction of each reference in the region, by name.
    reduced_chi_square
        Of its fit.
    prediction_error, interval
        As in `ReferenceSet`.
    """

    region: int
    bins: int
    pixels: int
    verdict: str
    references: tuple[str, ...]
    missing: tuple[MissingReference, ...]
    unexplained: bool
    shares: Mapping[str, float]
    reduced_chi_square: float
    prediction_error: float
    interval: tuple[float, float]


@dataclass(frozen=True, eq=False)
class RegionMap(Finding):
    """Where the regions lie.

    Parameters
    ----------
    bin
        Side of a bin, pixels.
    region
        `(bin row, bin column)`: number of the region, -1 where there is none.
    """

    bin: int
    region: Integers


@dataclass(frozen=True, eq=False)
class ReferenceSetFindings(Finding):
    """What `judge.reference_sets` finds: which references the data support.

    Parameters
    ----------
    verdict
        A sentence.
    outcome
        Whether the chosen set explains the image within its noise, does not, or the noise is too high to tell.
    chosen
        Names of the set with the fewest references that the noise does not contradict; where it contradicts all, that with
        the fewest that explains the image as well as the best.
    alternatives
        Others that would do as well in place of one of the chosen, by its name; empty where something is missing.
    needed
        Names of the references that the image and its regions need.
    superfluous, missing
        Names of the references that the classification used and did not need, and that it needs and did not use; None
        where it is not known what it used.
    sets
        The lowest BIC first.
    regions
        From the largest on.
    near_duplicates
        References that are nearly the same spectrum as another one, by its name, the nearest first.
    offset
        Energy by which all candidates together were moved, eV.
    broadening
        Variance that the chosen set's references were broadened by, eV^2; below zero where the scan is sharper.
    unexplained
        Root mean square in edge steps of what the chosen set leaves beyond the noise, in the region where it is most.
    detectable
        Share of another phase that would have been found in a typical region.
    inflation
        Factor on the stated variance that the scatter of the bins from energy to energy shows, 1 or more.
    common_error
        Standard deviation of the error that all bins share at an energy, relative to the flux.
    bins, pixels, energies, values
        How many mean spectra, of how many pixels, at how many energies, and values in all.
    left_out
        Names of the candidates that do not cover these energies, or cannot be normalized there.
    span
        First and last energy that was asked for, eV.
    region_map
        Where the regions lie.
    """

    verdict: str
    outcome: Outcome
    chosen: tuple[str, ...]
    alternatives: Mapping[str, tuple[str, ...]]
    needed: tuple[str, ...]
    superfluous: tuple[str, ...] | None
    missing: tuple[str, ...] | None
    sets: tuple[ReferenceSet, ...]
    regions: tuple[RegionFindings, ...]
    near_duplicates: Mapping[str, tuple[str, ...]]
    offset: float
    broadening: float
    unexplained: float
    detectable: float
    inflation: float
    common_error: float
    bins: int
    pixels: int
    energies: int
    values: int
    left_out: tuple[str, ...]
    span: tuple[float, float]
    region_map: RegionMap
