from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ncx2

from xafsflow.learning.reference_selection.bin_regions import Bins
from xafsflow.learning.reference_selection.goodness_of_fit import OTHER_EDGE, Fit, FitTest, quantile
from xafsflow.learning.reference_selection.measured_noise import MeasuredNoise, bends, measured_noise
from xafsflow.learning.reference_selection.set_misfit import Fits, all_at_once
from xafsflow.learning.reference_selection.shared_distortion import Distortion

ENERGY = np.linspace(7092, 7192, 200)
QUIET = MeasuredNoise(1.0, 0.0)


def spectra() -> np.ndarray:
    """Three edges with white lines."""
    x = ENERGY - 7092
    rows = [
        0.5 + 0.5 * np.tanh((x - at) / 2.5) + h * np.exp(-0.5 * ((x - at - 7) / w) ** 2)
        for at, h, w in ((20, 0.1, 3.0), (26, 0.5, 3.0), (31, 0.5, 3.5))
    ]
    return np.array(rows)


def made(
    seed: int,
    sigma: float = 0.005,
    common: float = 0.0,
    third: float = 0.0,
    distorted: Distortion | None = None,
) -> Bins:
    """48 bins in 6 rows of the second and third reference, in part with the first, with noise."""
    random = np.random.default_rng(seed)
    share = random.uniform(0, 1, 48)
    rows = np.arange(48) // 8
    first = third * (rows < 2)
    shares = np.stack([first, (1 - first) * share, (1 - first) * (1 - share)], axis=1)
    references = (distorted or Distortion()).of(ENERGY, spectra())
    flux, even = random.uniform(1, 2, 48), np.ones(48)
    y = shares @ references + random.normal(0, sigma, (48, 200))
    y += common * flux[:, None] * random.normal(0, 1, 200)
    number = np.arange(48)
    return Bins(
        ENERGY, y, sigma * even, np.ones(200), flux, 20 + 0 * number, (rows < 2).astype(int), number, rows
    )


def fitted(
    bins: Bins, members: tuple[int, ...] = (1, 2), noise: MeasuredNoise = QUIET, offset: float = 0.5
) -> Fit:
    groups = [np.ones(48, bool), bins.region == 0, bins.region == 1]
    return FitTest(bins, groups, noise, offset).fit(spectra()[list(members)])


def test_quantile__agrees_with_the_noncentral_distribution() -> None:
    degrees, noncentrality = np.array([150.0, 150.0, 150.0]), np.array([0.0, 60.0, 900.0])
    found = quantile(0.9999, degrees, noncentrality)
    np.testing.assert_allclose(found, ncx2.ppf(0.9999, degrees, noncentrality + 1e-9), rtol=0.005)


def test_fit__has_the_degrees_of_freedom_that_it_says() -> None:
    found = [fitted(made(seed)) for seed in range(40)]
    ratio = np.array([one.chi_square / one.degrees for one in found])
    # The distortion takes three more from all regions together.
    np.testing.assert_allclose(ratio.mean(axis=0), 1, atol=0.04)
    assert ratio.std(axis=0).max() == pytest.approx(np.sqrt(2 / 196), rel=0.4)
    assert not any(one.rejected.any() for one in found)


def test_fit__rejects_where_a_reference_is_missing_and_nowhere_else() -> None:
    for seed in range(10):
        found = fitted(made(seed, third=0.15), offset=0.05)
        assert found.rejected.tolist()[1:] == [False, True]
        assert found.unexplained[2] > 0.004
        assert abs(found.worst_energy[2] - 7116) < 6


def test_fit__takes_an_offset_a_resolution_and_a_slope_that_all_share() -> None:
    given = Distortion(0.2, 0.04, 3e-4)
    found = [fitted(made(seed, 0.003, distorted=given)) for seed in range(5)]
    assert not any(one.rejected.any() for one in found)
    assert np.mean([one.distortion.offset for one in found]) == pytest.approx(0.2, abs=0.02)
    assert np.mean([one.distortion.broadening for one in found]) == pytest.approx(0.04, abs=0.02)
    assert np.mean([one.distortion.slope for one in found]) == pytest.approx(3e-4, abs=1e-4)


def test_fit__finds_another_phase_of_the_share_that_it_says() -> None:
    found = []
    for seed in range(30):
        bins = made(seed, 0.02)
        share = float(fitted(bins).detectable[2])
        assert 0.01 < share < 0.3
        # One of the kinds that stand for it, in one of the regions.
        other = Distortion(OTHER_EDGE).of(ENERGY, spectra()[2:])[0]
        mixed = np.where(bins.region[:, None] == 1, (1 - share) * bins.spectra + share * other, bins.spectra)
        found.append(fitted(replace(bins, spectra=mixed)).rejected[2])
    assert sum(found) >= 20


def test_measured_noise__is_not_what_a_wrong_set_leaves() -> None:
    for members in ((1, 2), (0, 1)):
        found = []
        for seed in range(10):
            bins = made(seed, 0.002, common=0.003)
            residual = Fits(bins, spectra()[list(members)]).residual((0, 1))[1]
            found.append(measured_noise(bins, residual))
        assert np.mean([one.scatter for one in found]) == pytest.approx(1, abs=0.05)
        assert np.sqrt(np.mean([one.common for one in found])) == pytest.approx(0.003, rel=0.12)


def test_measured_noise__sees_more_scatter_than_is_stated() -> None:
    bins = made(1, 0.004)
    bins = replace(bins, noise=bins.noise / 2)
    found = measured_noise(bins, all_at_once(Fits(bins, spectra()))[0])
    assert found.inflation == pytest.approx(4, rel=0.1)


def test_measured_noise__of_sparse_energies_is_what_the_flux_is_known_to() -> None:
    bins = made(2).at(np.arange(200) % 4 == 0)
    residual = all_at_once(Fits(bins, spectra()[:, ::4]))[0]
    assert measured_noise(replace(bins, flux_error=0.002), residual).common == pytest.approx(0.002**2)
    assert np.isnan(measured_noise(bins, residual).scatter)


def test_bends__keep_the_variance_of_white_noise_and_no_parabola() -> None:
    energy = np.sort(np.random.default_rng(3).uniform(0, 40, 200))
    found = bends(energy, np.random.default_rng(4).normal(0, 2, (50, 200)))
    assert found.var() == pytest.approx(4, rel=0.1)
    np.testing.assert_allclose(bends(energy, (3 - energy + 0.2 * energy**2)[None]), 0, atol=1e-9)
