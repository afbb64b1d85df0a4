"""Files of beamlines and programs, against the values that other programs found in them."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


def test_every_file_of_images__is_read_right_or_refused_where_it_must_be(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (shared / "formats" / "index.json").is_file():
        pytest.skip("the files of other formats are not beside the project (../shared/data/formats)")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    outcomes = importlib.import_module("image_formats").outcomes(shared / "formats")
    assert len(outcomes) >= 16
    assert [one for one in outcomes if one.outcome != "read right"] == []
    assert sum(one.message.startswith("refused") for one in outcomes) == 3
