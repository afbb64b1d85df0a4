"""One step maps any model, and refuses a cube that the model was not made for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.learning.models.classifiers import CLASSIFIERS, Learner, sklearn
from xafsflow.learning.models.model import Model, save_model
from xafsflow.learning.models.regressors import REGRESSORS
from xafsflow.pipeline.setting_types import describe_type
from xafsflow.provenance import as_measured
from xafsflow.sampling.signature_check import normalization_of
from xafsflow.step_table import STEPS

CHAIN = {"e0": 7112.0, "pre2": -15.0, "norm1": 40.0, "nnorm": 1}


def spectra_with_properties(cube: xr.Dataset, library: xr.Dataset, **attributes: Any) -> xr.Dataset:
    """A table by hand: mixtures of references, and as property the share of the first, in percent."""
    made = xf.train.mixtures(cube, library, step=0.1, noise_patterns=10, check_patterns=100).compute()
    made = made.isel(sample=np.isfinite(made.features.values).all(axis=1) & (made.noise.values < 0.1))
    share = made.composition.values[made.label.values, :1]
    return xr.Dataset(
        {
            "features": made.features,
            "noise": made.noise,
            "target": (("sample", "property"), np.hstack([100 * share, 1 - share])),
            "group": ("sample", made.label.values),
        },
        {"energy": made.energy, "property": ["iron", "oxide"], "unit": ("property", ["percent", "1"])},
        {"features": "norm", "normalization": made.attrs["normalization"], **attributes},
    )


def test_a_further_classifier__is_one_line(products: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    line = Learner(sklearn("linear_model.LogisticRegression", max_iter=500), "linear")
    monkeypatch.setitem(CLASSIFIERS, "logistic_regression", line)
    model, findings = xf.train.fit(products["samples"], classifier="logistic_regression")
    assert findings.accuracy > 0.8
    maps = xf.classify.model(products["cube"], model)
    assert (maps.class_index.values >= 0).mean() > 0.8


def test_the_names_of_the_tables__are_those_that_recipes_take() -> None:
    for step, setting, table in (
        ("train.fit", "classifier", CLASSIFIERS),
        ("train.regression", "regressor", REGRESSORS),
    ):
        assert describe_type(STEPS[step].types[setting]) == " or ".join(map(repr, table))


def test_two_classifiers__are_mapped_side_by_side(products: dict[str, Any]) -> None:
    cube = products["cube"]
    models = [
        xf.train.fit(products["samples"], classifier=name, trees=10)[0]
        for name in ("random_forest", "linear_discriminant")
    ]
    first, second = (xf.classify.model(cube, one).class_index.values for one in models)
    known = first >= 0
    np.testing.assert_array_equal(known, second >= 0)
    assert 0.5 < (first == second)[known].mean() < 1


@pytest.mark.parametrize("regressor", REGRESSORS)
def test_properties__are_mapped_with_their_units(
    regressor: str, products: dict[str, Any], tmp_path: Any
) -> None:
    cube = products["cube"]
    samples = spectra_with_properties(cube, products["library"])
    model, findings = xf.train.regression(samples, regressor=regressor, trees=30)
    assert findings.properties == ("iron", "oxide")
    assert findings.r_squared.min() > 0.8
    assert (findings.rmse < findings.spread / 2).all()
    assert findings.training_samples + findings.held_out_samples == samples.sizes["sample"]
    found = xf.classify.model(cube, save_model(model, tmp_path / "model.npz"))
    assert found.property_iron.dims == ("y", "x")
    assert found.property_iron.attrs["units"] == "percent"
    assert found.property_iron.chunks
    good = cube.class_index.values >= 0
    np.testing.assert_array_equal(np.isfinite(found.property_iron.values), good)
    quiet = good & (cube.noise.values < 0.1)
    shares = cube.lcf_fraction.values[0][quiet]
    assert np.corrcoef(found.property_iron.values[quiet], 100 * shares)[0, 1] > 0.9
    # Some learn each property by itself, others weigh them against each other.
    together = 0.02 if regressor in ("ridge", "kernel_ridge", "regression_forest", "extra_trees") else 0.1
    np.testing.assert_allclose(
        found.property_oxide.values[quiet], 1 - found.property_iron.values[quiet] / 100, atol=together
    )


def test_properties__do_not_depend_on_chunking(
    products: dict[str, Any], products_in_small_blocks: dict[str, Any]
) -> None:
    model, _ = xf.train.regression(spectra_with_properties(products["cube"], products["library"]))
    whole, parts = (
        xf.classify.model(one["cube"], model).property_iron.values
        for one in (products, products_in_small_blocks)
    )
    np.testing.assert_allclose(whole, parts, atol=1e-4)


def test_one_property__is_mapped_too(products: dict[str, Any]) -> None:
    samples = spectra_with_properties(products["cube"], products["library"]).isel(property=[0])
    model, _ = xf.train.regression(samples)
    assert "property_iron" in xf.classify.model(products["cube"], model)


def test_groups__are_held_out_whole(products: dict[str, Any]) -> None:
    samples = spectra_with_properties(products["cube"], products["library"])
    _, findings = xf.train.regression(samples, held_out=0.25)
    sizes = np.unique(samples.group, return_counts=True)[1]
    held = np.random.default_rng(0).permutation(len(sizes))[: round(0.25 * len(sizes))]
    assert findings.held_out_samples == sizes[held].sum()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.drop_vars("target"), "train.fit for samples with classes"),
        (lambda s: s.assign(target=s.target * np.nan), "with values that are not finite"),
        (lambda s: s.assign_coords(property=["a b", "c"]), "letters, digits and underscores"),
        (lambda s: s.assign(features=s.features * np.nan), "Found samples with NaN"),
        (lambda s: s.drop_attrs(), "without features and normalization"),
        (lambda s: s.drop_vars("energy"), "with 0 axes over feature"),
        (lambda s: s.isel(sample=slice(0, 5)), "two or more of each"),
    ],
)
def test_samples__that_lack_something_are_refused(
    change: Any, message: str, products: dict[str, Any]
) -> None:
    samples = spectra_with_properties(products["cube"], products["library"])
    with pytest.raises(InputError, match=message):
        xf.train.regression(change(samples))


def test_samples_of_properties__are_no_samples_of_classes(products: dict[str, Any]) -> None:
    samples = spectra_with_properties(products["cube"], products["library"])
    with pytest.raises(InputError, match=r"train\.regression"):
        xf.train.fit(samples)


def test_a_model__says_what_it_was_made_for(products: dict[str, Any]) -> None:
    model: Model = products["model"]
    signature, targets = model.signature, model.targets
    assert (signature.axis, signature.unit, signature.variable) == ("energy", "eV", "norm")
    assert [one["step"] for one in signature.normalization] == ["normalize.edge_step"]
    assert signature.normalization[0]["settings"] == {
        "e0": 7112.0, "pre1": None, "pre2": -15.0, "norm1": 40.0, "norm2": None, "nnorm": 1, "nvict": 0, "npre": 1,
    }  # fmt: skip
    assert signature.e0 == 7112.0
    assert signature.noise is not None
    assert signature.noise[0] < np.nanmedian(products["cube"].noise.values) < signature.noise[1]
    assert (targets.kind, targets.names) == ("compositions", ["Fe", "FeO", "Fe2O3"])


def test_normalization__is_what_made_a_variable(products: dict[str, Any]) -> None:
    cube = products["cube"]
    assert [one["step"] for one in normalization_of(cube, "norm")] == ["normalize.edge_step"]
    assert [one["step"] for one in normalization_of(cube, "dmude")] == [
        "normalize.edge_step",
        "derive.derivative",
    ]
    again = xf.normalize.flat(cube, **CHAIN)
    assert [one["step"] for one in normalization_of(again, "norm")] == ["normalize.flat"]


def test_defaults__are_the_same_written_out_or_not(products: dict[str, Any]) -> None:
    cube = xf.normalize.edge_step(products["cube"], **CHAIN, pre1=None, nvict=0)
    assert "class_index" in xf.classify.model(cube, products["model"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.drop_vars("norm"), "Found a cube without norm"),
        (lambda c: c.isel(energy=slice(0, -5)), "Found a cube without the model's energy"),
        (lambda c: c.assign_coords(energy=c.energy + 0.3), "Expected all 60 values of the training"),
        (lambda c: c.rename(energy="two_theta"), "Found a cube over two_theta"),
        (lambda c: xf.normalize.flat(c, **CHAIN), "by normalize.flat. Expected normalize.edge_step"),
        (
            lambda c: xf.normalize.edge_step(c, **{**CHAIN, "e0": 7110.0}),
            "with e0 7110.0. Expected .* with e0 7112.0",
        ),
        (lambda c: c.drop_attrs(), "Found norm without the history of its steps"),
        (lambda c: as_measured(c), "Expected normalize.edge_step"),
    ],
)
def test_a_cube_that_the_model_was_not_made_for__is_refused(
    change: Any, message: str, products: dict[str, Any]
) -> None:
    cube, model = change(products["cube"]), products["model"]
    for step in (xf.classify.model, xf.judge.distance):
        with pytest.raises(InputError, match=message):
            step(cube, model)


def test_a_scan_that_is_far_noisier__is_refused_when_it_is_computed(products: dict[str, Any]) -> None:
    cube, model = products["cube"], products["model"]
    upper = float(model.signature.noise[1])
    maps = xf.classify.model(cube.assign(noise_level=cube.noise_level * 0 + 1.9 * upper), model)
    np.testing.assert_array_equal(maps.class_index.values, xf.classify.model(cube, model).class_index.values)
    noisy = cube.assign(noise_level=cube.noise_level * 0 + 2.1 * upper)
    with pytest.raises(InputError, match="Average more pixels"):
        xf.classify.model(noisy, model).class_index.compute()
    with pytest.raises(InputError, match="Average more pixels"):
        xf.classify.model(noisy.compute(), model)


def test_fraction_error__of_a_saved_model_is_told_where_the_noise_is_known(
    products: dict[str, Any], tmp_path: Path
) -> None:
    cube = products["cube"]
    samples = xf.train.mixtures(cube, products["library"], step=0.2, noise_patterns=20, check_patterns=600)
    known = xf.train.fit(samples, trees=20)[0]
    again = save_model(known, tmp_path / "forest.npz").load()
    found = xf.classify.model(cube, again).compute()
    answered = np.isfinite(found.fraction.values)
    assert answered.any()
    np.testing.assert_array_equal(np.isfinite(found.fraction_error.values), answered)
    assert (found.fraction_error.values[answered] >= 0).all()
    noisier = xf.classify.model(cube.assign(noise=2 * cube.noise), again).compute()
    assert (noisier.fraction_error > found.fraction_error).values[answered].mean() > 0.9
    silent = xf.classify.model(cube.drop_vars(["noise", "noise_level"]), again).compute()
    assert np.isnan(silent.fraction_error.values).all()
    np.testing.assert_array_equal(silent.fraction, found.fraction)
