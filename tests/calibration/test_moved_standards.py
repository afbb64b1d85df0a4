"""Standards as they look in spectra that were moved between energies that lie far apart."""

from __future__ import annotations

import numpy as np
import pytest

import xafsflow as xf
from xafsflow.calibration.standard_spectra import moved_like
from xafsflow.kernels.spectra.energy_shift import move
from xafsflow.phantom import Phantom, as_dataset

EV = np.arange(7050.0, 7200.0, 3.5)


def edge(energy: np.ndarray, order: int) -> np.ndarray:
    x = (energy - 7112.0) / 1.5
    return (np.tanh(x) if order == 0 else 1 / np.cosh(x) ** 2 / 1.5)[None]


@pytest.mark.parametrize("cubic", [True, False])
def test_moved_like__is_what_moving_makes_of_the_curve(cubic: bool) -> None:
    shifts, off = np.array([-1.2, 0.4, 2.0]), 0.3
    # A spectrum that is still `off` from the standard after it was moved.
    measured = edge(EV + shifts[:, None] + off, 0)[0].T[:, :, None].astype(np.float32)
    wanted = move(EV, np.ascontiguousarray(measured), shifts[:, None].astype(np.float32), cubic)[:, :, 0].T
    found = moved_like(edge, EV, shifts, cubic=cubic)(EV + np.full((3, 1), off), 0)[0]
    inside = np.isfinite(wanted)
    np.testing.assert_allclose(found[inside], wanted[inside], atol=2e-6)
    assert np.abs(found - edge(EV + off, 0)[0])[inside].max() > 0.02


@pytest.mark.parametrize("step", [2.0, 3.5])
def test_check__settles_on_a_scan_of_few_energies(step: float) -> None:
    phantom = Phantom(size=(40, 50), energies=np.arange(7050.0, 7262.0, step), tilt=2.0, seed=2)
    cube = xf.correct.absorbance(as_dataset(phantom))
    library = xf.ingest.phantom_references()
    calibration, _ = xf.calibrate.foil(cube, library, standard="Fe")
    found = xf.calibrate.check(xf.calibrate.apply(cube, calibration), library, standard="Fe")
    # Most of the field's tilt is gone, and no misfit is left that interpolation makes.
    assert abs(found.after.slope_y) < 0.1 < abs(found.before.slope_y)
    assert found.misfit < 0.01
