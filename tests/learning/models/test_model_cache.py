"""Models that are made once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.learning.models import model_cache as kept
from xafsflow.steps.train import train_model as fitted


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XAFSFLOW_CACHE", str(tmp_path))
    return tmp_path / "models"


def scan(seed: int) -> xr.Dataset:
    cube = xf.correct.absorbance(xf.ingest.phantom(size=(16, 20), energies=60, seed=seed, tilt=0.0))
    return xf.normalize.edge_step(cube, e0=7112.0, norm1=40.0, nnorm=1)


def samples(of: int = 0, **settings: Any) -> xr.Dataset:
    given = {"step": 0.5, "noise_patterns": 20, "check_patterns": 100, **settings}
    found: xr.Dataset = xf.train.mixtures(scan(of), xf.ingest.phantom_references(), **given)
    return found


def count_trainings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    trained: list[str] = []
    original = fitted.classifiers.fit

    def note(name: str, *rest: Any) -> Any:
        trained.append(name)
        return original(name, *rest)

    monkeypatch.setattr(fitted.classifiers, "fit", note)
    return trained


def test_a_second_scan_of_a_campaign__does_not_train(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = count_trainings(monkeypatch)
    first, told = xf.train.fit(samples(1, noise=0.02), trees=5)
    again, told_again = xf.train.fit(samples(2, noise=0.02), trees=5)
    assert len(trained) == 1
    assert first == again
    assert told_again.cached_model
    assert replace(told_again, cached_model=None) == told


def test_measured_noise__makes_a_model_of_its_own_for_every_scan(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = count_trainings(monkeypatch)
    for seed in (1, 2, 1):
        xf.train.fit(samples(seed), trees=5)
    assert len(trained) == 2


@pytest.mark.parametrize(
    "other", [{"noise": 0.03}, {"seed": 1}, {"noise_patterns": 21}, {"span": (-10.0, 50.0)}]
)
def test_another_setting__is_another_model(
    cache: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, Any]
) -> None:
    trained = count_trainings(monkeypatch)
    xf.train.fit(samples(noise=0.02), trees=5)
    xf.train.fit(samples(**{"noise": 0.02, **other}), trees=5)
    assert len(trained) == 2


def test_kept_samples__are_not_even_made(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    xf.train.fit(samples(noise=0.02), trees=5)

    def refuse(*_: Any) -> None:
        raise AssertionError("patterns were made")

    monkeypatch.setattr("xafsflow.sampling.noisy_patterns.Maker.__call__", refuse)
    xf.train.fit(samples(noise=0.02), trees=5)


@pytest.mark.parametrize("damage", ["model", "told", "cut"])
def test_a_damaged_model__is_made_again(cache: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    first, _ = xf.train.fit(samples(noise=0.02), trees=5)
    path = next(cache.glob("*.npz"))
    if damage == "model":
        path.write_bytes(path.read_bytes()[:-9] + b"otherwise")
    elif damage == "told":
        path.with_suffix(".json").write_text("{")
    else:
        path.unlink()
    trained = count_trainings(monkeypatch)
    again, _ = xf.train.fit(samples(noise=0.02), trees=5)
    assert len(trained) == 1
    assert again == first


def test_without_a_folder__nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAFSFLOW_CACHE", "")
    trained = count_trainings(monkeypatch)
    for _ in range(2):
        xf.train.fit(samples(noise=0.02), trees=5)
    assert len(trained) == 2


def test_only_the_models_last_used__stay(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 2)
    for noise in (0.01, 0.02, 0.03):
        xf.train.fit(samples(noise=noise), trees=5)
    assert len(list(cache.glob("*.npz"))) == len(list(cache.glob("*.json"))) == 2


def test_noise_of_a_number__is_that_of_the_patterns() -> None:
    made = samples(noise=0.02, noise_patterns=200).compute()
    below = made.energy.values < 7100
    pure = made.features.values[made.label.values == 0][:, below]
    # The pre-edge line takes a part of the noise up, and gives its own back.
    assert 0.8 < np.std(pure) / 0.02 < 1.3
