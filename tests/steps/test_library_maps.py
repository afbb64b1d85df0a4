"""A model of a library mapped over a cube: sets, intervals and limits, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.phantom import Phantom, as_dataset, library_phantom, simulated_library, truth


@pytest.fixture(scope="module")
def library() -> xr.Dataset:
    found, _ = xf.derive.structure(simulated_library(400, seed=1, energies=160))
    return found


@pytest.fixture(scope="module")
def phantom(library: xr.Dataset) -> Phantom:
    return library_phantom(library, size=(30, 36), seed=3)


@pytest.fixture(scope="module")
def cube(phantom: Phantom) -> xr.Dataset:
    found = xf.correct.background(xf.correct.absorbance(as_dataset(phantom)), e0=7112.0)
    found = xf.normalize.flat(found, e0=7118.0, pre1=-22, pre2=-10, npre=0, norm1=40, nnorm=1)
    return xf.derive.noise(found).compute()


@pytest.fixture(scope="module")
def samples(library: xr.Dataset, cube: xr.Dataset) -> xr.Dataset:
    made: xr.Dataset = xf.train.spectra(
        library, cube, label="polyhedron", features=["spectrum", "derivative"]
    )
    return made


@pytest.fixture(scope="module")
def maps(samples: xr.Dataset, cube: xr.Dataset) -> xr.Dataset:
    model, _ = xf.train.fit(samples, classifier="support_vectors")
    return xf.classify.model(cube, model)


def pure(phantom: Phantom) -> tuple[np.ndarray, np.ndarray]:
    """Which reference each pixel is, and where it is one alone."""
    answer = truth(phantom)
    shares = answer["fractions"]
    return shares.argmax(axis=0), ~answer["background"] & ~answer["dead"] & (shares.max(axis=0) > 0.99)


def test_samples__have_the_noise_of_the_scan(samples: xr.Dataset, cube: xr.Dataset) -> None:
    assert np.median(samples.noise) == pytest.approx(float(cube.noise.median()), rel=0.1)
    apart = (samples.check_features - samples.check_clean).values
    assert apart.std() == pytest.approx(float(samples.noise.mean()), rel=0.3)
    # The mean before the edge is taken off: noise of its values is not its own any more.
    before = (samples.energy.values > 7096) & (samples.energy.values < 7108)
    scatter = apart[:, before].mean(axis=1).std() / apart[:, before].std()
    assert scatter < 0.6 / np.sqrt(before.sum())


def test_a_map_of_classes__has_sets_of_them(maps: xr.Dataset, phantom: Phantom) -> None:
    place, alone = pure(phantom)
    names = maps.reference.values.tolist()
    kind = np.array([names.index(one.rsplit("_", 1)[0]) for one in phantom.names])[place]
    known = alone & np.isfinite(maps.set_size.values)
    assert known.sum() > 0.9 * alone.sum()
    right = maps.class_index.values == kind
    covered = np.take_along_axis(maps.in_set.values, kind[None], 0)[0]
    assert right[known].mean() > 0.5
    assert covered[known].mean() > right[known].mean()
    np.testing.assert_array_equal(maps.set_size.values[known], maps.in_set.values.sum(axis=0)[known])
    assert np.nanmean(maps.outside.values[alone]) < 0.1
    assert maps.set_size.attrs["long_name"]


def test_spectra_of_another_kind__are_outside(samples: xr.Dataset, cube: xr.Dataset) -> None:
    model, _ = xf.train.fit(samples, classifier="linear_discriminant")
    bump = 0.3 * np.exp(-(((cube.energy - 7160) / 4) ** 2))
    other = xf.classify.model(
        cube.assign(norm=(cube.norm + bump).astype("f4").assign_attrs(cube.norm.attrs)), model
    )
    known = np.isfinite(other.outside.values)
    assert (other.outside.values[known] == 1).mean() > 0.95


def test_pixels_that_are_too_noisy__have_no_set(samples: xr.Dataset, cube: xr.Dataset) -> None:
    model, _ = xf.train.fit(samples, classifier="linear_discriminant")
    most = model.trust.noise_levels[-1]
    noise = cube.noise.copy(deep=True)
    noise[3:6] = 1.01 * most
    found = xf.classify.model(cube.assign(noise=noise), model)
    assert np.isnan(found.set_size.values[3:6]).all()
    assert np.isnan(found.in_set.values[:, 3:6]).all()
    assert np.isfinite(found.set_size.values[8:]).any()
    unknown = xf.classify.model(cube.drop_vars("noise"), model)
    assert np.isnan(unknown.set_size.values).all()
    assert (unknown.class_index.values == found.class_index.values).all()


def test_a_scan_that_is_noisier_than_the_sets__is_refused(samples: xr.Dataset, cube: xr.Dataset) -> None:
    model, _ = xf.train.fit(samples, classifier="linear_discriminant")
    loud = cube.assign(noise_level=cube.noise_level * 0 + 1.01 * model.trust.noise_levels[-1])
    with pytest.raises(InputError, match="noise"):
        xf.classify.model(loud, model)


def test_a_map_of_properties__has_intervals(library: xr.Dataset, cube: xr.Dataset, phantom: Phantom) -> None:
    samples = xf.train.spectra(library, cube, properties=["mean_distance_weighted", "electronegativity"])
    model, findings = xf.train.regression(samples, regressor="kernel_ridge")
    found = xf.classify.model(cube, model)
    low, high = found.property_mean_distance_weighted_low, found.property_mean_distance_weighted_high
    assert low.attrs["units"] == "Angstrom"
    place, alone = pure(phantom)
    rows = [int(one.rsplit("_", 1)[1]) for one in phantom.names]
    true = library.mean_distance_weighted.values[rows][place]
    known = alone & np.isfinite(low.values)
    assert np.abs(found.property_mean_distance_weighted.values - true)[known].mean() < 0.05
    assert ((low.values <= true) & (true <= high.values))[known].mean() > 0.6
    assert findings.library is not None
    np.testing.assert_allclose(np.median((high - low).values[known]), findings.library.width[0], rtol=0.5)


def test_a_model_of_a_library__refuses_another_normalization(samples: xr.Dataset, cube: xr.Dataset) -> None:
    model, _ = xf.train.fit(samples, classifier="linear_discriminant")
    other: Any = xf.normalize.edge_step(cube, e0=7118.0, pre1=-22, pre2=-10, npre=0, norm1=40, nnorm=1)
    with pytest.raises(InputError, match=r"normalize\.flat"):
        xf.classify.model(other, model)


def test_a_library_that_is_shorter_than_the_scan__is_refused(library: xr.Dataset, cube: xr.Dataset) -> None:
    with pytest.raises(InputError, match="Found a library from"):
        xf.train.spectra(library.isel(energy=slice(0, 100)), cube, label="polyhedron")


def test_a_cube_without_noise__is_refused_unless_it_is_given(library: xr.Dataset, cube: xr.Dataset) -> None:
    bare = cube.drop_vars(["noise", "noise_level", "noise_response", "step_response"])
    with pytest.raises(InputError, match=r"derive\.noise"):
        xf.train.spectra(library, bare, label="polyhedron")
    assert set(xf.train.spectra(library, bare, label="polyhedron", noise=0.02).noise.values) == {0.02}
