"""Which energies the next scan needs."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError
from xafsflow.findings.record import Doubles
from xafsflow.findings.train_findings import EnergyChoice, SelectFindings
from xafsflow.learning.models.classifiers import Drawn, fit
from xafsflow.learning.samples import energy_selection as learn
from xafsflow.sampling.noisy_patterns import finite
from xafsflow.step_table import step


@step(makes="findings", example={"trees": 5}, section="energy_importance")
def select(
    samples: xr.Dataset,
    /,
    *,
    learner: Literal["linear_regression", "extra_trees"] = "linear_regression",
    loss: Annotated[float, Field(ge=0)] = 0.25,
    fewest: Annotated[int, Field(ge=2)] = 4,
    trees: Annotated[int, Field(ge=1)] = 30,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> SelectFindings:
    """Which energies matter, and how few would give the same map, at what loss.

    Energies are left out round by round, those first whose shuffled values harm the fractions least; each round learns
    anew. What the others cost is measured on check patterns that did not choose. Only features are chosen among: a scan
    still needs the energies before and after the edge by which it is normalized, and noise as low as this one.

    Parameters
    ----------
    learner
        What is trained in each round: the linear regression of the compositions, whose error is that of the noise, or
        a forest, whose votes between the classes add their own.
    loss
        By what part the error of the fractions may grow for the suggestion.
    fewest
        Energies at which elimination ends.
    trees
        Number of trees of the forest that gives the impurity importances, and of `extra_trees`.
    seed
        Of all that is drawn.

    Raises
    ------
    InputError
        Fewer features than `fewest`.
    """
    samples = finite(samples, "sample", "check")
    energy = samples.energy.values
    if len(energy) < fewest:
        raise InputError(
            f"{len(energy)} features", f"{fewest} or more", "lower fewest, or widen span of train.mixtures"
        )
    features, labels = samples.features.values, samples.label.values
    checks = (samples.check_features.values, samples.check_composition.values)
    task = learn.task_of(features, labels, samples.composition.values, checks, seed)
    _, impurity = fit("extra_trees", task.features, task.labels, Drawn(trees, seed))
    rounds = learn.eliminate(task, learner, trees, fewest, seed)
    best = rounds[learn.fewest_within(rounds, loss)]
    return SelectFindings(
        learner=learner,
        energies=energy,
        permutation=rounds[0].importances,
        impurity=np.asarray(impurity),
        curve=tuple(_choice(one, energy) for one in rounds),
        suggested=_choice(best, energy),
        verdict=_verdict(rounds[0], best),
    )


def _choice(one: learn.Round, energy: Doubles) -> EnergyChoice:
    return EnergyChoice(
        energies=len(one.used),
        fraction_error=one.fraction_error,
        error=one.error,
        dominant_accuracy=one.dominant_accuracy,
        chosen=energy[one.used],
    )


def _verdict(whole: learn.Round, best: learn.Round) -> str:
    if len(best.used) == len(whole.used):
        return f"none of the {len(whole.used)} energies can be left out at that loss"
    return (
        f"{len(best.used)} of {len(whole.used)} energies would do: fractions wrong by {best.fraction_error:.3f} in place of "
        f"{whole.fraction_error:.3f}, leading reference right in {best.dominant_accuracy:.1%} in place of "
        f"{whole.dominant_accuracy:.1%}"
    )
