"""Noisy patterns of known compositions, as the scan would have measured them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.scan_numbers import resolved
from xafsflow.blocks.where import in_threads
from xafsflow.errors import ComputationError
from xafsflow.kernels.spectra.noise_propagation import typical
from xafsflow.sampling import replay

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

    @property
    def arrays(self) -> list[np.ndarray]:
        """All numbers that decide on the patterns, beside their compositions and the plan."""
        mixer = self.mixer
        return [mixer.shifts, mixer.table, mixer.ratio, self.flux_error, *self.pixels.arrays]

    def __call__(
        self, compositions: np.ndarray, rng: np.random.Generator
    ) -> tuple[xr.Dataset, replay.Pixels]:
        """Patterns `(energy, 1, pattern)` of compositions `(pattern, reference)`, and the pixels that they were drawn from.

        A pattern is measured at the energies and with the flux that its pixel may have, within what the calibration
        left uncertain, and treated as if these were known.
        """
        drawn = self.pixels.take(rng.integers(len(self.pixels.edge_step), size=len(compositions)))
        return self.measured(compositions, drawn, rng), drawn

    def measured(
        self, compositions: np.ndarray, drawn: replay.Pixels, rng: np.random.Generator
    ) -> xr.Dataset:
        """Patterns as above, in these pixels; called again, they differ in all that differs between measurements."""
        spectra = self.mixer(
            compositions, drawn.shift + drawn.shift_error * rng.standard_normal(len(compositions))
        )
        if self.flux_error.any():
            spectra += self.flux_error[:, None] * rng.standard_normal(spectra.shape) / drawn.edge_step
        return replay.through(self.cube, self.plan, spectra, drawn, rng)


def maker(
    cube: xr.Dataset, library: xr.Dataset, reference: xr.Dataset, seed: int, noise: float | None
) -> Maker:
    """A maker of patterns for a scan.

    Parameters
    ----------
    reference
        The references as the scan is normalized.
    noise
        Of all patterns, over the edge step; None takes that of the scan's pixels.
    """
    pixels = (
        replay.sampled_pixels(cube, seed)
        if noise is None
        else replay.even_pixels(cube.sizes["energy"], noise)
    )
    energy, reach = cube.energy.values, REACH * pixels.shift_error
    # No further than the references reach, but for the shifts themselves, which they have to cover.
    low = max((pixels.shift - reach).min(), library.energy.values[:, 0].max() - energy[0])
    high = min((pixels.shift + reach).max(), np.nanmax(library.energy.values, axis=1).min() - energy[-1])
    shifts = np.array([min(low, pixels.shift.min()), max(high, pixels.shift.max())])
    mixer = replay.Mixer(cube, library, reference, shifts)
    known = noise is None and "flux_offset_error" in cube
    error = resolved({"": cube.flux_offset_error})[""] if known else np.zeros(energy.size)
    return Maker(cube, replay.replayed(cube), mixer, pixels, np.nan_to_num(error))


def later(
    make: Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, ...]],
    compositions: np.ndarray,
    seeds: list[int],
    widths: list[int | None],
) -> list[Any]:
    """Arrays over all patterns as lazy arrays that are made together, joined along the first axis.

    Every chunk has its own random numbers, whatever thread it is on.

    Parameters
    ----------
    widths
        Length of the second axis of each array; None where it has one axis.
    """
    import dask
    import dask.array as da

    made = dask.delayed(_joined)(make, compositions, seeds)
    return [
        da.from_delayed(
            made[place],
            (len(compositions), *([] if width is None else [width])),
            np.float64 if width is None else np.float32,
        )
        for place, width in enumerate(widths)
    ]


def _joined(
    make: Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, ...]],
    compositions: np.ndarray,
    seeds: list[int],
) -> list[np.ndarray]:
    def one_chunk(number: int) -> tuple[np.ndarray, ...]:
        part = compositions[number * CHUNK : (number + 1) * CHUNK]
        return make(part, np.random.default_rng([*seeds, number]))

    parts = list(in_threads(one_chunk, range(-(-len(compositions) // CHUNK))))
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def finite(samples: xr.Dataset, *dims: str) -> xr.Dataset:
    """Samples in memory, without the patterns that came out NaN.

    Parameters
    ----------
    dims
        `sample`, `check` or both: what is wanted of them.

    Raises
    ------
    ComputationError
        Most patterns are not finite.
    """
    other = {"sample", "check"} - set(dims)
    # In this process, whatever cluster is at work: patterns are made of objects that need not travel.
    found = samples.drop_dims(other).compute(scheduler="synchronous")
    for dim, table in (("sample", "features"), ("check", "check_features")):
        if dim not in dims:
            continue
        good = np.isfinite(found[table].values).all(axis=1)
        if good.mean() < 0.5:
            raise ComputationError(
                f"{1 - good.mean():.0%} of the training spectra came out NaN",
                "energies that every pixel covers, and noise below the edge step",
                "narrow span, flag pixels without sample first (correct.background), or average more pixels",
            )
        found = found if good.all() else found.isel({dim: good})
    return found


def noise_levels(drawn: replay.Pixels) -> np.ndarray:
    """The variable `noise` of the pixels that patterns were drawn from, `(pattern,)`; NaN where it is not known."""
    if drawn.norm_noise is None:
        return np.full(drawn.edge_step.shape, np.nan)
    return np.asarray(typical(drawn.norm_noise[:, None, :].astype(np.float32))[0], float)
