"""Settings of learners: their names in recipes, what they mean, and between which numbers they lie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from xafsflow.errors import InputError
from xafsflow.vocabulary import nearest


@dataclass(frozen=True)
class Setting:
    """A number that a learner is trained with.

    Parameters
    ----------
    meaning
        What it is.
    low, high
        Ends of its range. Of a whole number both belong to it, else only the upper one does, or none if it is infinite.
    whole
        Whether it is a whole number.
    """

    meaning: str
    low: float = 0.0
    high: float = math.inf
    whole: bool = False

    @property
    def range(self) -> str:
        """The range in words."""
        kind, bound = ("a whole number", "of at least") if self.whole else ("a number", "above")
        end = "" if math.isinf(self.high) else f" and at most {self.high:g}"
        return f"{kind} {bound} {self.low:g}{end}"

    def holds(self, value: float) -> bool:
        """Whether a number is in the range."""
        if not math.isfinite(value) or value > self.high:
            return False
        return value >= self.low and value == int(value) if self.whole else value > self.low


def whole(meaning: str, low: int = 1) -> Setting:
    """A whole number from `low` on."""
    return Setting(meaning, low, whole=True)


TREES = whole("number of trees, or rounds of boosting")
# Of forests of scikit-learn, under its names.
FOREST = {
    "max_features": Setting("share of the features that are tried in a node", high=1),
    "min_samples_leaf": whole("samples in a leaf, at least"),
}
BOOSTING = {
    "rate": Setting("learning rate", high=1),
    "share": Setting("share of the features that a tree, or a node of XGBoost, may use", high=1),
}
LIGHTGBM = BOOSTING | {
    "leaves": whole("leaves of a tree, at most", 2),
    "min_samples_leaf": whole("samples in a leaf, at least"),
}
XGBOOST = BOOSTING | {"depth": whole("nodes from the root to a leaf, at most")}
ERRORS = {"penalty": Setting("price of an error, scikit-learn's C: the larger, the closer to the training")}
RIDGE = {"ridge": Setting("penalty on large weights, scikit-learn's alpha")}
NEIGHBORS = {"neighbors": whole("training patterns that vote")}
LAYERS = {
    "hidden": whole("neurons of the first layer; the second has half as many", 2),
    "decay": Setting("penalty on large weights, scikit-learn's alpha"),
    "epochs": whole("times that all samples are seen"),
}
RESIDUAL = {
    "epochs": whole("times that all samples are seen, at most"),
    "rate": Setting("largest learning rate", high=1),
    "decay": Setting("decay of the weights"),
    "dropout": Setting("share of the channels' values that is dropped", high=0.9),
}


def checked(learner: str, known: Mapping[str, Setting], given: Mapping[str, float]) -> dict[str, float]:
    """The settings of a learner, whole numbers as int and others as float.

    Raises
    ------
    InputError
        The learner does not know a setting, or the number is not in its range.

    Examples
    --------
    >>> checked("k_nearest", NEIGHBORS, {"neighbors": 7.0})
    {'neighbors': 7}
    >>> checked("k_nearest", NEIGHBORS, {"neighbours": 7})
    Traceback (most recent call last):
    ...
    xafsflow.errors.InputError: Found the setting 'neighbours' of k_nearest. Expected one of neighbors. Mend the name
    (did you mean 'neighbors'?).
    """
    for name, value in given.items():
        if name not in known:
            wanted = f"one of {', '.join(known)}" if known else "none: this learner has no settings"
            do = (
                f"mend the name{nearest(name, known)}" if known else "leave it out, or choose another learner"
            )
            raise InputError(f"the setting {name!r} of {learner}", wanted, do)
        if not known[name].holds(value):
            meaning = f"{known[name].range} ({known[name].meaning})"
            raise InputError(f"{name} {value:g} of {learner}", meaning, "choose another value")
    return {name: int(value) if known[name].whole else float(value) for name, value in given.items()}
