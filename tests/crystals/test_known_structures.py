"""The step `ingest.structure_patterns`."""

from __future__ import annotations

from pathlib import Path

import pytest

import xafsflow as xf
from xafsflow.crystals import pattern_store, simulated_patterns
from xafsflow.errors import InputError
from xafsflow.steps.ingest import known_structures


def test_step__gives_the_table_of_its_settings() -> None:
    made = xf.ingest.structure_patterns(
        types=["fcc", "bcc"], compounds=3, background=0, range=(20.0, 60.0), step=0.05, seed=1
    )
    assert dict(made.sizes) == {"sample": 6, "two_theta": 801}
    assert sorted(set(made.structure_type.values)) == ["bcc", "fcc"]


def test_background__is_a_list_or_a_number() -> None:
    settings = {"types": ["fcc"], "compounds": 1, "background_compounds": 2, "step": 0.1}
    named = xf.ingest.structure_patterns(**settings, background=["coesite"])
    assert named.structure_type.values.tolist() == ["fcc", "coesite", "coesite"]
    counted = xf.ingest.structure_patterns(**settings, background=3)
    assert counted.background.values.tolist() == [False] + [True] * 6


def test_many_patterns__are_made_once_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XAFSFLOW_CACHE", str(tmp_path))
    monkeypatch.setattr(known_structures, "LARGE", 3)
    settings = {"types": ["fcc", "bcc"], "compounds": 2, "background": 0, "step": 0.1}
    first = xf.ingest.structure_patterns(**settings)
    assert first.mu.chunks is not None
    folders = list((tmp_path / "patterns").iterdir())
    assert len(folders) == 1

    def never(*_: object) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr(pattern_store, "sample_pattern", never)
    again = xf.ingest.structure_patterns(**settings)
    assert again.load().equals(first.load())
    with pytest.raises(AssertionError, match="made again"):
        xf.ingest.structure_patterns(**settings, seed=1)
    monkeypatch.setenv("XAFSFLOW_CACHE", "")
    assert xf.ingest.structure_patterns(**settings).mu.chunks is None
    assert (simulated_patterns(["fcc", "bcc"], 2).sizes["sample"]) == 4


def test_unknown_wavelength__is_refused() -> None:
    with pytest.raises(InputError, match="Angstrom"):
        xf.ingest.structure_patterns(types=1, compounds=1, wavelength="copper")
