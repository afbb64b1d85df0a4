"""Patterns on one grid of angles at one wavelength."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.errors import InputError
from xafsflow.io.readers.patterns.measured_pattern import FEWEST
from xafsflow.kernels.array_types import Doubles
from xafsflow.wavelengths import angles_at

EPSILON = 1e-6  # degrees, beyond what any file is written to
MOST = 1_000_000  # points of a grid


def grid_of(low: float, high: float, step: float) -> Doubles:
    """Angles from one to another, degrees, of shape (points,).

    Raises
    ------
    InputError
        They are none, or too few or too many.

    Examples
    --------
    >>> grid_of(10.0, 10.1, 0.02)
    array([10.  , 10.02, 10.04, 10.06, 10.08, 10.1 ])
    """
    count = (high - low) / step if step > 0 else 0
    if not (0 <= low < high < 180 and FEWEST - 1 <= count + 1e-9 < MOST):
        raise InputError(
            f"a grid from {low:g} to {high:g} degrees in steps of {step:g}",
            f"angles between 0 and 180, and {FEWEST} to {MOST} points",
            "change `span` or `step`",
        )
    return np.round(low + step * np.arange(int(np.floor(count + 1e-9)) + 1), 9)


def on_grid(
    two_theta: ArrayLike, counts: ArrayLike, measured: float, grid: Doubles, wavelength: float
) -> Doubles:
    """A pattern at another wavelength on an even grid.

    Angles become those at which the same spacings scatter there. A pattern that is coarser than the grid is interpolated
    linearly. Of a finer one each point is the mean over its bin: the integral of the line through the points, so that areas
    of peaks stay, and noise becomes that of the points together. Counts are not scaled: neither by the width of a step,
    which is another after the conversion, nor by what depends on the angle (Lorentz and polarization, absorption).

    Parameters
    ----------
    two_theta, counts
        As measured, degrees, rising, of shape (points,).
    measured
        The wavelength of the measurement, Angstrom.
    grid
        Degrees, even, of shape (angles,).
    wavelength
        Of the grid, Angstrom.

    Returns
    -------
    array
        Of shape (angles,); NaN where nothing was measured.

    Examples
    --------
    >>> on_grid(np.arange(20.0, 26.0), np.arange(6.0), 1.0, np.arange(19.0, 23.5, 0.5), 1.0)
    array([nan, nan, 0. , 0.5, 1. , 1.5, 2. , 2.5, 3. ])
    """
    angle = angles_at(two_theta, measured, wavelength)
    there = np.isfinite(angle)
    angle, values = angle[there], np.asarray(counts, np.float64)[there]
    if len(angle) < 2:
        return np.full(len(grid), np.nan)
    step = float(grid[1] - grid[0])
    inside = (grid >= angle[0] - EPSILON) & (grid <= angle[-1] + EPSILON)
    if np.median(np.diff(angle)) > step / 2:
        return np.where(inside, np.interp(grid, angle, values), np.nan)
    edges = np.clip(np.stack([grid - step / 2, grid + step / 2]), angle[0], angle[-1])
    area = np.concatenate([[0.0], np.cumsum(np.diff(angle) * (values[1:] + values[:-1]) / 2)])
    low, high = (_area_to(edge, angle, values, area) for edge in edges)
    width = edges[1] - edges[0]
    inside &= width > 0
    return np.where(inside, (high - low) / np.where(inside, width, 1.0), np.nan)


def _area_to(edge: Doubles, angle: Doubles, values: Doubles, area: Doubles) -> Doubles:
    """The integral of the line through the points up to each edge."""
    left = np.clip(np.searchsorted(angle, edge, side="right") - 1, 0, len(angle) - 2)
    height = np.interp(edge, angle, values)
    return np.asarray(area[left] + (edge - angle[left]) * (values[left] + height) / 2)
