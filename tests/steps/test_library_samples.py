"""A library of spectra to a model that knows its materials, its noise and its limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.learning.models.model import save_model
from xafsflow.learning.trust.prediction_sets import sets_of
from xafsflow.phantom import simulated_library


@pytest.fixture(scope="module")
def library() -> xr.Dataset:
    found, _ = xf.derive.structure(simulated_library(500, seed=2))
    return found


@pytest.fixture(scope="module")
def samples(library: xr.Dataset) -> xr.Dataset:
    made: xr.Dataset = xf.train.spectra(
        library,
        label="coordination",
        keep=[4, 5, 6],
        features=["spectrum", "derivative"],
        noise=[0.0, 0.03],
        copies=2,
    )
    return made


def test_samples__keep_the_materials_of_checks_apart(samples: xr.Dataset, library: xr.Dataset) -> None:
    trained, checked = set(samples.group.values), set(samples.check_group.values)
    assert not trained & checked
    assert len(checked) == pytest.approx(0.2 * len(trained | checked), abs=1)
    kept = np.isin(library.coordination, [4, 5, 6])
    assert samples.sizes["sample"] + samples.sizes["check"] == 2 * kept.sum()
    assert samples.reference.values.tolist() == ["4", "5", "6"]


def test_samples__have_the_noise_that_they_say(samples: xr.Dataset) -> None:
    scatter = (samples.check_features - samples.check_clean).std("feature").values
    half = samples.sizes["check"] // 2
    assert not scatter[:half].any()
    assert np.median(scatter[half:]) == pytest.approx(0.03, rel=0.05)
    assert sorted(set(samples.noise.values)) == [0.0, 0.03]


def test_samples__are_moved_and_broadened_within_their_ranges(library: xr.Dataset) -> None:
    made = [
        xf.train.spectra(library, label="polyhedron", **settings).check_clean.values
        for settings in ({}, {"shift": (2.0, 2.0)}, {"broadening": (2.0, 2.0)})
    ]
    np.testing.assert_allclose(made[1][:, 2:], made[0][:, :-2], atol=1e-5)
    steep = [np.abs(np.diff(one, axis=1)).max(axis=1).mean() for one in made]
    assert steep[2] < 0.8 * steep[0]


def test_samples__are_made_of_unit_step(library: xr.Dataset) -> None:
    how = {"label": "polyhedron", "zero_over": (7080.0, 7102.0), "unit_over": (7150.0, 7211.0)}
    made = xf.train.spectra(library.assign(mu=3 * library.mu + 2), **how)
    after = made.features.values[:, made.energy.values >= 7150]
    np.testing.assert_allclose(after.mean(axis=1), 1, atol=1e-5)
    before = made.features.values[:, made.energy.values <= 7102]
    np.testing.assert_allclose(before.mean(axis=1), 0, atol=1e-5)
    with pytest.raises(InputError, match=r"take the background off with zero_over"):
        xf.train.spectra(library.assign(mu=library.mu - 5), label="polyhedron", unit_over=(7150.0, 7211.0))


def test_a_model_of_a_library__learns_from_whole_materials(samples: xr.Dataset) -> None:
    model, findings = xf.train.fit(samples, classifier="linear_discriminant", held_out=0.25)
    groups = np.unique(samples.group)
    held = np.random.default_rng(0).permutation(len(groups))[: round(0.25 * len(groups))]
    assert findings.held_out_patterns == np.isin(samples.group, groups[held]).sum()
    assert model.targets.kind == "classes"
    assert model.features is not None
    assert model.features.count == 2 * samples.sizes["feature"]


def test_a_model_of_a_library__is_stored_with_its_features(samples: xr.Dataset, tmp_path: Any) -> None:
    model, findings = xf.train.fit(samples, classifier="extra_trees", trees=40)
    again = save_model(model, tmp_path / "model.npz").load()
    spectra = samples.check_features.values[:20].T
    np.testing.assert_array_equal(again.predict(spectra), model.predict(spectra))
    assert again == model
    assert findings.importances is not None
    assert findings.importances.shape == (samples.sizes["feature"],)
    assert findings.importances.sum() == pytest.approx(1)


def test_sets__cover_every_class_at_each_noise(samples: xr.Dataset, library: xr.Dataset) -> None:
    # Not denoised, so that noise matters
    model, findings = xf.train.fit(samples.assign_attrs(noise_variance=0.0), classifier="support_vectors")
    trust, scores = model.trust, findings.library
    assert trust.noise_levels is not None
    assert trust.set_thresholds is not None
    assert scores is not None
    assert trust.noise_levels[-1] == pytest.approx(0.06)
    other = xf.train.spectra(
        xf.derive.structure(simulated_library(1500, seed=9))[0],
        label="coordination",
        keep=[4, 5, 6],
        noise=0.06,
    )
    for spectra, level in ((other.check_clean, 0), (other.check_features, -1)):
        inside = sets_of(model.predict(spectra.values.T), trust.set_thresholds[level])
        labels = other.check_label.values
        covered = [inside[labels == one, one].mean() for one in range(3)]
        assert min(covered) > 0.75
    # Sets of quiet spectra do not hold for noisy ones: that is what the levels are for.
    wrong = sets_of(model.predict(other.check_features.values.T), trust.set_thresholds[0])
    assert min(wrong[labels == one, one].mean() for one in range(3)) < 0.75
    assert scores.set_size_at_noise[-1] > scores.set_size_at_noise[0]
    assert scores.accuracy_at_noise[0] > scores.accuracy_at_noise[-1]
    assert scores.accuracy_of_others[-1] > scores.accuracy_of_others[0]
    assert scores.accuracy_interval[0] < findings.accuracy < scores.accuracy_interval[1]


def test_denoising__makes_a_model_right_where_noise_is_large(library: xr.Dataset) -> None:
    samples = xf.train.spectra(library, properties=["mean_distance"], noise=0.1)
    found = [
        xf.train.regression(samples.assign_attrs(noise_variance=which), regressor="kernel_ridge")[
            1
        ].r_squared[0]
        for which in (0.0, 0.01)
    ]
    assert 1 - found[1] < 0.8 * (1 - found[0])


def test_poisson_noise__goes_by_the_root_of_the_spectrum(library: xr.Dataset) -> None:
    how = {"label": "polyhedron", "noise": 0.1, "copies": 8}
    counted, quiet = (
        xf.train.spectra(library, noise_kind="poisson", **how | more) for more in ({}, {"noise": 0.0})
    )
    clean = quiet.features.values
    apart = (counted.features.values - clean) / 0.1
    for low, high in ((0.1, 0.3), (0.9, 1.1), (1.4, 1.6)):
        inside = (clean > low) & (clean < high)
        assert inside.sum() > 1000
        assert apart[inside].std() == pytest.approx(np.sqrt(clean[inside].mean()), rel=0.05)
    _, findings = xf.train.fit(counted, classifier="kernel_ridge")
    assert findings.library is not None
    assert findings.library.accuracy_at_noise[0] > findings.library.accuracy_at_noise[-1]


def test_a_search__denoises_as_the_training_does(library: xr.Dataset) -> None:
    samples = xf.train.spectra(library, properties=["mean_distance"], noise=0.1)
    score = [
        xf.train.regression(made, regressor="kernel_ridge", search={"ridge": [0.1]})[1].search
        for made in (samples, samples.assign_attrs(noise_variance=0.0))
    ]
    assert score[0] is not None
    assert score[1] is not None
    assert 1 - score[0].mean[0] < 0.8 * (1 - score[1].mean[0])


def test_intervals__hold_the_property(library: xr.Dataset) -> None:
    samples = xf.train.spectra(library, properties=["mean_distance", "electronegativity"], noise=0.02)
    # Not denoised, so that noise matters
    model, findings = xf.train.regression(samples.assign_attrs(noise_variance=0.0), regressor="kernel_ridge")
    assert findings.units == ("Angstrom", "1")
    assert findings.r_squared.min() > 0.8
    assert model.signature.noise is not None  # so that a noisier scan is told
    np.testing.assert_allclose(model.signature.noise, 0.02)
    assert (findings.mean_absolute_error < findings.rmse).all()
    assert findings.library is not None
    assert findings.library.observed_coverage.min() > 0.8
    assert (findings.library.width < 4 * findings.spread).all()
    assert model.trust.set_thresholds is not None
    assert (model.trust.set_thresholds[-1] > model.trust.set_thresholds[0]).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "Found label and properties"),
        ({"label": "coordination", "properties": ["mean_angle"]}, "Found label and properties"),
        ({"label": "cordination"}, "did you mean 'coordination'"),
        ({"label": "mean_angle"}, "Found the label 'mean_angle'"),
        ({"properties": ["motif"]}, "Found the property 'motif'"),
        ({"label": "coordination", "keep": [4, 17]}, "Found the class '17' of coordination"),
        ({"label": "coordination", "keep": [4]}, "Found 1 classes"),
        ({"label": "coordination", "features": ["spectrum", "spectrum"]}, "different ones of"),
        ({"label": "coordination", "noise": [0.0, 0.1]}, "Raise copies"),
        ({"label": "coordination", "noise": []}, "an empty list of noises"),
        ({"label": "coordination", "shift": (2.0, -2.0)}, "shift from 2 to -2"),
        ({"label": "coordination", "broadening": (3.0, 1.0)}, "broadening from 3 to 1"),
        ({"label": "coordination", "span": (7100.0, 7102.0)}, "Widen span"),
        ({"label": "coordination", "unit_over": (7300.0, 7400.0)}, "Change unit_over"),
    ],
)
def test_what_cannot_be_learnt__is_refused(
    settings: dict[str, Any], message: str, library: xr.Dataset
) -> None:
    with pytest.raises(InputError, match=message):
        xf.train.spectra(library, **settings)


def test_blocks_of_a_library_on_the_disk__change_nothing(
    samples: xr.Dataset, library: xr.Dataset, monkeypatch: Any
) -> None:
    model, findings = xf.train.fit(samples, trees=10)
    monkeypatch.setattr("xafsflow.learning.samples.row_blocks.BLOCK_NUMBERS", 6000)
    monkeypatch.setenv("XAFSFLOW_CACHE", "")
    again = xf.train.spectra(
        library.chunk(sample=64),
        label="coordination",
        keep=[4, 5, 6],
        features=["spectrum", "derivative"],
        noise=[0.0, 0.03],
        copies=2,
    )
    xr.testing.assert_identical(again, samples)
    other, others = xf.train.fit(again, trees=10)
    assert others.accuracy == pytest.approx(findings.accuracy, abs=0.02)
    for name in ("hull_mean", "hull_limits", "misfit_limits", "class_basis"):
        np.testing.assert_allclose(getattr(other.trust, name), getattr(model.trust, name), rtol=1e-4)
    spectra = samples.check_features.values.T
    np.testing.assert_allclose(other.predict(spectra), model.predict(spectra), atol=0.25)
    assert (np.abs(other.predict(spectra) - model.predict(spectra)) > 1e-6).mean() < 0.05


def test_a_library_of_few_materials__is_refused(library: xr.Dataset) -> None:
    few = library.isel(sample=np.isin(library.group, np.unique(library.group)[:8]))
    with pytest.raises(InputError, match="groups of samples"):
        xf.train.spectra(few, properties=["mean_distance"])
