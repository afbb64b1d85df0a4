"""Training spectra to a model."""

from __future__ import annotations

import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError
from xafsflow.findings.train_findings import FitFindings, Reliability, Score
from xafsflow.kernels.array_types import Doubles, Mask, Singles
from xafsflow.kernels.spectra.noise_propagation import typical
from xafsflow.learning.models import classifiers
from xafsflow.learning.models.feature_map import FeatureRows
from xafsflow.learning.models.model import Model
from xafsflow.learning.models.model_cache import digest_of, find, keep
from xafsflow.learning.models.predictors import Predictor
from xafsflow.learning.models.targets import Targets
from xafsflow.learning.samples import group_split as split
from xafsflow.learning.samples.sample_table import class_targets, feature_map_of, signature_of
from xafsflow.learning.trust import confidence as trust
from xafsflow.learning.trust import library_calibration as calibration
from xafsflow.learning.trust.class_misfit import basis_of, class_misfit, misfit_limits
from xafsflow.learning.trust.control_classifiers import Patterns, compare, control_votes
from xafsflow.learning.trust.fraction_scatter import learn_scatter
from xafsflow.learning.trust.noise_distance import learn_distances
from xafsflow.learning.trust.trust_record import Trust
from xafsflow.sampling.noisy_patterns import finite
from xafsflow.step_table import step
from xafsflow.steps.train.search import Asked, Train, asked, chosen

if TYPE_CHECKING:
    Classifier: TypeAlias = str
else:  # the names in the table, so that recipes and help know them
    Classifier: TypeAlias = Literal[tuple(classifiers.CLASSIFIERS)]
Learn: TypeAlias = Callable[[str, Any, Any, classifiers.Drawn], tuple[Predictor, Doubles | None]]


@step(makes=("model", "findings"), example={"trees": 10}, section="model_accuracy")
def fit(
    samples: xr.Dataset,
    /,
    *,
    classifier: Classifier = "random_forest",
    trees: Annotated[int, Field(ge=1)] = 100,
    members: list[Classifier] = list(classifiers.MEMBERS),  # noqa: B006
    settings: dict[str, float] = {},  # noqa: B006
    search: dict[str, Annotated[list[float], Field(min_length=1)]] = {},  # noqa: B006
    tries: Annotated[int, Field(ge=1)] | None = None,
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.2,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> tuple[Model, FitFindings]:
    """Train a classifier on a part of the samples, and score it on the others.

    Samples of one `group` (sample,), such as spectra of one material, are all trained on or all held out.

    On one half of the check patterns it is learnt how often the leading reference is right, as a function of the margin
    between the two largest fractions; on the other half that is checked. On all of them it is learnt how far noise takes a
    spectrum from all mixtures of the classes: `classify.model` has no confidence beyond that; and, where the noise of the
    pixels is known, how far apart the fractions of two measurements of one pixel are, for `fraction_error`. Linear
    discriminant analysis and the nearest class spectrum are scored beside it, always.

    Of samples of a library (`train.spectra`) it is learnt on the check patterns, for several levels of noise, which classes
    belong to a set that holds the true class for 90 % of the spectra of each class, and what spectra of the training are
    like: `classify.model` then gives `set_size`, `in_set` and `outside`.

    A model is cached by the digest of its samples, settings and versions, and not trained a second time: in the folder of
    the environment's `XAFSFLOW_CACHE`, else in the user's cache folder; an empty `XAFSFLOW_CACHE` caches nothing.

    Parameters
    ----------
    classifier
        A row of the table in `xafsflow.learning.models.classifiers`. `random_forest` grows on features binned to 255
        levels, as right as scikit-learn's, which is `sklearn_random_forest`, and some ten times as fast.
        `residual_network` (extra `nets`) reads the features as one sequence, in which neighbors belong together: leave
        `features` of `train.spectra` at `[spectrum]`.
    trees
        Number of trees of a forest, or rounds of boosting; without meaning for the others.
    members
        Of `mean_of_several`: the classifiers whose votes are averaged.
    settings
        Of the classifier, by name, such as `{penalty: 3.0}`; their meanings stand in
        `xafsflow.learning.models.learner_settings`. `sklearn_random_forest`, `extra_trees`: max_features, min_samples_leaf.
        `lightgbm`: rate, share, leaves, min_samples_leaf. `xgboost`: rate, share, depth. `logistic_regression`,
        `support_vectors`: penalty. `kernel_ridge`: ridge. `mlp`: hidden, decay, epochs. `residual_network`: epochs, rate,
        decay, dropout. `k_nearest`: neighbors. The others have none.
    search
        Values of settings to try, by name, such as `{penalty: [1, 10, 100]}`, also `trees`. Each combination is trained on
        parts of the training and judged by macro F1 on the others, whole groups always; the best one is trained. Held-out
        samples take no part. The combinations are spread over the cluster, or the threads of this process.
    tries
        So many of the combinations, drawn; by default all of them.
    held_out
        Share of the patterns, or of their groups, that is kept for the score.
    seed
        Of the split and of the classifier.

    Raises
    ------
    InputError
        There is no such classifier, it does not know a setting, the samples hold one class or properties, or do not say what
        their features are.
    """
    from threadpoolctl import threadpool_limits

    wanted = asked(classifiers.CLASSIFIERS, classifier, settings, search, tries)
    made_of = classifier, trees, members, wanted.key, held_out, seed, versions()
    key = digest_of(samples.attrs.get("digest"), *made_of, [one.name for one in fields(Trust)])
    cached = find(key) if "digest" in samples.attrs else None
    if cached is not None:
        return cached[0], replace(cached[1], cached_model=key)
    targets = class_targets(samples)
    samples = finite(samples, "sample", "check")
    group = split.groups_of(samples)
    held = split.held_out(group, held_out, seed)
    if len(np.unique(samples.label.values[~held])) < 2:
        raise InputError("one class", "two or more", "give more references or a smaller step")
    drawn = classifiers.Drawn(trees, seed, members, group[~held])
    # Sums in another order, by another number of threads, would make another file of the same model.
    with threadpool_limits(1, "blas"):
        model, findings = _trained(samples, targets, held, classifier, wanted, drawn)
    if "digest" in samples.attrs:
        keep(key, model, findings)
    return model, findings


def _trained(
    samples: xr.Dataset,
    targets: Targets,
    held: Mask,
    classifier: str,
    wanted: Asked,
    drawn: classifiers.Drawn,
) -> tuple[Model, FitFindings]:
    """A model of samples, scored on those that were `held` back."""
    table, labels, seed = samples.features.values, samples.label.values, drawn.seed
    training, truth = table[~held], labels[~held]
    train = trainer(samples, targets, classifier, classifiers.fit)
    drawn, found = chosen(wanted, train, training, truth, drawn)
    model = learnt(samples, targets, classifier, training, truth, drawn, classifiers.fit)
    model, reliability, calibration_error = _with_what_noise_does(model, samples, seed)
    votes = model.predict(table[held].T)
    score, confusion = classifiers.held_out_score(votes, labels[held], targets.shares)
    library = None
    if "check_clean" in samples:
        checks, trust_known = calibration.checked(model, samples, training, seed)
        model = replace(model, trust=calibration.with_sets(checks, trust_known))
        group, stable = samples.group.values[held], samples.stable.values[held]
        library = calibration.library_scores(checks, votes, labels[held], group, stable, seed)
    controls, better = _beside_controls(model, samples, training, truth, held)
    findings = FitFindings(
        classifier=classifier,
        classes=len(targets.shares),
        training_patterns=len(training),
        held_out_patterns=int(held.sum()),
        check_patterns=samples.sizes["check"],
        noise=samples.attrs["median_noise"],
        accuracy=score.accuracy,
        fraction_error=score.fraction_error,
        dominant_accuracy=score.dominant_accuracy,
        confusion=confusion,
        reliability=reliability,
        calibration_error=calibration_error,
        controls=controls,
        better=better,
        importances=model.importances,
        library=library,
        search=found,
    )
    return model, findings


def trainer(samples: xr.Dataset, targets: Targets, name: str, learn: Learn) -> Train:
    """What makes a model of a part of the samples; it holds what is said of them, not the spectra."""
    of_each = [name for name, one in samples.data_vars.items() if {"sample", "check"} & set(one.dims)]
    return partial(learnt, samples.drop_vars(of_each), targets, name, learn=learn)


def learnt(
    samples: xr.Dataset,
    targets: Targets,
    name: str,
    training: Singles,
    truth: np.ndarray,
    drawn: classifiers.Drawn,
    learn: Learn,
) -> Model:
    """A model without trust, from spectra `(sample, feature)` and truth `(sample,)` or `(sample, property)`."""
    features = feature_map_of(samples, training)
    read = training if features is None else FeatureRows(training, features)
    predictor, importances = learn(name, read, truth, drawn)
    if features is not None and importances is not None:
        importances = features.onto_axis(importances)
    return Model(
        learner=name,
        signature=signature_of(samples),
        targets=targets,
        predictor=predictor,
        trust=Trust(),
        importances=importances,
        seed=drawn.seed,
        versions=versions(),
        features=features,
    )


def versions() -> dict[str, str]:
    """Of what decides how a model comes out, by name."""
    found = {"python": platform.python_version()}
    for name in ("xafsflow", "scikit-learn", "numpy", "lightgbm", "xgboost-cpu", "torch"):
        with suppress(PackageNotFoundError):  # the last three are optional
            found[name] = version(name)
    return found


def _with_what_noise_does(model: Model, samples: xr.Dataset, seed: int) -> tuple[Model, Reliability, float]:
    """The model with its confidence, checked, the distances that noise gives where it is known, and limits of misfit."""
    votes = model.predict(samples.check_features.values.T)
    fractions = votes @ model.targets.shares
    margin = trust.margins(fractions)
    right = trust.leader_right(fractions, samples.check_composition.values)
    order = np.random.default_rng([seed, 1]).permutation(len(margin))
    learn, check = order[: len(order) // 2], order[len(order) // 2 :]
    knots, values = trust.learn_confidence(margin[learn], right[learn])
    reliability, error = trust.reliability(trust.confidence_at(margin[check], knots, values), right[check])
    scale = power = None
    # Spectra of a class of a library differ by more than noise.
    if np.isfinite(samples.noise.values).any() and "check_clean" not in samples:
        arrays = (samples[name].values for name in ("features", "label", "class_features", "noise"))
        scale, power = learn_distances(*arrays)
    basis = basis_of(model.targets.centers, len(model.targets.names))
    misfit = class_misfit(samples.check_features.values.T, basis)
    noise, scatter = np.full(len(margin), np.nan), None
    if "check_noise" in samples:
        noise = typical(np.ascontiguousarray(samples.check_noise.values.T[:, None]))[0]
    # Pixels of regions were measured once.
    if "again_features" in samples:
        scatter = _scatter(model, samples.again_features.values, votes, noise)
    known = Trust(np.stack([knots, values]), scale, power, basis, misfit_limits(misfit, noise), scatter)
    return replace(model, trust=known), reliability, error


def _scatter(model: Model, again: Singles, votes: Doubles, noise: Singles) -> Doubles | None:
    """How the fractions of patterns with these votes scatter, from features `(check, feature)` of their repeats."""
    known = np.isfinite(again).all(axis=1) & (noise > 0)
    if not known.any():
        return None
    shares = model.targets.shares
    second = model.predict(again[known].T) @ shares
    return learn_scatter(votes[known], noise[known].astype(np.float64), shares, second)


def _beside_controls(
    model: Model, samples: xr.Dataset, training: Singles, truth: np.ndarray, held: Mask
) -> tuple[dict[str, Score], str | None]:
    table, labels = samples.features.values, samples.label.values
    ways = {model.learner: lambda rows: model.predict(rows.T)}
    ways |= control_votes(training, truth, model.targets.centers, model.learner)
    checks, shares = samples.check_features.values, samples.check_composition.values
    return compare(
        model.learner, ways, Patterns(table[held], labels[held], checks, shares, model.targets.shares)
    )
