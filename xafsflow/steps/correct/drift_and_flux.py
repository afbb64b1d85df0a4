"""Steps of correct that hold for the scan as a whole: the motion of the sample, and the flux of every image."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.blocks.scan_numbers import after, over_scan, spread_rows
from xafsflow.errors import InputError
from xafsflow.kernels.images import image_registration as register
from xafsflow.kernels.images import motion_correction as realign
from xafsflow.kernels.spectra import flux as flux_kernels
from xafsflow.provenance import Interpolation, Passage
from xafsflow.step_table import step
from xafsflow.vocabulary import CUBE, MAP, SPECTRAL, Flag

Limits = tuple[int | None, int | None]
# Pixels along a side of the part that tells the motion, where none is chosen.
EXTENT = 384
# Rows that tell the flux.
FLUX_ROWS = 32
UNUSABLE = int(Flag.DEAD | Flag.SATURATED)


@step(
    makes="cube",
    needs=["mu", "flags"],
    gives=["mu", "flags", "drift", "drift_error", "mu_noise"],
    example={"most": 2.0},
    passes=Passage(acts_on="image", interpolates=Interpolation("image", by="drift", method="cubic", reach=2)),
)
def drift(
    cube: xr.Dataset,
    /,
    *,
    most: Annotated[float, Field(gt=0, le=100)] = 10.0,
    y: Limits = (None, None),
    x: Limits = (None, None),
) -> xr.Dataset:
    """Find how the sample moved during the scan, and move every image back.

    The motion is found in `mu`, where beam and flat field have gone, from details of a pixel's size: the borders of
    grains and holes stand at one place whatever the energy. Each image is registered to the mean of all others; one that
    does not tell lies between its neighbors. The images are interpolated once (cubic). Places that an image does not show
    are NaN there, with the flag `not_finite`; flags of the detector are set wherever they swept over the sample.

    Run it after `correct.dead_pixels` (a NaN grows to 16 pixels) and before `correct.background`. `mu_noise` moves with
    whole pixels and stays what was measured; `derive.noise` knows what the interpolation has damped. An energy shift stays
    with the detector: where it changes much within the drift, a pixel's energies are off by that.

    Parameters
    ----------
    most
        How far the sample may lie from the middle of its way, pixels.
    y, x
        First pixel, and the one after the last, of the part that tells the motion; None: 384 in the middle. It should
        show structure; 400 x 400 pixels are plenty.

    Returns
    -------
    Dataset
        The cube with `mu` and `flags` in the frame of the sample, its way `drift` and the standard error `drift_error`
        (energy, axis), pixels, the median zero.

    Raises
    ------
    InputError
        The part is empty; when computed, a sample that went further than `most`.
    ComputationError
        When computed: no structure that tells the motion.
    """
    part = _middle(cube, y, x)
    outputs = [Output(name, (SPECTRAL, "axis"), np.float64, {"axis": 2}) for name in ("drift", "drift_error")]
    found = over_scan(_path, [cube.mu, cube.flags], outputs, y=part["y"], x=part["x"], most=most)
    path = found["drift"]
    arrays = [after(cube.mu, path), cube.flags, path]
    halo = int(np.ceil(most)) + 2
    found |= over_blocks(_moved, arrays, [Output("mu", CUBE), Output("flags", MAP, np.uint8)], halo=halo)
    if "mu_noise" in cube:
        noise = after(cube.mu_noise, path)
        found |= over_blocks(_moved_whole, [noise, path], [Output("mu_noise", CUBE)], halo=halo)
    return cube.assign(found).assign_coords(axis=["y", "x"])


def _middle(cube: xr.Dataset, y: Limits, x: Limits) -> dict[str, slice]:
    """The part of the field between limits, or the middle of it."""
    part = {}
    for dim, limits in (("y", y), ("x", x)):
        size = cube.sizes[dim]
        spare = max(0, size - EXTENT) // 2
        part[dim] = slice(*limits) if limits != (None, None) else slice(spare, size - spare)
        if len(range(size)[part[dim]]) < 8:
            raise InputError(f"{dim} {limits} of {size} pixels", "8 pixels or more", f"widen {dim}")
    return part


def _path(mu: Any, flags: Any, most: float) -> tuple[Any, Any]:
    return register.sample_path(mu, flags & np.uint8(UNUSABLE) > 0, most)


def _moved(mu: Any, flags: Any, path: Any) -> tuple[Any, Any]:
    bit = int(Flag.NOT_FINITE)
    out = realign.realigned(mu, path)
    lost = np.where(np.isfinite(out.sum(axis=0)), 0, bit).astype(np.uint8)
    return out, realign.swept_flags(flags, path, bit) | lost


def _moved_whole(noise: Any, path: Any) -> Any:
    return realign.realigned(noise, np.rint(path))


@step(
    makes="cube",
    needs=["mu", "flags"],
    gives=["mu", "flux_offset", "flux_offset_error"],
    example={"y": (0, 8), "x": (0, 8)},
    passes=Passage(acts_on="image", carries=("flux_offset_error",)),
    axis="energy",
)
def flux(
    cube: xr.Dataset,
    /,
    *,
    source: Literal["empty", "counter"] = "empty",
    y: Limits = (None, None),
    x: Limits = (None, None),
) -> xr.Dataset:
    """Take off every image the offset that a flux other than its flat field's has given it.

    The offset is the mean absorbance of a region without sample, which should be zero. Without y and x the pixels flagged
    `background` are taken, or, where none is, those that absorb least; they must show nothing of the sample's edge, beyond
    its standard error, else it is refused: no offset is guessed from the sample itself, since a jump of all its pixels
    between two energies may be its edge. Run it after `correct.drift`. The foil's absorbance is left as it is.

    Parameters
    ----------
    source
        `empty`: a region without sample; `counter`: -ln(counter/flat_counter), readings of the beam.
    y, x
        First pixel, and the one after the last, of an empty region; None: found.

    Returns
    -------
    Dataset
        The cube with `mu`, and what was taken off it, `flux_offset` and its standard error `flux_offset_error` (energy).

    Raises
    ------
    InputError
        A counter is missing or not above zero; too few pixels in the region (when computed).
    ComputationError
        When computed: no empty pixels are found, or a part of the sample's edge in them.
    """
    found = _from_counter(cube) if source == "counter" else _from_empty(cube, y, x)
    moved = over_blocks(_less, [cube.mu, found["flux_offset"]], [Output("mu", CUBE)])
    return cube.assign({**found, **moved})


def _from_counter(cube: xr.Dataset) -> dict[str, xr.DataArray]:
    flat = cube.get("flat_field")
    if "counter" not in cube or ("flat_counter" not in cube and (flat is None or "energy" in flat.dims)):
        missing = "flat_counter" if "counter" in cube else "counter"
        raise InputError(
            f"a cube without {missing}",
            "counters of the sample and its flat field",
            "name it in ingest.tiff_stack; images without counts have none: leave source out",
        )
    known = cube.flat_counter.values if "flat_counter" in cube else None
    offset = xr.DataArray(flux_kernels.counter_offset(cube.counter.values, known), dims="energy")
    return {"flux_offset": offset, "flux_offset_error": xr.full_like(offset, np.nan)}


def _from_empty(cube: xr.Dataset, y: Limits, x: Limits) -> dict[str, xr.DataArray]:
    rows = np.arange(cube.sizes["y"])[slice(*y)]
    if not len(rows) or not len(range(cube.sizes["x"])[slice(*x)]):
        raise InputError(f"a region y {y}, x {x} without pixels", "a region of the field", "mend y and x")
    rows = rows[spread_rows(len(rows), FLUX_ROWS, cube.sizes["x"])]
    outputs = [Output(name, ("energy",), np.float64) for name in ("flux_offset", "flux_offset_error")]
    given = (y, x) != ((None, None), (None, None))
    return over_scan(_offset, [cube.mu, cube.flags], outputs, y=rows, x=slice(*x), given=given)


def _offset(mu: Any, flags: Any, given: bool) -> tuple[Any, Any]:
    usable = flags & np.uint8(UNUSABLE) == 0
    if given:
        return flux_kernels.empty_offset(mu, usable)
    return flux_kernels.found_offset(mu, usable, flags & np.uint8(int(Flag.BACKGROUND)) > 0)


def _less(mu: Any, offset: Any) -> Any:
    return mu - offset.astype(np.float32)[:, None, None]
