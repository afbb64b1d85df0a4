"""Synthetic maps and models of any size, for the pages and figures of a report."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import xarray as xr

from xafsflow.names import Flag
from xafsflow.report.view import ModelView


def _view(references: list[str], energy: np.ndarray, step: float) -> ModelView:
    n = round(1 / step)
    grid = [c for c in product(range(n + 1), repeat=len(references)) if sum(c) == n]
    compositions = np.array(grid) / n
    norm = np.array([0.5 + np.arctan(energy - 7112 - 3 * i) / np.pi for i in range(len(references))])
    classes = [f"class {i}" for i in range(len(grid))]
    importances = np.full(energy.size, 1 / energy.size)
    confusion = 8 * np.eye(len(grid)) + np.roll(2 * np.eye(len(grid)), 1, axis=1)
    about = (energy, "dmude", energy, norm, importances, confusion, 0.8, "random_forest")
    return ModelView(list(references), classes, compositions, *about)


def _maps(shape: tuple[int, int], references: list[str], view: ModelView, seed: int) -> xr.Dataset:
    random = np.random.default_rng(seed)
    fraction = random.dirichlet(np.ones(len(references)), size=shape).transpose(2, 0, 1).astype(np.float32)
    flags = np.zeros(shape, np.uint8)
    flags[0, 0] = Flag.BACKGROUND | Flag.LOW_STEP
    fraction[:, 0, 0] = np.nan
    distance = ((fraction[:, None] - view.compositions.T[:, :, None, None]) ** 2).sum(axis=0)
    class_index = np.where(np.isnan(fraction[0]), -1, distance.argmin(axis=0)).astype(np.int16)
    out = np.where(np.isnan(fraction[0]), np.nan, 1.0)

    def plane(low: float, high: float) -> tuple[tuple[str, str], np.ndarray]:
        return ("y", "x"), (out * random.uniform(low, high, shape)).astype(np.float32)

    energy = view.reference_energy
    noisy = view.reference_norm + random.normal(0, 0.01, view.reference_norm.shape)
    history = [{"step": "correct.average", "settings": {"window": 3}}, {"step": "classify.forest"}]
    return xr.Dataset(
        {
            "class_index": (("y", "x"), class_index),
            "class_vote": plane(0, 1),
            "fraction": (("reference", "y", "x"), fraction),
            "distance": (("metric", "y", "x"), np.stack([plane(0, 5)[1], plane(0, 0.1)[1]])),
            "flags": (("y", "x"), flags),
            "edge_step": plane(0.2, 1.0),
            "e0": plane(7110, 7120),
            "energy_shift": plane(-2, 2),
            "mean_norm": (("reference", "energy"), noisy),
            "mean_pixels": (("reference",), np.arange(len(references)) + 5),
        },
        {"reference": references, "metric": ["euclidean", "jensen_shannon"], "energy": energy},
        {"pixel_size_um": 0.325, "history": json.dumps(history)},
    )


Make = Callable[..., tuple[xr.Dataset, ModelView]]


@pytest.fixture(scope="session")
def make() -> Make:
    """`make(shape, references, step)` gives maps and the model that made them; pixel (0, 0) is background."""

    def build(
        shape: tuple[int, int] = (9, 12),
        references: tuple[str, ...] = ("Fe", "FeO", "Fe2O3"),
        step: float = 0.25,
        seed: int = 0,
    ) -> tuple[xr.Dataset, ModelView]:
        energy = np.linspace(7000.0, 7200.0, 41)
        view = _view(list(references), energy, step)
        return _maps(shape, list(references), view, seed), view

    return build
