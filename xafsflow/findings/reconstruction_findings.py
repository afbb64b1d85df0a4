"""What `train.reconstruction` and `classify.parameters` find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xafsflow.findings.record import Doubles, Finding, Integers


@dataclass(frozen=True, eq=False)
class ReconstructionScore(Finding):
    """How well spectra are known of structures that were not trained on.

    Parameters
    ----------
    r_squared
        1 - sum (found - truth)^2 / sum (truth - mean of the other folds)^2, over all samples and energies.
    rmse
        Root of the mean square error.
    worst_fold
        The least R2 of a fold.
    """

    r_squared: float
    rmse: float
    worst_fold: float


@dataclass(frozen=True, eq=False)
class ReconstructionFindings(Finding):
    """What `train.reconstruction` finds.

    Parameters
    ----------
    parameters, units
        `(parameter,)`: what spectra are made of.
    samples, groups, without_value
        Spectra and materials that were learnt from; spectra that were left out, since a parameter is missing.
    folds
        Of the cross-validation, whole materials at a time.
    row
        The one that was chosen by it, or named.
    scores
        By row; `mean` is the mean spectrum of the other folds.
    verdict
        Whether the row is better than ridge and extra trees.
    energy
        `(energy,)`, eV.
    r_squared_by_energy, rmse_by_energy
        `(energy,)`: of the row; R2 is NaN where all spectra are alike.
    mean
        `(energy,)`: mean spectrum.
    level, half_width
        The share of spectra that the interval holds at each energy, and half of its width `(energy,)`.
    coverage
        The share that it holds, when its width comes from other folds than the spectra.
    examples
        By name (best, median, worst): spectrum and answer `(2, energy)` of a sample that was not trained on.
    effect
        `(parameter, energy)`: how much each parameter changes the absorption: mean absolute Shapley value.
    slope
        `(parameter, energy)`: correlation of a parameter with its Shapley value; above 0 it raises the absorption.
    explained
        Number of samples that these are the mean of.
    exact
        Whether the Shapley values are exact, or from drawn orders of the parameters.
    """

    parameters: tuple[str, ...]
    units: tuple[str, ...]
    samples: int
    groups: int
    without_value: int
    folds: int
    row: str
    scores: Mapping[str, ReconstructionScore]
    verdict: str
    energy: Doubles
    r_squared_by_energy: Doubles
    rmse_by_energy: Doubles
    mean: Doubles
    level: float
    half_width: Doubles
    coverage: float
    examples: Mapping[str, Doubles]
    effect: Doubles
    slope: Doubles
    explained: int
    exact: bool


@dataclass(frozen=True, eq=False)
class FittedStructure(Finding):
    """Parameters that were fitted to one spectrum.

    Parameters
    ----------
    values, errors, low, high
        By parameter: best fit, standard error, and the ends of the 68 % interval from the profile.
    not_determined
        Parameters whose interval is not narrow against the spread of the library.
    reduced_chi_square
        Against the errors of the model and the noise.
    minima
        Different parameters that fit equally well.
    doubts
        Why the answer should not be believed; empty where nothing speaks against it.
    spectrum, fit
        `(energy,)`: as measured, prepared like the library, and of the best fit.
    """

    values: Mapping[str, float]
    errors: Mapping[str, float]
    low: Mapping[str, float]
    high: Mapping[str, float]
    not_determined: tuple[str, ...]
    reduced_chi_square: float
    minima: int
    doubts: tuple[str, ...]
    spectrum: Doubles
    fit: Doubles


@dataclass(frozen=True, eq=False)
class ParameterFindings(Finding):
    """What `classify.parameters` finds.

    Parameters
    ----------
    parameters, units
        `(parameter,)`.
    row
        Of the model.
    energy
        `(energy,)`, eV.
    noise
        Standard deviation at each energy that was assumed.
    structures
        One for each spectrum, by its place in the library.
    known
        By parameter, where the library that was fitted knows it: how many intervals hold the true value, of how many.
    """

    parameters: tuple[str, ...]
    units: tuple[str, ...]
    row: str
    energy: Doubles
    noise: float
    structures: Mapping[int, FittedStructure]
    known: Mapping[str, Integers]
