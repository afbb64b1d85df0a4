"""Simulated spectra taken through the steps that the scan went through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.scan_numbers import spread_rows, values_at
from xafsflow.errors import ComputationError, InputError
from xafsflow.io.readers.spectrum_library import on_grid
from xafsflow.kernels.array_types import Doubles, Mask, Singles, Uint8s
from xafsflow.kernels.images.neighborhood import Neighborhood, widest
from xafsflow.kernels.spectra.noise_propagation import averaged_variance, sharing
from xafsflow.learning.samples.mixtures import noisy_block
from xafsflow.provenance import Done, as_measured, check_carried
from xafsflow.sampling.reference_steps import coefficients_of, step_ratios
from xafsflow.sampling.scan_resolution import as_blunt
from xafsflow.step_table import STEPS, steps_done
from xafsflow.vocabulary import LEFT_OUT, MAP, OUT_OF_MEANS, cube_dims, spectral_axis

Plan = list[Done]
# Rows of the scan whose pixels lend the patterns their edge step, noise and energy shift.
SAMPLED_ROWS = 12
SAMPLED_PIXELS = 4000
# Energy shifts at which the references are interpolated, over the shifts of the scan; between them a line does.
SHIFTS = 33


@dataclass(frozen=True)
class Pixels:
    """What patterns take from pixels of the scan.

    `edge_step`, `shift` and `shift_error` are (pixel,), `noise` (energy, pixel) that of the absorbance before the means
    over neighbors, `norm_noise` (energy, pixel) that of the normalized spectrum where `derive.noise` told it.
    """

    edge_step: np.ndarray
    noise: np.ndarray
    shift: np.ndarray
    shift_error: np.ndarray
    norm_noise: np.ndarray | None = None

    @property
    def arrays(self) -> list[np.ndarray]:
        """All that is known of the pixels."""
        known = (self.edge_step, self.noise, self.shift, self.shift_error, self.norm_noise)
        return [array for array in known if array is not None]

    def take(self, places: np.ndarray) -> Pixels:
        """The pixels at these places."""
        norm_noise = None if self.norm_noise is None else self.norm_noise[:, places]
        by_pixel = (self.shift[places], self.shift_error[places])
        return Pixels(self.edge_step[places], self.noise[:, places], *by_pixel, norm_noise)


def even_pixels(energies: int, noise: float) -> Pixels:
    """One pixel with edge step 1, the same noise at all energies, and an energy that is known."""
    nothing = np.zeros(1)
    return Pixels(np.ones(1), np.full((energies, 1), noise), nothing, nothing)


def replayed(cube: xr.Dataset) -> Plan:
    """The steps that simulated spectra must pass: those that changed the spectrum of a pixel.

    Raises
    ------
    InputError
        The history of the cube is not known.
    """
    return [one for one in steps_done(cube) if one.acts_on in ("pixel", "spectrum")]


def windows_of(steps: Plan) -> tuple[Neighborhood, ...]:
    """The means over neighbors among the steps."""
    return tuple(Neighborhood(one.mean_over, one.mean_method) for one in steps if one.mean_over is not None)


def sampled_pixels(cube: xr.Dataset, seed: int) -> Pixels:
    """Pixels with sample from rows spread over the scan.

    Raises
    ------
    ComputationError
        Hardly any pixel is usable.
    InputError
        The history of the cube is not known, or a variable is missing that belongs to it.
    """
    check_carried(cube, steps_done(cube))
    count = len(spread_rows(cube.sizes["y"], SAMPLED_ROWS, cube.sizes["x"]))
    rows = np.unique(np.linspace(0, cube.sizes["y"] - 1, count + 2).astype(int)[1:-1])
    windows = windows_of(replayed(cube))
    half = widest(windows).half
    near = rows[:, None] + np.arange(-half, half + 1)
    inside = (near >= 0) & (near < cube.sizes["y"])
    used = np.unique(near[inside])
    names = ("edge_step", "flags", "energy_shift", "energy_shift_error", "norm_noise", "mu_noise", "drift")
    found = values_at({name: cube[name] for name in names if name in cube}, used)
    places = np.searchsorted(used, np.where(inside, near, rows[:, None])).ravel()
    around = found["mu_noise"][:, places], found["flags"][places]
    noise = _noise_before_means(*around, found.pop("drift", None), inside, windows)
    found = {name: array[..., np.searchsorted(used, rows), :] for name, array in found.items()}
    steps, flags = np.asarray(found["edge_step"]), np.asarray(found["flags"])
    good = (flags & LEFT_OUT == 0) & (steps > 0) & np.isfinite(noise).all(axis=0)
    if good.sum() < 20:
        raise ComputationError(
            f"{good.sum()} usable pixels in {len(rows)} rows of the scan",
            "20 or more pixels with sample",
            "check correct.background and the normalization: too many pixels are flagged",
        )
    places = np.random.default_rng([seed, 0]).permutation(np.flatnonzero(good.ravel()))[:SAMPLED_PIXELS]

    def at(values: Any) -> np.ndarray:
        return np.asarray(values).reshape(-1, good.size)[:, places].astype(float)

    nothing = np.zeros(good.shape)
    shift, error = (at(found.get(name, nothing))[0] for name in ("energy_shift", "energy_shift_error"))
    norm_noise = at(found["norm_noise"]) if "norm_noise" in found else None
    # An error that is not known counts as none.
    return Pixels(at(steps)[0], at(noise), shift, np.nan_to_num(error), norm_noise)


def _noise_before_means(
    mu_noise: Singles, flags: Uint8s, path: Doubles | None, inside: Mask, windows: tuple[Neighborhood, ...]
) -> Singles:
    """The noise `(energy, row, x)` that all neighbors of a pixel need for their mean to be as noisy as the scan's.

    Beside a hole or a dead pixel fewer neighbors enter a mean, and the interpolation of moved images has damped some.

    Parameters
    ----------
    mu_noise, flags
        `(energy, row near, x)` and `(row near, x)`, the rows around each row after each other.
    path
        The drift `(energy, axis)`, if there is one.
    inside
        `(row, near)`, False beyond the image.
    windows
        The means.
    """
    half = inside.shape[1] // 2
    shape = (len(mu_noise), *inside.shape, -1)
    # No neighbors are kept beyond the ends of the rows.
    beyond = ((0, 0), (0, 0), (half, half))
    variance = np.pad(np.asarray(mu_noise, np.float32).reshape(shape) ** 2, ((0, 0), *beyond))
    keep = (np.asarray(flags).reshape(shape[1:]) & OUT_OF_MEANS == 0) & inside[:, :, None]
    keep = np.pad(keep, beyond)
    means = [
        averaged_variance(np.ascontiguousarray(variance[:, row]), keep[row], windows)[:, 0]
        for row in range(len(inside))
    ]
    images = len(mu_noise)
    damped = sharing(path, windows, images) / sharing(None, windows, images) / widest(windows).noise_gain
    return np.asarray(np.sqrt(np.stack(means, axis=1) * damped[:, None, None]), np.float32)


class Mixer:
    """Absorbance of mixtures of references with edge step 1, at the energies where a pixel really measures.

    A pixel with the energy shift s measures at E + s what the monochromator calls E. Compositions are shares of the true
    step, see `reference_steps`; the step of one is that which the scan's normalization finds.
    """

    def __init__(self, cube: xr.Dataset, library: xr.Dataset, reference: xr.Dataset, shifts: Doubles) -> None:
        low, high = float(np.min(shifts)), float(np.max(shifts))
        self.shifts = np.linspace(low, high, SHIFTS) if high > low else np.array([low])
        energy, library = cube.energy.values, as_blunt(library, cube)
        heights = reference.edge_step.values[0].astype(float)
        # All places at once: to make the splines costs more than to read them.
        places = (energy + self.shifts[:, None]).ravel()
        spectra = on_grid(library, places).mu.values.reshape(len(heights), len(self.shifts), -1)
        self.table = np.ascontiguousarray(spectra.transpose(1, 2, 0) / heights)
        self.ratio = step_ratios(library, reference, replayed(cube)).ratio

    def __call__(self, compositions: np.ndarray, shifts: np.ndarray) -> np.ndarray:
        """Spectra `(energy, pattern)` of compositions `(pattern, reference)` at shifts `(pattern,)`, eV."""
        compositions = coefficients_of(compositions.T, self.ratio).T
        place = np.interp(shifts, self.shifts, np.arange(len(self.shifts)))
        below = np.minimum(place.astype(int), max(0, len(self.shifts) - 2))
        above = np.minimum(below + 1, len(self.shifts) - 1)
        share = (place - below)[:, None, None]
        spectra = (1 - share) * self.table[below] + share * self.table[above]
        mixed: np.ndarray = np.einsum("per,pr->ep", spectra, compositions)
        return mixed


def through(
    cube: xr.Dataset, plan: Plan, spectra: np.ndarray, pixels: Pixels | None, rng: np.random.Generator | None
) -> xr.Dataset:
    """Spectra `(energy, pattern)` after the steps of the plan, one pixel a pattern along x.

    With pixels, they get their edge steps and noise, in a field of neighbors as wide as the plan's means reach; without,
    they pass as they are.
    """
    n_patterns = spectra.shape[1]
    if pixels is None:
        zeros = np.zeros(n_patterns)
        pixels = Pixels(np.ones(n_patterns), np.zeros_like(spectra), zeros, zeros)
    patch = 1 + sum(window.width - 1 for window in windows_of(plan))
    mu = noisy_block(spectra, pixels.edge_step, pixels.noise, patch, rng or np.random.default_rng(0))
    axis = spectral_axis(cube)
    small = xr.Dataset({"mu": (cube_dims(axis), mu)}, coords={axis: cube[axis].values})
    small["flags"] = (MAP, np.zeros(mu.shape[1:], np.uint8))
    shift = np.broadcast_to(np.repeat(pixels.shift, patch), mu.shape[1:])
    small["energy_shift"] = small["energy_shift_error"] = (MAP, shift)
    last = max((number for number, one in enumerate(plan, start=1) if one.mean_over), default=0)
    small = advance(as_measured(small), plan[:last])
    # Behind the last mean over neighbors only the middle of each field is of use.
    half = patch // 2
    small = small.isel(y=slice(half, half + 1), x=slice(half, None, patch))
    small = small.map(lambda array: array.copy(data=np.asarray(array.values, order="C")))
    return advance(small, plan[last:])


def advance(small: xr.Dataset, plan: Plan) -> xr.Dataset:
    """A cube after the steps of a plan; the calibration is among its variables."""
    for one in plan:
        row = STEPS[one.step]
        # A step may ask what was done before it, and the bare function writes no history.
        small = as_measured(row.function(*(small for _ in row.takes), **one.settings))
    return small


def record(plan: Plan) -> list[tuple[str, dict[str, object]]]:
    """Names and settings of the steps, all that makes one plan differ from another."""
    return [(one.step, dict(one.settings)) for one in plan]


def on_spectra(plan: Plan) -> Plan:
    """The part of a plan that acts on each spectrum alone, without repairing, averaging or moving it."""
    return [one for one in plan if one.acts_on == "spectrum"]


def check_normalized(plan: Plan) -> None:
    """Refuse a plan without a normalization, which references would have to pass.

    Raises
    ------
    InputError
        No step of it gives `norm`.
    """
    if not any("norm" in one.gives for one in plan):
        done = ", ".join(one.step for one in plan) or "none"
        raise InputError(
            f"a cube that no step has normalized (steps on its spectra: {done})",
            "norm by a step of normalize, which references pass as well",
            "run a step of normalize; normalize.none leaves the spectra as they are",
        )


def normalized_references(cube: xr.Dataset, library: xr.Dataset, plan: Plan) -> xr.Dataset:
    """The references on the scan's energies and as blunt, after its normalization; what mends or moves pixels is left out.

    Raises
    ------
    InputError
        A reference has no edge step above zero there, or no step normalized the cube.
    """
    check_normalized(plan)
    mu = on_grid(as_blunt(library, cube), cube.energy.values).mu.values.T
    found = through(cube, on_spectra(plan), mu, None, None)
    good = np.isfinite(found.norm.values[:, 0]).all(axis=0)
    bad = [str(name) for name, fine in zip(library.spectrum.values, good, strict=True) if not fine]
    if bad:
        raise InputError(
            f"{', '.join(bad)} cannot be normalized as the scan was",
            "an edge step above zero on the scan's energies",
            "check the reference's element and edge, and the windows of the normalization",
        )
    return found
