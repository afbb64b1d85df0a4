"""judge.explanation: what a model answers by, of any model, of boosted trees, for one spectrum and on an image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.findings.explanation_findings import ModelExplanation
from xafsflow.findings.record import from_json, to_json
from xafsflow.learning.models.model import Model
from xafsflow.phantom import as_dataset, library_phantom, simulated_library
from xafsflow.pipeline.recipe import parse_recipe
from xafsflow.vocabulary import Flag

FEATURES = ["spectrum", "derivative", "cumulative", "edge_position"]
PROPERTIES = ["mean_distance_weighted", "electronegativity"]


@pytest.fixture(scope="module")
def library() -> xr.Dataset:
    return xf.derive.structure(simulated_library(400, seed=1, energies=160))[0]


@pytest.fixture(scope="module")
def cube(library: xr.Dataset) -> xr.Dataset:
    found = as_dataset(library_phantom(library, size=(30, 36), seed=3))
    found = xf.correct.background(xf.correct.absorbance(found), e0=7112.0)
    found = xf.normalize.flat(found, e0=7118.0, pre1=-22, pre2=-10, npre=0, norm1=40, nnorm=1)
    return xf.derive.noise(found).compute()


@pytest.fixture(scope="module")
def samples(library: xr.Dataset, cube: xr.Dataset) -> xr.Dataset:
    made: xr.Dataset = xf.train.spectra(library, cube, label="polyhedron", features=FEATURES)
    return made


@pytest.fixture(scope="module")
def properties(library: xr.Dataset, cube: xr.Dataset) -> xr.Dataset:
    made: xr.Dataset = xf.train.spectra(library, cube, properties=PROPERTIES)
    return made


@pytest.fixture(scope="module")
def model(samples: xr.Dataset) -> Model:
    pytest.importorskip("lightgbm")
    made: Model = xf.train.fit(samples, classifier="lightgbm", trees=40)[0]
    return made


@pytest.fixture(scope="module")
def regression(properties: xr.Dataset) -> Model:
    pytest.importorskip("lightgbm")
    made: Model = xf.train.regression(properties, regressor="lightgbm", trees=40)[0]
    return made


@pytest.fixture(scope="module")
def found(model: Model, samples: xr.Dataset, cube: xr.Dataset) -> ModelExplanation:
    told: ModelExplanation = xf.judge.explanation(model, samples, cube, spectrum=3, pixel=(15, 18), pixels=20)
    return told


def test_effects__add_up_to_the_answer(found: ModelExplanation, model: Model, samples: xr.Dataset) -> None:
    assert found.gap < 1e-9
    assert found.notes == ()
    every = [*found.overall, *found.single, *found.image]
    for one in every:
        assert one.effect.sum() + one.base == pytest.approx(one.answer, abs=1e-9)
        assert (one.size >= np.abs(one.effect) - 1e-12).all()
    # Of one spectrum: the logarithm of its votes, their mean over the classes taken off
    votes = np.log(model.predict(samples.check_features.values[3:4].T)[0])
    first = found.single[0]
    assert first.answer == pytest.approx((votes - votes.mean()).max(), abs=1e-6)
    assert first.output == model.targets.names[votes.argmax()]
    np.testing.assert_allclose(first.spectrum, samples.check_features.values[3], atol=1e-6)


def test_a_spectrum_with_a_wrong_answer__is_explained_for_the_right_one_too(
    model: Model, samples: xr.Dataset
) -> None:
    answers = model.predict(samples.check_features.values.T).argmax(axis=1)
    wrong = np.flatnonzero(answers != samples.check_label.values)
    told = xf.judge.explanation(model, samples, spectrum=int(wrong[0]))
    names = model.targets.names
    assert [one.output for one in told.single] == [
        names[answers[wrong[0]]],
        names[int(samples.check_label[wrong[0]])],
    ]
    assert told.single[0].answer > told.single[1].answer


def test_a_group__names_its_first_check_or_sample(model: Model, samples: xr.Dataset) -> None:
    for part in ("check", "sample"):
        groups = samples["check_group" if part == "check" else "group"].values
        told = xf.judge.explanation(model, samples, spectrum=str(groups[-1]))
        place = np.flatnonzero(groups == groups[-1])[0]
        assert told.single[0].name == f"{part} {place} ({groups[-1]})"


def test_parts_of_the_image__are_the_classes_that_the_model_answers(
    found: ModelExplanation, model: Model, cube: xr.Dataset
) -> None:
    index = xf.classify.model(cube, model).class_index.values
    counts = np.bincount(index[index >= 0], minlength=model.targets.count)
    by_size = [model.targets.names[one] for one in np.argsort(-counts, kind="stable") if counts[one] >= 8]
    assert [one.output for one in found.image] == by_size
    places = np.flatnonzero(np.isin(cube.energy.values, model.signature.values))
    for one in found.image:
        assert one.samples == min(20, counts[model.targets.names.index(one.output)])
        # What speaks for a class where it is answered, on the whole
        assert one.effect.sum() > 0
        mean = cube.norm.values[places][:, index == model.targets.names.index(one.output)].mean(axis=1)
        assert np.abs(one.spectrum - mean).max() < 0.1


def test_it__does_not_depend_on_chunking(
    found: ModelExplanation, model: Model, samples: xr.Dataset, cube: xr.Dataset
) -> None:
    chunked = cube.chunk(y=7, x=11)
    assert xf.judge.explanation(model, samples, chunked, spectrum=3, pixel=(15, 18), pixels=20) == found


def test_regions__are_explained_by_the_class_that_most_pixels_get(
    model: Model, samples: xr.Dataset, cube: xr.Dataset
) -> None:
    index = xf.classify.model(cube, model).class_index.values
    told = xf.judge.explanation(model, samples, cube, by="region")
    assert told.image == ()
    assert "derive.clusters" in told.notes[0]
    halves = np.where(np.arange(36) < 18, 0, 1) * np.ones((30, 1), int)
    with_regions = cube.assign(cluster_index=(("y", "x"), halves.astype(np.int16)))
    told = xf.judge.explanation(model, samples, with_regions, by="region", pixels=400)
    assert [one.name for one in told.image] == ["pixels of region 1", "pixels of region 2"]
    for one, half in zip(told.image, (0, 1), strict=True):
        most = np.bincount(index[(halves == half) & (index >= 0)]).argmax()
        assert one.output == model.targets.names[most]


def test_permutation__finds_the_bands_of_a_model_that_reads_one(model: Model, samples: xr.Dataset) -> None:
    narrow = samples.isel(feature=slice(20, 60)).drop_vars(["noise_response", "step_response"])
    known, _ = xf.train.fit(narrow, classifier="linear_discriminant")
    told = xf.judge.explanation(known, narrow, width=10.0)
    assert told.overall == told.single == told.image == ()
    assert "lightgbm and xgboost alone" in told.notes[0]
    lost = told.permutation
    assert lost is not None
    assert lost.loss[0] == pytest.approx(1 - _accuracy(known, narrow))
    assert lost.growth.shape == (1, len(told.edges) - 1)
    assert lost.growth.max() > 3 * lost.error[0, lost.growth.argmax()]
    assert "The share of wrong classes grows most" in lost.sentences[0]


def _accuracy(model: Model, samples: xr.Dataset) -> float:
    answers = model.predict(samples.check_features.values.T).argmax(axis=1)
    return float((answers == samples.check_label.values).mean())


def test_properties__have_a_row_each_in_their_unit(
    regression: Model, properties: xr.Dataset, cube: xr.Dataset
) -> None:
    told = xf.judge.explanation(regression, properties, cube, spectrum=0, pixel=(15, 18))
    assert told.gap < 1e-9
    lost = told.permutation
    assert lost is not None
    assert lost.names == tuple(PROPERTIES)
    assert (lost.loss < 1).all()
    assert lost.growth.shape == (2, len(told.edges) - 1)
    answer = regression.predict(properties.check_features.values[:1].T)[0]
    np.testing.assert_allclose([one.answer for one in told.single[:2]], answer, atol=1e-6)
    assert "Angstrom" in told.single[0].sentence
    # The least and the largest third of the image, for each property
    assert [one.output for one in told.image] == [PROPERTIES[0]] * 2 + [PROPERTIES[1]] * 2
    assert told.image[0].answer < told.image[1].answer
    assert from_json(ModelExplanation, to_json(told)) == told


def test_xgboost__adds_up_in_single_precision(samples: xr.Dataset) -> None:
    pytest.importorskip("xgboost")
    model, _ = xf.train.fit(samples, classifier="xgboost", trees=20)
    told = xf.judge.explanation(model, samples)
    assert [one.output for one in told.overall] == model.targets.names
    assert told.gap < 1e-5


def test_mixtures__are_explained_by_their_fractions(products: dict[str, Any]) -> None:
    told = xf.judge.explanation(products["model"], products["samples"], products["cube"])
    assert told.kind == "compositions"
    assert told.permutation is not None
    assert told.permutation.measure == "mean absolute error of the fractions"
    assert 0 < told.permutation.loss[0] < 0.3


def test_steps_that_can_do_without_a_cube__run_without_one(library: xr.Dataset) -> None:
    # As in a recipe without a scan, which hands on None
    samples = xf.train.spectra(library, None, label="polyhedron")
    model, _ = xf.train.fit(samples, classifier="linear_discriminant")
    told = xf.judge.explanation(model, samples, None)
    assert told == xf.judge.explanation(model, samples)
    with pytest.raises(InputError, match="NoneType"):
        xf.judge.means(None)


def test_settings__are_taken_from_a_recipe() -> None:
    cube = "ingest.phantom, ingest.phantom_references, correct.absorbance, normalize.flat"
    steps = f"[{cube}, train.mixtures, train.fit, {{judge.explanation: %s}}]"
    for given, wanted in (
        ("{spectrum: mp-1, pixel: [3, 4]}", {"spectrum": "mp-1", "pixel": (3, 4)}),
        ("{spectrum: 7, by: region}", {"spectrum": 7, "by": "region"}),
    ):
        plan = parse_recipe(f"recipe: 1\nsteps: {steps % given}", "recipe.yaml").plan
        assert plan[-1].settings.items() >= wanted.items()


def test_what_does_not_apply__is_told(model: Model, samples: xr.Dataset, cube: xr.Dataset) -> None:
    bare = samples.drop_vars([name for name in samples if str(name).startswith("check_")])
    told = xf.judge.explanation(model, bare)
    assert told.permutation is None
    assert "no checks" in told.notes[0]
    assert [one.output for one in told.overall] == model.targets.names
    flagged = cube.assign(flags=cube.flags | np.uint8(int(Flag.BACKGROUND)))
    told = xf.judge.explanation(model, samples, flagged, pixel=(15, 18))
    assert told.single == told.image == ()
    assert "flagged" in told.notes[0]
    # A cube that was normalized otherwise than the training is no cube of this model
    other = replace(model, signature=replace(model.signature, normalization=[]))
    told = xf.judge.explanation(other, samples, cube)
    assert told.image == ()
    assert "not explained" in told.notes[0]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"spectrum": 10_000}, "spectrum 10000"),
        ({"spectrum": "no such material"}, "no such material"),
        ({"pixel": (0, 99)}, "pixel 0, 99 of an image of 30 x 36"),
    ],
)
def test_what_is_not_there__is_refused(
    model: Model, samples: xr.Dataset, cube: xr.Dataset, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        xf.judge.explanation(model, samples, cube, **settings)


def test_a_pixel_without_an_image_or_samples_of_another_axis__are_refused(
    model: Model, samples: xr.Dataset
) -> None:
    with pytest.raises(InputError, match="without a cube"):
        xf.judge.explanation(model, samples, pixel=(0, 0))
    with pytest.raises(InputError, match="another axis"):
        xf.judge.explanation(model, samples.isel(feature=slice(5, None)))


def test_samples_of_other_answers__are_refused(model: Model, samples: xr.Dataset) -> None:
    names = [f"other_{one}" for one in samples.reference.values]
    with pytest.raises(InputError, match=r"samples of other_.* and a model of"):
        xf.judge.explanation(model, samples.assign_coords(reference=names))
    library, _ = xf.derive.structure(simulated_library(60))
    properties = xf.train.spectra(library, properties=["mean_distance"])
    labels = xf.train.spectra(library, label="polyhedron")
    known, _ = xf.train.fit(labels, classifier="linear_discriminant")
    with pytest.raises(InputError, match="samples of mean_distance and a model of"):
        xf.judge.explanation(known, properties)
