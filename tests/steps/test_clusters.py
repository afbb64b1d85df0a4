"""derive.clusters and train.regions on a phantom with known grains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.phantom import Phantom, as_dataset, truth
from xafsflow.steps.derive.cluster_regions import clusters
from xafsflow.steps.train.region_samples import regions

PHANTOM = Phantom(size=(64, 80), energies=80, seed=3, tilt=0, tilt_x=0, curvature=0)


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    cube = xf.correct.background(xf.correct.absorbance(as_dataset(PHANTOM)), e0=7112.0)
    cube = xf.correct.average(cube, window=3)
    cube = xf.normalize.edge_step(cube, e0=7112.0, pre1=-60.0, pre2=-12.0, norm1=40.0, nnorm=1)
    return xf.derive.noise(xf.derive.derivative(cube)).compute()


@pytest.fixture(scope="module")
def found(cube: xr.Dataset) -> tuple[xr.Dataset, dict[str, Any]]:
    return clusters(cube)


@pytest.mark.long
def test_clusters__are_the_grains_without_being_told_their_number(found: Any) -> None:
    out, findings = found
    assert findings.number == 3
    fractions = truth(PHANTOM)["fractions"]
    index = out.cluster_index.values
    leaders = fractions.argmax(axis=0)
    # Borders of grains are mixtures of both sides, and means over neighbors widen them.
    pure = (index >= 0) & (fractions.max(axis=0) > 0.9)
    pairs = {(int(k), int(np.bincount(leaders[pure & (index == k)]).argmax())) for k in range(3)}
    assert len({leader for _, leader in pairs}) == 3
    right = np.select([index == k for k, _ in sorted(pairs)], [leader for _, leader in sorted(pairs)])
    assert (right == leaders)[pure].mean() > 0.98


def test_clusters__are_none_where_a_pixel_is_no_good(cube: xr.Dataset, found: Any) -> None:
    index = found[0].cluster_index.values
    assert index.dtype == np.int16
    assert (index[cube.flags.values & 1 > 0] == -1).all()
    assert (index[(cube.flags.values == 0) & np.isfinite(cube.norm.values).all(axis=0)] >= 0).all()


def test_clusters__are_ordered_by_size_with_means_of_their_pixels(cube: xr.Dataset, found: Any) -> None:
    out, findings = found
    assert list(findings.sizes) == sorted(findings.sizes, reverse=True)
    inside = cube.norm.sel(energy=findings.energy).where(out.cluster_index == 0)
    np.testing.assert_allclose(findings.mean_norm[0], inside.mean(("y", "x")), atol=1e-4)
    assert findings.linkage.shape == (2, 4)
    assert sorted(findings.leaves) == [0, 1, 2]


@pytest.mark.parametrize("method", ["kmeans", "gaussian_mixture"])
def test_clusters__do_not_depend_on_chunking(cube: xr.Dataset, method: Any) -> None:
    settings: dict[str, Any] = {"clusters": 4, "method": method, "pixels": 2000}
    whole, told = clusters(cube, **settings)
    parts, again = clusters(cube.chunk(energy=-1, y=7, x=11), **settings)
    assert parts.cluster_index.chunks is not None
    np.testing.assert_array_equal(whole.cluster_index, parts.cluster_index)
    np.testing.assert_array_equal(told.mean_norm, again.mean_norm)


def test_clusters__refuse_what_cannot_be(cube: xr.Dataset) -> None:
    with pytest.raises(InputError, match="the variable norm_noise"):
        clusters(cube.drop_vars("norm_noise"))
    with pytest.raises(InputError, match="good pixels for 50 clusters"):
        clusters(cube.isel(y=slice(0, 3)), clusters=50)
    with pytest.raises(InputError, match="good at all"):
        clusters(cube.isel(y=slice(0, 2), x=slice(0, 15)))


@pytest.mark.parametrize("features", ["norm", "dmude"])
def test_regions__have_what_mixtures_have(cube: xr.Dataset, found: Any, features: Any) -> None:
    library = xf.ingest.phantom_references()
    theirs = xf.train.mixtures(cube, library, step=0.5, noise_patterns=5, features=features)
    ours = regions(found[0], features=features, patterns=200)
    # Pixels are measured once, and their shift is in what they are.
    theirs = theirs.drop_vars(["again_features", "check_shift"])
    assert set(ours.variables) == set(theirs.variables)
    assert {n: a.dims for n, a in ours.variables.items()} == {n: a.dims for n, a in theirs.variables.items()}
    # Pixels of this scan make a model of this scan: no digest, under which another could find it.
    assert set(ours.attrs) == set(theirs.attrs) - {"digest"}


def test_regions__train_a_model_that_finds_them_again(cube: xr.Dataset, found: Any) -> None:
    out = found[0]
    samples = regions(out, patterns=300)
    assert list(samples.reference.values) == ["region 1", "region 2", "region 3"]
    assert (np.bincount(samples.label) <= 300).all()
    model, _ = xf.train.fit(samples, trees=20)
    again = xf.classify.model(out, model)
    inside = out.cluster_index.values >= 0
    assert (again.class_index.values == out.cluster_index.values)[inside].mean() > 0.97


def test_regions__check_other_pixels_than_they_train_on(found: Any) -> None:
    samples = regions(found[0], patterns=100)
    ours = {row.tobytes() for row in samples.features.values}
    assert not any(row.tobytes() in ours for row in samples.check_features.values)


def test_regions__refuse_a_single_one(cube: xr.Dataset) -> None:
    with pytest.raises(InputError, match="1 regions with 10 or more"):
        regions(clusters(cube, clusters=1)[0])
