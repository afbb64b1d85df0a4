from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr

from xafsflow.crystals import (
    Disturbances,
    PatternSettings,
    open_patterns,
    pattern_store,
    simulated_patterns,
    write_patterns,
)
from xafsflow.errors import InputError
from xafsflow.files import sha256_of

COARSE = PatternSettings(step=0.1)
ASKED = (["rocksalt", "spinel"], 5)
MORE = {"background": ["coesite"], "per_background": 3, "pattern": COARSE, "seed": 2}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern_store, "BLOCK", 4)


def content(folder: Path) -> dict[str, str]:
    """Digests of all files of a folder."""
    return {p.relative_to(folder).as_posix(): sha256_of(p) for p in folder.rglob("*") if p.is_file()}


def test_stored_patterns__are_those_made_in_memory(tmp_path: Path) -> None:
    stored = write_patterns(tmp_path / "a.zarr", *ASKED, **MORE)
    assert stored.mu.chunks is not None
    assert stored.mu.chunks[0] == (4, 4, 4, 1)
    expected = simulated_patterns(*ASKED, **MORE)
    assert expected.identical(stored.load())
    assert zarr.open_group(str(tmp_path / "a.zarr"), mode="r")["mu"].dtype == np.uint16


def test_writing_that_was_stopped__goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    write_patterns(tmp_path / "whole.zarr", *ASKED, **MORE)
    whole = content(tmp_path / "whole.zarr")

    class Killed(BaseException):
        """As a signal ends a process."""

    for after in range(4):
        folder, calls = tmp_path / f"{after}.zarr", 0

        def stop(name: str, share: float | None, after: int = after) -> None:
            nonlocal calls
            calls += 1
            if calls > after:
                raise Killed

        with pytest.raises(Killed):
            write_patterns(folder, *ASKED, **MORE, progress=stop)
        assert len(pattern_store.missing_blocks(folder)) == 4 - after
        with pytest.raises(InputError, match="not written yet"):
            open_patterns(folder)
        kept = {path: path.stat().st_mtime_ns for path in (folder / "mu" / "c").rglob("0") if path.is_file()}
        write_patterns(folder, *ASKED, **MORE)
        assert content(folder) == whole
        assert all(path.stat().st_mtime_ns == when for path, when in kept.items())


def test_stopped_before_the_first_block__leaves_no_half_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(pattern_store.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_patterns(tmp_path / "a.zarr", *ASKED, **MORE)
    assert list(tmp_path.iterdir()) == []


def test_other_patterns__are_not_written_over(tmp_path: Path) -> None:
    write_patterns(tmp_path / "a.zarr", *ASKED, **MORE)
    before = content(tmp_path / "a.zarr")
    with pytest.raises(InputError, match="other patterns"):
        write_patterns(tmp_path / "a.zarr", *ASKED, **(MORE | {"seed": 3}))
    assert content(tmp_path / "a.zarr") == before
    (tmp_path / "b.zarr").mkdir()
    with pytest.raises(InputError):
        write_patterns(tmp_path / "b.zarr", *ASKED, **MORE)


def test_link__is_not_written_through(tmp_path: Path) -> None:
    write_patterns(tmp_path / "a.zarr", *ASKED, **MORE)
    (tmp_path / "a.zarr" / "more").symlink_to(tmp_path)
    with pytest.raises(InputError, match="a link"):
        write_patterns(tmp_path / "a.zarr", *ASKED, **MORE)


@pytest.mark.parametrize(
    ("counts", "kind"), [((300.0, 30000.0), "uint16"), ((1e5, 1e6), "uint32"), (None, "float32")]
)
def test_counts__are_stored_in_the_smallest_type_that_holds_them(
    tmp_path: Path, counts: tuple[float, float] | None, kind: str
) -> None:
    settings = {"pattern": COARSE, "disturbances": Disturbances(counts=counts)}
    stored = write_patterns(tmp_path / "a.zarr", ["rocksalt"], 3, **settings)
    assert str(zarr.open_group(str(tmp_path / "a.zarr"), mode="r")["mu"].dtype) == kind
    assert (stored.mu.values == simulated_patterns(["rocksalt"], 3, **settings).mu.values).all()
