"""A confidence is how often the leading reference is right; forest and fit are compared; distances mean something."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import uniform_filter

import xafsflow as xf
from xafsflow.learning.models.model import stored
from xafsflow.learning.trust.confidence import leader_right, reliability
from xafsflow.phantom import Phantom, Reference, as_dataset, spectrum, truth

PHANTOM = Phantom(
    size=(60, 72), energies=90, seed=4, counts=2500.0, flux_jitter=0, tilt=0, tilt_x=0, curvature=0
)
CHAIN = {"e0": 7112.0, "pre2": -15.0, "norm1": 40.0, "nnorm": 1}


@pytest.fixture(scope="module")
def judged(measured_references: Any) -> dict[str, Any]:
    """A noisy scan, classified and fitted."""
    cube = xf.correct.background(xf.correct.absorbance(as_dataset(PHANTOM)), e0=7112.0)
    cube = xf.derive.noise(xf.normalize.flat(xf.correct.average(cube), **CHAIN)).compute()
    library = measured_references("Fe", "FeO", "Fe2O3")
    samples = xf.train.mixtures(cube, library, step=0.1, noise_patterns=30, check_patterns=4000)
    model, findings = xf.train.fit(samples, trees=40)
    cube = xf.classify.combination(xf.classify.model(cube, model), library)
    return {"cube": cube, "model": model, "findings": findings, "samples": samples, "library": library}


def test_confidence__is_how_often_the_leader_of_a_pixel_is_right(judged: dict[str, Any]) -> None:
    assert judged["findings"].calibration_error < 0.02
    cube, answer = judged["cube"], truth(PHANTOM)
    # A pixel of the averaged scan holds what its 3 x 3 pixels hold.
    amount = answer["fractions"] * (answer["thickness"] * ~answer["background"])
    mean = np.stack([uniform_filter(one, 3) for one in amount])
    known = np.isfinite(cube.confidence.values)
    assert known.sum() > 3000
    right = leader_right(cube.fraction.values[:, known].T, mean[:, known].T)
    assert reliability(cube.confidence.values[known], right)[1] < 0.02
    assert (
        right[cube.confidence.values[known] > 0.99].mean() > right[cube.confidence.values[known] < 0.9].mean()
    )


def test_confidence__is_there_where_a_class_is_but_for_one_pixel_in_a_hundred(judged: dict[str, Any]) -> None:
    cube = judged["cube"]
    known = cube.class_index.values >= 0
    assert np.isnan(cube.confidence.values[~known]).all()
    # Noise takes as many off all mixtures of the classes; averaged pixels share noise
    assert 0.001 < np.isnan(cube.confidence.values[known]).mean() < 0.025


def test_confidence__is_none_where_a_spectrum_is_no_mixture_of_the_classes(judged: dict[str, Any]) -> None:
    cube, model = judged["cube"], judged["model"]
    bump = 0.3 * np.exp(-(((cube.energy - 7125.0) / 6.0) ** 2)).astype(np.float32)
    for one in (cube, cube.drop_vars(["noise", "norm_noise"])):
        strange = xf.classify.model(one.assign(norm=(one.norm + bump).assign_attrs(one.norm.attrs)), model)
        known = strange.class_index.values >= 0
        assert np.isnan(strange.confidence.values[known]).mean() > 0.95
        assert np.isfinite(strange.class_vote.values[known]).all()


def test_confidence__does_not_depend_on_chunking(judged: dict[str, Any]) -> None:
    cube, model = judged["cube"], judged["model"]
    whole, parts = (xf.classify.model(one, model).confidence for one in (cube, cube.chunk(y=17, x=23)))
    assert parts.chunks
    np.testing.assert_array_equal(np.isnan(whole), np.isnan(parts))
    np.testing.assert_allclose(whole, parts, rtol=1e-6)


def test_confidence__is_the_same_for_the_same_seed_and_travels_with_the_model(judged: dict[str, Any]) -> None:
    again, _ = xf.train.fit(judged["samples"], trees=40)
    assert again == judged["model"]
    kept = stored(again).load().trust
    for name in ("confidence", "distance_scale", "distance_power"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(again.trust, name))
    assert again.trust.confidence.nbytes < 1000


def test_controls__are_among_the_findings(judged: dict[str, Any]) -> None:
    controls = judged["findings"].controls
    assert set(controls) == {"random_forest", "linear_discriminant", "nearest_class"}
    assert controls["random_forest"].accuracy == judged["findings"].accuracy
    least = min(one.fraction_error for one in controls.values())
    assert (judged["findings"].better is None) == (least == controls["random_forest"].fraction_error)


def test_agreement__is_half_the_sum_of_what_differs(judged: dict[str, Any]) -> None:
    cube = xf.judge.agreement(judged["cube"])
    wanted = np.abs(cube.fraction - cube.lcf_fraction).sum("reference", skipna=False) / 2
    np.testing.assert_allclose(cube.disagreement, wanted, atol=1e-6)
    assert 0 < float(cube.disagreement.max()) <= 1
    assert float(cube.disagreement.median()) < 0.1
    other = judged["cube"].assign(lcf_fraction=cube.fraction.copy(data=cube.fraction.values[::-1]))
    assert float(xf.judge.agreement(other).disagreement.max()) > 0.95


@pytest.mark.long
def test_expected_distance__is_the_median_of_a_scan_of_one_class(measured_references: Any) -> None:
    energy = np.arange(6950.0, 7500.0, 0.25)
    twin = Reference("twin", energy, spectrum("Fe", energy))
    settings = {**vars(PHANTOM), "counts": 20000.0, "foil": None}
    found = {}
    for names in (("Fe", twin), ("Fe", "FeO")):
        cube = xf.correct.background(
            xf.correct.absorbance(as_dataset(Phantom(**{**settings, "references": names}))), e0=7112.0
        )
        cube = xf.derive.noise(xf.normalize.edge_step(cube, **CHAIN)).compute()
        library = measured_references("Fe", "FeO")
        samples = xf.train.mixtures(cube, library, step=1.0, noise_patterns=400)
        model, _ = xf.train.fit(samples, trees=10)
        cube = xf.judge.distance(xf.classify.model(cube, model), model)
        found[names] = cube.distance / cube.distance_expected
    pure, mixed = found.values()
    np.testing.assert_allclose(pure.median(["y", "x"]), 1, atol=0.08)
    assert (pure.median(["y", "x"]) < mixed.quantile(0.8, ["y", "x"])).all()
    assert float(mixed.sel(metric="euclidean").max()) > 3


def test_expected_distance__is_left_out_where_the_noise_is_not_known(judged: dict[str, Any]) -> None:
    cube, model = judged["cube"].drop_vars("noise"), judged["model"]
    assert "distance_expected" not in xf.judge.distance(cube, model)
    blind = judged["cube"].drop_vars(["noise", "norm_noise"])
    samples = xf.train.mixtures(blind, judged["library"], step=0.5, noise_patterns=10, check_patterns=100)
    assert np.isnan(samples.noise).all()
    unknowing, _ = xf.train.fit(samples, trees=5)
    assert unknowing.trust.distance_scale is None
    assert "distance_expected" not in xf.judge.distance(judged["cube"], unknowing)


def test_expected_distance__does_not_depend_on_chunking(judged: dict[str, Any]) -> None:
    cube, model = judged["cube"], judged["model"]
    whole = xf.judge.distance(cube, model, metrics=["cosine", "euclidean"])
    parts = xf.judge.distance(cube.chunk(y=17, x=23), model, metrics=["cosine", "euclidean"])
    assert parts.distance_expected.chunks
    xr.testing.assert_equal(whole.distance_expected, parts.distance_expected.compute())
