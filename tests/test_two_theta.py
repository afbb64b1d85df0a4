"""A cube over scattering angles goes the way of any other: corrected, stored, decomposed, clustered, mapped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.findings.run_findings import RunFindings
from xafsflow.steps.report import page
from xafsflow.store import is_map, open_cube, open_maps, write_cube, write_maps
from xafsflow.vocabulary import spectral_axis

ROWS, COLUMNS, NOISE = 64, 60, 0.02


def measured() -> xr.Dataset:
    """Two phases of a few peaks each, side by side, with noise."""
    angle = np.linspace(20.0, 60.0, 60)

    def pattern(*peaks: float) -> np.ndarray:
        return 0.2 + sum(np.exp(-(((angle - peak) / 1.2) ** 2)) for peak in peaks)

    share = np.arange(COLUMNS) < COLUMNS // 2
    pure = [p[:, None, None] for p in (pattern(28.0, 33.0, 47.0), pattern(30.0, 43.0, 57.0))]
    mu = np.where(share, pure[0], pure[1]) * np.ones((1, ROWS, 1))
    mu += np.random.default_rng(0).normal(0, NOISE, mu.shape)
    dims = ("two_theta", "y", "x")
    return xr.Dataset(
        {
            "mu": (dims, mu.astype(np.float32)),
            "mu_noise": (dims, np.full(mu.shape, NOISE, np.float32)),
            "flags": (("y", "x"), np.zeros(mu.shape[1:], np.uint8)),
        },
        {"two_theta": angle},
    )


@pytest.fixture(scope="module")
def patterns() -> xr.Dataset:
    cube = xf.ingest.as_measured(measured().chunk(y=16))
    cube = xf.correct.average(xf.correct.despike(xf.correct.crop(cube, two_theta=(22.0, 58.0))))
    return xf.derive.noise(xf.normalize.none(cube))


def test_noise__is_that_of_the_mean_over_neighbors(patterns: xr.Dataset) -> None:
    assert patterns.norm.dims == ("two_theta", "y", "x")
    assert "e0" not in patterns
    inside = patterns.noise.isel(y=slice(1, -1), x=slice(1, -1)).values
    np.testing.assert_allclose(inside, NOISE / 3, rtol=1e-3)
    assert float(patterns.noise_ratio) == pytest.approx(1, abs=0.1)


def test_components_and_clusters__find_the_two_phases(patterns: xr.Dataset, tmp_path: Path) -> None:
    cube = xf.derive.noise(xf.normalize.none(xf.ingest.as_measured(measured().chunk(y=16))))
    cube, components, found = xf.judge.components(cube, most=6)
    assert components.component.dims == ("component", "two_theta")
    assert found.number_by_noise == 2
    cube, regions = xf.derive.clusters(cube, clusters=2)
    assert regions.mean_norm.shape == (2, cube.sizes["two_theta"])
    index = cube.cluster_index.values
    assert {len(np.unique(index[:, half])) for half in (slice(0, 30), slice(30, None))} == {1}
    assert index[0, 0] != index[0, -1]
    narrow = xf.derive.clusters(patterns, clusters=2, span=(25.0, 35.0))[1]
    assert 25 <= narrow.energy.min() <= narrow.energy.max() <= 35
    maps = write_maps(cube, tmp_path / "maps.zarr")
    assert set(maps.data_vars) >= {"cluster_index", "component_residual", "noise", "noise_ratio", "edge_step"}
    assert "mu" not in maps
    assert maps.cluster_index.dims == ("y", "x")
    np.testing.assert_array_equal(open_maps(tmp_path / "maps.zarr").cluster_index, index)


def test_store__keeps_whole_patterns_in_a_chunk(patterns: xr.Dataset, tmp_path: Path) -> None:
    again = write_cube(patterns[["mu", "mu_noise", "norm", "flags"]], tmp_path / "cube.zarr", tile=8)
    assert spectral_axis(again) == "two_theta"
    assert again.mu.chunksizes["two_theta"] == (patterns.sizes["two_theta"],)
    assert again.two_theta.attrs["units"] == "degree"
    xr.testing.assert_equal(open_cube(tmp_path / "cube.zarr").mu.compute(), patterns.mu.compute())
    assert not is_map("mu", again.mu)
    assert float(xf.derive.noise(again.assign(edge_step=patterns.edge_step)).noise_ratio) == float(
        patterns.noise_ratio
    )


def test_ingest_store__takes_a_cube_without_counts(patterns: xr.Dataset, tmp_path: Path) -> None:
    found = xf.ingest.store(patterns[["mu", "flags"]], tmp_path, tile=8)
    assert found.mu.dims == ("two_theta", "y", "x")


def test_means_and_regions__of_patterns(patterns: xr.Dataset) -> None:
    cube = patterns.assign(
        fraction=(("reference", "y", "x"), np.stack([np.ones((ROWS, COLUMNS)), np.zeros((ROWS, COLUMNS))]))
    )
    found = xf.judge.means(cube.assign_coords(reference=["a", "b"]))
    assert found.mean_norm.dims == ("reference", "two_theta")
    np.testing.assert_allclose(
        found.mean_norm.sel(reference="a"), patterns.norm.mean(["y", "x"]), rtol=1e-4, atol=1e-5
    )


def test_resample__and_bin_follow_the_axis(patterns: xr.Dataset) -> None:
    found = xf.derive.resample(patterns, spacing=0.5)
    assert found.mu.dims == ("two_theta", "y", "x")
    np.testing.assert_allclose(np.diff(found.two_theta), 0.5)
    assert xf.correct.bin(patterns).mu.sizes == {**patterns.mu.sizes, "y": 32, "x": 30}


@pytest.mark.parametrize(
    "refused",
    [
        lambda cube: xf.normalize.edge_step(cube, e0=7112.0),
        lambda cube: xf.derive.derivative(cube),
        lambda cube: xf.derive.e0(cube),
        lambda cube: xf.calibrate.apply(cube, xf.calibrate.constant(cube)),
        lambda cube: xf.correct.background(cube, e0=7112.0),
        lambda cube: xf.correct.flux(cube),
        lambda cube: xf.train.mixtures(cube, xf.ingest.phantom_references()),
        lambda cube: xf.classify.combination(cube, xf.ingest.phantom_references()),
        lambda cube: xf.judge.reference_sets(cube, xf.ingest.phantom_references()),
    ],
)
def test_physics_of_energies__is_refused(patterns: xr.Dataset, refused: object) -> None:
    assert callable(refused)
    with pytest.raises(InputError, match=r"on a cube over two_theta\. Expected a cube over energy"):
        refused(patterns)


def test_limits__of_another_axis_are_refused(patterns: xr.Dataset) -> None:
    with pytest.raises(InputError, match="crop of energy on a cube over two_theta"):
        xf.correct.crop(patterns, energy=(7100.0, None))
    with pytest.raises(InputError, match="none for another axis"):
        xf.normalize.none(patterns, e0=7112.0)


def test_slices__loop(patterns: xr.Dataset) -> None:
    stack = patterns[["mu", "flags"]].expand_dims(z=3)
    with pytest.raises(InputError, match=r"isel\(z=k\)"):
        xf.correct.average(stack)
    one = xf.correct.average(stack.isel(z=1))
    assert one.mu.dims == ("two_theta", "y", "x")


def test_two_axes__are_one_too_many() -> None:
    with pytest.raises(InputError, match="one spectral axis"):
        spectral_axis(xr.Dataset({"a": (("energy", "two_theta"), np.zeros((2, 2)))}))


def test_report__shows_regions_components_and_maps_over_angles(tmp_path: Path) -> None:
    cube = xf.derive.noise(xf.normalize.none(xf.ingest.as_measured(measured().chunk(y=16))))
    cube, _, components = xf.judge.components(cube, most=6)
    cube, regions = xf.derive.clusters(cube, clusters=2)
    maps = write_maps(cube, tmp_path / "maps.zarr")
    found = RunFindings(entries={"judge.components": components, "derive.clusters": regions})
    text = page(maps, None, found, tmp_path).read_text(encoding="utf-8")
    for wanted in ("Regions", "Scree plot", "Residual of the components", "degree"):
        assert wanted in text
    assert " eV" not in text
