"""What noise leaves of a fit whose energies share it, against distributions and simulations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from xafsflow.kernels.mixtures.typical_misfit import damped, typical_chi_square


@pytest.mark.parametrize(("points", "columns"), [(20, 1), (60, 3), (150, 2)])
def test_typical_chi_square__of_independent_noise_is_that_of_the_distribution(
    points: int, columns: int
) -> None:
    random = np.random.default_rng(1)
    sigma = random.uniform(0.5, 2, points)
    found = typical_chi_square(sigma, np.diag(sigma), random.standard_normal((columns, points)))
    assert found == pytest.approx(stats.chi2(points - columns).median(), rel=0.02)


def test_typical_chi_square__of_one_source_alone_is_its_own() -> None:
    """One source, which no column follows: chi-square is that of one degree of freedom, times what it does."""
    shape = np.linspace(1, 2, 30)
    found = typical_chi_square(np.ones(30), shape[None], np.zeros((0, 30)))
    assert found == pytest.approx(stats.chi2(1).median() * (shape**2).sum(), rel=0.08)


def test_typical_chi_square__what_a_column_follows_leaves_nothing() -> None:
    shape = np.linspace(1, 2, 30)
    alone = np.diag(np.full(30, 0.1))
    both = np.vstack([alone, 5 * shape])
    found = typical_chi_square(np.full(30, 0.1), both, shape[None])
    assert found == pytest.approx(stats.chi2(29).median(), rel=0.02)


@pytest.mark.parametrize("further", [0.0, 0.2, 0.5])
def test_damped__is_an_interpolation_between_neighbors(further: float) -> None:
    left = (1 - further) ** 2 + further**2
    response = np.eye(6)[:, :5].copy()
    damped(response, np.arange(5), np.full(5, np.sqrt(left)))
    wanted = (1 - further) * np.eye(6) + further * np.eye(6, k=-1)
    np.testing.assert_allclose(response, wanted[:, :5], atol=1e-12)
