"""Training spectra to a model."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Annotated, Any, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.contract import step
from xafsflow.errors import InputError
from xafsflow.learn import classifiers
from xafsflow.learn.model import Model


@step(makes=("model", "findings"), example={"trees": 10})
def fit(
    samples: xr.Dataset,
    /,
    *,
    classifier: Literal["random_forest", "extra_trees", "linear_discriminant", "k_nearest"] = "random_forest",
    trees: Annotated[int, Field(ge=1)] = 100,
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.2,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> tuple[Model, dict[str, Any]]:
    """Train a classifier on a part of the samples, and score it on the others.

    Parameters
    ----------
    classifier
        A row of the table in `xafsflow.learn.classifiers`.
    trees
        Number of trees of a forest; without meaning for the others.
    held_out
        Share of the patterns that are kept for the score.
    seed
        Of the split and of the classifier.

    Returns
    -------
    model, findings
        The model, and its held-out accuracy, fraction error, confusion and importances.
    """
    table, labels = samples.features.values, samples.label.values
    order = np.random.default_rng(seed).permutation(len(labels))
    n_held = max(1, round(held_out * len(labels)))
    held, known = order[:n_held], np.sort(order[n_held:])
    if len(np.unique(labels[known])) < 2:
        raise InputError("one class", "two or more", "give more references or a smaller step")
    estimator, importances = classifiers.fit(classifier, table[known], labels[known], trees, seed)
    model = Model(
        classifier=classifier,
        estimator=estimator,
        features=samples.attrs["features"],
        energy=samples.energy.values,
        references=[str(name) for name in samples.reference.values],
        compositions=samples.composition.values,
        class_features=samples.class_features.values,
        reference_energy=samples.reference_energy.values,
        reference_norm=samples.reference_norm.values,
        importances=importances,
        seed=seed,
        versions={"python": platform.python_version()}
        | {n: version(n) for n in ("xafsflow", "scikit-learn", "numpy")},
    )
    score = classifiers.held_out_score(model.votes(table[held].T), labels[held], model.compositions)
    findings = {
        "classifier": classifier,
        "classes": len(model.compositions),
        "training_patterns": len(known),
        "held_out_patterns": len(held),
        "noise": samples.attrs["median_noise"],
        **score,
        "importances": None if importances is None else importances.tolist(),
    }
    return model, findings
