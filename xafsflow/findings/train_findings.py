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
class LibraryScores(Finding):
    """How right a classifier of library spectra is, on groups (materials) that it was not trained on.

    Parameters
    ----------
    macro_f1
        Mean over the classes of F1, on the held-out samples.
    accuracy_interval, macro_f1_interval
        `(2,)`: 95 % intervals by bootstrap over groups.
    stable_share, stable_accuracy, stable_macro_f1
        The share of held-out samples whose label a small change of its definition leaves, and the scores on these.
    noise_levels, accuracy_at_noise, macro_f1_at_noise
        `(level,)`: scores on check samples with this noise, in units of the edge step.
    abstained, accuracy_of_others
        `(share,)`: for how many of the check samples, those with the smallest votes, no answer is given, and how many of the
        other answers are right, at the largest noise of the training.
    coverage, class_coverage
        How often the truth is to be in the set of possible classes, and how often it was `(class,)`, on check samples that
        did not calibrate the sets, at the largest noise of the training; NaN for a class without any.
    set_size_at_noise
        `(level,)`: mean number of classes in the set.
    """

    macro_f1: float
    accuracy_interval: Doubles
    macro_f1_interval: Doubles
    stable_share: float
    stable_accuracy: float
    stable_macro_f1: float
    noise_levels: Doubles
    accuracy_at_noise: Doubles
    macro_f1_at_noise: Doubles
    abstained: Doubles
    accuracy_of_others: Doubles
    coverage: float
    class_coverage: Doubles
    set_size_at_noise: Doubles


@dataclass(frozen=True, eq=False)
class IntervalScores(Finding):
    """How well properties of library spectra are known, on groups (materials) that were not trained on.

    Parameters
    ----------
    r_squared_interval
        `(2, property)`: 95 % interval of R2 on the held-out samples, by bootstrap over groups.
    noise_levels, r_squared_at_noise
        `(level,)` and `(level, property)`: R2 on check samples with this noise, in units of the edge step.
    coverage, observed_coverage
        How often the truth is to be in the interval, and how often it was `(property,)`, on check samples that did not
        calibrate it, at the largest noise of the training.
    width
        `(property,)`, in the property's unit: of that interval, from end to end.
    """

    r_squared_interval: Doubles
    noise_levels: Doubles
    r_squared_at_noise: Doubles
    coverage: float
    observed_coverage: Doubles
    width: Doubles


@dataclass(frozen=True, eq=False)
class SearchFindings(Finding):
    """How learners with other settings did on parts of the training, of which the best one was trained.

    Parameters
    ----------
    settings
        `(setting,)`: names of what was tried.
    tried
        `(candidate, setting)`: their values.
    score
        What they were judged by: `macro_f1` of classes, or `r_squared`, the mean over the properties.
    mean, spread
        `(candidate,)`: mean and standard deviation of the score over the folds.
    folds
        Parts of the training, of whole groups, each of which was left out once.
    best
        The settings of the best candidate, by name.
    """

    settings: tuple[str, ...]
    tried: Doubles
    score: Literal["macro_f1", "r_squared"]
    mean: Doubles
    spread: Doubles
    folds: int
    best: Mapping[str, float]


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
    library
        Further scores of samples of a library; None for others.
    search
        What was tried where settings were searched; None where none were.
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
    library: LibraryScores | None = None
    search: SearchFindings | None = None
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
    mean_absolute_error
        `(property,)`, in the property's unit.
    spread
        `(property,)`, in the property's unit: standard deviation of their true values, to hold `rmse` against.
    importances
        `(feature,)`: impurity importances, sum 1; None for a regressor that has none.
    library
        Further scores of samples of a library; None for others.
    search
        What was tried where settings were searched; None where none were.
    truth_edges, truth_counts
        `(property, edge)` and `(property, bin)`: how many samples have each value; None where it was not counted.
    """

    regressor: str
    properties: tuple[str, ...]
    units: tuple[str, ...]
    training_samples: int
    held_out_samples: int
    r_squared: Doubles
    rmse: Doubles
    mean_absolute_error: Doubles
    spread: Doubles
    importances: Doubles | None
    library: IntervalScores | None = None
    search: SearchFindings | None = None
    truth_edges: Doubles | None = None
    truth_counts: Integers | None = None


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
