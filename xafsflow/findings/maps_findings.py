"""What the stored maps of a run say in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xafsflow.findings.record import Finding


@dataclass(frozen=True, eq=False)
class DistanceQuantiles(Finding):
    """How a distance between spectra and those of their class is distributed over the pixels; NaN where no pixel has one.

    Parameters
    ----------
    low, median, high
        The 5 %, 50 % and 95 % quantiles, in the units of the metric.
    """

    low: float
    median: float
    high: float


@dataclass(frozen=True, eq=False)
class StepRatio(Finding):
    """How a reference's edge step over its own whole range compares with the one that the scan's normalization finds.

    Parameters
    ----------
    ratio, error
        The first over the second, by which coefficients of the fit were multiplied to be shares of the true step, and its
        scatter over windows of the post-edge; NaN where the reference is too short to tell. An error of `e` makes shares of
        `f` uncertain by about `f (1 - f) e`, in all pixels alike.
    """

    ratio: float
    error: float


@dataclass(frozen=True, eq=False)
class ShareErrors(Finding):
    """How uncertain the shares of a reference are: root mean squares of the stated errors over the pixels.

    Parameters
    ----------
    fit_noise
        Of `lcf_error`, by which shares of the fit would scatter if the sample were measured again.
    fit_systematic
        Of `lcf_systematic_error`, which all measurements share: edge step and resolution of the references.
    classifier_noise
        Of `fraction_error`, by which fractions of the classifier would scatter.

    None where that was not told.
    """

    fit_noise: float | None = None
    fit_systematic: float | None = None
    classifier_noise: float | None = None


@dataclass(frozen=True, eq=False)
class MapFindings(Finding):
    """What the maps say in numbers.

    Parameters
    ----------
    pixels
        Number of pixels of the maps.
    answered
        Number of pixels with an answer: a class; without classes fractions; without these an edge step.
    flagged
        Number of pixels with each flag, by the flag's name in small letters; flags that no pixel has are left out.
    without_answer_or_flag
        Number of pixels that have neither.
    mean_fraction
        Mean fraction of each reference over the pixels with an answer, by name; None without fractions.
    dominant_pixels
        Number of pixels in which each reference has the largest fraction, by name; None without fractions.
    unknown_share
        Share of the pixels with an `unknown_score` whose score is above one; None without scores.
    median_reduced_chi_square
        Median over the pixels of the combination fit's reduced chi-square, 1 where noise alone is left; None without a fit.
    mean_confidence
        Mean over the pixels of the probability that the leading reference is right; None without it.
    mean_disagreement
        Mean over the pixels of the difference between votes and combination fit, as a fraction; None without it.
    distance_over_expected
        Median ratio of the distance to what noise alone gives, by metric; empty where that is not known.
    distance
        Quantiles of the distances, by metric.
    misfit_share
        Share of the pixels whose reduced chi-square is above 3; None without a fit.
    fit_knows_noise
        Whether that fit was weighted by the noise, so that its reduced chi-square is one where noise alone is left; None
        without a fit.
    unknown_expected
        Share of the pixels with known mixtures that have an `unknown_score` above one all the same, as it was asked for.
    confident_share
        Share of the pixels with a class whose spectrum is a mixture of the classes, so that they have a confidence; None
        without it.
    unlike_types_share, mixed_types_share
        Share of the pixels with a structure type whose pattern is of none of the known types, and of two; None without.
    noise_ratio
        Measured scatter over stated noise; None where it is not known.
    step_ratios
        Of each reference, by name; empty without a fit.
    share_errors
        Of each reference, by name; empty where no error is told.

    Examples
    --------
    >>> from xafsflow.findings.record import from_json, to_json
    >>> found = MapFindings(6, 4, {"dead": 2}, 0, {"Fe": 1.0}, {"Fe": 4}, None, 1.02, None, None, {}, {})
    >>> from_json(MapFindings, to_json(found)) == found
    True
    """

    pixels: int
    answered: int
    flagged: Mapping[str, int]
    without_answer_or_flag: int
    mean_fraction: Mapping[str, float] | None
    dominant_pixels: Mapping[str, int] | None
    unknown_share: float | None
    median_reduced_chi_square: float | None
    mean_confidence: float | None
    mean_disagreement: float | None
    distance_over_expected: Mapping[str, float]
    distance: Mapping[str, DistanceQuantiles]
    misfit_share: float | None = None
    fit_knows_noise: bool | None = None
    unknown_expected: float | None = None
    confident_share: float | None = None
    unlike_types_share: float | None = None
    mixed_types_share: float | None = None
    noise_ratio: float | None = None
    step_ratios: Mapping[str, StepRatio] = field(default_factory=dict)
    share_errors: Mapping[str, ShareErrors] = field(default_factory=dict)

    @classmethod
    def nothing(cls) -> MapFindings:
        """Of no pixel."""
        return cls(0, 0, {}, 0, None, None, None, None, None, None, {}, {})
