"""Images of a format that only tests know, whose files tell of the scan."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from xafsflow.io.readers import READERS, ImageStack
from xafsflow.io.readers.image_scan import ImageScan

START = b"a scan of tests\n"


@dataclass(frozen=True)
class ArrayImages(ImageStack):
    """Images in memory."""

    values: np.ndarray
    row_quantum: int = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.values.shape  # type: ignore[return-value]

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self.values.dtype

    def take(self, order: Sequence[int]) -> ImageStack:
        return ArrayImages(self.values[list(order)])

    def read_rows(
        self, start: int, stop: int, out: Any = None, columns: slice | None = None, threads: int = 1
    ) -> Any:
        found = self.values[:, start:stop, columns or slice(None)]
        if out is None:
            return found
        out[...] = found
        return out


@pytest.fixture
def scan_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """`scan_file("scan.h5", images=..., energies=..., ...)` writes a file that tells all this of its images."""

    def open_scan(paths: Sequence[Path], inside: str | None = None) -> ImageScan:
        told = pickle.loads(paths[0].read_bytes()[len(START) :])
        told = told[inside] if inside is not None else told
        stacks = {k: ArrayImages(v) for k, v in told.items() if np.ndim(v) == 3}
        return ImageScan(**{**told, **stacks})

    module = ModuleType("scan_of_tests")
    module.__dict__.update(
        FORMAT="a scan of tests", detect=lambda s: s.startswith(START), open_scan=open_scan
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(READERS, "images", (*READERS["images"], module.__name__))

    def write(name: str, **told: Any) -> Path:
        path = tmp_path / name
        path.write_bytes(START + pickle.dumps(told))
        return path

    return write
