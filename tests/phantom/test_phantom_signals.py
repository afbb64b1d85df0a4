"""Absorbance and fluorescence of phantoms; which references are written, and at which energies."""

import numpy as np
import pytest
import tifffile

from xafsflow.errors import InputError
from xafsflow.phantom import (
    Phantom,
    Reference,
    as_dataset,
    counts,
    dark,
    exact_mu,
    measured_mu,
    spectrum,
    truth,
    write_phantom,
)

PHANTOM = Phantom(size=(21, 34), energies=13, dead_share=0.01)


def test_absorbance__is_the_logarithm_of_the_counts():
    level = np.mean([dark(PHANTOM, frame) for frame in range(5)], axis=0)
    dead = truth(PHANTOM)["dead"]
    for kind in ("sample", "foil"):
        found = measured_mu(PHANTOM, kind)(7)
        with np.errstate(invalid="ignore"):
            expected = -np.log((counts(PHANTOM, kind, 7) - level) / (counts(PHANTOM, "flat", 7) - level))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found[~dead], expected[~dead], atol=1e-5)
        assert np.isnan(found[dead]).all()


@pytest.mark.parametrize("self_absorption", [False, True])
def test_fluorescence__is_proportional_to_flux_and_to_what_the_element_absorbs(self_absorption):
    phantom = Phantom(
        size=(30, 40), energies=20, self_absorption=self_absorption, noise=False, flux_jitter=0.0,
        dead_share=0.0, counts=30000,
    )  # fmt: skip
    answer = truth(phantom)
    level = dark(phantom, 0).astype(float)
    for index in (0, 10, 19):
        energy = phantom.energy[index] + answer["shift"].astype(float)
        fall = (energy / 7112) ** -3.0
        element = sum(
            share * spectrum(name, energy)
            for share, name in zip(answer["fractions"], phantom.names, strict=True)
        )
        element = element * fall * answer["thickness"]
        matrix = 0.55 * ~answer["background"]
        way = element + fall * matrix + matrix * 0.9**-3.0
        weakened = element * (1 - np.exp(-way)) / np.maximum(way, 1e-9)
        expected = weakened if self_absorption else element
        np.testing.assert_allclose(exact_mu(phantom, "fluorescence", index), expected, atol=1e-6)
        share = (counts(phantom, "fluorescence", index) - level) / (counts(phantom, "flat", index) - level)
        np.testing.assert_allclose(share / 0.2, expected, atol=5 / 20000 * 3)


def test_fluorescence__photons_have_the_noise_of_their_number():
    still = {"size": (100, 120), "energies": 10, "dead_share": 0.0, "flux_jitter": 0.0}
    expected = counts(Phantom(**still, noise=False), "fluorescence", 8).astype(float)
    bright = expected > 500
    residual = (counts(Phantom(**still), "fluorescence", 8) - expected)[bright]
    pulls = residual / np.sqrt(expected[bright] - 100 + 4 + 1 / 12)
    assert bright.mean() > 0.5
    assert pulls.std() == pytest.approx(1, abs=5 / np.sqrt(2 * pulls.size))


@pytest.mark.parametrize("signal", ["absorbance", "fluorescence"])
@pytest.mark.parametrize("band", [None, 4])
def test_as_dataset__gives_a_divided_signal_as_mu(signal, band):
    cube = as_dataset(PHANTOM, band=band, signal=signal)
    assert list(cube.data_vars) == ["mu", "foil_mu", "flags"]
    kind = "sample" if signal == "absorbance" else "fluorescence"
    at = measured_mu(PHANTOM, kind)
    np.testing.assert_array_equal(cube.mu.values, [at(index) for index in range(13)])
    assert cube.mu.dtype == np.float32
    with pytest.raises(InputError, match="did you mean 'absorbance'"):
        as_dataset(PHANTOM, signal="absorbence")


@pytest.mark.parametrize("signal", ["absorbance", "fluorescence"])
def test_as_dataset__divided_signals_hold_the_composition(signal):
    phantom = Phantom(
        size=(16, 20), energies=120, tilt=0.0, tilt_x=0.0, curvature=0.0, hole_share=0.0, dead_share=0.0,
        counts=20000, flux_jitter=0.0, references=("FeO", "Fe2O3"),
    )  # fmt: skip
    answer = truth(phantom)
    energy = phantom.energy
    mean = as_dataset(phantom, signal=signal).mu.mean(("y", "x")).values * (energy / 7112) ** 3
    parts = np.stack([spectrum("FeO", energy), spectrum("Fe2O3", energy), np.ones(energy.size)], axis=1)
    found = np.linalg.lstsq(parts, mean, rcond=None)[0]
    amount = (answer["fractions"] * answer["thickness"]).mean(axis=(1, 2))
    wanted = [*amount, 0.55] if signal == "absorbance" else [*(0.2 * amount), 0]
    np.testing.assert_allclose(found, wanted, atol=0.003)


def test_write_phantom__absorbance_as_float_images(tmp_path):
    root = write_phantom(PHANTOM, tmp_path / "a", signal="absorbance")
    assert {path.name for path in root.iterdir()} == {
        *("mu", "foil_mu", "references", "energies.csv", "truth.npz")
    }
    at = measured_mu(PHANTOM, "sample")
    paths = sorted((root / "mu").iterdir())
    assert paths[3].name == f"mu_0003_{PHANTOM.energy[3]:08.2f}_eV.tif"
    for index, path in enumerate(paths):
        np.testing.assert_array_equal(tifffile.imread(path), at(index))
    pages = write_phantom(PHANTOM, tmp_path / "b", signal="absorbance", multipage=True)
    np.testing.assert_array_equal(tifffile.imread(pages / "mu" / "mu.tif")[5], at(5))


def test_write_phantom__fluorescence_as_counts_beside_a_flat_field(tmp_path):
    root = write_phantom(PHANTOM, tmp_path / "a", signal="fluorescence")
    assert not (root / "sample").exists()
    for kind in ("fluorescence", "flat", "foil"):
        path = sorted((root / kind).iterdir())[4]
        np.testing.assert_array_equal(tifffile.imread(path), counts(PHANTOM, kind, 4))
    with pytest.raises(InputError, match="did you mean 'fluorescence'"):
        write_phantom(PHANTOM, tmp_path / "b", signal="flourescence")


def test_library__says_which_references_are_written(tmp_path):
    energy = np.arange(6900.0, 7600.0)
    other = Reference("other", energy, 0.5 + np.arctan(energy - 7120) / np.pi)
    phantom = Phantom(size=(8, 9), energies=8, references=("FeO", "Fe3O4"), library=("FeO", other), foil="Fe")
    root = write_phantom(phantom, tmp_path)
    names = sorted(path.stem for path in (root / "references").iterdir())
    assert names == ["Fe", "FeO", "other"]
    assert truth(phantom)["library"].tolist() == ["FeO", "other", "Fe"]
    assert truth(phantom)["references"].tolist() == ["FeO", "Fe3O4"]


def test_reference_energies__are_those_of_the_files(tmp_path):
    energy = np.arange(6900.0, 7600.0)
    mine = Reference("mine", energy, 0.5 + np.arctan(energy - 7120) / np.pi)
    wanted = np.arange(7000.0, 7250.0, 1.5)
    phantom = Phantom(size=(8, 9), energies=8, references=(mine, "Fe"), reference_energies=wanted)
    root = write_phantom(phantom, tmp_path)
    for name, reference in (("mine", mine), ("Fe", "Fe")):
        there, mu = np.loadtxt(root / "references" / f"{name}.xdi", unpack=True)
        np.testing.assert_allclose(there, wanted)
        bare = mu * (there / 7112) ** 3
        np.testing.assert_allclose(bare, 0.4 + 1.3 * spectrum(reference, wanted), atol=1e-6)
    assert hash(phantom) == hash(Phantom(**vars(phantom)))
