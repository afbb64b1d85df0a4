"""Radial functions: against scipy's, and lengths that are found."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import RBFInterpolator
from scipy.optimize import check_grad

from xafsflow.learning.inverse import radial_functions
from xafsflow.learning.inverse.radial_functions import fit_cubic, fit_gaussians

RANDOM = np.random.default_rng(2)
TABLE, NEW = RANDOM.normal(size=(120, 4)), RANDOM.normal(size=(50, 4))


def surface(table: np.ndarray) -> np.ndarray:
    return np.column_stack([np.sin(2 * table[:, 0]), table[:, 1] + np.cos(table[:, 0])])


@pytest.mark.parametrize("smoothing", [0.0, 3.0])
def test_cubic__is_scipys_interpolator(smoothing) -> None:
    wanted = RBFInterpolator(TABLE, surface(TABLE), smoothing=smoothing, kernel="cubic", degree=1)
    found = fit_cubic(TABLE, surface(TABLE), smoothing, 0)
    np.testing.assert_allclose(found.predict(NEW), wanted(NEW), atol=1e-7)


def test_gaussians__find_which_parameters_matter() -> None:
    found = fit_gaussians(TABLE, surface(TABLE), 0)
    assert found.narrow[0] > 20 * found.narrow[2:].max()
    wrong = ((found.predict(NEW) - surface(NEW)) ** 2).mean()
    plain = ((fit_cubic(TABLE, surface(TABLE), 0.0, 0).predict(NEW) - surface(NEW)) ** 2).mean()
    assert wrong < 0.1 * plain


def test_likelihood__has_the_slope_that_the_search_uses(monkeypatch) -> None:
    losses = []

    def minimize(loss, start, **settings):
        losses.append((loss, start))
        raise StopIteration

    monkeypatch.setattr("scipy.optimize.minimize", minimize)
    with pytest.raises(StopIteration):
        radial_functions._likely(TABLE[:30], surface(TABLE[:30]))
    (loss, start), place = losses[0], RANDOM.normal(size=10)
    at = start + 0.3 * place
    assert check_grad(lambda x: loss(x)[0], lambda x: loss(x)[1], at) < 1e-4 * np.abs(loss(at)[1]).max()


def test_many_samples__are_drawn_from(monkeypatch) -> None:
    monkeypatch.setattr(radial_functions, "CENTERS", 60)
    monkeypatch.setattr(radial_functions, "LEARNT_ON", 40)
    for found in (fit_cubic(TABLE, surface(TABLE), 1.0, 0), fit_gaussians(TABLE, surface(TABLE), 0)):
        assert len(found.centers) == 60
        assert found.predict(NEW).shape == (50, 2)
