"""What tests share: measured data if it is there, and a small phantom taken through the steps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import settings

import xafsflow as xf
from xafsflow.crystals import PatternSettings, simulated_patterns
from xafsflow.findings.run_findings import RunFindings
from xafsflow.io.readers.spectrum_library import Spectrum, library_of
from xafsflow.learning.models.model import Model
from xafsflow.learning.models.signature import Signature
from xafsflow.learning.models.targets import Targets
from xafsflow.learning.network.folded_network import FoldedNetwork, shapes
from xafsflow.learning.network.network_file import network_to_bytes
from xafsflow.learning.union.assembly import learnt_limits, mean_patterns
from xafsflow.learning.union.log_spacing import PLACES
from xafsflow.learning.union.pattern_samples import LEARN
from xafsflow.learning.union.union_model import UnionOfNetworks
from xafsflow.phantom import spectrum
from xafsflow.sampling.pattern_library import pattern_library

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the measured data are not beside the project (../shared/data)")
    return SHARED


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests of every row of a table of learners leave out the one whose library is an extra that tests do without."""
    called = getattr(item, "callspec", None)
    if called and any(str(value).startswith("residual_network") for value in called.params.values()):
        pytest.importorskip("torch")


# A machine that does other work is no fault of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
# What one test trained must not be another's model; tests of kept models choose a folder.
os.environ["XAFSFLOW_CACHE"] = ""


def through_the_steps(rows: int = 24, columns: int = 20) -> dict[str, Any]:
    """Every product that steps take, from a small phantom in blocks of rows x columns pixels."""
    cube = xf.ingest.phantom(size=(24, 20), energies=60, seed=3).chunk(y=rows, x=columns)
    cube = xf.correct.absorbance(cube)
    cube = xf.normalize.edge_step(cube, e0=7112.0, pre2=-15.0, norm1=40.0, nnorm=1)
    cube = xf.derive.derivative(cube, window=8.0)
    cube = xf.derive.noise(cube)
    library = xf.ingest.phantom_references()
    samples = xf.train.mixtures(cube, library, step=0.5, noise_patterns=20, check_patterns=400)
    model, findings = xf.train.fit(samples, trees=10)
    calibration = xf.calibrate.constant(cube, shift=0.3)
    cube = xf.classify.combination(xf.classify.model(cube, model), library)
    return {
        "cube": cube,
        "library": library,
        "calibration": calibration,
        "samples": samples,
        "model": model,
        "findings": RunFindings({"train.fit": findings}),
    }


@pytest.fixture(scope="session")
def products() -> dict[str, Any]:
    return through_the_steps()


@pytest.fixture(scope="session")
def products_in_small_blocks() -> dict[str, Any]:
    return through_the_steps(rows=7, columns=9)


@pytest.fixture(scope="session")
def measured_references() -> Callable[..., xr.Dataset]:
    """References by name as the beamline of a phantom measures them: with a matrix, and falling off as the sample does."""

    def measured(*names: str) -> xr.Dataset:
        energy = np.arange(6950.0, 7500.0, 0.25)
        falling = (energy / 7112.0) ** -3.0
        mu = {name: falling * (0.4 + 1.3 * spectrum(name, energy)) for name in names}
        columns = ("energy", "mutrans")
        return library_of(
            [Spectrum(name, energy, mu[name], "Fe", "K", columns, Path(f"{name}.xdi"), {}) for name in names]
        )

    return measured


@pytest.fixture
def nothing_computes() -> Iterator[None]:
    """Any computation by Dask fails the test."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a lazy step computed something")

    with dask.config.set(scheduler=refuse):
        yield


@pytest.fixture(scope="session")
def drawn_union() -> Callable[..., UnionOfNetworks]:
    """`drawn_union(two_theta, means, score)`: types A, B, ... with these mean patterns, and a network with drawn weights.

    Without a weight of "other" in the score it has none.
    """

    def made(
        two_theta: np.ndarray,
        means: np.ndarray,
        score: tuple[float, ...],
        types: tuple[str, ...] = tuple("ABCDEFGH"),
        ratios: tuple[str, ...] = ("",) * 8,
    ) -> UnionOfNetworks:
        names, rng, places = list(types[: len(means)]), np.random.default_rng(0), np.zeros(PLACES)
        drawn = [rng.standard_normal(one).ravel() for one in shapes(3, 3, [4], len(names) + 1)]
        weights, outputs = np.concatenate(drawn).astype("f4"), np.arange(len(names) + 1)
        network = FoldedNetwork(places, places + 1, 3, 4, 3, np.array([4]), weights, True, outputs)
        file = np.frombuffer(network_to_bytes(network, {"types": names}), np.uint8)
        return UnionOfNetworks(
            two_theta=two_theta,
            types=names,
            ratios=list(ratios[: len(means)]),
            twins=[[] for _ in names],
            files=file,
            lengths=np.array([len(file)]),
            templates=means.astype("f4"),
            score=np.array((*score, 0.0, 0.0)[:4], float),
            classes=np.arange(len(names)),
        )

    return made


@pytest.fixture(scope="session")
def known_patterns() -> xr.Dataset:
    """Patterns of 40 compounds of each of four structure types, and of 8 of each of six that are background.

    Of the background types two are learnt from with seed 0, two are for limits, and two for the check.
    """
    return simulated_patterns(
        ("rocksalt", "CsCl", "fluorite", "spinel"),
        40,
        background=("bcc", "hcp", "pyrite", "quartz", "litharge", "wurtzite"),
        per_background=8,
        pattern=PatternSettings(step=0.05),
        seed=7,
    )


@pytest.fixture(scope="session")
def union_model(drawn_union: Callable[..., UnionOfNetworks], known_patterns: xr.Dataset) -> Model:
    """A union that answers by the likeness to mean patterns alone, with limits that are learnt: no network is trained."""
    library = pattern_library(known_patterns, "structure_type", None, 0)
    samples, types = library.samples, library.samples.types
    means = mean_patterns(samples, library.two_theta)
    union = drawn_union(library.two_theta, means, (0.0, 30.0, 0.0), tuple(types), tuple(library.ratios))
    return Model(
        learner="union",
        signature=Signature(
            "two_theta", "degree", library.two_theta, "mu", [], None, None, library.wavelength
        ),
        targets=Targets("classes", types, ["1"] * len(types), np.eye(len(types)), None, None, None),
        predictor=union,
        trust=learnt_limits(
            union, samples, union.parts(samples.sequences[samples.rows(LEARN)]), 0.9, 0.05, 0
        ),
        importances=None,
        seed=0,
        versions={},
    )
