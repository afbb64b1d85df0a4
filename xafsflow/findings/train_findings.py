"""What the steps of `train` find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from xafsflow.findings.record import Doubles, Finding, Integers


@dataclass(frozen=True, eq=False)
class Reliability(Finding):
    """A reliability diagram: is the leading reference right as often as the confidence states?

    Parameters
    ----------
    stated, observed
        `(bin,)`: mean confidence of the patterns of a bin, and the share of them whose leading reference is right.
    count
        `(bin,)`: patterns in the bin; empty bins are left out.
    """

    stated: Doubles
    observed: Doubles
    count: Integers


@dataclass(frozen=True, eq=False)
class Score(Finding):
    """How right a classifier is.

    Parameters
    ----------
    accuracy
        Share of the held-out patterns whose class is right.
    fraction_error
        Mean absolute error of the fractions.
    dominant_accuracy
        Share of the patterns whose leading reference is right; None where no pattern has one.
    """

    accuracy: float
    fraction_error: float
    dominant_accuracy: float | None


@dataclass(frozen=True, eq=False)
class FitFindings(Finding):
    """What `train.fit` finds: how right the model is on patterns that it was not trained on.

    Parameters
    ----------
    classifier
        Its name in the table of classifiers.
    classes
        Number of classes.
    training_patterns, held_out_patterns, check_patterns
        Numbers of patterns: trained on; of the same classes, but not trained on; of any composition.
    noise
        Median standard deviation of the patterns' absorbance before any mean, over the edge step.
    accuracy, fraction_error, dominant_accuracy
        As in `Score`, on the held-out patterns.
    confusion
        `(true class, predicted class)`: numbers of held-out patterns.
    reliability, calibration_error
        Of the confidence, on check patterns; the error is the mean difference between stated and observed.
    controls
        Scores of the model and of simple classifiers beside it, by name: accuracy on the held-out patterns, the others on
        the check patterns.
    better
        A sentence where one of these simple classifiers is better; None where none is.
    importances
        `(feature,)`: impurity importances, sum 1; None for a classifier that has none.
    cached_model
        Digest under which the model was found in the cache; None where it was trained in this run.
    """

    classifier: str
    classes: int
    training_patterns: int
    held_out_patterns: int
    check_patterns: int
    noise: float
    accuracy: float
    fraction_error: float
    dominant_accuracy: float | None
    confusion: Integers
    reliability: Reliability
    calibration_error: float
    controls: Mapping[str, Score]
    better: str | None
    importances: Doubles | None
    cached_model: str | None = None


@dataclass(frozen=True, eq=False)
class RegressionFindings(Finding):
    """What `train.regression` finds: how well properties are known of samples that it was not trained on.

    Parameters
    ----------
    regressor
        Its name in the table of regressors.
    properties, units
        `(property,)`: names and units.
    training_samples, held_out_samples
        Numbers of samples: trained on; not trained on.
    r_squared
        `(property,)`: R2 = 1 - sum (found - truth)^2 / sum (truth - mean truth)^2 of the held-out samples; NaN where all
        are alike.
    rmse
        `(property,)`, in the property's unit: root of their mean square error.
    spread
        `(property,)`, in the property's unit: standard deviation of their true values, to hold `rmse` against.
    importances
        `(feature,)`: impurity importances, sum 1; None for a regressor that has none.
    """

    regressor: str
    properties: tuple[str, ...]
    units: tuple[str, ...]
    training_samples: int
    held_out_samples: int
    r_squared: Doubles
    rmse: Doubles
    spread: Doubles
    importances: Doubles | None


@dataclass(frozen=True, eq=False)
class EnergyChoice(Finding):
    """What a number of energies would cost.

    Parameters
    ----------
    energies
        How many.
    fraction_error, error
        Mean absolute error of the fractions on patterns that did not choose the energies, and its standard error.
    dominant_accuracy
        Share of these patterns whose leading reference is right.
    chosen
        `(energy,)`, eV.
    """

    energies: int
    fraction_error: float
    error: float
    dominant_accuracy: float
    chosen: Doubles


@dataclass(frozen=True, eq=False)
class SelectFindings(Finding):
    """What `train.select` finds: which energies matter, and how few would do.

    Parameters
    ----------
    learner
        What was trained in each round.
    energies
        `(feature,)`, eV: all of them.
    permutation
        `(feature,)`: growth of the mean error of the fractions when this feature's values are shuffled.
    impurity
        `(feature,)`: impurity importances of a forest, sum 1.
    curve
        From all energies down to the fewest.
    suggested
        The one of the curve with the fewest energies at the loss that was asked for.
    verdict
        A sentence on it.
    """

    learner: Literal["linear_regression", "extra_trees"]
    energies: Doubles
    permutation: Doubles
    impurity: Doubles
    curve: tuple[EnergyChoice, ...]
    suggested: EnergyChoice
    verdict: str
