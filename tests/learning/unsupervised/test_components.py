"""Components, their number and target transformation, against numpy, scikit-learn and formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xafsflow.learning.unsupervised import components as learn


def mixtures(
    phases: int = 3, pixels: int = 2000, energies: int = 40, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """A table of noisy mixtures with noise 1, and the spectra of the phases."""
    rng = np.random.default_rng(seed)
    spectra = 20 * rng.standard_normal((phases, energies)).cumsum(axis=1)
    shares = rng.dirichlet(np.ones(phases), pixels)
    return shares @ spectra + rng.standard_normal((pixels, energies)), spectra


@pytest.mark.parametrize("center", [True, False])
def test_principal__is_the_decomposition_of_scikit_learn(center: bool) -> None:
    from sklearn.decomposition import PCA, TruncatedSVD

    table, _ = mixtures()
    values, vectors = learn.principal(table, center=center)
    if center:
        other = PCA(5, svd_solver="full").fit(table)
        theirs = other.singular_values_**2 / len(table)
    else:
        other = TruncatedSVD(5, algorithm="arpack", random_state=0).fit(table)
        theirs = other.singular_values_**2 / len(table)
    np.testing.assert_allclose(values[:5], theirs, rtol=1e-10)
    np.testing.assert_allclose(np.abs((vectors[:3] * other.components_[:3]).sum(axis=1)), 1, rtol=1e-9)


@given(st.integers(1, 5), st.integers(0, 50))
def test_principal__is_orthonormal_and_keeps_the_sum_of_squares(phases: int, seed: int) -> None:
    table, _ = mixtures(phases, 60, 8, seed)
    values, vectors = learn.principal(table)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(8), atol=1e-9)
    assert values.sum() == pytest.approx((table**2).sum() / len(table))
    assert (np.diff(values) <= 1e-9 * values[0]).all()


def test_indicator__is_larchs_form_written_as_a_loop() -> None:
    values = learn.principal(mixtures()[0])[0]
    n = len(values)
    found = learn.indicator(values)
    for r in range(n - 1):
        behind = n - r - 1
        assert found[r] == pytest.approx(np.sqrt(n * values[r:].sum() / behind) / behind**2)


@pytest.mark.parametrize("phases", [1, 2, 3, 5])
def test_numbers__are_those_of_the_phases_with_white_noise(phases: int) -> None:
    table, _ = mixtures(phases)
    values, vectors = learn.principal(table)
    noise = np.random.default_rng(9).standard_normal((4000, 40))
    floor = learn.noise_floor(values, vectors, noise, 8)
    assert learn.above_noise(values, floor) == phases
    assert learn.indicator(values).argmin() == phases
    # Marchenko and Pastur for the 4000 patterns
    assert floor[phases] == pytest.approx((1 + np.sqrt(40 / 4000)) ** 2, rel=0.1)


@pytest.mark.parametrize("louder", [0.5, 1.0, 3.0])
def test_noise_floor__knows_correlated_noise_and_its_size_does_not_matter(louder: float) -> None:
    rng = np.random.default_rng(3)
    line = np.linspace(0, 1, 40)

    def noise(n: int) -> np.ndarray:
        return rng.standard_normal((n, 40)) + 0.8 * rng.standard_normal((n, 1)) * line

    table = mixtures(2)[0]
    quiet = mixtures(2, seed=0)[1]
    table = np.random.default_rng(1).dirichlet(np.ones(2), 3000) @ quiet + noise(3000)
    values, vectors = learn.principal(table)
    floor = learn.noise_floor(values, vectors, louder * noise(4000), 8)
    assert values[2] > 1.25 * (1 + np.sqrt(40 / 3000)) ** 2  # the edge for independent noise would count it
    assert learn.above_noise(values, floor) == 2


def spoil_as_malinowski_has_it(data: np.ndarray, k: int, test: np.ndarray) -> float:
    """SPOIL from a data matrix (energy, spectrum) with r >= c, the transformation vector written out."""
    r, c = data.shape
    u, s, _ = np.linalg.svd(data, full_matrices=False)
    real_error = np.sqrt((s[k:] ** 2).sum() / (r * (c - k)))
    scores = u[:, :k] * s[:k]
    t = np.linalg.lstsq(scores, test, rcond=None)[0]
    apparent = np.sqrt(((scores @ t - test) ** 2).sum() / (r - k))
    predicted = real_error * np.sqrt((t**2).sum())
    return float(np.sqrt(max(0.0, apparent**2 - predicted**2)) / predicted)


def test_target__is_malinowskis_spoil_for_his_matrix() -> None:
    rng = np.random.default_rng(5)
    table, spectra = mixtures(3, 12, 60, 4)
    test = spectra[1] + 2 * rng.standard_normal(60)
    values, vectors = learn.principal(table)
    error = np.sqrt(values[3:12].sum() * 12 / (60 * (12 - 3)))
    found = learn.target(vectors[:3], values[:3], error, 12, test)
    assert found.spoil == pytest.approx(spoil_as_malinowski_has_it(table.T, 3, test), rel=1e-9)


def test_target__tells_members_from_strangers_whatever_their_size() -> None:
    table, spectra = mixtures(3, 5000, 60, 2)
    values, vectors = learn.principal(table)
    stranger = 20 * np.random.default_rng(8).standard_normal(60).cumsum()
    members = [learn.target(vectors[:3], values[:3], 1.0, 10, one).spoil for one in spectra]
    assert max(members) < 1.5
    other = learn.target(vectors[:3], values[:3], 1.0, 10, stranger)
    assert other.spoil > 6
    assert learn.target(vectors[:3], values[:3], 1.0, 10, 7 * stranger).spoil == pytest.approx(other.spoil)
    np.testing.assert_allclose(vectors[:3] @ (other.fit - stranger), 0, atol=1e-9)


def test_grade__has_the_limits_of_the_field() -> None:
    words = [learn.grade(value) for value in (0, 1.5, 3, 4.5, 6)]
    assert words == ["excellent", "good", "fair", "acceptable", "unacceptable"]
