"""Synthetic maps and models of any size, for the pages and figures of a report."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import xarray as xr

from xafsflow.provenance import Entry, with_history
from xafsflow.report.model_view import ModelView
from xafsflow.vocabulary import Flag


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
    line = [Entry(step="correct.average", settings={"window": 3}), Entry(step="classify.model", settings={})]
    maps = xr.Dataset(
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
        {"pixel_size_um": 0.325},
    )
    return with_history(maps, line, map(str, maps.data_vars))


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


def _sets() -> dict[str, object]:
    rows = [
        (["Fe2O3", "Fe3O4"], 1000.0, 1.02, [0.93, 1.12], True),
        (["Fe2O3", "Fe3O4", "FeO"], 1200.5, 1.01, [0.9, 1.11], True),
        (["Fe", "FeO", "Fe2O3"], 51000.0, 3.4, [2.5, 4.3], False),
    ]
    keys = ("references", "bic", "prediction_error", "interval", "within_best")
    sets = [
        dict(zip(keys, row, strict=True)) | {"reduced_chi_square": 1.25, "r_factor": 3e-5} for row in rows
    ]
    region = {
        "region": 0,
        "pixels": 60,
        "verdict": "in region 0 (9 bins) Fe2O3 suffices",
        "shares": {"Fe2O3": 1.0},
    }
    other = {"region": 1, "pixels": 48, "verdict": "in region 1 (3 bins) something is missing", "shares": {}}
    return {
        "verdict": "Fe2O3 + Fe3O4 suffices; adding FeO improves the fit by less than its cost",
        "chosen": ["Fe3O4", "Fe2O3"],
        "superfluous": ["FeO"],
        "missing": ["Fe3O4"],
        "sets": sets,
        "regions": [region, other],
        "region_map": {"bin": 3, "region": [[0, 0, 0, 0], [0, 0, 1, 1], [0, -1, 1, 0]]},
        "near_duplicates": {"Fe3O4": ["magnetite"], "magnetite": ["Fe3O4"]},
        "bins": 12,
        "pixels": 108,
        "energies": 41,
        "span": [7092.0, 7192.0],
        "inflation": 1.21,
        "common_error": 0.002,
        "left_out": ["short"],
    }


def _missing(energy: np.ndarray) -> dict[str, object]:
    ranking = [
        {
            "reference": "FeCO3",
            "gain": 15940.7,
            "bic_change": -15806.0,
            "share": 0.134,
            "near_duplicates": ["siderite"],
        },
        {
            "reference": "FeS2",
            "gain": 34.2,
            "bic_change": 1309.0,
            "share": 0.0001,
            "near_duplicate_of": ["Fe"],
        },
        {"reference": "FeO", "gain": 0.0, "bic_change": 1343.0, "share": 0.2, "near_duplicate_of": ["FeO"]},
    ]
    fit = np.arctan(energy - 7112) / np.pi + 0.5
    residual = 0.03 * np.exp(-(((energy - 7120) / 8) ** 2))
    return {
        "source": "unknown pixels",
        "pixels": 2512,
        "verdict": "most like FeCO3 or its near-duplicate siderite",
        "reduced_chi_square": 7.391,
        "ranking": ranking,
        "energy": energy.tolist(),
        "mean_spectrum": (fit + residual).tolist(),
        "mean_fit": fit.tolist(),
        "mean_residual": residual.tolist(),
        "mean_noise": np.full(energy.size, 0.002).tolist(),
    }


def _components(energy: np.ndarray) -> dict[str, object]:
    values = np.concatenate([[1e5, 900.0, 40.0], np.linspace(1.3, 0.6, energy.size - 3)])
    indicator = np.abs(np.arange(energy.size - 1) - 4.0) + 0.01
    return {
        "energy": energy.tolist(),
        "eigenvalues": values.tolist(),
        "noise_floor": np.linspace(2.0, 1.5, 8).tolist(),
        "noise_margin": 1.25,
        "indicator": indicator.tolist(),
        "number_by_noise": 3,
        "number_by_indicator": 4,
        "retained": 3,
        "residual_mean": np.zeros(energy.size).tolist(),
        "residual_rms": np.linspace(0.9, 1.1, energy.size).tolist(),
    }


def _clusters(energy: np.ndarray) -> dict[str, object]:
    return {
        "number": 3,
        "sizes": [600, 300, 100],
        "energy": energy.tolist(),
        "mean_norm": [(np.arctan(energy - 7112 - k) / np.pi + 0.5).tolist() for k in range(3)],
        "linkage": [[1.0, 2.0, 4.0, 2.0], [0.0, 3.0, 25.0, 3.0]],
        "leaves": [0, 1, 2],
        "quality": "silhouette",
        "quality_by_number": {"2": 0.4, "3": 0.55},
    }


def _select(energy: np.ndarray) -> dict[str, object]:
    curve = [
        {"energies": n, "fraction_error": e, "error": 0.001, "dominant_accuracy": 0.98, "chosen": []}
        for n, e in ((41, 0.02), (20, 0.021), (8, 0.05))
    ]
    importance = np.exp(-(((energy - 7115) / 5) ** 2)).tolist()
    return {
        "energies": energy.tolist(),
        "permutation": importance,
        "impurity": importance,
        "curve": curve,
        "suggested": curve[1] | {"chosen": [7110.5, 7115.0, 7120.25]},
        "verdict": "20 of 41 energies would do",
    }


@pytest.fixture
def judged() -> dict[str, dict[str, object]]:
    """What the steps that judge find, as JSON gives it back."""
    energy = np.linspace(7000.0, 7200.0, 41)
    bins = {"stated": [0.55, 0.95], "observed": [0.5, 0.96], "count": [40, 960]}
    score = {"fraction_error": 0.06, "dominant_accuracy": 0.9, "accuracy": 1.0}
    tested = [
        {"name": "Fe2O3", "spoil": 0.0, "grade": "excellent", "rms": 0.004, "r_factor": 2e-5},
        {"name": "FeS2", "spoil": 7.25, "grade": "unacceptable", "rms": 0.13, "r_factor": 0.02},
    ]
    return {
        "train.fit": {
            "classifier": "random_forest",
            "reliability": bins,
            "calibration_error": 0.0123,
            "controls": {"random_forest": score, "nearest_class": score | {"fraction_error": 0.04}},
            "better": "nearest_class is better than random_forest: wrong by 0.04 (difference 0.02 +- 0.01)",
        },
        "train.select": _select(energy),
        "derive.clusters": _clusters(energy),
        "judge.components": _components(energy),
        "judge.target": {"components": 3, "candidates": tested, "left_out": ["short"]},
        "judge.reference_sets": _sets(),
        "judge.missing": _missing(energy),
    }
