"""Spectra of a library as a scan's normalization would make them, and with its noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.scan_numbers import values_at
from xafsflow.errors import ComputationError, InputError
from xafsflow.kernels.array_types import Doubles, Singles
from xafsflow.learning.samples.augmentation import NoiseResponse
from xafsflow.sampling.pixel_sample import rows_for
from xafsflow.sampling.replay import normalized_references, replayed
from xafsflow.vocabulary import LEFT_OUT, attributes

# Spectra that go through the steps at once.
BLOCK = 2000
# Pixels that lend their noise.
PIXELS = 4000


def on_cube(axis: Doubles, mu: Any, cube: xr.Dataset) -> tuple[Doubles, Singles, float]:
    """Spectra on the energies of a cube, as blunt, and after the steps that normalized it.

    Parameters
    ----------
    axis, mu
        `(energy,)`, eV, and `(sample, energy)`, an array of NumPy or Dask, read in blocks.
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
    plan, edges = replayed(cube), []
    table = np.empty((len(mu), energy.size), np.float32)
    for start in range(0, len(mu), BLOCK):
        rows = np.asarray(mu[start : start + BLOCK], np.float64)
        library = xr.Dataset(
            {
                "energy": (("spectrum", "point"), np.broadcast_to(axis, rows.shape), attributes("energy")),
                "mu": (("spectrum", "point"), rows, attributes("mu")),
            },
            {"spectrum": [f"spectrum {start + one + 1}" for one in range(len(rows))]},
        )
        found = normalized_references(cube, library, plan)
        table[start : start + BLOCK] = found.norm.values[:, 0].T
        edges.append(np.ravel(found.e0.values))
    return energy, table, float(np.nanmean(np.concatenate(edges)))


def scan_noise(cube: xr.Dataset) -> list[float]:
    """The `noise` of some thousand pixels with sample, in rows spread over the scan.

    Raises
    ------
    InputError
        `derive.noise` did not tell it.
    ComputationError
        Hardly any pixel is usable.
    """
    if "noise" not in cube:
        do = "add derive.noise before train.spectra, or give noise"
        raise InputError("a cube whose noise is not known", "the map noise", do)
    found = values_at({"noise": cube.noise, "flags": cube.flags}, rows_for(cube, PIXELS))
    noise, flags = np.asarray(found["noise"], np.float64), np.asarray(found["flags"])
    good = np.isfinite(noise) & (noise > 0) & (flags & LEFT_OUT == 0)
    if good.sum() < 20:
        do = "check correct.background and the normalization: too many pixels are flagged"
        raise ComputationError(f"{good.sum()} usable pixels", "20 or more with sample", do)
    return [float(one) for one in noise[good]]


def noise_response(cube: xr.Dataset, axis: Doubles) -> NoiseResponse | None:
    """How noise comes into the normalized spectra of a cube at energies of an axis; None where it is not known."""
    if "noise_response" not in cube:
        return None
    places = np.searchsorted(cube.energy.values, axis)
    values = np.asarray(cube.noise_response.values, np.float64)[:, places]
    return NoiseResponse(values, np.asarray(cube.step_response.values, np.float64))
