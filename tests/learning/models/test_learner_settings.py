"""Settings of learners: every one arrives, and what is wrong is refused."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
import pytest

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.learning.models.classifiers import CLASSIFIERS, Drawn, fit
from xafsflow.learning.models.learner_settings import Setting, checked, whole
from xafsflow.learning.models.regressors import REGRESSORS, fit_properties

# Two values of each setting that make different models of the tables below.
APART = {
    "penalty": (0.01, 30.0), "ridge": (1e-3, 30.0), "rate": (0.01, 0.2), "share": (0.2, 1.0), "leaves": (2, 8),
    "min_samples_leaf": (1, 20), "depth": (1, 4), "max_features": (0.2, 1.0), "neighbors": (1, 15), "hidden": (4, 40),
    "epochs": (1, 3), "decay": (0.01, 0.9), "dropout": (0.05, 0.8),
}  # fmt: skip
UNSEEN = np.random.default_rng(1).standard_normal((8, 50)).astype("f4")


def table() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((90, 8))
    return rows.astype("f4"), rows[:, :2] + rows[:, 1:3] ** 2 + 0.5 * rng.standard_normal((90, 2))


def answers(name: str, properties: bool, settings: dict[str, float]) -> np.ndarray:
    rows, truth = table()
    if name == "residual_network":
        settings = {"epochs": 3} | settings
    drawn = Drawn(12, 0, settings=settings)
    if properties:
        return fit_properties(name, rows, truth, drawn)[0].predict(UNSEEN)
    labels = np.digitize(truth[:, 0], [0.0, 1.5])
    return fit(name, rows, labels, drawn)[0].predict(UNSEEN)


@pytest.mark.parametrize(
    ("name", "of", "setting"),
    [
        *((name, "classes", setting) for name, row in CLASSIFIERS.items() for setting in row.settings),
        *((name, "properties", setting) for name, row in REGRESSORS.items() for setting in row.settings),
    ],
)
def test_every_setting__makes_another_model(name: str, of: str, setting: str) -> None:
    one, other = (answers(name, of == "properties", {setting: value}) for value in APART[setting])
    assert np.abs(one - other).max() > 1e-3


def listed(step: Any) -> dict[str, list[str]]:
    """Learners and their settings as the documentation of a step lists them."""
    text = " ".join((inspect.getdoc(step) or "").split())
    found = {}
    for names, settings in re.findall(r"((?:`\w+`(?:, )?)+): (\w+(?:, \w+)*)\.", text):
        found |= dict.fromkeys(re.findall(r"\w+", names), settings.split(", "))
    return found


def test_every_setting__stands_in_the_documentation() -> None:
    known = {name: list(row.settings) for name, row in CLASSIFIERS.items() if row.settings}
    assert listed(xf.train.fit) == known
    others = {name: list(row.settings) for name, row in REGRESSORS.items() if row.settings}
    assert others == listed(xf.train.regression) | {
        name: known[name] for name in ("lightgbm", "xgboost", "mlp", "residual_network")
    }


def test_a_forest_on_one_thread__is_the_same() -> None:
    rows, truth = table()
    labels = np.digitize(truth[:, 0], [0.0, 1.5])
    for name in ("random_forest", "extra_trees"):
        usual, alone = (fit(name, rows, labels, Drawn(8, 0, alone=alone))[0] for alone in (False, True))
        np.testing.assert_array_equal(usual.predict(rows.T), alone.predict(rows.T))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"leafs": 8}, r"did you mean 'leaves'"),
        ({"leaves": 8.5}, r"a whole number of at least 2"),
        ({"leaves": 1}, r"leaves 1 of lightgbm"),
        ({"rate": 0.0}, r"a number above 0 and at most 1 \(learning rate\)"),
        ({"rate": np.nan}, r"rate nan of lightgbm"),
        ({"trees": 8}, r"the setting 'trees' of lightgbm"),
    ],
)
def test_a_wrong_setting__is_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        answers("lightgbm", False, settings)


def test_a_learner_without_settings__says_so() -> None:
    with pytest.raises(InputError, match="none: this learner has no settings"):
        answers("mean_of_several", True, {"ridge": 1.0})


def test_ranges__have_their_ends() -> None:
    assert whole("", 2).holds(2)
    assert not whole("", 2).holds(1)
    assert Setting("", 0.0, 1.0).holds(1.0)
    assert not Setting("", 0.0, 1.0).holds(0.0)
    assert not Setting("").holds(float("inf"))
    assert checked("x", {"a": whole("")}, {"a": 3.0}) == {"a": 3}
