"""Which pixels are left out of the tiles, found without images that are not needed for the spectra themselves."""

from __future__ import annotations

import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.blocks.program import program_of
from xafsflow.kernels.array_types import Mask, Numbers, Singles, Uint8s
from xafsflow.kernels.images import dead_pixels
from xafsflow.kernels.images import neighbors as spatial
from xafsflow.vocabulary import MAP, Flag, axis_of

# As `correct.dead_pixels` does by default: a share of the light of the pixels within so many around.
TOLERANCE, NEAR = 0.3, 2
FIELD = {"y", "x"}


def unusable(cube: xr.Dataset, name: str, *, apart: bool) -> xr.DataArray:
    """Above zero where flags, counts, or the flat field and the dark rule a pixel out, float32 `(y, x)`.

    The flags of a foil's pixels are used where they can be had without reading images: they come from the sample.

    Parameters
    ----------
    cube
        With `flags`, counts, `flat_field` and `dark` if there are any.
    name
        `foil_mu` or `mu`.
    apart
        Rows are read in bands: a pixel is compared with its neighbors in the same band, so that no others are read.
    """
    bad = xr.DataArray(np.zeros((cube.sizes["y"], cube.sizes["x"]), np.float32), dims=MAP)
    if "flags" in cube and (name == "mu" or not program_of({"flags": cube.flags}).stacks):
        out = Flag.DEAD | Flag.SATURATED | Flag.BACKGROUND if name == "mu" else Flag.DEAD
        bad = over_blocks(_flagged, [bad, cube.flags], [Output("bad", MAP)], bits=int(out))["bad"]
    for counts in ("foil" if name == "foil_mu" else "sample", "flat_field"):
        # Counts that are no whole numbers have no limit.
        if counts in cube and cube[counts].dtype.kind in "ui" and set(cube[counts].dims) >= FIELD:
            limit = float(np.iinfo(cube[counts].dtype).max)
            output = Output("count", MAP, np.int32)
            full = over_blocks(spatial.count_at_least, [_stack(cube[counts])], [output], limit=limit)["count"]
            bad = over_blocks(np.add, [bad, full], [Output("bad", MAP)])["bad"]
    return bad if name == "mu" else _without_dead(bad, cube, apart)


def _without_dead(bad: xr.DataArray, cube: xr.Dataset, apart: bool) -> xr.DataArray:
    if "flat_field" not in cube or not set(cube.flat_field.dims) >= FIELD:
        return bad
    flat = over_blocks(spatial.mean_over_energy, [_stack(cube.flat_field)], [Output("flat", MAP)])["flat"]
    dark = cube["dark"] if "dark" in cube else xr.zeros_like(bad)
    halos, rim = ((0, 0, 0), NEAR) if apart else ((0, NEAR, NEAR), 0)
    return over_blocks(_dead, [bad, flat, dark], [Output("bad", MAP)], halo=halos, rim=0, around=rim)["bad"]


def _stack(counts: xr.DataArray) -> xr.DataArray:
    return counts if axis_of(counts.dims) is not None else counts.expand_dims("energy")


def _flagged(bad: Singles, flags: Uint8s, bits: int) -> Singles:
    return bad + (flags & np.uint8(bits)).astype(np.float32)


def _dead(bad: Singles, flat: Numbers, dark: Numbers, around: int) -> Singles:
    light, level = (
        np.pad(np.asarray(image, np.float32), around, constant_values=np.nan) for image in (flat, dark)
    )
    dead: Mask = dead_pixels.off_their_neighbors(light, level, NEAR, TOLERANCE)
    return bad + dead.astype(np.float32)
