"""The derivative that Larch's `find_e0` smooths, as a matrix."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.spectra.normalization_windows import below


@kernel
def smoother(energy: Doubles, grid: Doubles) -> Doubles:
    """The matrix that takes a spectrum on `energy` to its derivative, smoothed by way of an even grid.

    Larch's smoothing is a convolution with `1/(1 + d^2)`, d in points of the grid, between linear
    interpolations to the grid and back. Beyond both ends the convolution goes on in a mirror, which repeats
    the point at the upper end and not that at the lower one, as far as a window of twice the grid reaches.
    """
    n, points = len(energy), len(grid)
    lorentz, total = np.zeros(2 * points + 1), 0.0
    for d in range(points + 1):
        lorentz[d] = 1 / (1.0 + d * d)
        total += lorentz[d] * (1 if d == 0 or d == points else 2)
    left, share = np.empty(points, np.int64), np.empty(points)
    for g in range(points):
        left[g] = min(n - 2, below(energy, grid[g]))
        share[g] = (grid[g] - energy[left[g]]) / (energy[left[g] + 1] - energy[left[g]])
        share[g] = min(1.0, max(0.0, share[g]))
    matrix = np.zeros((n, n))
    direct, onto = np.empty(points), np.empty(n)
    for i in range(n):
        k = min(points - 2, below(grid, energy[i]))
        upper = (energy[i] - grid[k]) / (grid[k + 1] - grid[k])
        _convolution(lorentz, k, (1 - upper) / total, upper / total, direct)
        for j in range(n):
            onto[j] = 0
        for g in range(points):
            onto[left[g]] += direct[g] * (1 - share[g])
            onto[left[g] + 1] += direct[g] * share[g]
        for j in range(n):
            before, after = max(0, j - 1), min(n - 1, j + 1)
            per_energy = onto[j] / (energy[after] - energy[before])
            matrix[i, after] += per_energy
            matrix[i, before] -= per_energy
    return matrix


@kernel
def _convolution(lorentz: Doubles, k: int, lower: float, upper: float, weights: Doubles) -> None:
    """The weights of all grid points in the convolution at k, times `lower`, and at k + 1, times `upper`."""
    points = len(weights)
    for g in range(points):
        weights[g] = lower * lorentz[abs(k - g)] + upper * lorentz[abs(k + 1 - g)]
    for at, factor in ((k, lower), (k + 1, upper)):
        for g in range(1, points - at):
            weights[g] += factor * lorentz[at + g]
        for g in range(points - 1 - at, points):
            weights[g] += factor * lorentz[2 * points - 1 - g - at]
