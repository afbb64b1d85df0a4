"""Scans of another resolution than the references': found from the foil, carried by the cube, given to the references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter1d

import xafsflow as xf
from xafsflow.calibration.shift_map import broadening_in, read_calibration, save_calibration
from xafsflow.errors import ComputationError
from xafsflow.phantom import Phantom, Reference, as_dataset, spectrum, truth
from xafsflow.sampling import replay

NAMES = ("Fe", "FeO", "Fe2O3")
DENSE = np.arange(6930.0, 7420.0, 0.05)


def blurred(name: str, sigma: float) -> Any:
    """A reference seen through a Gaussian, densely and by scipy."""
    mu = spectrum(name, DENSE)
    return gaussian_filter1d(mu, sigma / 0.05, mode="nearest") if sigma else mu


def library_at(sigma: float) -> xr.Dataset:
    """References of a resolution, at a quarter of an eV."""
    mu = np.array([blurred(name, sigma)[::5] for name in NAMES])
    energy = np.broadcast_to(DENSE[::5], mu.shape)
    points = {"energy": (("spectrum", "point"), energy), "mu": (("spectrum", "point"), mu)}
    return xr.Dataset(points, {"spectrum": list(NAMES)})


def scan(sigma: float, **kwargs: Any) -> tuple[xr.Dataset, Phantom]:
    """Absorbance of a scan of a resolution, and its phantom."""
    seen = [Reference(name, DENSE, blurred(name, sigma)) for name in NAMES]
    phantom = Phantom(references=tuple(seen), foil=seen[0], **{"size": (48, 60), "energies": 120, **kwargs})
    return xf.correct.absorbance(as_dataset(phantom)), phantom


@pytest.mark.parametrize("blur", [0.2, 0.5, 0.7, -0.3])
def test_foil__finds_shift_and_resolution(blur: float) -> None:
    wrong, inside, pulls = [], [], []
    for seed in range(3):
        cube, phantom = scan(max(0.0, blur), seed=seed, tilt=-2.5)
        found, told = xf.calibrate.foil(cube, library_at(max(0.0, -blur)), standard="Fe")
        wrong.append(found.energy_shift.values - truth(phantom)["shift"])
        inside.append(np.abs(wrong[-1]) <= 2 * found.energy_shift_error.values)
        pulls.append((told.broadening.sigma - blur) / told.broadening.error)
        assert told.broadening.clear == (abs(blur) > 0.2) or abs(blur) == 0.2
        assert told.flux_jitter < 0.006
    assert np.sqrt(np.mean(np.square(wrong))) < 0.01
    assert np.mean(inside) >= 0.9
    assert np.sqrt(np.mean(np.square(pulls))) < 2


def test_foil__of_the_standards_resolution_leaves_references_alone() -> None:
    cube, _ = scan(0.0)
    found, told = xf.calibrate.foil(cube, library_at(0.0), standard="Fe")
    assert not told.broadening.clear
    assert abs(told.broadening.sigma) < 3 * told.broadening.error
    moved = xf.calibrate.apply(cube, found)
    assert float(moved.broadening) == 0


def test_foil__whose_flux_ends_at_its_limit_is_an_error() -> None:
    cube, _ = scan(0.0, flux_jitter=0.025)
    with pytest.raises(ComputationError, match="only where the flux changes by 3% or more"):
        xf.calibrate.foil(cube, library_at(0.0), standard="Fe")


def test_foil__far_blunter_than_its_standard_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from xafsflow.kernels.spectra import energy_shift_fit

    monkeypatch.setattr(energy_shift_fit, "BLUNTEST", 0.3)
    cube, _ = scan(0.7)
    with pytest.raises(ComputationError, match=r"blunter than that of Fe by 0\.5 eV or more"):
        xf.calibrate.foil(cube, library_at(0.0), standard="Fe", order=2)


@pytest.fixture(scope="module")
def calibrated() -> tuple[xr.Dataset, xr.Dataset, Phantom]:
    """A scan blunter by 0.6 eV, its calibration, and its phantom."""
    cube, phantom = scan(0.6, tilt=2.0)
    return cube, xf.calibrate.foil(cube, library_at(0.0), standard="Fe")[0], phantom


def test_apply__carries_the_broadening_or_the_one_that_is_told(calibrated: Any, tmp_path: Path) -> None:
    cube, found, _ = calibrated
    assert float(xf.calibrate.apply(cube, found).broadening) == pytest.approx(0.6, abs=0.05)
    assert float(xf.calibrate.apply(cube, found, broadening=-0.2).broadening) == -0.2
    save_calibration(found, tmp_path / "one.npz")
    assert broadening_in(read_calibration(tmp_path / "one.npz")).used == broadening_in(found).used
    offset, _ = xf.calibrate.offset(cube, found, library_at(0.0), standard="Fe")
    assert broadening_in(offset).used == broadening_in(found).used


def normalized(cube: xr.Dataset) -> xr.Dataset:
    return xf.derive.noise(xf.normalize.edge_step(cube, e0=7112.0, pre2=-20.0, norm1=40.0, nnorm=1))


def test_references__of_the_fit_are_as_blunt_as_the_scan(calibrated: Any) -> None:
    cube, found, phantom = calibrated
    blunt, sharp = (normalized(xf.calibrate.apply(cube, found, broadening=by)) for by in (0.6, 0.0))
    plan = replay.replayed(blunt)
    wanted = replay.normalized_references(sharp, library_at(0.6), plan).norm.values
    seen = replay.normalized_references(blunt, library_at(0.0), plan).norm.values
    assert np.abs(seen - wanted).max() < 1e-3
    assert (
        np.abs(replay.normalized_references(sharp, library_at(0.0), plan).norm.values - wanted).max() > 0.01
    )
    fits = [xf.classify.combination(one, library_at(0.0), span=(-20.0, 80.0)) for one in (blunt, sharp)]
    chi = [float(np.nanmedian(one.reduced_chi_square.values)) for one in fits]
    assert chi[0] < 0.7 * chi[1]
    wrong = [np.nanmean(np.abs(one.lcf_fraction.values - truth(phantom)["fractions"])) for one in fits]
    assert wrong[0] < wrong[1]


def test_references__of_candidates_are_as_blunt_as_the_scan(calibrated: Any) -> None:
    cube, found, _ = calibrated
    blunt, sharp = (normalized(xf.calibrate.apply(cube, found, broadening=by)) for by in (0.6, 0.0))
    seen = replay.normalized_candidates(blunt, library_at(0.0), 7090.0, 7190.0)[0].norm.values
    wanted = replay.normalized_candidates(sharp, library_at(0.6), 7090.0, 7190.0)[0].norm.values
    assert np.abs(seen - wanted).max() < 1e-3


def test_references__that_are_trained_are_as_blunt_as_the_scan(calibrated: Any) -> None:
    cube, found, _ = calibrated
    blunt, sharp = (normalized(xf.calibrate.apply(cube, found, broadening=by)) for by in (0.6, 0.0))
    settings: dict[str, Any] = {"step": 0.5, "noise_patterns": 20, "check_patterns": 100}
    seen = xf.train.mixtures(blunt, library_at(0.0), **settings)
    wanted = xf.train.mixtures(sharp, library_at(0.6), **settings)
    other = xf.train.mixtures(sharp, library_at(0.0), **settings)
    for name in ("features", "class_features", "check_norm", "reference_norm"):
        assert np.nanmax(np.abs(seen[name].values - wanted[name].values)) < 2e-3, name
        assert np.nanmax(np.abs(other[name].values - wanted[name].values)) > 0.01, name
    assert seen.attrs["digest"] != other.attrs["digest"]
