"""Synthetic maps and models of any size, for the pages and figures of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

import numpy as np
import pytest
import xarray as xr

import xafsflow.steps  # noqa: F401 - fills the table of steps
from xafsflow.findings.derive_findings import ClusterFindings
from xafsflow.findings.judge_findings import (
    ComponentFindings,
    MissingCandidate,
    MissingFindings,
    TargetCandidate,
    TargetFindings,
)
from xafsflow.findings.record import Finding
from xafsflow.findings.reference_set_findings import (
    MissingReference,
    ReferenceSet,
    ReferenceSetFindings,
    RegionFindings,
    RegionMap,
)
from xafsflow.findings.run_findings import RunFindings
from xafsflow.findings.train_findings import EnergyChoice, FitFindings, Reliability, Score, SelectFindings
from xafsflow.provenance import Entry, with_history
from xafsflow.reporting.map_views import views_of
from xafsflow.reporting.model_view import ModelView
from xafsflow.reporting.page_parts import ReportInput, parts_of
from xafsflow.reporting.panel import Panel
from xafsflow.reporting.section_table import Block, sections_in_order
from xafsflow.reporting.templating import environment
from xafsflow.vocabulary import Flag


def _view(references: list[str], energy: np.ndarray, step: float) -> ModelView:
    n = round(1 / step)
    grid = [c for c in product(range(n + 1), repeat=len(references)) if sum(c) == n]
    compositions = np.array(grid) / n
    norm = np.array([0.5 + np.arctan(energy - 7112 - 3 * i) / np.pi for i in range(len(references))])
    classes = [f"class {i}" for i in range(len(grid))]
    importances = np.full(energy.size, 1 / energy.size)
    confusion = 8 * np.eye(len(grid)) + np.roll(2 * np.eye(len(grid)), 1, axis=1)
    about = ("energy", energy, "dmude", energy, norm, importances, confusion, 0.8, "random_forest")
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


def _trusted(maps: xr.Dataset) -> xr.Dataset:
    """Maps of the steps that judge: a quarter of the pixels unknown, distances twice what noise gives."""
    maps = maps[["fraction", "flags", "distance"]].copy(deep=True)
    score = np.full((9, 12), 0.5, np.float32)
    score[:, :3] = 4.0
    plane = ("y", "x")
    maps["flags"][:] = np.where(score > 1, int(Flag.UNKNOWN), 0)
    return maps.assign(
        unknown_score=(plane, score),
        confidence=(plane, np.where(score > 1, np.nan, np.float32(0.9))),
        disagreement=(plane, np.full((9, 12), 0.125, np.float32)),
        reduced_chi_square=(plane, np.where(score > 1, 9.0, 1.0).astype(np.float32)),
        component_residual=(plane, np.ones((9, 12), np.float32)),
        cluster_index=(plane, (np.arange(108).reshape(9, 12) % 3 - 1).astype(np.int16)),
        distance_expected=maps.distance / 2,
    )


@pytest.fixture
def trusted() -> Callable[[xr.Dataset], xr.Dataset]:
    """`trusted(maps)` gives the maps with those of the steps that judge."""
    return _trusted


ENERGY = np.linspace(7000.0, 7200.0, 41)
EDGE = np.arctan(ENERGY - 7112) / np.pi + 0.5


def _set(
    names: tuple[str, ...], bic: float, error: float, interval: tuple[float, float], good: bool
) -> ReferenceSet:
    return ReferenceSet(
        references=names,
        offset=0.0,
        chi_square=bic,
        reduced_chi_square=1.25,
        r_factor=3e-5,
        parameters=len(names),
        bic=bic,
        prediction_error=error,
        interval=interval,
        within_best=good,
        shares={name: 1 / len(names) for name in names},
        region_bic=np.array([bic, bic]),
        region_prediction_error=np.array([error, error]),
    )


def _region(number: int, pixels: int, verdict: str, shares: Mapping[str, float]) -> RegionFindings:
    missing = () if shares else (MissingReference("FeS2", ("FeS",)),)
    return RegionFindings(
        number, pixels // 9, pixels, verdict, tuple(shares), missing, not shares, shares, 1.0, 1.0, (0.9, 1.1)
    )


def reference_sets() -> ReferenceSetFindings:
    return ReferenceSetFindings(
        verdict="Fe2O3 + Fe3O4 suffices; adding FeO improves the fit by less than its cost",
        outcome="suffices",
        chosen=("Fe3O4", "Fe2O3"),
        alternatives={},
        needed=("Fe3O4", "Fe2O3"),
        superfluous=("FeO",),
        missing=("Fe3O4",),
        sets=(
            _set(("Fe2O3", "Fe3O4"), 1000.0, 1.02, (0.93, 1.12), True),
            _set(("Fe2O3", "Fe3O4", "FeO"), 1200.5, 1.01, (0.9, 1.11), True),
            _set(("Fe", "FeO", "Fe2O3"), 51000.0, 3.4, (2.5, 4.3), False),
        ),
        regions=(
            _region(0, 60, "in region 0 (9 bins) Fe2O3 suffices", {"Fe2O3": 1.0}),
            _region(1, 48, "in region 1 (3 bins) something is missing", {}),
        ),
        near_duplicates={"Fe3O4": ("magnetite",), "magnetite": ("Fe3O4",)},
        offset=0.1,
        broadening=0.04,
        unexplained=0.0,
        detectable=0.043,
        inflation=1.21,
        common_error=0.002,
        bins=12,
        pixels=108,
        energies=41,
        values=492,
        left_out=("short",),
        span=(7092.0, 7192.0),
        region_map=RegionMap(3, np.array([[0, 0, 0, 0], [0, 0, 1, 1], [0, -1, 1, 0]])),
    )


def missing() -> MissingFindings:
    residual = 0.03 * np.exp(-(((ENERGY - 7120) / 8) ** 2))
    return MissingFindings(
        source="unknown pixels",
        verdict="most like FeCO3 or its near-duplicate siderite",
        ranking=(
            MissingCandidate("FeCO3", 15940.7, -15806.0, 1.1, 1e-4, 1.2, 0.134, ("siderite",), ()),
            MissingCandidate("FeS2", 34.2, 1309.0, 7.3, 1e-3, 3.0, 0.0001, (), ("Fe",)),
            MissingCandidate("FeO", 0.0, 1343.0, 7.4, 1e-3, 3.0, 0.2, (), ("FeO",)),
        ),
        reduced_chi_square=7.391,
        r_factor=1e-3,
        offset=0.0,
        inflation=1.0,
        bins=20,
        pixels=2512,
        energy=ENERGY,
        mean_spectrum=EDGE + residual,
        mean_fit=EDGE,
        mean_residual=residual,
        mean_noise=np.full(ENERGY.size, 0.002),
        left_out=(),
        span=(7092.0, 7192.0),
    )


def components() -> ComponentFindings:
    values = np.concatenate([[1e5, 900.0, 40.0], np.linspace(1.3, 0.6, ENERGY.size - 3)])
    return ComponentFindings(
        axis="energy",
        pixels=1000,
        energy=ENERGY,
        eigenvalues=values,
        noise_floor=np.linspace(2.0, 1.5, 8),
        noise_margin=1.25,
        explained=values / values.sum(),
        cumulative=np.cumsum(values) / values.sum(),
        indicator=np.abs(np.arange(ENERGY.size - 1) - 4.0) + 0.01,
        number_by_indicator=4,
        number_by_noise=3,
        retained=3,
        residual_mean=np.zeros(ENERGY.size),
        residual_rms=np.linspace(0.9, 1.1, ENERGY.size),
    )


def target() -> TargetFindings:
    tested = (
        TargetCandidate("Fe2O3", 0.0, "excellent", 2e-5, 1.0, 0.004),
        TargetCandidate("FeS2", 7.25, "unacceptable", 0.02, 9.0, 0.13),
    )
    return TargetFindings(3, 100.0, ENERGY, tested, {}, ("short",))


def clusters() -> ClusterFindings:
    return ClusterFindings(
        axis="energy",
        number=3,
        method="kmeans",
        pixels=1000,
        sizes=np.array([600, 300, 100]),
        shares=np.array([0.6, 0.3, 0.1]),
        energy=ENERGY,
        mean_norm=np.array([np.arctan(ENERGY - 7112 - k) / np.pi + 0.5 for k in range(3)]),
        linkage=np.array([[1.0, 2.0, 4.0, 2.0], [0.0, 3.0, 25.0, 3.0]]),
        leaves=np.array([0, 1, 2]),
        quality="silhouette",
        quality_by_number={2: 0.4, 3: 0.55},
        explained=np.array([0.9, 0.1]),
    )


def selection() -> SelectFindings:
    importance = np.exp(-(((ENERGY - 7115) / 5) ** 2))
    curve = tuple(
        EnergyChoice(n, error, 0.001, 0.98, np.array([7110.5, 7115.0, 7120.25]))
        for n, error in ((41, 0.02), (20, 0.021), (8, 0.05))
    )
    verdict = "20 of 41 energies would do"
    return SelectFindings("extra_trees", ENERGY, importance, importance, curve, curve[1], verdict)


def fit() -> FitFindings:
    return FitFindings(
        classifier="random_forest",
        classes=15,
        training_patterns=8000,
        held_out_patterns=2000,
        check_patterns=1000,
        noise=0.02,
        accuracy=0.8125,
        fraction_error=0.06,
        dominant_accuracy=0.9,
        confusion=np.eye(15, dtype=np.int64),
        reliability=Reliability(np.array([0.55, 0.95]), np.array([0.5, 0.96]), np.array([40, 960])),
        calibration_error=0.0123,
        controls={"random_forest": Score(1.0, 0.06, 0.9), "nearest_class": Score(1.0, 0.04, 0.9)},
        better="nearest_class is better than random_forest: wrong by 0.04 (difference 0.02 +- 0.01)",
        importances=None,
    )


@pytest.fixture
def judged() -> RunFindings:
    """What the steps that train and judge find."""
    return RunFindings(
        {
            "train.fit": fit(),
            "train.select": selection(),
            "derive.clusters": clusters(),
            "judge.components": components(),
            "judge.target": target(),
            "judge.reference_sets": reference_sets(),
            "judge.missing": missing(),
        }
    )


def _shown(
    section: str,
    finding: Finding | None = None,
    model: ModelView | None = None,
    maps: xr.Dataset | None = None,
    entry: str = "entry",
) -> list[Block]:
    """What a section shows of one finding and of maps, a map of nothing if none are given."""
    maps = xr.Dataset({"other": (("y", "x"), np.ones((9, 12)))}) if maps is None else maps
    entries = {} if finding is None else {entry: finding}
    models = {} if model is None else {entry: model}
    given = ReportInput(views_of(maps), models, RunFindings(entries), {})
    (row,) = (one for one in sections_in_order() if one.name == section)
    return [block for part in parts_of(row, given) for block in row.show(part)]


def _html(*panels: Block) -> str:
    """The panels among blocks as they stand in a page."""
    macros = environment().get_template("macros.html.j2").module
    return "".join(str(macros.panel(one)) for one in panels if isinstance(one, Panel))


@pytest.fixture
def shown() -> Callable[..., list[Block]]:
    """`shown(section, finding, model, maps, entry)` gives the blocks of a section, see `_shown`."""
    return _shown


@pytest.fixture
def html() -> Callable[..., str]:
    """`html(*blocks)` gives the panels among the blocks as they stand in a page."""
    return _html
