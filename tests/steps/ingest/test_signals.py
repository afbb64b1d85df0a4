"""Absorbance, transmission and fluorescence come in without counts, with the noise that they show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.phantom import Phantom, as_dataset
from xafsflow.provenance import history
from xafsflow.steps.ingest.scatter import measured_noise
from xafsflow.vocabulary import Flag

ENERGY = np.arange(7100.0, 7112.0)
Write = Callable[..., Path]


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(1).uniform(0.2, 0.9, (12, 6, 5)).astype("f4")


def test_absorbance__stands_as_it_is_in_the_images(
    tmp_path: Path, scan_file: Write, values: np.ndarray
) -> None:
    values[3, 2, 1], values[4, 0, 0] = np.nan, np.inf
    scan_file("od.h5", images=values, energies=ENERGY, quantity="absorbance")
    scan_file("foil.h5", images=values + 1, energies=ENERGY)
    cube = xf.ingest.absorbance(tmp_path, sample="od.h5", foil="foil.h5")
    good = np.isfinite(values)
    np.testing.assert_array_equal(cube.mu, np.where(good, values, np.nan))
    np.testing.assert_array_equal(cube.foil_mu.values[good], (values + 1)[good])
    np.testing.assert_array_equal(cube.flags > 0, ~good.all(axis=0))
    assert (cube.flags.values[~good.all(axis=0)] == int(Flag.NOT_FINITE)).all()
    assert [one["step"] for one in history(cube)] == ["ingest.absorbance"]


def test_transmission__becomes_absorbance(tmp_path: Path, scan_file: Write, values: np.ndarray) -> None:
    values[3, 2, 1], values[4, 0, 0] = 0.0, -0.1
    scan_file("trans.h5", images=values, energies=ENERGY)
    cube = xf.ingest.transmission(tmp_path, sample="trans.h5").compute()
    good = values > 0
    np.testing.assert_allclose(cube.mu.values[good], -np.log(values[good]), rtol=1e-6)
    assert np.isnan(cube.mu.values[~good]).all()
    np.testing.assert_array_equal(cube.flags > 0, ~good.all(axis=0))


def test_fluorescence__is_divided_by_i0(tmp_path: Path, scan_file: Write, values: np.ndarray) -> None:
    counts, i0 = 1000 * values, np.linspace(50.0, 90.0, 12)
    counts[5, 1, 1] = 0
    scan_file("map.h5", images=counts, energies=ENERGY, counter=i0)
    (tmp_path / "i0.txt").write_text("\n".join(f"{e} {i}" for e, i in zip(ENERGY, i0, strict=True)))
    scan_file("i0.h5", images=np.broadcast_to(i0[:, None, None], counts.shape).astype("f4"), energies=ENERGY)
    wanted = counts / i0[:, None, None]
    for given in (None, "i0.txt", "i0.h5"):
        cube = xf.ingest.fluorescence(tmp_path, sample="map.h5", i0=given, thin=True).compute()
        share = cube.mu.values / np.where(wanted > 0, wanted, 1)
        # One number makes values about one.
        np.testing.assert_allclose(share[wanted > 0], share[0, 0, 0], rtol=1e-5)
        assert 0.3 < float(cube.mu.max()) < 3
        assert float(cube.mu[5, 1, 1]) == 0
        assert not cube.flags.any()
    divided = xf.ingest.fluorescence(tmp_path, sample="map.h5", i0="one", thin=True).mu
    np.testing.assert_allclose(divided / divided[0, 0, 0], counts / counts[0, 0, 0], rtol=1e-5)


def test_fluorescence__is_corrected_by_dead_time(
    tmp_path: Path, scan_file: Write, values: np.ndarray
) -> None:
    true = (2e5 * values).astype("f4")
    counted = true / (1 + true * 1e-6)
    scan_file("map.h5", images=counted, energies=ENERGY)
    scan_file("icr.h5", images=true * 3, energies=ENERGY)
    scan_file("ocr.h5", images=counted * 3, energies=ENERGY)
    common = {"sample": "map.h5", "i0": "one", "thin": True}
    both = (
        xf.ingest.fluorescence(tmp_path, **common, dead_time_us=2.0, dwell_s=2.0),
        xf.ingest.fluorescence(tmp_path, **common, input_counts="icr.h5", output_counts="ocr.h5"),
    )
    for cube in both:
        np.testing.assert_allclose(cube.mu / cube.mu[0, 0, 0], true / true[0, 0, 0], rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, r"without I0.*i0: one"),
        ({"i0": "one", "dead_time_us": 1.0}, "dead_time_us alone.*dwell_s"),
        ({"i0": "one", "output_counts": "map.h5"}, "output_counts alone.*input_counts"),
    ],
)
def test_fluorescence__names_what_is_missing(
    tmp_path: Path, scan_file: Write, values: np.ndarray, settings: dict[str, object], words: str
) -> None:
    scan_file("map.h5", images=values, energies=ENERGY)
    with pytest.raises(InputError, match=words):
        xf.ingest.fluorescence(tmp_path, sample="map.h5", **settings)


def test_fluorescence__warns_of_self_absorption(tmp_path: Path, scan_file: Write, values: np.ndarray) -> None:
    scan_file("map.h5", images=values, energies=ENERGY)
    with pytest.warns(XafsflowWarning, match="thick or concentrated.*thin: true"):
        xf.ingest.fluorescence(tmp_path, sample="map.h5", i0="one")


@pytest.mark.parametrize("energies", [210, 60])
@pytest.mark.parametrize("change", [{}, {"thickness": (2.0, 2.8)}, {"drift": (2.0, 1.0)}])
def test_measured_noise__is_that_of_the_photons(
    energies: int, change: dict[str, tuple[float, float]]
) -> None:
    phantom = Phantom(size=(40, 48), energies=energies, seed=2, **change)
    cube = xf.correct.absorbance(as_dataset(phantom)).compute()
    found = measured_noise(cube.mu, cube.energy.values)
    ratio = found.values / cube.mu_noise.values
    assert abs(np.nanmedian(ratio) - 1) < 0.1
    # Pixel by pixel as well: so few energies tell it to that.
    each = np.nanmedian(ratio, axis=0)
    assert np.mean(np.abs(each - 1) < 0.5) > 0.9


def test_measured_noise__sees_no_edges_and_no_spikes() -> None:
    rng = np.random.default_rng(0)
    energy = np.concatenate(
        [np.arange(7000.0, 7100, 5), np.arange(7100, 7140, 0.7), np.arange(7140, 7300, 4)]
    )
    edge = np.arctan((energy - 7112) / 1.2) / np.pi + np.exp(-(((energy - 7116) / 2) ** 2))
    height = rng.uniform(0.2, 2, (24, 120))
    noise = 0.01 * (1 + (energy > 7112))
    mu = edge[:, None, None] * height + noise[:, None, None] * rng.standard_normal((len(energy), 24, 120))
    hit = rng.integers(0, len(energy), (24, 120))
    mu[hit[::7, ::5], np.arange(0, 24, 7)[:, None], np.arange(0, 120, 5)] += 3
    found = measured_noise(xr.DataArray(mu.astype("f4"), dims=("energy", "y", "x")), energy).values
    away = np.abs(energy - 7112) > 8
    np.testing.assert_allclose(np.median(found, axis=(1, 2))[away], noise[away], rtol=0.12)
    assert np.abs(np.median(found / noise[:, None, None], axis=0) - 1).max() < 0.6


def test_measured_noise__is_unknown_from_a_few_energies() -> None:
    mu = xr.DataArray(np.ones((5, 4, 4), "f4"), dims=("energy", "y", "x"))
    assert np.isnan(measured_noise(mu, np.arange(5.0))).all()


def test_case_16__is_transmission_without_flat_field(shared: Path) -> None:
    folder = shared / "formats" / "cases" / "16-optical-density-stack"
    cube = xf.ingest.transmission(folder, sample="trans.tif", energies="energies.csv").compute()
    np.testing.assert_allclose(cube.mu, -np.log(tifffile.imread(folder / "trans.tif")), rtol=1e-4, atol=1e-5)
    assert cube.sizes["energy"] == 105
    assert float(cube.mu_noise.median()) < 0.2 * float(cube.mu[-1].median() - cube.mu[0].median())
