"""A disk that is full: one clear message, and when there is space again the same command goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A small disk in memory; called again with another number of KiB it changes its size."""
    place = tmp_path / "disk"
    place.mkdir()

    def sized(kibibytes: int) -> Path:
        change = ["-o", f"remount,size={kibibytes}k"] if place.is_mount() else ["-o", f"size={kibibytes}k"]
        words = ["mount", "-t", "tmpfs", *change, "tmpfs", str(place)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
        return place

    yield sized
    if place.is_mount():
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk__is_told_and_with_space_the_run_goes_on(
    disk: Any, undisturbed: Path, call: Any, run_words: Any, digest: Any, survived: Any, trials: int
) -> None:
    # A file takes whole pages of 4 KiB here.
    pages = sum(-(-path.stat().st_size // 4096) for path in undisturbed.rglob("*") if path.is_file())
    good = 0
    for trial in range(trials):
        disk(64 * 2**10)
        place = disk(4 * max(8, pages * (trial + 1) // (trials + 1)))
        out = place / f"run{trial}"
        full = call(*run_words(out))
        assert full.exit_code == 1, full.output
        assert "Traceback" not in full.output
        assert "No space left on device" in full.stderr
        disk(64 * 2**10)
        again = call(*run_words(out))
        assert again.exit_code == 0, again.output
        good += digest(out) == digest(undisturbed)
        subprocess.run(["rm", "-r", str(out)], check=True)
    survived("disk full", trials, good)
