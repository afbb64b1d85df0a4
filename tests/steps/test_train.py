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


def test_mixtures__pass_a_step_that_asks_what_was_done_before_it(
    uniform: Phantom, library: xr.Dataset
) -> None:
    cube = xf.correct.despike(xf.correct.absorbance(as_dataset(uniform)))
    cube = xf.calibrate.apply(cube, xf.calibrate.constant(cube, shift=0.3))
    cube = xf.normalize.edge_step(xf.correct.average(cube), **CHAIN)
    samples = xf.train.mixtures(cube, library, step=1.0, noise_patterns=30, span=(-20.0, 100.0))
    assert np.isfinite(samples.features.values).all()


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
    with pytest.raises(InputError, match=r"reference Fe from 7100.2 .* Expected 7050.0"):
        xf.train.mixtures(treated(uniform), short, step=1.0)


def test_mixtures__refuse_a_scan_without_sample(library: xr.Dataset) -> None:
    empty = Phantom(size=(20, 20), energies=60, references=("Fe", "FeO"), thickness=(0.0, 0.0), matrix=0.1)
    cube = xf.correct.background(xf.correct.absorbance(as_dataset(empty)), e0=7112.0)
    with pytest.raises(ComputationError, match="usable pixels"):
        xf.train.mixtures(xf.normalize.edge_step(cube, **CHAIN), library, step=1.0)


@pytest.mark.parametrize(
    "classifier",
    ["random_forest", "sklearn_random_forest", "extra_trees", "linear_discriminant", "k_nearest"],
)
def test_fit__learns_with_every_classifier_of_the_table(classifier: Any, products: dict[str, Any]) -> None:
    model, findings = xf.train.fit(products["samples"], classifier=classifier, trees=20)
    assert findings.accuracy > 0.8
    assert np.sum(findings.confusion) == findings.held_out_patterns
    fraction = xf.classify.model(products["cube"], model).fraction.values
    known = np.isfinite(fraction).all(axis=0)
    np.testing.assert_allclose(fraction.sum(axis=0)[known], 1, atol=1e-5)


def test_patterns__beside_a_hole_are_as_noisy_as_the_scan(library: xr.Dataset) -> None:
    """There fewer neighbors enter the means."""
    settings = {"size": (60, 60), "energies": 60, "seed": 2, "references": ("Fe", "FeO"), "flux_jitter": 0}
    flat = {"tilt": 0, "tilt_x": 0, "curvature": 0, "hole_share": 0.4, "grain": 4.0, "thickness": (0.8, 0.9)}
    phantom = Phantom(**settings, **flat)
    cube = xf.correct.background(xf.correct.absorbance(as_dataset(phantom)), e0=7112.0)
    cube = xf.derive.noise(xf.normalize.edge_step(xf.correct.average(cube), **CHAIN)).compute()
    assert np.ptp(cube.noise.values[np.isfinite(cube.noise.values)]) > 0.5 * float(cube.noise.median())
    samples = xf.train.mixtures(
        cube, library, step=1.0, noise_patterns=5, check_patterns=1000, span=(-60, 100)
    )
    spectra = samples.reference_norm.values
    apart = samples.check_norm.values - samples.check_composition.values @ spectra
    relative = apart / samples.check_noise.values
    level = np.median(samples.check_noise.values, axis=1)
    for part in (level < np.quantile(level, 0.3), level > np.quantile(level, 0.7)):
        assert relative[part].std() == pytest.approx(1, abs=0.06)


def test_check_patterns__are_mixtures_that_are_no_classes(uniform: Phantom, library: xr.Dataset) -> None:
    samples = xf.train.mixtures(treated(uniform), library, step=0.5, noise_patterns=10, check_patterns=200)
    assert samples.sizes["check"] == 200
    assert "check_noise" not in samples
    mixed = samples.check_composition.values
    assert (mixed.max(axis=1) == 1).sum() == 100
    places = np.searchsorted(samples.reference_energy.values, samples.energy.values)
    np.testing.assert_array_equal(samples.check_norm.values[:, places], samples.check_features.values)
    wanted = mixed @ samples.reference_norm.values
    assert np.abs(samples.check_norm.values - wanted).mean() < 0.02


def test_patterns__are_as_uncertain_in_energy_and_flux_as_the_calibration(
    uniform: Phantom, library: xr.Dataset
) -> None:
    phantom = Phantom(**{**vars(uniform), "counts": 1e4, "noise": False})
    cube = xf.correct.absorbance(as_dataset(phantom))
    calibration = xf.calibrate.constant(cube, shift=0.0)
    calibration["energy_shift_error"] = calibration.energy_shift_error * 0 + 0.5
    moved = xf.calibrate.apply(cube, calibration)
    sure = moved.assign(energy_shift_error=moved.energy_shift_error * 0)
    spread = []
    for error in (None, 0.0, 0.01, 0.02):
        one = moved if error is None else sure.assign(flux_offset_error=("energy", np.full(60, error)))
        samples = xf.train.mixtures(
            xf.normalize.edge_step(one, **CHAIN), library, step=1.0, noise_patterns=200, check_patterns=100
        )
        spread.append(samples.features.values[samples.label.values == 0].std(axis=0))
    slope = np.gradient(samples.class_features.values[0], samples.energy.values)
    steep = np.abs(slope).argmax()
    extra = np.sqrt(spread[0][steep] ** 2 - spread[1][steep] ** 2)
    assert extra == pytest.approx(0.5 * abs(slope[steep]), rel=0.3)
    more = [np.sqrt(np.median(spread[i] ** 2 - spread[1] ** 2)) for i in (2, 3)]
    # The error of the edge step comes on top of that of the point.
    assert more[0] > 0.01 / 0.8
    assert more[1] / more[0] == pytest.approx(2, rel=0.15)
