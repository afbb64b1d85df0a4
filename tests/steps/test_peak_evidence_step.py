"""judge.peaks: which peaks spoke for a structure type, in files, in a pixel, and in parts of an image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.findings.record import from_json, to_json
from xafsflow.findings.union_findings import PatternExplanation
from xafsflow.kernels.diffraction.log_places import log_edges, onto_places
from xafsflow.kernels.diffraction.prepared_pattern import angles_of_means, prepared
from xafsflow.learning.explanation.peak_evidence import peak_evidence
from xafsflow.learning.models.model import Model
from xafsflow.learning.models.predictors import Linear
from xafsflow.learning.models.signature import Signature
from xafsflow.learning.models.targets import Targets
from xafsflow.learning.trust.trust_record import Trust
from xafsflow.learning.union.log_spacing import PLACES
from xafsflow.learning.union.union_model import UnionOfNetworks
from xafsflow.pipeline.recipe import parse_recipe
from xafsflow.provenance import as_measured
from xafsflow.vocabulary import Flag

ANGLE = np.linspace(10, 90, 2001)
PEAKS = {"A": (30.0, 50.0), "B": (40.0, 60.0, 70.0)}
FILES = [f"folder/{number}.xy" for number in range(10)]


def counts(*peaks: float) -> np.ndarray:
    return 50 + sum(900 * np.exp(-(((ANGLE - one) / 0.25) ** 2)) for one in peaks)


@pytest.fixture(scope="module")
def model(drawn_union: Callable[..., UnionOfNetworks]) -> Model:
    rows = prepared(ANGLE, np.stack([counts(*one) for one in PEAKS.values()]))
    means = onto_places(rows, log_edges(angles_of_means(ANGLE), PLACES))
    return Model(
        learner="union",
        signature=Signature("two_theta", "degree", ANGLE, "mu", [], None, None),
        targets=Targets("classes", ["A", "B"], ["1", "1"], np.eye(2), np.zeros((2, ANGLE.size)), None, None),
        predictor=drawn_union(ANGLE, means, (0.1, 3.0)),
        trust=Trust(),
        importances=None,
        seed=0,
        versions={},
    )


@pytest.fixture(scope="module")
def spectra() -> xr.Dataset:
    """Ten files, A and B by turns, each with a peak of the other one."""
    rows = [counts(30, 50, 40) if number % 2 == 0 else counts(40, 60, 70, 30) for number in range(10)]
    return xr.Dataset(
        {
            "mu": (("sample", "two_theta"), np.array(rows, np.float32)),
            "file": ("sample", FILES),
            "wavelength": ((), 1.5418),
        },
        {"two_theta": ("two_theta", ANGLE, {"units": "degree"})},
    )


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    """A at the left, B at the right; one pixel is background, the rows are one region each."""
    half = np.arange(8) < 4
    mu = np.where(half, counts(*PEAKS["A"])[:, None, None], counts(*PEAKS["B"])[:, None, None])
    flags, regions = (
        np.zeros((6, 8), np.uint8),
        np.broadcast_to(np.where(half, 0, 1), (6, 8)).astype(np.int16),
    )
    flags[0, 0] = int(Flag.BACKGROUND)
    made = xr.Dataset(
        {
            "mu": (("two_theta", "y", "x"), (mu * np.ones((1, 6, 1))).astype(np.float32)),
            "flags": (("y", "x"), flags),
            "cluster_index": (("y", "x"), regions),
        },
        {"two_theta": ("two_theta", ANGLE, {"units": "degree"})},
    )
    return as_measured(made)


def test_patterns__are_explained_as_if_each_were_alone(model: Model, spectra: xr.Dataset) -> None:
    found = xf.judge.peaks(model, spectra)
    assert [one.name for one in found.evidence] == FILES[:8]
    assert [one.output for one in found.evidence] == list("ABABABAB")
    assert found.notes == ("Of 10 patterns the first 8 are explained; `patterns` names others.",)
    assert found.evidence[1] == peak_evidence(model.predictor, FILES[1], spectra.mu.values[1:2])
    assert "the one at 30.0 against it" in found.evidence[1].sentence
    assert from_json(PatternExplanation, to_json(found)) == found


def test_patterns__are_named_by_file_or_number(model: Model, spectra: xr.Dataset) -> None:
    found = xf.judge.peaks(model, spectra, patterns=["folder/9.xy", 0])
    assert [one.name for one in found.evidence] == [FILES[9], FILES[0]]
    assert found.notes == ()
    without = xf.judge.peaks(model, spectra.drop_vars("file"), patterns=[3])
    assert [one.name for one in without.evidence] == ["pattern 3"]


def test_an_image__is_explained_by_answer_and_by_region(model: Model, cube: xr.Dataset) -> None:
    found = xf.judge.peaks(model, None, cube, pixel=(2, 6), pixels=3)
    single, *parts = found.evidence
    assert (single.name, single.output, single.samples) == ("pixel y 2, x 6", "B", 1)
    assert sorted(one.output for one in parts) == ["A", "B"]
    assert {(one.name, one.samples) for one in parts} == {("pixels of this class", 3)}
    for one in parts:
        assert sorted(one.peaks.round()) == list(PEAKS[one.output])
    assert found.notes == ()
    regions = xf.judge.peaks(model, None, cube, by="region", pixels=2).evidence
    assert [(one.name, one.output) for one in regions] == [
        ("pixels of region 1", "A"),
        ("pixels of region 2", "B"),
    ]
    # The pixels of a half are alike
    np.testing.assert_allclose(regions[0].effect, next(one for one in parts if one.output == "A").effect)


def test_what_does_not_apply__is_told(model: Model, cube: xr.Dataset, spectra: xr.Dataset) -> None:
    found = xf.judge.peaks(model, None, cube.drop_vars("cluster_index"), by="region", pixel=(0, 0))
    assert found.evidence == ()
    assert "y 0, x 0 is flagged" in found.notes[0]
    assert "no regions" in found.notes[1]
    # A cube on other angles is left out, beside patterns that can be explained
    found = xf.judge.peaks(model, spectra, cube.isel(two_theta=slice(None, None, 2)), patterns=[0])
    assert [one.name for one in found.evidence] == FILES[:1]
    assert "The image is not explained" in found.notes[0]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"patterns": ["folder/11.xy"]}, r"the pattern 'folder/11.xy' \(did you mean"),
        ({"patterns": [10]}, "a number from 0 to 9"),
        ({"pixel": (0, 0)}, "without a cube"),
    ],
)
def test_what_is_not_there__is_refused(
    model: Model, spectra: xr.Dataset, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        xf.judge.peaks(model, spectra, **settings)


def test_other_angles_and_nothing_at_all__are_refused(
    model: Model, spectra: xr.Dataset, cube: xr.Dataset
) -> None:
    with pytest.raises(InputError, match="from 10 to 90 degree"):
        xf.judge.peaks(model, spectra.isel(two_theta=slice(100, None)))
    with pytest.raises(InputError, match="spectra without mu over two_theta"):
        xf.judge.peaks(model, spectra.rename(two_theta="energy"))
    with pytest.raises(InputError, match="no patterns to explain"):
        xf.judge.peaks(model)
    with pytest.raises(InputError, match="patterns by name, without any"):
        xf.judge.peaks(model, None, cube, patterns=[0])
    with pytest.raises(InputError, match="8 pixels"):
        xf.judge.peaks(model, None, cube, pixel=(0, 8))


def test_another_wavelength__is_refused(model: Model, spectra: xr.Dataset) -> None:
    molybdenum, copper = (
        replace(model, signature=replace(model.signature, wavelength=one)) for one in (0.7093, 1.5418)
    )
    with pytest.raises(InputError, match=r"angles at 1\.5418 Angstrom.*0\.7093"):
        xf.judge.peaks(molybdenum, spectra)
    with pytest.raises(InputError, match="angles without a wavelength"):
        xf.judge.peaks(copper, spectra.drop_vars("wavelength"))
    assert xf.judge.peaks(copper, spectra, patterns=[0]).evidence


def test_other_models__are_refused_with_what_explains_them(model: Model, spectra: xr.Dataset) -> None:
    linear = Linear(np.zeros((ANGLE.size, 2)), np.zeros(2), True, np.arange(2))
    other = replace(model, learner="logistic_regression", predictor=linear)
    with pytest.raises(InputError, match=r"logistic_regression over two_theta.*judge\.explanation"):
        xf.judge.peaks(other, spectra)


def test_settings__are_taken_from_a_recipe() -> None:
    steps = "[{ingest.patterns: {files: ['*.xy']}}, {ingest.model: {file: m.npz}}, {judge.peaks: %s}]"
    for given, wanted in (
        ("{patterns: [a.xy, 3], pixel: [3, 4]}", {"patterns": ["a.xy", 3], "pixel": (3, 4)}),
        ("{by: region, pixels: 4}", {"by": "region", "pixels": 4, "patterns": None}),
    ):
        plan = parse_recipe(f"recipe: 1\nsteps: {steps % given}", "recipe.yaml").plan
        assert plan[-1].settings.items() >= wanted.items()
