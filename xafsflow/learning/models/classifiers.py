"""The table of classifiers, their training and their held-out score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.findings.record import Integers
from xafsflow.findings.train_findings import Score
from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.forest.histogram_forest import HistogramForest
from xafsflow.learning.models import learner_settings as known
from xafsflow.learning.models.boosted_trees import Boosting
from xafsflow.learning.models.discriminant import Discriminant
from xafsflow.learning.models.kernel_machine import KernelRidge, SupportVectors
from xafsflow.learning.models.perceptron import Network
from xafsflow.learning.models.predictors import PREDICTORS, Mean, NearestPatterns, Predictor, Several
from xafsflow.learning.models.score_intervals import confusion_of
from xafsflow.learning.network.residual_network import ResidualNetwork
from xafsflow.learning.samples.row_blocks import row_blocks
from xafsflow.vocabulary import nearest

Labels = NDArray[np.integer[Any]]
# Number of trees, seed, and settings by name to something with `fit(features, targets)`.
Factory = Callable[..., Any]


@dataclass(frozen=True)
class Learner:
    """What learns from samples.

    `make` makes it, of the number of trees, the seed and `settings` by name, which recipes may give or search; `predictor`
    is the row of `PREDICTORS` that its result becomes; `counts_trees` says whether the number of trees means something.
    """

    make: Factory
    predictor: str
    settings: Mapping[str, known.Setting] = field(default_factory=dict)
    counts_trees: bool = False


def sklearn(name: str, named: Mapping[str, str] | None = None, **fixed: object) -> Factory:
    """A factory of an estimator of scikit-learn by its name, such as `ensemble.ExtraTreesClassifier`.

    It is imported when it is needed. The estimator gets the number of trees and the seed where it takes them. `named` is
    scikit-learn's name of a setting where it is another one.
    """

    def make(trees: int, seed: int, **settings: float) -> Any:
        module, _, kind = name.rpartition(".")
        estimator = getattr(import_module(f"sklearn.{module}"), kind)(**fixed)
        drawn = {"n_estimators": trees, "random_state": seed}
        takes = estimator.get_params()
        estimator.set_params(**{key: value for key, value in drawn.items() if key in takes})
        return estimator.set_params(**{(named or {}).get(key, key): one for key, one in settings.items()})

    return make


SEVERAL = "mean_of_several"
# A further classifier is one line here. What is trained for SEVERAL is told by its members.
CLASSIFIERS: dict[str, Learner] = {
    "random_forest": Learner(HistogramForest, "binned_forest", counts_trees=True),
    "sklearn_random_forest": Learner(
        sklearn("ensemble.RandomForestClassifier", n_jobs=-1), "exact_forest", known.FOREST, counts_trees=True
    ),
    "extra_trees": Learner(
        sklearn("ensemble.ExtraTreesClassifier", n_jobs=-1), "exact_forest", known.FOREST, counts_trees=True
    ),
    "linear_discriminant": Learner(lambda trees, seed: Discriminant(), "linear"),
    "logistic_regression": Learner(
        sklearn("linear_model.LogisticRegression", {"penalty": "C"}, max_iter=1000), "linear", known.ERRORS
    ),
    "k_nearest": Learner(
        lambda trees, seed, neighbors=15: NearestPatterns(neighbors), "neighbors", known.NEIGHBORS
    ),
    "lightgbm": Learner(partial(Boosting, "lightgbm"), "boosted_trees", known.LIGHTGBM, counts_trees=True),
    "xgboost": Learner(partial(Boosting, "xgboost"), "boosted_trees", known.XGBOOST, counts_trees=True),
    "support_vectors": Learner(SupportVectors, "kernel_machine", known.ERRORS),
    "kernel_ridge": Learner(partial(KernelRidge, regression=False, ridge=0.2), "kernel_machine", known.RIDGE),
    "mlp": Learner(Network, "layers", known.LAYERS),
    "residual_network": Learner(ResidualNetwork, "folded_network", known.RESIDUAL),
    SEVERAL: Learner(lambda trees, seed: None, "mean"),
}
MEMBERS = ("kernel_ridge", "support_vectors", "extra_trees")


def row(table: Mapping[str, Learner], name: str) -> Learner:
    """The learner of this name.

    Raises
    ------
    InputError
        There is none.
    """
    if name not in table:
        do = f"mend the name{nearest(name, table)}"
        raise InputError(f"the learner {name!r}", f"one of {', '.join(table)}", do)
    return table[name]


@dataclass(frozen=True)
class Drawn:
    """What a training needs beside its patterns.

    `trees` of a forest or rounds of boosting, the `seed` of all that is drawn, the names of the `members` of
    `mean_of_several` (none for the usual ones), `groups` (pattern,), which stay whole where a learner judges itself, the
    learner's `settings` by name, and whether it is to keep to one thread (`alone`) since others are trained beside it.
    """

    trees: int = 100
    seed: int = 0
    members: Sequence[str] = ()
    groups: NDArray[Any] | None = None
    settings: Mapping[str, float] = field(default_factory=dict)
    alone: bool = False


def fit(
    name: str, features: NDArray[np.float32], labels: Labels, drawn: Drawn
) -> tuple[Predictor, Doubles | None]:
    """What a trained classifier answers with, and its feature importances where it has some.

    Parameters
    ----------
    name
        A row of `CLASSIFIERS`.
    features
        `(pattern, feature)` float32, finite.
    labels
        `(pattern,)` integers.
    drawn
        Number of trees, seed, and what else the learner needs.

    Raises
    ------
    InputError
        There is no such classifier, it does not know a setting, or there are too few patterns for it, or all are alike.

    Examples
    --------
    >>> table = np.random.default_rng(0).normal([[0.0, 0.0]] * 50 + [[3.0, 0.0]] * 50).astype("f4")
    >>> forest, importances = fit("random_forest", table, np.repeat([0, 1], 50), Drawn(trees=10))
    >>> bool(importances[0] > importances[1])
    True
    """
    return fit_row(CLASSIFIERS, name, features, labels, drawn, MEMBERS)


def fit_row(
    table: Mapping[str, Learner],
    name: str,
    features: NDArray[np.float32],
    targets: NDArray[Any],
    drawn: Drawn,
    usual: Sequence[str],
) -> tuple[Predictor, Doubles | None]:
    """Train a row of a table on targets `(pattern,)` or `(pattern, property)`; see `fit`."""
    learner = row(table, name)
    settings = known.checked(name, learner.settings, drawn.settings)
    if name == SEVERAL:
        return _mean(table, features, targets, replace(drawn, members=drawn.members or usual))
    estimator = learner.make(drawn.trees, drawn.seed, **settings)
    if drawn.alone:
        _keep_to_one_thread(estimator)
    least = getattr(estimator, "n_neighbors", 2)
    if len(targets) < least:
        raise InputError(
            f"{len(targets)} training patterns for {name}",
            f"{least} or more",
            "give more spectra, raise noise_patterns of train.mixtures, or take fewer neighbors",
        )
    if not any((features[part] != features[:1]).any() for part in row_blocks(*features.shape)):
        raise InputError(
            f"{len(targets)} training spectra that are all alike",
            "spectra that differ",
            "check what was read and its span of energies",
        )
    from threadpoolctl import threadpool_limits

    table_read = features if getattr(estimator, "takes_rows", False) else np.asarray(features)
    groups = [drawn.groups] if getattr(estimator, "takes_groups", False) else []
    # Sums in another order, by another number of threads, would make another file of the same model; and on a busy
    # machine threads of small sums wait for each other.
    with threadpool_limits(1, "blas"):
        estimator.fit(table_read, targets, *groups)
    importances = getattr(estimator, "feature_importances_", None)
    return PREDICTORS[learner.predictor].from_fitted(estimator), importances


def _keep_to_one_thread(estimator: Any) -> None:
    if isinstance(estimator, HistogramForest):
        estimator.threads = 1
    elif getattr(estimator, "n_jobs", None) == -1:  # scikit-learn's forests
        estimator.n_jobs = 1


def _mean(
    table: Mapping[str, Learner], features: NDArray[np.float32], targets: NDArray[Any], drawn: Drawn
) -> tuple[Predictor, Doubles | None]:
    if len(drawn.members) < 2 or SEVERAL in drawn.members:
        raise InputError(
            f"{SEVERAL} of {', '.join(drawn.members) or 'nothing'}",
            "two learners or more, not itself",
            f"name them as members, of {', '.join(table)}",
        )
    found = [fit_row(table, one, features, targets, drawn, ()) for one in drawn.members]
    told = [importances for _, importances in found if importances is not None]
    return Mean.from_fitted(Several([one for one, _ in found])), np.mean(told, axis=0) if told else None


def held_out_score(votes: np.ndarray, labels: np.ndarray, compositions: np.ndarray) -> tuple[Score, Integers]:
    """How a classifier did on patterns that it has not seen.

    Parameters
    ----------
    votes
        `(pattern, class)`.
    labels
        `(pattern,)` true classes.
    compositions
        `(class, reference)`.

    Returns
    -------
    Score, ndarray
        Of class, vote-weighted composition, and leading reference, and the counts (true class, predicted class).

    Examples
    --------
    >>> held_out_score(np.eye(2), np.array([0, 1]), np.eye(2))[0]
    Score(accuracy=1.0, fraction_error=0.0, dominant_accuracy=1.0)
    """
    predicted = votes.argmax(axis=1)
    truth, fractions = compositions[labels], votes @ compositions
    ordered = np.sort(truth, axis=1)
    # A single reference always leads; two that are equal but for rounding do not.
    second = ordered[:, -2] if truth.shape[1] > 1 else np.full(len(truth), -1.0)
    leads = ordered[:, -1] > second + 1e-9
    dominant = (fractions.argmax(axis=1) == truth.argmax(axis=1))[leads]
    score = Score(
        accuracy=float(np.mean(predicted == labels)),
        fraction_error=float(np.abs(fractions - truth).mean()),
        dominant_accuracy=float(dominant.mean()) if dominant.size else None,
    )
    return score, confusion_of(votes, labels)
