"""What held-out groups of a library tell of a model: its scores by noise, sets and intervals that hold, and its limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.findings.train_findings import IntervalScores, LibraryScores
from xafsflow.kernels.array_types import Doubles, Mask
from xafsflow.learning.models import score_intervals as scores
from xafsflow.learning.models.model import Model
from xafsflow.learning.models.regressors import property_scores
from xafsflow.learning.samples.augmentation import with_noise
from xafsflow.learning.samples.group_split import held_out
from xafsflow.learning.samples.sample_table import response_of
from xafsflow.learning.trust import prediction_sets as sets
from xafsflow.learning.trust.training_hull import hull_distances, hull_limits, learn_hull
from xafsflow.learning.trust.trust_record import Trust

# Shares of the spectra for which a model abstains, from where it is least sure.
ABSTAINED = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True, eq=False)
class Checks:
    """Spectra of groups that were not trained on, at each level of noise, with the model's answers.

    `levels` (level,), `answers` (level, check, output), `truth` (check,) or (check, property), `group` (check,) and
    `first` (check,), one half of the groups.
    """

    levels: Doubles
    answers: Doubles
    truth: NDArray[Any]
    group: NDArray[Any]
    first: Mask

    @property
    def halves(self) -> tuple[tuple[Mask, Mask], ...]:
        """The two ways to calibrate on one half and try on the other."""
        return (self.first, ~self.first), (~self.first, self.first)

    @property
    def trained_at(self) -> int:
        """The level that is the largest of the training."""
        return list(sets.FACTORS).index(1.0) if len(self.levels) > 1 else 0


def checked(model: Model, samples: xr.Dataset, training: NDArray[Any], seed: int) -> tuple[Checks, Trust]:
    """The checks of samples as `train.spectra` makes them, and the model's trust with the limits of its training.

    Parameters
    ----------
    training
        `(sample, feature)`: what was trained on.
    """
    levels = sets.noise_levels(samples.noise.values)
    clean, group = samples.check_clean.values, samples.check_group.values
    mean, axes = learn_hull(training)
    answers, limits = [], []
    for number, level in enumerate(levels):
        noisy = with_noise(
            clean, float(level), np.random.default_rng([seed, 11, number]), response_of(samples)
        ).T
        answers.append(model.predict(noisy))
        limits.append(hull_limits(hull_distances(noisy, mean, axes)))
    truth = samples.check_target if "check_target" in samples else samples.check_label
    found = Checks(levels, np.array(answers), truth.values, group, held_out(group, 0.5, [seed, 12]))
    known = replace(
        model.trust, noise_levels=levels, hull_mean=mean, hull_axes=axes, hull_limits=np.array(limits).T
    )
    return found, known


def with_sets(checks: Checks, known: Trust) -> Trust:
    """The trust with thresholds of sets by class, calibrated on all checks."""
    table = [sets.class_thresholds(votes, checks.truth) for votes in checks.answers]
    return replace(known, set_thresholds=np.array(table))


def with_intervals(checks: Checks, known: Trust) -> Trust:
    """The trust with the widths of intervals of properties, calibrated on all checks."""
    table = [sets.half_widths(found, checks.truth) for found in checks.answers]
    return replace(known, set_thresholds=np.array(table))


def library_scores(
    checks: Checks, votes: Doubles, labels: NDArray[Any], group: NDArray[Any], stable: Mask, seed: int
) -> LibraryScores:
    """Scores of held-out votes `(sample, class)`, and of the checks by noise; sets are tried where they were not calibrated.

    Parameters
    ----------
    labels, group, stable
        `(sample,)`, of the held-out samples.
    """
    predicted, classes = votes.argmax(axis=1), votes.shape[1]
    right = predicted == labels

    def both(places: NDArray[np.int64]) -> list[float]:
        return [float(right[places].mean()), scores.macro_f1(predicted[places], labels[places])]

    ends = scores.interval(both, group, seed)
    answered = [one.argmax(axis=1) for one in checks.answers]
    at, truth = checks.trained_at, checks.truth
    sure = np.argsort(-checks.answers[at].max(axis=1), kind="stable")
    kept = [sure[: max(1, round((1 - share) * len(sure)))] for share in ABSTAINED]
    inside = np.zeros((len(checks.levels), len(truth), classes), bool)
    for number, found in enumerate(checks.answers):
        for known, tried in checks.halves:
            limits = sets.class_thresholds(found[known], truth[known])
            inside[number, tried] = sets.sets_of(found[tried], limits)
    covered = inside[at, np.arange(len(truth)), truth]
    seen = [truth == one for one in range(classes)]
    return LibraryScores(
        macro_f1=scores.macro_f1(predicted, labels),
        accuracy_interval=ends[:, 0],
        macro_f1_interval=ends[:, 1],
        stable_share=float(stable.mean()),
        stable_accuracy=float(right[stable].mean()) if stable.any() else float("nan"),
        stable_macro_f1=scores.macro_f1(predicted[stable], labels[stable]),
        noise_levels=checks.levels,
        accuracy_at_noise=np.array([float((one == truth).mean()) for one in answered]),
        macro_f1_at_noise=np.array([scores.macro_f1(one, truth) for one in answered]),
        abstained=np.array(ABSTAINED),
        accuracy_of_others=np.array([float((answered[at][one] == truth[one]).mean()) for one in kept]),
        coverage=sets.COVERAGE,
        class_coverage=np.array([float(covered[one].mean()) if one.any() else np.nan for one in seen]),
        set_size_at_noise=inside.sum(axis=2).mean(axis=1),
    )


def interval_scores(
    checks: Checks, found: Doubles, truth: Doubles, group: NDArray[Any], seed: int
) -> IntervalScores:
    """Intervals of R2 of held-out answers `(sample, property)`, R2 of the checks by noise, and how often intervals hold."""
    ends = scores.interval(lambda places: property_scores(found[places], truth[places])[0], group, seed)
    at = checks.trained_at
    answers, known_truth = checks.answers, checks.truth
    held = np.zeros(known_truth.shape, bool)
    widths = []
    for known, tried in checks.halves:
        half = sets.half_widths(answers[at][known], known_truth[known])
        held[tried] = np.abs(answers[at][tried] - known_truth[tried]) <= half
        widths.append(2 * half)
    return IntervalScores(
        r_squared_interval=ends,
        noise_levels=checks.levels,
        r_squared_at_noise=np.array([property_scores(one, known_truth)[0] for one in answers]),
        coverage=sets.COVERAGE,
        observed_coverage=held.mean(axis=0),
        width=np.mean(widths, axis=0),
    )
