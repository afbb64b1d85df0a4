"""The share of the public files that are read right; the values are in the index beside them, found by other programs."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

DATA = Path("../shared/data/formats")
BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.mark.skipif(not DATA.is_dir(), reason="the public files, ../shared/data/formats, are not here")
def test_public_files__are_read_right_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    found = import_module("spectrum_formats").outcomes(DATA)
    for name in ("spectrum_formats", "format_outcome"):
        monkeypatch.delitem(sys.modules, name)
    shares = {one.outcome: sum(other.outcome == one.outcome for other in found) for one in found}
    assert set(shares) <= {"read right", "refused"}, [
        one for one in found if one.outcome in ("wrong", "failed")
    ]
    assert shares["read right"] >= 0.95 * len(found), [one for one in found if one.outcome == "refused"]
    unasked = [one for one in found if one.outcome == "read right" and "asked (" not in one.message]
    assert len(unasked) >= 0.85 * len(found)
