"""Learners whose answers are arrays or a library's own text: what is stored answers as what was trained."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import Matern
from sklearn.kernel_ridge import KernelRidge as PlainKernelRidge
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from xafsflow.errors import InputError
from xafsflow.learning.models import kernel_machine
from xafsflow.learning.models.boosted_trees import BoostedTrees, Boosting
from xafsflow.learning.models.classifiers import Drawn, fit
from xafsflow.learning.models.kernel_machine import KernelMachine, KernelRidge, Scaled, SupportVectors
from xafsflow.learning.models.perceptron import HIDDEN, Layers, Network
from xafsflow.learning.models.predictors import Mean
from xafsflow.learning.models.regressors import fit_properties


def table(classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), 40)
    centers = np.random.default_rng(9).random((classes, 12))
    return (centers[labels] + 0.2 * rng.standard_normal((labels.size, 12))).astype("f4"), labels


def gram(gamma: float, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.asarray(Matern(1 / np.sqrt(gamma), nu=1.5)(left, right))


@pytest.mark.parametrize("classes", [2, 4])
def test_support_vectors__decide_as_scikit_learn(classes: int) -> None:
    rows, labels = table(classes)
    ours = SupportVectors(0, 0)
    ours.fit(rows, labels)
    scaled = Scaled(rows)(rows)
    known = gram(ours.gamma, scaled, scaled)
    plain = SVC(C=10.0, kernel="precomputed", class_weight="balanced", decision_function_shape="ovo")
    wanted = plain.fit(known, labels).decision_function(known).reshape(len(rows), -1)
    # libsvm stops at 1e-3; kernels that differ by rounding take it another way
    np.testing.assert_allclose(ours.machine.decide(scaled), wanted, atol=2e-3)
    found = KernelMachine.from_fitted(ours)
    found.check()
    assert (found.predict(rows.T).argmax(axis=1) == plain.predict(known)).mean() > 0.95


def test_probabilities_of_support_vectors__are_not_those_of_the_training() -> None:
    rng = np.random.default_rng(1)
    rows, labels = rng.standard_normal((200, 12)).astype("f4"), rng.integers(0, 2, 200)
    ours = SupportVectors(0, 0)
    ours.fit(rows, labels)
    # Labels without any relation to the spectra: a machine that judged itself would be sure.
    assert KernelMachine.from_fitted(ours).predict(rows.T).max(axis=1).mean() < 0.75


def test_support_vectors__keep_groups_whole_where_they_judge_themselves() -> None:
    rng = np.random.default_rng(1)
    rows, labels = rng.standard_normal((60, 12)), rng.integers(0, 2, 60)
    copies = (np.repeat(rows, 4, axis=0) + 0.01 * rng.standard_normal((240, 12))).astype("f4")
    alone, whole = SupportVectors(0, 0), SupportVectors(0, 0)
    alone.fit(copies, np.repeat(labels, 4))
    whole.fit(copies, np.repeat(labels, 4), np.repeat(np.arange(60), 4))
    sure = [KernelMachine.from_fitted(one).predict(copies.T).max(axis=1).mean() for one in (alone, whole)]
    assert sure[0] > 0.9
    assert sure[1] < 0.75


def test_kernel_ridge__is_scikit_learns() -> None:
    rows, _ = table()
    truth = rows[:, :2].astype(float) ** 2
    ours = KernelRidge(0, 0, True, 0.02)
    ours.fit(rows, truth)
    scaled, mean, spread = Scaled(rows)(rows), truth.mean(axis=0), truth.std(axis=0)
    known = gram(ours.gamma, scaled, scaled)
    plain = PlainKernelRidge(alpha=0.02, kernel="precomputed").fit(known, (truth - mean) / spread)
    found = KernelMachine.from_fitted(ours)
    found.check()
    np.testing.assert_allclose(found.predict(rows.T), plain.predict(known) * spread + mean, atol=1e-4)


@pytest.mark.parametrize("classes", [2, 4])
def test_kernel_ridge__tells_classes_by_folds_without_them(classes: int) -> None:
    rows, labels = table(classes)
    found, _ = fit("kernel_ridge", rows, 5 * labels, Drawn())
    votes = found.predict(rows.T)
    assert found.classes.tolist() == [5 * one for one in range(classes)]
    assert (votes.argmax(axis=1) == labels).mean() > 0.95
    np.testing.assert_allclose(votes.sum(axis=1), 1)
    chance = np.random.default_rng(1).integers(0, classes, len(rows))
    assert fit("kernel_ridge", rows, chance, Drawn())[0].predict(rows.T).max(axis=1).mean() < 0.75


def test_kernel_ridge__of_more_samples_than_carry_kernels_fits_them_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    place = rng.uniform(-1, 1, (900, 2)).astype("f4")
    truth = np.sin(3 * place[:, :1]) * place[:, 1:] + 0.2 * rng.standard_normal((900, 1))

    def error() -> float:
        ours = KernelRidge(0, 0, True, 1.0)
        ours.fit(place[:600], truth[:600])
        wanted = np.sin(3 * place[600:, :1]) * place[600:, 1:]
        return float(np.abs(KernelMachine.from_fitted(ours).predict(place[600:].T) - wanted).mean())

    whole = error()
    monkeypatch.setattr(kernel_machine, "MOST", 150)
    some = error()
    monkeypatch.setattr(
        KernelRidge, "_solved", lambda self, table, truth: alone(self, table[:150], truth[:150])
    )
    assert some < 1.2 * whole
    assert error() > 1.3 * some


def alone(self: KernelRidge, table: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = gram(self.gamma, table, table) + self.ridge * np.eye(len(table))
    return table, np.linalg.solve(known, truth)


@pytest.mark.parametrize("classes", [2, 4])
def test_layers__answer_as_scikit_learns_network(classes: int) -> None:
    rows, labels = table(classes)
    ours = Network(0, 3)
    ours.fit(rows, labels)
    found = Layers.from_fitted(ours)
    found.check()
    assert isinstance(ours.made, MLPClassifier)
    np.testing.assert_allclose(found.predict(rows.T), ours.made.predict_proba(Scaled(rows)(rows)), atol=1e-9)
    assert found.sizes.tolist() == [12, HIDDEN, HIDDEN // 2, classes]


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_boosted_trees__answer_as_their_library(name: Any) -> None:
    library = pytest.importorskip(name)
    rows, labels = table()
    ours = Boosting(name, 20, 0)
    ours.fit(rows, 3 * labels)
    found = BoostedTrees.from_fitted(ours)
    found.check()
    assert found.classes.tolist() == [0, 3, 6, 9]
    (text,) = found.texts
    if name == "lightgbm":
        wanted = library.Booster(model_str=text.decode()).predict(rows)
    else:
        booster = library.Booster()
        booster.load_model(bytearray(text))
        wanted = booster.predict(library.DMatrix(rows))
    np.testing.assert_allclose(found.predict(rows.T), wanted, rtol=1e-6)
    again = Boosting(name, 20, 0)
    again.fit(rows, 3 * labels)
    assert again.texts == ours.texts
    assert found.predict(rows[:0].T).shape == (0, 4)


def test_a_library_that_is_missing__is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(InputError, match=r"xafsflow\[boost\]"):
        fit("lightgbm", *table(), Drawn(3, 0))


def test_a_mean__is_that_of_its_members() -> None:
    rows, labels = table()
    names = ["linear_discriminant", "extra_trees"]
    found, importances = fit("mean_of_several", rows, labels, Drawn(10, 0, names))
    parts = [fit(name, rows, labels, Drawn(10, 0))[0].predict(rows.T) for name in names]
    np.testing.assert_allclose(found.predict(rows.T), np.mean(parts, axis=0))
    assert isinstance(found, Mean)
    assert [type(one).__name__ for one in found.members] == ["Linear", "FlatForest"]
    assert importances is not None


def test_a_mean_of_regressors__is_that_of_its_members() -> None:
    rows, _ = table()
    truth = rows[:, :2].astype(float)
    names = ["ridge", "kernel_ridge"]
    found, _ = fit_properties("mean_of_several", rows, truth, Drawn(members=names))
    parts = [fit_properties(name, rows, truth, Drawn())[0].predict(rows.T) for name in names]
    np.testing.assert_allclose(found.predict(rows.T), np.mean(parts, axis=0))


@pytest.mark.parametrize("members", [["extra_trees"], ["extra_trees", "mean_of_several"]])
def test_a_mean_of_one_or_itself__is_refused(members: list[str]) -> None:
    with pytest.raises(InputError, match="two learners or more"):
        fit("mean_of_several", *table(), Drawn(3, 0, members))


@pytest.mark.parametrize("name", ["support_vectors", "mlp", "lightgbm", "mean_of_several"])
def test_what_does_not_belong_together__is_refused(name: str) -> None:
    from dataclasses import replace

    predictor: Any = fit(name, *table(), Drawn(5, 0, ["extra_trees", "linear_discriminant"]))[0]
    with pytest.raises(InputError, match=r"train|training"):
        replace(
            predictor, classes=predictor.classes[:-1], **({"regression": True} if name == "lightgbm" else {})
        ).check()
