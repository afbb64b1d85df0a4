"""Spectra of a library as a scan's normalization would make them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Singles
from xafsflow.sampling.replay import normalized_references, replayed
from xafsflow.vocabulary import attributes

# Spectra that go through the steps at once.
BLOCK = 2000


def on_cube(axis: Doubles, mu: Singles, cube: xr.Dataset) -> tuple[Doubles, Singles, float]:
    """Spectra on the energies of a cube, as blunt, and after the steps that normalized it.

    Parameters
    ----------
    axis, mu
        `(energy,)`, eV, and `(sample, energy)`.
    cube
        With the history of its `norm`.

    Returns
    -------
    axis, norm, e0
        The cube's energies, `(sample, energy)` float32, and the mean edge, eV.

    Raises
    ------
    InputError
        The library does not cover the cube's energies, or the cube was not normalized.
    """
    energy = cube.energy.values.astype(np.float64)
    if energy[0] < axis[0] - 1e-6 or energy[-1] > axis[-1] + 1e-6:
        raise InputError(
            f"a library from {axis[0]:g} to {axis[-1]:g} eV",
            f"{energy[0]:g} to {energy[-1]:g} eV, the energies of the cube",
            "take the cube between these energies, or a longer library",
        )
    plan, parts, edges = replayed(cube), [], []
    for start in range(0, len(mu), BLOCK):
        rows = mu[start : start + BLOCK].astype(np.float64)
        library = xr.Dataset(
            {
                "energy": (("spectrum", "point"), np.broadcast_to(axis, rows.shape), attributes("energy")),
                "mu": (("spectrum", "point"), rows, attributes("mu")),
            },
            {"spectrum": [f"spectrum {start + one + 1}" for one in range(len(rows))]},
        )
        found = normalized_references(cube, library, plan)
        parts.append(np.asarray(found.norm.values[:, 0].T, np.float32))
        edges.append(np.ravel(found.e0.values))
    return energy, np.concatenate(parts), float(np.nanmean(np.concatenate(edges)))
