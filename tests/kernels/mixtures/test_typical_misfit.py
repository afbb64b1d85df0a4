"""What noise leaves of a fit whose energies share it, against distributions and simulations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from xafsflow.kernels.mixtures.typical_misfit import freedom_over_noise, typical_chi_square


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


@pytest.mark.parametrize("off", [1.0, 0.8])
def test_freedom_over_noise__takes_the_size_of_the_noise_from_sigma(off: float) -> None:
    """A response that is too small where an interpolation differs from pixel to pixel tells what is shared only."""
    sigma, places = np.linspace(0.5, 2, 40), np.arange(3, 33)
    found = freedom_over_noise(
        np.random.default_rng(2).standard_normal((3, 30)),
        np.zeros((0, 30)),
        sigma,
        off * np.diag(sigma),
        np.zeros(40),
        places,
        True,
    )
    assert found == pytest.approx(28 / stats.chi2(28).median(), rel=0.02)
