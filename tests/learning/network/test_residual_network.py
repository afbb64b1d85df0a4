"""A residual network learns, from a seed to the bit, and leaves torch as it was."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.learning.models.classifiers import Drawn, fit
from xafsflow.learning.models.model import save_model
from xafsflow.learning.models.regressors import fit_properties
from xafsflow.learning.network.folded_network import FoldedNetwork
from xafsflow.learning.network.network_training import Training
from xafsflow.learning.network.residual_network import ResidualNetwork
from xafsflow.learning.network.torch_network import Shape
from xafsflow.learning.samples.group_split import held_out
from xafsflow.phantom import simulated_library


def library(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Spectra, labels, mean distances and materials of a simulated library."""
    found, _ = xf.derive.structure(simulated_library(count, seed, energies=100))
    labels = np.unique(found.polyhedron.values, return_inverse=True)[1]
    return found.mu.values.astype("f4"), labels, found.mean_distance.values, found.group.values


def small(seed: int, **changes: Any) -> ResidualNetwork:
    made = ResidualNetwork(0, seed)
    made.shape, made.training = Shape(5, 3, (4, 8)), Training(**({"epochs": 4} | changes))
    return made


def noise(count: int = 80) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((count, 16)).astype("f4"), rng.integers(0, 2, count)


@pytest.mark.long
def test_classes_and_properties_of_a_library__are_told_better_than_by_linear_models_and_forests() -> None:
    pytest.importorskip("torch")
    table, labels, distance, groups = library(1000, 0)
    unseen, truth, wanted, _ = library(600, 1)
    drawn = Drawn(seed=0, groups=groups)
    right, error = {}, {}
    for name in ("logistic_regression", "random_forest", "residual_network"):
        votes = fit(name, table, labels, drawn)[0].predict(unseen.T)
        right[name] = (votes.argmax(axis=1) == truth).mean()
    for name in ("ridge", "residual_network"):
        found = fit_properties(name, table, distance[:, None], drawn)[0].predict(unseen.T)
        error[name] = np.abs(found[:, 0] - wanted).mean()
    assert right["residual_network"] > max(right["logistic_regression"], right["random_forest"])
    assert error["residual_network"] < error["ridge"]


def test_a_seed__gives_the_same_bits_and_another_seed_others() -> None:
    torch = pytest.importorskip("torch")
    threads, found = torch.get_num_threads(), []
    for seed, many in ((3, 1), (3, 2), (4, 1)):
        torch.set_num_threads(many)
        fitted = small(seed)
        fitted.fit(*noise())
        found.append(FoldedNetwork.from_fitted(fitted).weights)
    torch.set_num_threads(threads)
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


def test_a_training__leaves_torch_as_it_was() -> None:
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    small(0).fit(*noise())
    assert torch.equal(torch.rand(3), wanted)
    assert torch.get_num_threads() == 2
    assert not torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)


def test_the_epoch_with_the_smallest_loss_of_the_groups_held_out__is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch = pytest.importorskip("torch")
    losses = list[float]()
    plain = torch.nn.functional.cross_entropy

    def watched(answers: Any, wanted: Any) -> Any:
        found = plain(answers, wanted)
        if not found.requires_grad:
            losses.append(float(found))
        return found

    monkeypatch.setattr(torch.nn.functional, "cross_entropy", watched)
    table, labels = noise()
    groups = np.arange(len(table)) // 2
    fitted = small(0, epochs=200, patience=5, rate=0.03)
    fitted.fit(table, labels, groups)
    # Of labels without any relation to the spectra nothing can be learnt: the training ends early, 5 epochs behind its best.
    assert len(losses) < 100
    best = int(np.argmin(losses))
    assert len(losses) == best + 6
    held = torch.from_numpy(np.flatnonzero(held_out(groups, fitted.training.held, 0)))
    with torch.no_grad():
        kept = plain(
            fitted.module(torch.from_numpy(fitted.scaled(table).astype("f4")))[held],
            torch.from_numpy(labels)[held],
        )
    assert float(kept) == pytest.approx(losses[best], rel=1e-5)


@pytest.mark.parametrize("count", [2, 12])
def test_few_samples__are_learnt_from(count: int) -> None:
    pytest.importorskip("torch")
    table, _ = noise(count)
    fitted = small(0)
    fitted.fit(table, np.arange(count) % 2)
    assert np.isfinite(FoldedNetwork.from_fitted(fitted).predict(table.T)).all()


def test_a_model_file__holds_the_network(products: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("torch")
    model, _ = xf.train.fit(products["samples"], classifier="residual_network")
    stored = save_model(model, tmp_path / "model.npz")
    features = products["samples"].features.values.T
    np.testing.assert_array_equal(stored.load().predict(features), model.predict(features))
    assert model.versions["torch"]


def test_torch_that_is_missing__is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"xafsflow\[nets\]"):
        fit("residual_network", *noise(), Drawn(3, 0))
