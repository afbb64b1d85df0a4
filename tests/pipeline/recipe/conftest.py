"""A small table of steps in the place of the real one, so that tests of recipes do not depend on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import pytest
import xarray as xr
from pydantic import Field

import xafsflow.steps  # noqa: F401  the real steps enter the real table before a test swaps it
from xafsflow.step_table import STEPS, Span, step


def tiff_stack(data: Any, /, *, sample: str, energies: str | None = None) -> xr.Dataset:
    raise NotImplementedError


def references(data: Any, /, *, files: dict[str, str], offsets: dict[str, float] | None = None) -> xr.Dataset:
    raise NotImplementedError


def absorbance(cube: xr.Dataset, /) -> xr.Dataset:
    raise NotImplementedError


def average(cube: xr.Dataset, /, *, window: Annotated[int, Field(ge=1, le=99)] = 3) -> xr.Dataset:
    raise NotImplementedError


def edge_step(
    cube: xr.Dataset,
    /,
    *,
    e0: float | None = None,
    pre: Span = (-150, -30),
    method: Literal["edge_step", "flat", "minmax"] = "edge_step",
    weights: tuple[float, ...] = (),
    keep: bool = True,
) -> xr.Dataset:
    raise NotImplementedError


def derivative(cube: xr.Dataset, /, *, variable: str = "norm", into: str | None = "dmude") -> xr.Dataset:
    raise NotImplementedError


def combination(cube: xr.Dataset, library: xr.Dataset, /) -> xr.Dataset:
    raise NotImplementedError


def page(maps: xr.Dataset, findings: Any, /, *, title: str = "") -> str:
    raise NotImplementedError


TABLE: list[tuple[str, Callable[..., Any], dict[str, Any]]] = [
    ("ingest", tiff_stack, {"makes": "cube", "gives": ["sample"]}),
    ("ingest", references, {"makes": "library"}),
    ("correct", absorbance, {"makes": "cube", "needs": ["sample"], "gives": ["mu"]}),
    ("correct", average, {"makes": "cube", "needs": ["mu"]}),
    ("normalize", edge_step, {"makes": "cube", "needs": ["mu"], "gives": ["norm", "e0"]}),
    ("derive", derivative, {"makes": "cube", "needs": ["{variable}"], "gives": ["{into}"]}),
    ("classify", combination, {"makes": "cube", "needs": ["norm"], "gives": ["lcf_fraction"]}),
    ("report", page, {"makes": "page"}),
]


@pytest.fixture(scope="module", autouse=True)
def small_table() -> Iterator[None]:
    real = dict(STEPS)
    STEPS.clear()
    for station, function, words in TABLE:
        function.__module__ = f"small.{station}"
        step(**words)(function)
    yield
    STEPS.clear()
    STEPS.update(real)
