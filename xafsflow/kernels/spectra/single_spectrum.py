"""Properties of one reference spectrum: its noise, how well it can be aligned at all, and where its edge is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.errors import InputError
from xafsflow.kernels.spectra.derivative import derivative


def point_noise(energy: ArrayLike, mu: ArrayLike) -> float:
    """Standard deviation of single points: their distance from the cubic through the four neighbors, robust.

    Noise that a beamline's software has smoothed away is not seen.

    Examples
    --------
    >>> energy = np.linspace(0, 100, 2001)
    >>> noise = 0.01 * np.random.default_rng(0).standard_normal(2001)
    >>> round(point_noise(energy, np.sin(energy / 10) + noise), 3)
    0.01
    """
    grid, values = np.asarray(energy, float), np.asarray(mu, float)
    if grid.size < 5:
        return np.nan
    near = np.stack([grid[i : grid.size - 4 + i] for i in (0, 1, 3, 4)])
    height = np.stack([values[i : grid.size - 4 + i] for i in (0, 1, 3, 4)])
    place = grid[2:-2]
    weights = np.ones_like(near)
    for i in range(4):
        for j in range(4):
            if i != j:
                weights[i] *= (place - near[j]) / (near[i] - near[j])
    left = values[2:-2] - (weights * height).sum(axis=0)
    return float(1.4826 * np.median(np.abs(left) / np.sqrt(1 + (weights**2).sum(axis=0))))


def alignment_error(
    energy: ArrayLike, curve: ArrayLike, rise: ArrayLike, noise: float, degree: int = 2
) -> float:
    """Standard error, eV, of the place of a spectrum whose points have this noise, by the noise alone.

    `noise / sqrt(sum r^2)`, with `r` the derivative without what a scale, a slope and a polynomial can take up. So far can a
    standard be off, however good the measurement that is aligned to it.

    Parameters
    ----------
    energy, curve, rise
        `(points,)`: the standard's own points and its derivative.

    Examples
    --------
    >>> energy = np.linspace(-20, 20, 81)
    >>> curve, rise = np.tanh(energy), 1 / np.cosh(energy) ** 2
    >>> 0.0005 < alignment_error(energy, curve, rise, 0.001) < 0.001
    True
    """
    grid, height = np.asarray(energy, float), np.asarray(curve, float)
    x = 2 * (grid - grid[0]) / (grid[-1] - grid[0]) - 1
    columns = np.stack([height, x * height, *(x**k for k in range(degree + 1))], axis=1)
    q, _ = np.linalg.qr(columns)
    left = np.asarray(rise, float) - q @ (q.T @ np.asarray(rise, float))
    return float(noise / np.sqrt(left @ left))


def levels(energy: ArrayLike, mu: ArrayLike) -> tuple[float, float]:
    """Medians of a spectrum over the first 15 % and over the last 30 % of its range of energies.

    Examples
    --------
    >>> levels([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [0.1, 0.1, 0, 0, 0, 1, 2, 1, 1, 1, 1])
    (0.1, 1.0)
    """
    grid, values = np.asarray(energy, float), np.asarray(mu, float)
    reach = grid[-1] - grid[0]
    low = values[grid <= grid[0] + 0.15 * reach]
    high = values[grid >= grid[-1] - 0.3 * reach]
    return float(np.median(low)), float(np.median(high))


def half_rise(energy: ArrayLike, mu: ArrayLike) -> float:
    """Where a spectrum passes the middle between its `levels` for the last time, eV.

    A rough place of the edge, to start a search with.

    Raises
    ------
    InputError
        The spectrum does not rise.

    Examples
    --------
    >>> half_rise([1, 2, 3, 4, 5, 6], [0.0, 0.0, 0.0, 0.5, 1.0, 1.0])
    4.0
    """
    grid, values = np.asarray(energy, float), np.asarray(mu, float)
    low, high = levels(grid, values)
    under = np.flatnonzero(values < 0.5 * (low + high))
    last = int(under[-1]) if under.size else grid.size - 1
    if high <= low or last == grid.size - 1:
        raise InputError(
            f"a spectrum from {grid[0]:.1f} to {grid[-1]:.1f} eV that does not rise",
            "an absorption edge inside of the range",
            "check the energies, and which images are the foil's",
        )
    return float(np.interp(0.5 * (low + high), values[last : last + 2], grid[last : last + 2]))


def inflection(energy: ArrayLike, mu: ArrayLike, window: float = 3.0) -> float:
    """The energy of the largest derivative, eV: of a parabola through the highest three points of the derivative.

    Parameters
    ----------
    window
        In which a polynomial is fitted for the derivative, eV.

    Examples
    --------
    >>> energy = np.arange(7100, 7125, 0.4)
    >>> round(inflection(energy, np.tanh((energy - 7111.93) / 3)), 2)
    7111.93
    """
    grid = np.asarray(energy, float)
    slope = derivative(grid, np.asarray(mu, float), window, 3)
    top = int(np.clip(np.nanargmax(slope[1:-1]) + 1, 1, grid.size - 2))
    c2, c1, _ = np.polyfit(grid[top - 1 : top + 2] - grid[top], slope[top - 1 : top + 2], 2)
    return float(grid[top] - c1 / (2 * c2)) if c2 < 0 else float(grid[top])
