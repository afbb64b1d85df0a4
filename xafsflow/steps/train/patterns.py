"""Noisy patterns of known compositions, as the scan would have measured them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import xarray as xr

from xafsflow.errors import ComputationError
from xafsflow.kernels.noise import typical
from xafsflow.steps import replay

# Patterns that go through the chain at once: with 210 energies and 3 x 3 fields 8 MB.
CHUNK = 1024
# The energy shift of a pixel is known to this many standard errors.
REACH = 4.0


@dataclass(frozen=True)
class Maker:
    """What patterns are made of: the scan with its plan, mixtures of the references, and pixels that lend their noise.

    `flux_error` (energy,) is the standard error of the flux that was taken off, in absorbance.
    """

    cube: xr.Dataset
    plan: replay.Plan
    mixer: replay.Mixer
    pixels: replay.Pixels
    flux_error: np.ndarray

    def __call__(
        self, compositions: np.ndarray, rng: np.random.Generator
    ) -> tuple[xr.Dataset, replay.Pixels]:
        """Patterns `(energy, 1, pattern)` of compositions `(pattern, reference)`, and the pixels that they were drawn from.

        A pattern is measured at the energies and with the flux that its pixel may have, within what the calibration
        left uncertain, and treated as if these were known.
        """
        n = len(compositions)
        drawn = self.pixels.take(rng.integers(len(self.pixels.edge_step), size=n))
        spectra = self.mixer(compositions, drawn.shift + drawn.shift_error * rng.standard_normal(n))
        if self.flux_error.any():
            spectra += self.flux_error[:, None] * rng.standard_normal(spectra.shape) / drawn.edge_step
        return replay.through(self.cube, self.plan, spectra, drawn, rng), drawn


def maker(cube: xr.Dataset, library: xr.Dataset, heights: np.ndarray, seed: int) -> Maker:
    """A maker of patterns for a scan.

    Parameters
    ----------
    heights
        Edge steps of the references as the scan is normalized, `(reference,)`.
    """
    pixels = replay.sampled_pixels(cube, seed)
    energy, reach = cube.energy.values, REACH * pixels.shift_error
    # No further than the references reach, but for the shifts themselves, which they have to cover.
    low = max((pixels.shift - reach).min(), library.energy.values[:, 0].max() - energy[0])
    high = min((pixels.shift + reach).max(), np.nanmax(library.energy.values, axis=1).min() - energy[-1])
    shifts = np.array([min(low, pixels.shift.min()), max(high, pixels.shift.max())])
    mixer = replay.Mixer(library, energy, heights, shifts)
    error = cube.flux_offset_error.values if "flux_offset_error" in cube else np.zeros(energy.size)
    return Maker(cube, replay.replayed(cube), mixer, pixels, np.nan_to_num(error))


def in_chunks(
    make: Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, ...]],
    compositions: np.ndarray,
    seeds: list[int],
) -> tuple[list[np.ndarray], np.ndarray]:
    """Arrays over all patterns, joined along the first axis, and which patterns are finite in the first array.

    Every chunk has its own random numbers, whatever thread it is on.

    Raises
    ------
    ComputationError
        Most patterns are not finite.
    """

    def one_chunk(number: int) -> tuple[np.ndarray, ...]:
        part = compositions[number * CHUNK : (number + 1) * CHUNK]
        return make(part, np.random.default_rng([*seeds, number]))

    with ThreadPoolExecutor() as pool:
        parts = list(pool.map(one_chunk, range(-(-len(compositions) // CHUNK))))
    joined = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
    good = np.isfinite(joined[0]).all(axis=1)
    if good.mean() < 0.5:
        raise ComputationError(
            f"{1 - good.mean():.0%} of the training spectra came out NaN",
            "noise below the edge step",
            "flag pixels without sample first (correct.background), or average more pixels",
        )
    return joined, good


def noise_levels(drawn: replay.Pixels) -> np.ndarray:
    """The variable `noise` of the pixels that patterns were drawn from, `(pattern,)`; NaN where it is not known."""
    if drawn.norm_noise is None:
        return np.full(drawn.edge_step.shape, np.nan)
    return np.asarray(typical(drawn.norm_noise[:, None, :].astype(np.float32))[0], float)
