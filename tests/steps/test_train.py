"""Training spectra must be what the scan would have measured of a known mixture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import ComputationError, InputError
from xafsflow.phantom import Phantom, as_dataset

CHAIN = {"e0": 7112.0, "pre2": -15.0, "norm1": 40.0, "nnorm": 1}


def treated(phantom: Phantom) -> xr.Dataset:
    cube = xf.correct.average(xf.correct.absorbance(as_dataset(phantom)))
    return xf.normalize.edge_step(cube, **CHAIN)


@pytest.fixture(scope="module")
def uniform() -> Phantom:
    """One reference of one thickness everywhere: every pixel is a pattern of the first class."""
    return Phantom(
        size=(40, 40), energies=60, seed=6, references=("Fe", "FeO"), pattern="ramp", thickness=(0.8, 0.8),
        hole_share=0, dead_share=0, flux_jitter=0, tilt=0, tilt_x=0, curvature=0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def library() -> xr.Dataset:
    return xf.ingest.phantom_references(names=["Fe", "FeO"])


def test_mixtures__have_the_scatter_of_the_scan(uniform: Phantom, library: xr.Dataset) -> None:
    cube = treated(uniform)
    samples = xf.train.mixtures(cube, library, step=1.0, noise_patterns=400)
    quiet = treated(Phantom(**{**vars(uniform), "noise": False})).norm.values
    inside = np.isin(cube.energy.values, samples.energy.values)
    scatter = (cube.norm.values - quiet)[inside, 3:-3, 3:-3].reshape(inside.sum(), -1).std(axis=1)
    first = samples.features.values[samples.label.values == 0]
    simulated = first.std(axis=0)
    # Energy by energy: both vary by their own sampling error, some percent.
    assert np.median(simulated / scatter) == pytest.approx(1, abs=0.08)
    assert np.corrcoef(simulated, scatter)[0, 1] > 0.8


def test_mixtures__are_centered_on_the_class_spectra(uniform: Phantom, library: xr.Dataset) -> None:
    samples = xf.train.mixtures(treated(uniform), library, step=0.5, noise_patterns=200)
    for label in range(3):
        mean = samples.features.values[samples.label.values == label].mean(axis=0)
        np.testing.assert_allclose(mean, samples.class_features.values[label], atol=0.006)


def test_mixtures__are_the_same_for_the_same_seed(uniform: Phantom, library: xr.Dataset) -> None:
    made = [
        xf.train.mixtures(treated(uniform), library, step=1.0, noise_patterns=30, seed=s) for s in (4, 4, 5)
    ]
    np.testing.assert_array_equal(made[0].features, made[1].features)
    assert not np.array_equal(made[0].features, made[2].features)


def test_mixtures__refuse_references_that_do_not_cover_the_scan(
    uniform: Phantom, library: xr.Dataset
) -> None:
    short = library.isel(point=library.energy.values[0] > 7100)
    with pytest.raises(InputError, match=r"reference Fe from 7100.2 .* wanted: 7050.0"):
        xf.train.mixtures(treated(uniform), short, step=1.0)


def test_mixtures__refuse_a_scan_without_sample(library: xr.Dataset) -> None:
    empty = Phantom(size=(20, 20), energies=60, references=("Fe", "FeO"), thickness=(0.0, 0.0), matrix=0.1)
    cube = xf.correct.background(xf.correct.absorbance(as_dataset(empty)), e0=7112.0)
    with pytest.raises(ComputationError, match="usable pixels"):
        xf.train.mixtures(xf.normalize.edge_step(cube, **CHAIN), library, step=1.0)


@pytest.mark.parametrize("classifier", ["random_forest", "extra_trees", "linear_discriminant", "k_nearest"])
def test_fit__learns_with_every_classifier_of_the_table(classifier: Any, products: dict[str, Any]) -> None:
    model, findings = xf.train.fit(products["samples"], classifier=classifier, trees=20)
    assert findings["accuracy"] > 0.8
    assert np.sum(findings["confusion"]) == findings["held_out_patterns"]
    fraction = xf.classify.forest(products["cube"], model).fraction.values
    known = np.isfinite(fraction).all(axis=0)
    np.testing.assert_allclose(fraction.sum(axis=0)[known], 1, atol=1e-5)
