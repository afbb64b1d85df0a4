"""Networks of a union are trained once, found again, and gone on with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from xafsflow.learning.network.network_training import Training
from xafsflow.learning.network.torch_network import Shape
from xafsflow.learning.union import group_training
from xafsflow.learning.union.group_training import evenly_drawn, groups_by_likeness, rows_for, trained_network
from xafsflow.learning.union.pattern_samples import STOP, TRAIN, PatternSamples
from xafsflow.progress import told_to
from xafsflow.sampling.pattern_library import pattern_library


@pytest.fixture(scope="module")
def samples(known_patterns: xr.Dataset) -> PatternSamples:
    return pattern_library(known_patterns, "structure_type", None, 0).samples


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that are trained in a second."""
    pytest.importorskip("torch", reason="networks are trained with torch, of the extra `nets`")
    monkeypatch.setattr(group_training, "SHAPE", Shape(15, 3, (4, 8), 4))


def trained(
    samples: PatternSamples, seed: int = 0, types: tuple[int, ...] = (0, 1)
) -> tuple[bytes, list[Any]]:
    told = list[Any]()
    with told_to(lambda name, share: told.append((name, share))):
        content = trained_network(samples, types, Training(epochs=2, patience=5), seed, "one")
    return content, told


@pytest.mark.usefixtures("small")
def test_a_network__is_found_again_and_trained_again_where_it_is_damaged(
    samples: PatternSamples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, _ = trained(samples)
    monkeypatch.setenv("XAFSFLOW_CACHE", str(tmp_path))
    first, told = trained(samples)
    assert first == plain
    assert told == [("one", None), ("one", 0.5), ("one", 1.0), ("one", 1.0)]
    (file,) = (tmp_path / "networks").iterdir()
    assert file.read_bytes() == first
    assert trained(samples) == (first, [])
    for damaged in (first[:-9], b"", trained(samples, types=(1, 2))[0]):
        file.write_bytes(damaged)
        again, told = trained(samples)
        assert again == first
        assert len(told) == 4
        assert file.read_bytes() == first
    other, told = trained(samples, seed=1)
    assert other != first
    assert len(told) == 4
    assert trained(replace(samples, sequences=samples.sequences * np.float32(0.5)))[1]


@pytest.mark.usefixtures("small")
def test_a_network__is_gone_on_with(
    samples: PatternSamples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XAFSFLOW_CACHE", str(tmp_path / "whole"))
    whole, _ = trained(samples)
    monkeypatch.setenv("XAFSFLOW_CACHE", str(tmp_path / "killed"))

    def stop(name: str, share: float | None) -> None:
        if share == 1.0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), told_to(stop):
        trained_network(samples, (0, 1), Training(epochs=2, patience=5), 0, "one")
    assert [one.suffix for one in (tmp_path / "killed" / "networks").iterdir()] == [".part"]
    again, told = trained(samples)
    assert again == whole
    assert told == [("one", None), ("one", 1.0), ("one", 1.0)]
    assert [one.suffix for one in (tmp_path / "killed" / "networks").iterdir()] == [".safetensors"]


@pytest.mark.usefixtures("small")
def test_a_cache_that_cannot_be_written_to__costs_nothing(
    samples: PatternSamples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, _ = trained(samples)
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XAFSFLOW_CACHE", str(tmp_path / "file"))
    assert trained(samples)[0] == plain


def test_rows_of_a_network__are_its_own_types_and_some_of_the_others(samples: PatternSamples) -> None:
    for part in (TRAIN, STOP):
        rows, outputs = rows_for(samples, (2, 0), part, 0)
        assert len(set(rows.tolist())) == len(rows)
        assert (samples.part[rows] == part).all()
        labels = samples.labels[rows]
        np.testing.assert_array_equal(outputs, np.select([labels == 2, labels == 0], [0, 1], 2))
        mine, others = int((outputs < 2).sum()), labels[(outputs == 2) & (labels >= 0)]
        assert mine == np.isin(samples.labels[samples.part == part], [0, 2]).sum()
        known = np.isin(samples.labels[samples.part == part], [1, 3]).sum()
        assert len(others) == min(known, round(group_training.OTHERS[0] * mine))
        assert abs((others == 1).sum() - (others == 3).sum()) <= 1
        background = (samples.labels[samples.part == part] == -1).sum()
        assert (labels == -1).sum() == min(background, round(group_training.OTHERS[1] * mine))


def test_even_draws__take_as_many_of_each_kind_as_there_are() -> None:
    kind = np.array(["a"] * 50 + ["b"] * 3 + ["c"] * 20)
    rows = np.arange(100, 173)
    found = evenly_drawn(rows, kind, 17, [0])
    assert len(set(found.tolist())) == 17
    assert {name: int((kind[found - 100] == name).sum()) for name in "abc"} == {"a": 7, "b": 3, "c": 7}
    assert sorted(evenly_drawn(rows, kind, 500, [0])) == rows.tolist()
    np.testing.assert_array_equal(evenly_drawn(rows, kind, 17, [0]), found)
    assert not np.array_equal(evenly_drawn(rows, kind, 17, [1]), found)
    assert not len(evenly_drawn(rows[:0], kind[:0], 5, [0]))


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_groups__hold_each_type_once_and_like_ones_together(count: int) -> None:
    rng = np.random.default_rng(0)
    families = (rng.random((3, 400)) * (rng.random((3, 400)) < 0.05)).astype("f4")
    templates = families[[0, 1, 2, 0, 1, 2]] + (0.01 * rng.random((6, 400))).astype("f4")
    found = groups_by_likeness(templates, count)
    assert sorted(place for one in found for place in one) == list(range(6))
    assert len(found) == min(count, 6)
    assert max(map(len, found)) - min(map(len, found)) <= 1
    if count == 3:
        assert sorted(found) == [[0, 3], [1, 4], [2, 5]]


def test_two_types__make_two_groups() -> None:
    assert groups_by_likeness(np.ones((2, 60), "f4"), 2) == [[0], [1]]
