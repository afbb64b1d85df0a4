"""Settings of a learner, given or searched over whole groups of the training, spread by Dask."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xafsflow.blocks.where import place
from xafsflow.errors import ComputationError, InputError
from xafsflow.findings.train_findings import SearchFindings
from xafsflow.kernels.array_types import Singles
from xafsflow.learning.models import learner_settings as known
from xafsflow.learning.models.classifiers import Drawn, Learner, row
from xafsflow.learning.models.model import Model
from xafsflow.learning.models.regressors import property_scores
from xafsflow.learning.models.score_intervals import macro_f1
from xafsflow.learning.samples import group_split as split

# Each candidate is trained on all parts but one, and judged on that one; fewer parts of fewer groups.
FOLDS = 5
# From spectra (sample, feature), truth, and what else a training needs to a model.
Train: TypeAlias = Callable[[Singles, NDArray[Any], Drawn], Model]
Score: TypeAlias = Literal["macro_f1", "r_squared"]


@dataclass(frozen=True)
class Asked:
    """Settings of a learner by name, and values of others to try: all combinations, or so many of them drawn."""

    settings: Mapping[str, float]
    search: Mapping[str, Sequence[float]]
    tries: int | None

    @property
    def key(self) -> dict[str, Any]:
        """What a digest is made of."""
        return {"settings": self.settings, "search": self.search, "tries": self.tries}


def asked(
    table: Mapping[str, Learner],
    learner: str,
    settings: Mapping[str, float],
    search: Mapping[str, Sequence[float]],
    tries: int | None,
) -> Asked:
    """What a recipe asks of a learner, checked.

    Raises
    ------
    InputError
        The learner does not know a setting, a value is not in its range, nothing is to be tried, or a setting is both given
        and searched.

    Examples
    --------
    >>> from xafsflow.learning.models.classifiers import CLASSIFIERS
    >>> asked(CLASSIFIERS, "lightgbm", {"leaves": 15}, {"rate": [0.05, 0.1]}, None).key
    {'settings': {'leaves': 15}, 'search': {'rate': [0.05, 0.1]}, 'tries': None}
    """
    line = row(table, learner)
    fixed = known.checked(learner, line.settings, settings)
    # Their number is a setting of the step.
    searched = {**line.settings, "trees": known.TREES} if line.counts_trees else line.settings
    wanted = dict[str, list[float]]()
    for name, values in search.items():
        found = [known.checked(learner, searched, {name: value})[name] for value in values]
        if not found or name in fixed:
            what = "with a value of its own in settings" if found else "without a value to try"
            raise InputError(f"the search of {name} {what}", "values to try", f"name {name} in one of them")
        wanted[name] = list(dict.fromkeys(found))
    if tries is not None and (tries < 1 or not wanted):
        what = "without a search" if not wanted else "of a search"
        raise InputError(
            f"{tries} tries {what}", "1 or more of a search", "leave tries out, or name a search"
        )
    return Asked(fixed, wanted, tries)


def chosen(
    wanted: Asked, train: Train, table: Singles, truth: NDArray[Any], drawn: Drawn
) -> tuple[Drawn, SearchFindings | None]:
    """What to train with: the settings that were given, and the best ones of those that were searched.

    Every combination is trained on all parts of the training but one, on one thread, and judged on that part; groups stay
    whole. The first of equals is taken. dask-ml spreads it over the active cluster, or over the threads of this process,
    with the same result.

    Parameters
    ----------
    wanted
        What the recipe asks for.
    train
        What makes a model of a part of the training.
    table, truth
        `(sample, feature)`, and labels `(sample,)` or properties `(sample, property)`: the training only.
    drawn
        Number of trees, seed and groups of the training.

    Raises
    ------
    InputError
        Too few groups, or a combination that cannot be trained.
    """
    drawn = replace(drawn, settings=wanted.settings)
    if not wanted.search:
        return drawn, None
    groups = np.arange(len(table)) if drawn.groups is None else drawn.groups
    split.check_groups(groups, 2)
    parts = split.folds(groups, min(FOLDS, len(np.unique(groups))), [drawn.seed, 11])
    if truth.ndim == 1 and min(len(np.unique(truth[~part])) for part in parts) < 2:
        raise InputError(
            "one class in a part of the training",
            "two or more",
            "give more groups of each class, or no search",
        )
    score: Score = "macro_f1" if truth.ndim == 1 else "r_squared"
    candidate = Candidate(train, replace(drawn, groups=None), score)
    found = _searched(candidate, wanted, (table, truth, groups), parts)
    mean, tried = found["mean_test_score"], found["params"]
    best = tried[int(np.argmax(mean))]
    names = tuple(sorted(wanted.search))
    return with_values(drawn, best), SearchFindings(
        settings=names,
        tried=np.array([[one[name] for name in names] for one in tried], np.float64),
        score=score,
        mean=mean,
        spread=found["std_test_score"],
        folds=len(parts),
        best={name: float(best[name]) for name in names},
    )


def with_values(drawn: Drawn, values: Mapping[str, Any]) -> Drawn:
    """What a training needs with these values: the number of trees, and settings of the learner."""
    rest = {name: value for name, value in values.items() if name != "trees"}
    return replace(drawn, trees=values.get("trees", drawn.trees), settings={**drawn.settings, **rest})


class Candidate:
    """A learner as dask-ml wants it: its parameters are the settings that are searched."""

    def __init__(self, train: Train, drawn: Drawn, score: Score) -> None:
        self.train, self.drawn, self.kind = train, drawn, score
        self.values: dict[str, float] = {}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """All that decides its score: by this dask-ml tells searches apart."""
        return {"train": self.train, "drawn": self.drawn, "kind": self.kind, **self.values}

    def set_params(self, **values: float) -> Candidate:
        """Take other values."""
        self.values |= values
        return self

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import Tags, TargetTags

        return Tags(estimator_type=None, target_tags=TargetTags(required=True))

    def fit(self, table: Singles, truth: NDArray[Any], names: NDArray[Any]) -> Candidate:
        """Train on spectra `(sample, feature)` with the names `(sample,)` of their groups."""
        drawn = replace(with_values(self.drawn, self.values), groups=names, alone=True)
        self.model = self.train(table, truth, drawn)
        return self

    def score(self, table: Singles, truth: NDArray[Any]) -> float:
        """Macro F1, or the mean of R2 over the properties.

        Raises
        ------
        InputError
            A property is alike in all samples, or an answer is not finite.
        """
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"):
            answers = self.model.predict(table.T)
        if self.kind == "macro_f1":
            return macro_f1(answers.argmax(axis=1), truth)
        found = float(property_scores(answers, truth)[0].mean())
        if not math.isfinite(found):
            raise InputError(
                f"R2 {found} on a part of the training, with {self.values}",
                "a number: answers that are finite, of properties that are not all alike in the part",
                "give more groups, try other values, or leave the search out",
            )
        return found


def _searched(
    candidate: Candidate, wanted: Asked, arrays: tuple[Singles, NDArray[Any], NDArray[Any]], parts: list[Any]
) -> dict[str, Any]:
    """The results of dask-ml, by its names."""
    from dask_ml.model_selection import GridSearchCV, RandomizedSearchCV
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    grid = {name: list(values) for name, values in wanted.search.items()}
    kind, more = GridSearchCV, dict[str, Any]()
    if wanted.tries is not None and wanted.tries < math.prod(map(len, grid.values())):
        kind, more = RandomizedSearchCV, {"n_iter": wanted.tries, "random_state": candidate.drawn.seed}
    table, truth, groups = arrays
    client, threads = place().client, place().threads
    if client is None:
        more |= {"scheduler": "threads", "n_jobs": threads}
    else:
        from dask import delayed

        # A client as scheduler would try a training that fails again and again, for ever.
        more |= {"scheduler": lambda graph, keys, **_: client.get(graph, keys)}
        # To all workers: one that ends must not take the only copy with it.
        sent = client.scatter([table, truth, groups], broadcast=True, hash=False)
        table, truth, groups = map(delayed, sent)
    folds = [(~part, part) for part in parts]
    search = kind(candidate, grid, cv=folds, refit=False, iid=False, return_train_score=False, **more)
    # Both are for the whole process: what threads set for themselves, others would take back.
    with warnings.catch_warnings(), threadpool_limits(1, "blas"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        with lost_workers():
            search.fit(table, truth, names=groups)
    return search.cv_results_


@contextmanager
def lost_workers() -> Iterator[None]:
    """Tell what it means that a future was cancelled: the workers that held the training spectra have ended.

    Raises
    ------
    ComputationError
        They have.
    """
    from distributed.client import FutureCancelledError

    try:
        yield
    except FutureCancelledError as error:
        raise ComputationError(
            "workers that ended while they trained",
            "memory for one training in each of them",
            "start workers with more memory and name their scheduler with --cluster, or use --cluster threads",
        ) from error
