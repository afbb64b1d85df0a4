"""Broadening and point spread of phantoms against closed forms."""

import numpy as np
import pytest
from scipy import special
from scipy.ndimage import gaussian_filter

from xafsflow.phantom import SPECTRA, Phantom, Reference, broadened, counts, dark, exact_mu, spectrum, truth

GRID = np.arange(7060.0, 7170.0, 0.37)
STEP = Reference("step", [6900.0, 7112.0, 7112.0001, 7400.0], [0.0, 0.0, 1.0, 1.0])


def by_quadrature(name, energy, sigma):
    """The convolution with a Gaussian by Gauss and Hermite, for each energy on its own."""
    node, weight = special.roots_hermite(120)
    return spectrum(name, energy[:, None] + np.sqrt(2) * sigma * node) @ weight / np.sqrt(np.pi)


@pytest.mark.parametrize("sigma", [0.2, 0.5, 0.7, 2.0])
def test_broadened__a_step_becomes_an_error_function(sigma):
    expected = 0.5 * (1 + special.erf((GRID - 7112.00005) / (np.sqrt(2) * sigma)))
    np.testing.assert_allclose(broadened(STEP, GRID, sigma), expected, atol=1.5e-5)


@pytest.mark.parametrize("sigma", [0.2, 0.7])
def test_broadened__a_gaussian_peak_becomes_broader_and_a_line_stays(sigma):
    fine = np.arange(7000.0, 7250.0, 0.05)
    line = 0.3 + 0.01 * (fine - 7112)
    peak = Reference("peak", fine, np.exp(-0.5 * ((fine - 7112) / 1.5) ** 2) + line)
    width = np.hypot(1.5, sigma)
    expected = 1.5 / width * np.exp(-0.5 * ((GRID - 7112) / width) ** 2) + 0.3 + 0.01 * (GRID - 7112)
    np.testing.assert_allclose(broadened(peak, GRID, sigma), expected, atol=2e-6)


@pytest.mark.parametrize("name", SPECTRA)
def test_broadened__named_spectra_are_those_of_a_quadrature(name):
    np.testing.assert_allclose(broadened(name, GRID, 0.5), by_quadrature(name, GRID, 0.5), atol=2e-6)


def test_broadened__ends_of_a_scan_are_those_of_a_longer_one():
    short = np.arange(7105.0, 7131.0, 0.4)
    longer = np.arange(7050.0, 7300.0, 0.1)
    at = np.searchsorted(longer, short + 0.01) - 1
    np.testing.assert_allclose(longer[at], short, atol=1e-6)
    for reference in ("Fe2O3", STEP):
        np.testing.assert_allclose(
            broadened(reference, short, 0.7), broadened(reference, longer, 0.7)[at], atol=1e-6
        )


def test_phantom__sample_and_foil_are_broadened_apart_and_reference_files_not():
    still = {"size": (12, 14), "energies": 60, "hole_share": 0.0}
    sharp, sample, foil = (
        Phantom(**still, **more) for more in ({}, {"broadening": 0.7}, {"foil_broadening": 0.4})
    )
    answer = truth(sample)
    for index in (0, 20, 26, 59):
        energy = sample.energy[index] + answer["shift"].astype(float)
        mixture = sum(
            share * broadened(name, energy, 0.7)
            for share, name in zip(answer["fractions"], sample.names, strict=True)
        )
        expected = (0.55 + answer["thickness"] * mixture) * (energy / 7112) ** -3.0
        np.testing.assert_allclose(exact_mu(sample, "sample", index), expected, atol=1e-6)
        np.testing.assert_array_equal(exact_mu(sample, "foil", index), exact_mu(sharp, "foil", index))
        np.testing.assert_array_equal(exact_mu(foil, "sample", index), exact_mu(sharp, "sample", index))
        wanted = (0.35 + 1.1 * broadened("Fe", energy, 0.4)) * (energy / 7112) ** -3.0
        np.testing.assert_allclose(exact_mu(foil, "foil", index), wanted, atol=1e-6)
    assert abs(exact_mu(sample, "sample", 26) - exact_mu(sharp, "sample", 26)).max() > 0.004
    assert answer["broadening"].tolist() == [0.7, 0.0]


def test_counts__of_a_broadened_phantom_give_its_exact_absorbance():
    phantom = Phantom(
        size=(20, 24), energies=60, broadening=0.6, foil_broadening=0.3, noise=False, flux_jitter=0.0,
        counts=30000, dead_share=0.0,
    )  # fmt: skip
    level = dark(phantom, 0).astype(float)
    for index in (0, 25, 59):
        flat = counts(phantom, "flat", index) - level
        for kind in ("sample", "foil"):
            image = counts(phantom, kind, index) - level
            found = -np.log(image / flat) - exact_mu(phantom, kind, index)
            assert (abs(found) < 1.0 / image + 1.0 / flat + 1e-4).all()


@pytest.mark.parametrize("kind", ["sample", "flat"])
def test_point_spread__blurs_the_light_and_loses_none(kind):
    still = {"size": (60, 70), "energies": 8, "noise": False, "dead_share": 0.0, "grain": 9.0}
    sharp, blurred = Phantom(**still), Phantom(**still, point_spread=1.3)
    level = dark(sharp, 0).astype(float)
    before, after = (counts(phantom, kind, 6) - level for phantom in (sharp, blurred))
    # Each of the 4200 pixels is rounded, the sharp image too.
    assert after.sum() == pytest.approx(before.sum(), abs=5 * np.sqrt(2 * 4200 / 12))
    expected = gaussian_filter(before, 1.3, mode="reflect", truncate=4.0)
    np.testing.assert_allclose(after, expected, atol=1.5)
    assert abs(after - before).max() > 100
    # What is exact is the sample, not its picture.
    np.testing.assert_array_equal(exact_mu(blurred, kind, 6), exact_mu(sharp, kind, 6))


@pytest.mark.parametrize("size", [(40, 19), (5, 7)])
def test_point_spread__a_band_has_the_bytes_of_the_whole(size):
    phantom = Phantom(size=size, energies=12, point_spread=1.6, drift=(2.0, 1.0), dead_share=0.01)
    for kind in ("sample", "flat", "foil"):
        whole = counts(phantom, kind, 7)
        for first, last in ((0, 2), (1, 4), (2, 5), (0, size[0]), (size[0] - 1, size[0])):
            np.testing.assert_array_equal(counts(phantom, kind, 7, (first, last)), whole[first:last])
