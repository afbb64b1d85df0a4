"""The stations, in the order of the way of the data; importing them fills the table of steps."""

from __future__ import annotations

import importlib
from types import ModuleType

from xafsflow import STATIONS
from xafsflow.step_table import STEPS


def _shows_its_steps(station: ModuleType, name: str) -> None:
    """Let `dir` and the completion of a shell list the steps of a station, and not what its modules import."""
    steps = sorted(row.function.__name__ for row in STEPS.values() if row.station == name)
    station.__dir__ = lambda: steps  # type: ignore[method-assign]


for _name in STATIONS:
    _shows_its_steps(importlib.import_module(f"{__name__}.{_name}"), _name)
