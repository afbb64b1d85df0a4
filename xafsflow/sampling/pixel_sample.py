"""Spectra of pixels spread over the scan, in units of their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.blocks.scan_numbers import spread_rows, values_at
from xafsflow.errors import InputError
from xafsflow.step_table import Span
from xafsflow.vocabulary import AXES, CUBE, LEFT_OUT, MAP, SPECTRAL, spectral_axis

# Rows that tell how the noise goes with energy.
SCALE_ROWS = 16
# Energies that fewer of the good pixels have are left out: at the ends of the scan behind an energy calibration.
COVERED = 0.95
# Energies that are used where nothing else is asked for, eV relative to the median e0.
SPAN: Span = (-20.0, 100.0)


@dataclass(frozen=True)
class Scale:
    """Which energies are used, and how the noise goes with them.

    `places` (energy,) are indices of the cube's energies, `noise` (energy,) is the typical ratio of a pixel's noise there to
    its median noise, `pixel` the typical median noise of a pixel.
    """

    places: np.ndarray
    noise: np.ndarray
    pixel: float


def scale_of(cube: xr.Dataset, span: Span | None) -> Scale:
    """Points of the axis within the span that the pixels have, and how the noise goes with them.

    Parameters
    ----------
    cube
        With `norm`, `norm_noise`, `noise`, `flags`; over energy `e0` as well.
    span
        eV relative to the median e0, or limits on another axis, in its unit; None is open. Without it: `SPAN` eV around e0,
        or the whole of another axis.

    Raises
    ------
    InputError
        Fewer than 5 points, hardly a pixel with sample, or energies without an edge.
    """
    rows = spread_rows(cube.sizes["y"], SCALE_ROWS, cube.sizes["x"])
    names = [name for name in ("norm", "norm_noise", "noise", "flags", "e0") if name in cube]
    found = values_at({name: cube[name] for name in names}, rows)
    good = (np.asarray(found["flags"]) & LEFT_OUT == 0) & (np.asarray(found["noise"]) > 0)
    if good.sum() < 20:
        raise InputError(
            f"{good.sum()} usable pixels in {len(rows)} rows of the scan",
            "20 or more pixels with sample",
            "check correct.background and the normalization: too many pixels are flagged",
        )
    axis = spectral_axis(cube)
    energy, over_energy = cube[axis].values, axis == "energy"
    if over_energy and "e0" not in found:
        raise InputError(
            "a cube over energy without e0", "the variable e0", "run a step of normalize before it"
        )
    span = span or (SPAN if over_energy else (None, None))
    norm, noise = np.asarray(found["norm"])[:, good], np.asarray(found["norm_noise"])[:, good]
    covered = np.isfinite(norm + noise).mean(axis=1) > COVERED
    e0 = float(np.nanmedian(np.asarray(found["e0"])[good])) if over_energy else 0.0
    low, high = (
        (end if limit is None else e0 + limit) for limit, end in zip(span, (-np.inf, np.inf), strict=True)
    )
    places = np.flatnonzero(covered & (energy >= low) & (energy <= high))
    if len(places) < 5:
        few = f"{len(places)} points from {low:g} to {high:g} {AXES[axis].unit} that the pixels have"
        raise InputError(few, "5 or more", "widen span")
    pixel = np.asarray(found["noise"])[good]
    return Scale(
        places, np.nanmedian(noise[places] / pixel, axis=1).astype(np.float64), float(np.median(pixel))
    )


def scaled(cube: xr.Dataset, scale: Scale, *, by_pixel: bool) -> tuple[xr.DataArray, xr.DataArray]:
    """`norm` over its noise at the energies of the scale, and which pixels are good; lazy where the cube is.

    Parameters
    ----------
    by_pixel
        Whether each pixel is divided by its own median noise, or all by the typical one.

    Returns
    -------
    DataArray, DataArray
        float32 (energy, y, x), zero where a pixel is no good, so that it adds nothing to a sum; bool (y, x).
    """
    outputs = [
        Output("scaled", CUBE, sizes={SPECTRAL: len(scale.places)}),
        Output("good", MAP, np.bool_),
    ]
    arrays = [cube.norm, cube.noise, cube.flags]
    found = over_blocks(_scaled, arrays, outputs, scale=scale, by_pixel=by_pixel)
    return found["scaled"], found["good"]


def _scaled(norm: Any, noise: Any, flags: Any, scale: Scale, by_pixel: bool) -> tuple[Any, Any]:
    values = norm[scale.places] / scale.noise.astype(np.float32)[:, None, None]
    values /= noise if by_pixel else np.float32(scale.pixel)
    good = (flags & LEFT_OUT == 0) & (noise > 0) & np.isfinite(values.sum(axis=0, dtype=np.float32))
    values[:, ~good] = 0
    return values, good


def rows_for(cube: xr.Dataset, pixels: int) -> np.ndarray:
    """Rows, evenly spread, that hold about so many pixels."""
    return spread_rows(cube.sizes["y"], max(1, -(-pixels // cube.sizes["x"])))


def sampled_table(
    cube: xr.Dataset, scale: Scale, pixels: int, names: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Spectra of about so many pixels from rows spread over the scan, in memory, good ones only.

    Returns
    -------
    dict
        `scaled` (pixel, energy), over the typical noise, and the other variables by name, pixel first.

    Raises
    ------
    InputError
        Fewer good pixels than energies.
    """
    values, good = scaled(cube, scale, by_pixel=False)
    arrays = {"scaled": values, "good": good, **{n: cube[n] for n in names}}
    found = values_at(arrays, rows_for(cube, pixels))
    keep = np.asarray(found.pop("good"))
    check_number(int(keep.sum()), len(scale.places))
    return {name: np.ascontiguousarray(np.asarray(array)[..., keep].T) for name, array in found.items()}


def check_number(good: int, energies: int) -> None:
    """Refuse fewer good pixels than energies.

    Raises
    ------
    InputError
        Tells both.
    """
    if good <= energies:
        raise InputError(
            f"{good} pixels that are good at all {energies} energies",
            f"more than {energies}",
            "take more pixels, narrow span, or check what is flagged (correct.background, calibrate)",
        )
