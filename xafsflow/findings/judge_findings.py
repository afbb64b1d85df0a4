"""What `judge.unknown`, `judge.components`, `judge.target` and `judge.missing` find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from xafsflow.findings.record import Doubles, Finding

# Where `judge.missing` looks: at the pixels flagged unknown, or at the bins that the references used fit worst.
Source = Literal["unknown pixels", "worst bins"]
# What `judge.unknown` tries to find.
Foreign = Literal["peak", "reference left out", "candidate"]


@dataclass(frozen=True, eq=False)
class ComponentFindings(Finding):
    """What `judge.components` finds: principal components of the normalized spectra, each value over its noise.

    Parameters
    ----------
    pixels
        Number of spectra that were decomposed.
    axis, energy
        Name of the spectral axis, and the places on it that were used: `(energy,)`, eV for energies.
    eigenvalues
        `(energy,)`: mean squares along each component, in units of the noise; the largest first.
    noise_floor
        `(component,)`: the largest eigenvalue that noise alone has beside the first 0, 1, 2, ... components.
    noise_margin
        Factor by which an eigenvalue must exceed the floor to count.
    explained, cumulative
        `(energy,)`: share of the sum of all eigenvalues, and its running sum.
    indicator
        `(energy - 1,)`: Malinowski's indicator function for 0, 1, 2, ... components; least where their number suffices.
    number_by_indicator, number_by_noise
        Of components, by either.
    retained
        Number of components that the residual and `judge.target` use.
    residual_mean, residual_rms
        `(energy,)`: mean and root mean square over the spectra of what these leave, in units of the noise.
    """

    pixels: int
    axis: str
    energy: Doubles
    eigenvalues: Doubles
    noise_floor: Doubles
    noise_margin: float
    explained: Doubles
    cumulative: Doubles
    indicator: Doubles
    number_by_indicator: int
    number_by_noise: int
    retained: int
    residual_mean: Doubles
    residual_rms: Doubles


@dataclass(frozen=True, eq=False)
class TargetCandidate(Finding):
    """How well the components make a candidate.

    Parameters
    ----------
    name
        Of the reference spectrum.
    spoil, grade
        Malinowski's SPOIL, and his word for it.
    r_factor
        sum((fit - norm)^2)/sum(norm^2).
    reduced_chi_square
        Of the fit, in units of a typical pixel's noise.
    rms
        Root mean square of fit - norm, in edge steps.
    """

    name: str
    spoil: float
    grade: str
    r_factor: float
    reduced_chi_square: float
    rms: float


@dataclass(frozen=True, eq=False)
class TargetSpectrum(Finding):
    """A candidate and what the components make of it.

    Parameters
    ----------
    norm, fit
        `(energy,)`, in edge steps.
    """

    norm: Doubles
    fit: Doubles


@dataclass(frozen=True, eq=False)
class TargetFindings(Finding):
    """What `judge.target` finds: which candidates can be in the sample.

    Parameters
    ----------
    components
        Number of components used.
    spectra
        As how many spectra the scan counts.
    energy
        `(energy,)`, eV.
    candidates
        The least SPOIL first.
    spectra_shown
        Of the first candidates, by name.
    left_out
        Names of the candidates that do not cover these energies, or cannot be normalized there.
    """

    components: int
    spectra: float
    energy: Doubles
    candidates: tuple[TargetCandidate, ...]
    spectra_shown: Mapping[str, TargetSpectrum]
    left_out: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class MissingCandidate(Finding):
    """What a candidate would explain beside the references used.

    Parameters
    ----------
    reference
        Its name.
    gain
        By how much chi-square falls.
    bic_change
        Change of the Bayesian information criterion; below zero where the gain is more than the candidate costs.
    reduced_chi_square, r_factor
        Of the fit with the candidate.
    prediction_error
        Root mean square error at energies held out of the fit, in units of the noise.
    share
        Fraction that the candidate would take, 0 to 1.
    near_duplicates
        Names of other candidates that are nearly the same spectrum.
    near_duplicate_of
        Names of references used that are.
    """

    reference: str
    gain: float
    bic_change: float
    reduced_chi_square: float
    r_factor: float
    prediction_error: float
    share: float
    near_duplicates: tuple[str, ...]
    near_duplicate_of: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class MissingFindings(Finding):
    """What `judge.missing` finds: which candidate would explain what the references used do not.

    Parameters
    ----------
    source
        Which spectra were looked at.
    verdict
        A sentence.
    ranking
        The candidates, the largest gain first.
    reduced_chi_square, r_factor
        Of the fit by the references used.
    offset
        Energy by which all references were moved together, eV.
    inflation
        Factor on the variance of the photons' noise that no candidate explains, 1 or more.
    bins, pixels
        How many mean spectra, of how many pixels.
    energy
        `(energy,)`, eV.
    mean_spectrum, mean_fit, mean_residual, mean_noise
        `(energy,)`, in edge steps: the mean over the bins, its fit by the references used, their difference, and its noise.
    left_out
        Names of the candidates that do not cover these energies, or cannot be normalized there.
    span
        First and last energy that was asked for, eV.
    """

    source: Source
    verdict: str
    ranking: tuple[MissingCandidate, ...]
    reduced_chi_square: float
    r_factor: float
    offset: float
    inflation: float
    bins: int
    pixels: int
    energy: Doubles
    mean_spectrum: Doubles
    mean_fit: Doubles
    mean_residual: Doubles
    mean_noise: Doubles
    left_out: tuple[str, ...]
    span: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Detection(Finding):
    """How much of something foreign `judge.unknown` finds in the scan at hand.

    Parameters
    ----------
    name, kind
        Of a reference that the others must do without, of a candidate, or a peak of no particular phase.
    shares
        `(share,)`: shares of the phase, 0 to 1; heights of the peak in edge steps.
    found
        `(share,)`: part of the pixels that is flagged at this share and at all larger ones, 0 to 1.
    detected_share
        The share from which on 95 % of the pixels are flagged; NaN where that is never so.
    """

    name: str
    kind: Foreign
    shares: Doubles
    found: Doubles
    detected_share: float


@dataclass(frozen=True, eq=False)
class UnknownFindings(Finding):
    """What `judge.unknown` finds: how far its rate of false alarms holds, and what it would find.

    Parameters
    ----------
    method, false_alarm
        As they were set.
    limits
        `(4 (reference + 1),)`: the misfit above which a pixel is flagged. By the number of references that take part in its
        fit, from none on; for each, of pixels with all energies, without the first, without the last, and without both. One
        value for the other methods.
    check_patterns
        Number of known mixtures that the limits come from.
    shared
        What pixels of each reference share beside it, root mean square over their noise. Up to 0.5 the limits allow for it.
        Empty for the other methods, and where the fit knows no noise.
    typical_misfit
        Lower quartile of the reduced chi-square of pixels over that of known mixtures, by leading reference and by the ends
        that are missing; near 1 where noise explains both. Empty for the other methods.
    spoiled_by
        What keeps the rate from being the one that was asked for, in sentences.
    detection
        How much of something foreign is found. Empty for the other methods.
    """

    method: str
    false_alarm: float
    limits: Doubles
    check_patterns: int
    shared: Mapping[str, float]
    typical_misfit: Mapping[str, float]
    spoiled_by: tuple[str, ...]
    detection: tuple[Detection, ...]
