"""What is read off a standard by itself."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.kernels.spectra.single_spectrum import alignment_error, half_rise, inflection, point_noise


@pytest.mark.parametrize("uneven", [False, True])
def test_point_noise__is_that_of_the_points(uneven: bool) -> None:
    rng = np.random.default_rng(0)
    energy = np.arange(7000, 7200, 0.25)
    energy = np.sort(energy + rng.uniform(-0.1, 0.1, energy.size)) if uneven else energy
    mu = np.tanh((energy - 7112) / 3) + 0.1 * np.sin(energy / 9)
    assert point_noise(energy, mu + 0.004 * rng.standard_normal(energy.size)) == pytest.approx(0.004, rel=0.1)
    assert point_noise(energy, mu) < 1e-4


def test_point_noise__of_too_few_points_is_not_known() -> None:
    assert np.isnan(point_noise([1, 2, 3], [1, 2, 3]))


def test_alignment_error__is_the_scatter_of_fitted_shifts() -> None:
    rng, energy = np.random.default_rng(1), np.arange(-40, 60, 0.5)
    curve, rise = np.tanh(energy / 3), 1 / np.cosh(energy / 3) ** 2 / 3
    x = energy / 50
    columns = np.stack([curve, x * curve, *(x**k for k in range(3)), rise], axis=1)
    noise = 0.01 * rng.standard_normal((energy.size, 2000))
    shifts = np.linalg.lstsq(columns, noise, rcond=None)[0][-1]
    assert alignment_error(energy, curve, rise, 0.01) == pytest.approx(shifts.std(), rel=0.1)


def test_half_rise__ignores_a_peak_before_the_edge() -> None:
    energy = np.arange(7000, 7200, 0.5)
    mu = 0.5 + 0.5 * np.tanh((energy - 7120) / 2) + 0.8 * np.exp(-(((energy - 7100) / 2) ** 2))
    assert half_rise(energy, mu) == pytest.approx(7120, abs=0.1)


@pytest.mark.parametrize("mu", [np.zeros(50), np.linspace(0, -1, 50), -(np.linspace(0, 1, 50) ** 40)])
def test_half_rise__of_what_does_not_rise_is_refused(mu: np.ndarray) -> None:
    with pytest.raises(InputError, match="does not rise"):
        half_rise(np.arange(50.0), mu)


@pytest.mark.parametrize("e0", [7111.0, 7111.17, 7111.4])
def test_inflection__is_found_between_the_energies(e0: float) -> None:
    energy = np.arange(7090, 7135, 0.4)
    assert inflection(energy, np.tanh((energy - e0) / 3)) == pytest.approx(e0, abs=0.01)
