"""judge.components and judge.target on phantoms with a known answer and on the measured scan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.io.folders import Folders
from xafsflow.phantom import Phantom, as_dataset
from xafsflow.sampling.pixel_sample import LEFT_OUT, scale_of
from xafsflow.steps.judge.principal_components import components
from xafsflow.steps.judge.target_transformation import target

EVEN: dict[str, Any] = {"tilt": 0, "tilt_x": 0, "curvature": 0}
THREE = ("Fe", "FeO", "Fe2O3")
SETTINGS: dict[str, Any] = {"size": (64, 80), "energies": 120, "seed": 1, **EVEN}


def normalized(cube: xr.Dataset, window: int = 0) -> xr.Dataset:
    if window:
        cube = xf.correct.average(cube, window=window)
    cube = xf.normalize.edge_step(cube, e0=7112.0, pre1=-60.0, pre2=-12.0, norm1=40.0, nnorm=1)
    return xf.derive.noise(cube)


def scan(window: int = 0, **settings: Any) -> xr.Dataset:
    cube = xf.correct.absorbance(as_dataset(Phantom(**{**SETTINGS, "flux_jitter": 0.0, **settings})))
    return normalized(xf.correct.background(cube, e0=7112.0), window).compute()


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return scan()


@pytest.fixture(scope="module")
def found(cube: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset, dict[str, Any]]:
    return components(cube)


def good_spectra(cube: xr.Dataset) -> np.ndarray:
    """`norm` over the noise of pixel and energy, good pixels only, by numpy."""
    scale = scale_of(cube, (-20.0, 100.0))
    values = cube.norm.values[scale.places] / scale.noise[:, None, None] / cube.noise.values
    good = (cube.flags.values & LEFT_OUT == 0) & np.isfinite(values).all(axis=0)
    return values[:, good].T.astype(float)


@pytest.mark.long
@pytest.mark.parametrize(
    ("phases", "window", "seed"),
    [(("FeO",), 0, 1), (("Fe", "Fe2O3"), 3, 1), (THREE, 0, 1), (THREE, 3, 2), (THREE, 3, 3)],
)
def test_number_by_noise__is_that_of_the_phases(phases: tuple[str, ...], window: int, seed: int) -> None:
    findings = components(scan(window, references=phases, seed=seed))[2]
    assert findings.number_by_noise == len(phases)
    # What noise alone makes beside them is known, not only that it is less.
    floor = findings.noise_floor[len(phases)]
    assert findings.eigenvalues[len(phases)] == pytest.approx(floor, rel=0.2)


@pytest.mark.long
def test_number_by_noise__counts_a_flux_that_changes_until_it_is_corrected() -> None:
    raw = xf.correct.absorbance(as_dataset(Phantom(**SETTINGS, flux_jitter=0.01, hole_share=0.2)))
    raw = xf.correct.background(raw, e0=7112.0)
    worse = components(normalized(raw, 3).compute())[2]
    better = components(normalized(xf.correct.flux(raw), 3).compute())[2]
    assert worse.number_by_noise > 3
    assert better.number_by_noise == 3


def test_eigenvalues__are_scikit_learns_on_the_good_pixels_only(cube: xr.Dataset, found: Any) -> None:
    from sklearn.decomposition import TruncatedSVD

    bad = cube.copy()
    # The pixels that stay must be the same in both, and the noise is told by the pixels of some rows.
    bad["norm"] = cube.norm.where((cube.y != 3) | (cube.x < 40)).where(cube.flags & LEFT_OUT == 0, 1e6)
    table = good_spectra(bad)
    _, product, findings = components(bad)
    svd = TruncatedSVD(6, algorithm="arpack", random_state=0).fit(table)
    assert findings.pixels == len(table) < found[2].pixels
    np.testing.assert_allclose(findings.eigenvalues[:6], svd.singular_values_**2 / len(table), rtol=1e-5)
    assert findings.eigenvalues.sum() == pytest.approx((table**2).sum() / len(table), rel=1e-6)
    same = np.abs((product.component.values[:3] * svd.components_[:3]).sum(axis=1))
    np.testing.assert_allclose(same, 1, rtol=1e-6)


def test_component_residual__is_numpys_and_one_for_noise(cube: xr.Dataset, found: Any) -> None:
    out, product, findings = found
    table, basis = good_spectra(cube), product.component.values[:3]
    left = table - table @ basis.T @ basis
    expected = np.sqrt((left**2).sum(axis=1) / (table.shape[1] - 3))
    values = out.component_residual.values
    np.testing.assert_allclose(values[np.isfinite(values)], expected, rtol=1e-3)
    assert np.median(expected) == pytest.approx(0.93, abs=0.08)
    np.testing.assert_allclose(findings.residual_rms, np.sqrt((left**2).mean(axis=0)), rtol=1e-4)
    np.testing.assert_allclose(findings.residual_mean, left.mean(axis=0), atol=1e-3)
    assert np.isnan(values[cube.flags.values & LEFT_OUT > 0]).all()


def test_component_residual__shows_where_something_is_missing(cube: xr.Dataset) -> None:
    strange = cube.copy(deep=True)
    bump = 0.3 * np.exp(-0.5 * ((cube.energy - 7135.0) / 3) ** 2)
    strange["norm"] = cube.norm + bump.astype(np.float32) * ((cube.y < 4) & (cube.x < 20))
    values = components(strange, keep=3)[0].component_residual.values
    assert np.nanmedian(values[:4, :20]) > 1.5 * np.nanmedian(values[10:, 20:])


def test_components__do_not_depend_on_chunking(cube: xr.Dataset, found: Any) -> None:
    out, product, findings = components(cube.chunk(energy=-1, y=9, x=13))
    assert out.component_residual.chunks is not None
    np.testing.assert_allclose(findings.eigenvalues, found[2].eigenvalues, rtol=1e-9)
    np.testing.assert_allclose(product.component[:3], found[1].component[:3], atol=1e-9)
    np.testing.assert_allclose(out.component_residual, found[0].component_residual, rtol=1e-4)


def test_components__of_some_rows_are_nearly_those_of_all(cube: xr.Dataset, found: Any) -> None:
    some = components(cube, pixels=1500)[2]
    assert 800 < some.pixels <= 1520
    assert some.number_by_noise == 3
    np.testing.assert_allclose(some.eigenvalues[:3], found[2].eigenvalues[:3], rtol=0.3)


def test_components__refuse_what_cannot_be(cube: xr.Dataset) -> None:
    with pytest.raises(InputError, match="the variable norm_noise"):
        components(cube.drop_vars("norm_noise"))
    with pytest.raises(InputError, match="good at all"):
        components(cube.isel(y=slice(0, 2), x=slice(0, 30)))
    with pytest.raises(InputError, match="usable pixels"):
        components(cube.assign(flags=cube.flags | 1))
    with pytest.raises(InputError, match="Widen span"):
        components(cube, span=(0.0, 1.0))


@pytest.fixture(scope="module")
def measured(shared: Any) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset, dict[str, Any]]:
    """The measured scan, calibrated, its components, and all measured iron standards."""
    folders = Folders(shared / "scan_fe", shared / "standards" / "Fe")
    files = {"Fe": "references:Fe_metal_rt_01.xdi"}
    library = xf.ingest.references(folders, files=files)
    cube = xf.ingest.tiff_stack(
        folders,
        sample="sample/*.tif",
        flat_field="flat/*.tif",
        foil="foil/*.tif",
        dark="dark/*.tif",
        energies="energies.csv",
    )
    cube = xf.correct.absorbance(cube.isel(y=slice(20, 92), x=slice(20, 116)))
    cube = xf.correct.flux(xf.correct.background(xf.correct.dead_pixels(cube), e0=7112.0))
    cube = xf.calibrate.apply(cube, xf.calibrate.foil(cube, library, standard="Fe")[0])
    cube = normalized(cube, 3).compute()
    candidates = xf.ingest.candidates(folders, files=["references:*.xdi"])
    out, product, findings = components(cube)
    return out, product, candidates, findings


def test_components__of_the_measured_scan_are_three(measured: Any) -> None:
    assert measured[3].number_by_noise == 3


def test_target__passes_what_is_in_the_sample_and_refuses_the_others(measured: Any) -> None:
    cube, product, candidates, _ = measured
    rows = {row.name: row for row in target(cube, product, candidates).candidates}
    for name in ("Fe_metal_rt_01", "FeO_rt_01", "Fe2O3_rt_01"):
        assert rows[name].grade in ("excellent", "good"), name
    spoils = [row.spoil for row in rows.values()]
    assert spoils == sorted(spoils)
    strange = [name for name in rows if "metal" not in name.lower() and "foil" not in name.lower()]
    assert min(rows[n].spoil for n in strange if n not in ("FeO_rt_01", "Fe2O3_rt_01")) > 6
    assert rows["FeO_rt_01"].r_factor < 0.001 < rows["Hansel2001_siderite_xanes_001"].r_factor


def test_target__refuses_components_of_another_cube(measured: Any) -> None:
    cube, product, candidates, _ = measured
    with pytest.raises(InputError, match="those of this cube"):
        target(cube, product.assign_coords(energy=product.energy + 0.1), candidates)
    with pytest.raises(InputError, match="keep=40 of 10 components"):
        target(cube, product, candidates, keep=40)
