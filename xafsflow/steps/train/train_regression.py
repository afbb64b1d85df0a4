"""Spectra with known properties to a model of these."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError
from xafsflow.findings.record import Integers
from xafsflow.findings.train_findings import RegressionFindings
from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.models import regressors
from xafsflow.learning.models.classifiers import Drawn
from xafsflow.learning.models.model import Model
from xafsflow.learning.models.score_intervals import mean_absolute_error
from xafsflow.learning.samples import group_split as split
from xafsflow.learning.samples.sample_table import property_targets
from xafsflow.learning.trust import library_calibration as calibration
from xafsflow.step_table import step
from xafsflow.steps.train.search import asked, chosen
from xafsflow.steps.train.train_model import learnt, trainer

BINS = 30  # of the histogram of each property

if TYPE_CHECKING:
    Regressor: TypeAlias = str
else:  # the names in the table, so that recipes and help know them
    Regressor: TypeAlias = Literal[tuple(regressors.REGRESSORS)]


@step(makes=("model", "findings"), section="model_accuracy")
def regression(
    samples: xr.Dataset,
    /,
    *,
    regressor: Regressor = "ridge",
    trees: Annotated[int, Field(ge=1)] = 100,
    members: list[Regressor] = list(regressors.MEMBERS),  # noqa: B006
    settings: dict[str, float] = {},  # noqa: B006
    search: dict[str, Annotated[list[float], Field(min_length=1)]] = {},  # noqa: B006
    tries: Annotated[int, Field(ge=1)] | None = None,
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.2,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> tuple[Model, RegressionFindings]:
    """Train a model of properties, such as a coordination number or a distance, and score it on samples held out.

    Samples of one `group` (sample,), such as spectra of one structure, are all trained on or all held out. Of samples of a
    library (`train.spectra`) it is learnt on the check patterns, for several levels of noise, how wide an interval is that
    holds the truth for 90 % of the spectra, and what spectra of the training are like: `classify.model` then gives
    `property_<name>_low`, `property_<name>_high` and `outside`.

    Parameters
    ----------
    regressor
        A row of the table in `xafsflow.learning.models.regressors`. `residual_network` (extra `nets`) reads the features as
        one sequence, in which neighbors belong together: leave `features` of `train.spectra` at `[spectrum]`.
    trees
        Number of trees of a forest, or rounds of boosting; without meaning for the others.
    members
        Of `mean_of_several`: the regressors whose answers are averaged.
    settings
        Of the regressor, by name, such as `{ridge: 0.1}`. `ridge`, `kernel_ridge`: ridge. `regression_forest`,
        `extra_trees`: max_features, min_samples_leaf. `lightgbm`, `xgboost`, `mlp`, `residual_network`: as for classifiers,
        see `train.fit`.
    search
        Values of settings to try, by name, such as `{ridge: [0.01, 0.1, 1]}`, also `trees`. Each combination is trained
        on parts of the training and judged by the mean R2 of the properties on the others, whole groups always; the best one
        is trained. Held-out samples take no part. The combinations are spread over the cluster, or the threads of this
        process.
    tries
        So many of the combinations, drawn; by default all of them.
    held_out
        Share of the samples, or of their groups, that is kept for the score.
    seed
        Of the split and of the regressor.

    Returns
    -------
    model, findings
        The model, and R2 and error of each property.

    Raises
    ------
    InputError
        The regressor does not know a setting; the samples hold no properties, do not say what their features are, or hold
        NaN; or too few are left.

    Examples
    --------
    >>> spectra = np.random.default_rng(0).random((80, 5)).astype("f4")
    >>> table = xr.Dataset(
    ...     {"features": (("sample", "feature"), spectra), "target": (("sample", "property"), 2.0 * spectra[:, :1])},
    ...     {"energy": ("feature", np.arange(5.0)), "property": ["distance"], "unit": ("property", ["angstrom"])},
    ...     {"features": "norm", "normalization": "[]"})
    >>> model, findings = regression(table)
    >>> findings.r_squared.round(2).tolist()
    [1.0]
    >>> _, findings = regression(table, regressor="kernel_ridge", search={"ridge": [0.001, 1.0, 100.0]})
    >>> findings.search.best, findings.search.mean.round(2).tolist()
    ({'ridge': 0.001}, [0.96, 0.83, -0.24])
    """
    from threadpoolctl import threadpool_limits

    wanted = asked(regressors.REGRESSORS, regressor, settings, search, tries)
    targets = property_targets(samples)
    table, truth = samples.features.values.astype(np.float32), samples.target.values.astype(np.float64)
    if not np.isfinite(table).all():
        raise InputError("samples with NaN", "finite features", "leave them out, or narrow the axis")
    group = split.groups_of(samples)
    held = split.held_out(group, held_out, seed)
    if min(held.sum(), (~held).sum()) < 2:
        raise InputError(
            f"{(~held).sum()} samples to train on and {held.sum()} held out",
            "two or more of each",
            "give more samples or groups, or change held_out",
        )
    drawn, learn = Drawn(trees, seed, members, group[~held]), regressors.fit_properties
    # Sums in another order, by another number of threads, would make another file of the same model.
    with threadpool_limits(1, "blas"):
        training, known = table[~held], truth[~held]
        drawn, found = chosen(wanted, trainer(samples, targets, regressor, learn), training, known, drawn)
        model = learnt(samples, targets, regressor, training, known, drawn, learn)
        answers, library = model.predict(table[held].T), None
        if "check_clean" in samples:
            checks, trust = calibration.checked(model, samples, training, seed)
            model = replace(model, trust=calibration.with_intervals(checks, trust))
            library = calibration.interval_scores(checks, answers, truth[held], group[held], seed)
    r_squared, rmse = regressors.property_scores(answers, truth[held])
    edges, counts = histograms(truth)
    findings = RegressionFindings(
        regressor=regressor,
        properties=tuple(targets.names),
        units=tuple(targets.units),
        training_samples=int((~held).sum()),
        held_out_samples=int(held.sum()),
        r_squared=r_squared,
        rmse=rmse,
        mean_absolute_error=mean_absolute_error(answers, truth[held]),
        spread=truth[held].std(axis=0),
        importances=model.importances,
        library=library,
        search=found,
        truth_edges=edges,
        truth_counts=counts,
    )
    return model, findings


def histograms(truth: Doubles) -> tuple[Doubles, Integers]:
    """Edges `(property, edge)` and counts `(property, bin)` of the values of properties `(sample, property)`."""
    found = [np.histogram(column, BINS) for column in truth.T]
    return np.array([edges for _, edges in found]), np.array([counts for counts, _ in found], np.int64)
