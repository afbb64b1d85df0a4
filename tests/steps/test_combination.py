"""classify.combination on phantoms and on the scan with a known answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.io.readers import read_spectrum
from xafsflow.io.readers.spectrum_library import library_of
from xafsflow.phantom import Phantom, as_dataset, truth

# Without the jitter of the flux, which no step here takes off: it is no noise of photons.
SETTINGS: dict[str, Any] = {"size": (24, 32), "energies": 100, "seed": 2, "flux_jitter": 0.0}
NAMES = ("lcf_fraction", "lcf_error", "r_factor", "reduced_chi_square")
STANDARDS = {"Fe": "Fe_metal_rt_01", "FeO": "FeO_rt_01", "Fe2O3": "Fe2O3_rt_01"}


def normalized(band: int = 24) -> xr.Dataset:
    """The phantom with its energies put right, normalized, and its noise known."""
    phantom = Phantom(**SETTINGS)
    cube = xf.correct.background(xf.correct.absorbance(as_dataset(phantom, band=band)), e0=7112.0)
    calibration = xr.Dataset({"energy_shift": (("y", "x"), truth(phantom)["shift"])})
    calibration["energy_shift_error"] = xr.zeros_like(calibration.energy_shift)
    cube = xf.calibrate.apply(cube, calibration)
    cube = xf.normalize.edge_step(cube, e0=7112.0, pre1=-60.0, pre2=-12.0, norm1=40.0, nnorm=1)
    return xf.derive.noise(cube)


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return normalized().compute()


@pytest.fixture(scope="module")
def library() -> xr.Dataset:
    """The references as the sample absorbs: their files leave out that all absorption falls with energy."""
    library = xf.ingest.phantom_references()
    return library.assign(mu=library.mu * (library.energy / 7112.0) ** -3)


@pytest.fixture(scope="module")
def inside(cube: xr.Dataset) -> Any:
    return (cube.flags.values & 1) == 0


def error(fitted: xr.Dataset, inside: Any) -> float:
    made = truth(Phantom(**SETTINGS))["fractions"]
    return float(np.nanmean(np.abs(fitted.lcf_fraction.values - made)[:, inside]))


@pytest.mark.parametrize("sum_to_one", [True, False])
@pytest.mark.parametrize("weights", ["noise", None])
def test_combination__finds_what_the_phantom_is_made_of(
    cube: xr.Dataset, library: xr.Dataset, inside: Any, sum_to_one: bool, weights: Any
) -> None:
    fitted = xf.classify.combination(cube, library, sum_to_one=sum_to_one, weights=weights)
    assert error(fitted, inside) < 0.03
    total = fitted.lcf_fraction.values[:, inside].sum(axis=0)
    assert np.nanstd(total) < (1e-6 if sum_to_one else 0.05)
    assert np.nanmean(total) == pytest.approx(1, abs=1e-6 if sum_to_one else 0.02)
    assert (fitted.lcf_fraction.values[:, inside] > -1e-6).mean() > 0.99
    if weights and sum_to_one:
        assert np.nanmedian(fitted.reduced_chi_square.values[inside]) == pytest.approx(1, abs=0.1)


@pytest.mark.long
@pytest.mark.parametrize(
    "settings",
    [{}, {"weights": None}, {"background": True}, {"shift": 0.5}, {"features": "dmude", "weights": None}],
    ids=str,
)
def test_combination__is_lazy_and_does_not_depend_on_chunking(
    library: xr.Dataset, nothing_computes: None, settings: Any
) -> None:
    with dask.config.set(scheduler="synchronous"):
        known = xf.derive.derivative(normalized(), window=6.0).compute()
    names = [*NAMES, *(["lcf_shift"] if "shift" in settings else [])]
    whole = xf.classify.combination(known.chunk(y=24), library, **settings)
    parts = xf.classify.combination(known.chunk(y=7, x=9), library, **settings)
    assert all(parts[name].chunks is not None for name in names)
    with dask.config.set(scheduler="threads"):
        for name in names:
            np.testing.assert_array_equal(whole[name].values, parts[name].values, err_msg=name)


def test_combination__of_the_derivative_finds_the_same(
    cube: xr.Dataset, library: xr.Dataset, inside: Any
) -> None:
    derived = xf.derive.derivative(cube, window=6.0)
    assert error(xf.classify.combination(derived, library, features="dmude", weights=None), inside) < 0.05


def test_combination__finds_the_energy_that_the_calibration_has_missed(
    cube: xr.Dataset, library: xr.Dataset, inside: Any
) -> None:
    off = library.assign(energy=library.energy - 0.4)
    fitted = xf.classify.combination(cube, off, shift=1.0)
    assert np.nanmedian(fitted.lcf_shift.values[inside]) == pytest.approx(0.4, abs=0.05)
    assert error(fitted, inside) < 0.7 * error(xf.classify.combination(cube, off), inside)


def test_combination__knows_a_background(cube: xr.Dataset, library: xr.Dataset, inside: Any) -> None:
    line = 0.05 + 5e-4 * (cube.energy - 7112.0)
    tilted = cube.assign(norm=(cube.norm + line).astype(np.float32))
    with_line = xf.classify.combination(tilted, library, background=True)
    without = xf.classify.combination(cube, library, background=True)
    np.testing.assert_allclose(
        with_line.lcf_fraction.values[:, inside], without.lcf_fraction.values[:, inside], atol=2e-4
    )


def test_combination__gives_nan_where_there_is_no_sample_or_a_gap(
    cube: xr.Dataset, library: xr.Dataset
) -> None:
    broken = cube.copy(deep=True)
    middle = int(np.searchsorted(cube.energy.values, 7120.0))
    broken.norm[middle, 3, 4], broken.norm_noise[middle, 5, 6] = np.nan, np.nan
    broken.norm[0, 7, 8] = np.nan
    fitted = xf.classify.combination(broken, library)
    empty = (cube.flags.values & 1) > 0
    assert empty.any()
    for name in NAMES:
        values = fitted[name].values
        assert np.isnan(values[..., empty]).all()
        assert np.isnan(values[..., [3, 5], [4, 6]]).all()
        before = xf.classify.combination(cube, library)[name].values
        np.testing.assert_array_equal(values[..., 7, 8], before[..., 7, 8])


def test_combination__keeps_the_order_of_the_cubes_references(cube: xr.Dataset, library: xr.Dataset) -> None:
    names = [str(name) for name in library.spectrum.values]
    turned = xf.classify.combination(cube.assign_coords(reference=names[::-1]), library)
    assert list(turned.reference.values) == names[::-1]
    plain = xf.classify.combination(cube, library)
    for name in names:
        np.testing.assert_allclose(
            turned.lcf_fraction.sel(reference=name), plain.lcf_fraction.sel(reference=name), atol=1e-5
        )


def test_combination__refuses_what_cannot_be_fitted(cube: xr.Dataset, library: xr.Dataset) -> None:
    with pytest.raises(InputError, match="The noise of dmude is not known"):
        xf.classify.combination(xf.derive.derivative(cube), library, features="dmude")
    with pytest.raises(InputError, match="Put derive"):
        xf.classify.combination(cube.drop_vars("norm_noise"), library)
    with pytest.raises(InputError, match="as the cube has been classified"):
        xf.classify.combination(cube.assign_coords(reference=["a", "b"]), library)
    with pytest.raises(InputError, match="Widen span"):
        xf.classify.combination(cube, library, span=(0.0, 2.0))
    twice = xr.concat([library, library.isel(spectrum=[0]).assign_coords(spectrum=["again"])], "spectrum")
    with pytest.raises(InputError, match="again within the span a sum of the other references"):
        xf.classify.combination(cube, twice)
    first, last = library.energy.values.min(), library.energy.values.max()
    with pytest.raises(InputError, match="as the scan has"):
        xf.classify.combination(cube.assign_coords(energy=np.linspace(first, last, 100)), library, shift=1.0)


def repeated(library: xr.Dataset, repeat: int, method: str) -> xr.Dataset:
    """One of several measurements of a sample, its energies found by its foil."""
    cube = as_dataset(Phantom(size=(64, 80), counts=2000, energies=120, repeat=repeat)).compute()
    cube = xf.correct.dead_pixels(xf.correct.absorbance(cube))
    cube = xf.correct.flux(xf.correct.background(cube, e0=7112.0))
    calibration, _ = xf.calibrate.foil(cube, library, standard="Fe")
    cube = xf.correct.average(xf.calibrate.apply(cube, calibration), window=3)
    normalize = getattr(xf.normalize, method)
    cube = normalize(cube, e0=7112.0, pre1=-60.0, pre2=-12.0, norm1=40.0, nnorm=1)
    return xf.classify.combination(xf.derive.noise(cube), library)


@pytest.mark.long
@pytest.mark.parametrize("method", ["edge_step", "flat"])
def test_combination__errors_are_the_scatter_of_repeats(library: xr.Dataset, method: str) -> None:
    repeats = 6
    fits = [repeated(library, k, method) for k in range(1, repeats + 1)]
    shares, errors = (np.stack([fit[n].values for fit in fits]) for n in ("lcf_fraction", "lcf_error"))
    # A share at its bound is not free to scatter.
    free = (shares.mean(axis=0) > 3 * errors.mean(axis=0)).all(axis=0)
    scatter = np.sqrt((shares[:, :, free].std(axis=0, ddof=1) ** 2).mean())
    stated = np.sqrt((errors[:, :, free] ** 2).mean())
    # Of a mean over 3 x 3 neighbors a ninth of the pixels is independent.
    uncertain = 1 / np.sqrt(2 * (repeats - 1) * free.sum() / 9)
    assert uncertain < 0.03
    assert stated / scatter == pytest.approx(1, abs=0.06 + 2 * uncertain)
    off = (shares - shares.mean(axis=0)) * np.sqrt(repeats / (repeats - 1))
    assert (np.abs(off) < 2 * errors)[:, :, free].mean() == pytest.approx(0.954, abs=0.02)


@pytest.mark.long
def test_fraction_errors__of_a_forest_are_the_scatter_of_repeats(library: xr.Dataset) -> None:
    repeats = [repeated(library, k, "flat") for k in range(1, 7)]
    samples = xf.train.mixtures(repeats[0], library, noise_patterns=200, span=(-40.0, 100.0))
    model, _ = xf.train.fit(samples)
    found = [xf.classify.model(one, model)[["fraction", "fraction_error"]].compute() for one in repeats]
    shares, errors = (np.stack([one[n].values for one in found]) for n in ("fraction", "fraction_error"))
    known = np.isfinite(errors).all(axis=(0, 1))
    scatter = np.sqrt((shares[:, :, known].std(axis=0, ddof=1) ** 2).mean())
    # Of 120 energies .89 was found, of the benchmark's 210 from .97 to 1.01.
    assert np.sqrt((errors[:, :, known] ** 2).mean()) / scatter == pytest.approx(1, abs=0.15)
    off = (shares - shares.mean(axis=0)) * np.sqrt(6 / 5)
    assert 0.87 < (np.abs(off) <= 2 * errors)[:, :, known].mean() < 0.98


def test_combination__systematic_errors_grow_with_those_of_steps_and_resolution(
    cube: xr.Dataset, library: xr.Dataset
) -> None:
    fitted = xf.classify.combination(cube, library)
    told, share = fitted.lcf_systematic_error.values, fitted.lcf_fraction.values
    known = np.isfinite(share).all(axis=0)
    error = (fitted.step_ratio_error / fitted.step_ratio).values[:, None]
    f = share[:, known]
    wanted = np.array(
        [
            np.sqrt(sum((f[k] * (float(k == j) - f[j]) * error[j]) ** 2 for j in range(len(f))))
            for k in range(len(f))
        ]
    )
    np.testing.assert_allclose(told[:, known], wanted, rtol=1e-4, atol=1e-7)
    fitted_width = cube.assign(broadening=0.3, broadening_error=0.05)
    blunt = xf.classify.combination(fitted_width, library).lcf_systematic_error.values[:, known]
    sure = xf.classify.combination(fitted_width.assign(broadening_error=1e-6), library)
    assert (blunt >= sure.lcf_systematic_error.values[:, known] - 1e-9).all()
    assert blunt.mean() > 1.05 * told[:, known].mean()


def test_combination__of_the_measured_scan_is_right(shared: Path) -> None:
    folder = shared / "scan_fe"
    images = {
        "sample": "sample/*.tif",
        "flat_field": "flat/*.tif",
        "foil": "foil/*.tif",
        "dark": "dark/*.tif",
    }
    library = library_of(
        [
            replace(read_spectrum(shared / "standards" / "Fe" / f"{file}.xdi"), name=name)
            for name, file in STANDARDS.items()
        ]
    )
    cube = xf.ingest.tiff_stack(folder, energies="energies.csv", **images)
    cube = xf.correct.dead_pixels(xf.correct.absorbance(cube))
    cube = xf.correct.flux(xf.correct.background(cube, e0=7112.0).compute())
    calibration, _ = xf.calibrate.foil(cube.chunk(y=32), library, standard="Fe")
    cube = xf.correct.average(xf.calibrate.apply(cube, calibration), window=3)
    cube = xf.derive.noise(xf.normalize.flat(cube, e0=7112.0))
    fitted = xf.classify.combination(cube, library)[list(NAMES)].compute()
    made = np.load(folder / "truth.npz")
    there = ~made["background"] & np.isfinite(fitted.r_factor.values)
    assert there.sum() > 0.999 * (~made["background"]).sum()
    assert np.abs(fitted.lcf_fraction.values - made["fractions"])[:, there].mean() <= 0.0095
    assert 0.9 <= np.median(fitted.reduced_chi_square.values[there]) <= 1.1
