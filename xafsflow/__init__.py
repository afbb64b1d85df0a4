"""Chemical-state maps from imaging XAFS.

The stations of the way of the data are `ingest`, `correct`, `normalize`, `derive`, `train`, `classify`, `judge` and
`report`, each a module of plain functions from Dataset to Dataset: `xafsflow.correct.absorbance(cube)`.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"
# In the order of the way of the data.
STATIONS = ("ingest", "correct", "calibrate", "normalize", "derive", "train", "classify", "judge", "report")
__all__ = [*STATIONS]


def __getattr__(name: str) -> Any:
    """Load a station when it is first used: `import xafsflow` alone takes no time."""
    if name in STATIONS:
        importlib.import_module("xafsflow.steps")
        return importlib.import_module(f"xafsflow.steps.{name}")
    raise AttributeError(f"module 'xafsflow' has no attribute {name!r}")


def __dir__() -> list[str]:
    return ["__version__", *STATIONS]
