"""Pixels that are dead, empty or hit by a spike."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.errors import InputError
from xafsflow.kernels.images import dead_pixels as dead_kernels
from xafsflow.kernels.images import neighbors as spatial
from xafsflow.provenance import Passage
from xafsflow.step_table import Span, step
from xafsflow.steps.correct.counts import dark_image
from xafsflow.vocabulary import CUBE, MAP, Flag, axis_of, is_cube, spectral_axis

# Neighbors within so many pixels tell what is usual: the 24 around a pixel.
MEDIAN = 2


@step(makes="cube", needs=["mu", "flags"], gives=["mu", "flags"])
def dead_pixels(
    cube: xr.Dataset,
    /,
    *,
    tolerance: Annotated[float, Field(gt=0)] = 0.3,
    saturation: Annotated[float, Field(gt=0)] | None = None,
    reach: Annotated[int, Field(ge=1, le=10)] = 2,
) -> xr.Dataset:
    """Find dead pixels from dark, flat field and saturation; replace their spectra by their neighbors' mean, and flag them.

    A pixel is dead where its flat field (mean over energy) or its dark leaves the median of the 24 pixels around it by
    more than `tolerance` times the flat field there, or where its counts are saturated at all energies (flag `dead`)
    or at some (flag `saturated`). Without a good neighbor it becomes NaN.

    Parameters
    ----------
    tolerance
        Share of the local flat field.
    saturation
        Counts at and above which a pixel is saturated; None: the largest value of an integer type, none for floats.
    reach
        How many pixels away a good neighbor may be.

    Examples
    --------
    >>> import xafsflow as xf
    >>> cube = xf.correct.absorbance(xf.ingest.phantom(size=(16, 16), energies=40))
    >>> mended = xf.correct.dead_pixels(cube)
    """
    saturated = xr.DataArray(np.zeros((cube.sizes["y"], cube.sizes["x"]), np.int32), dims=MAP)
    for name in ("sample", "flat_field"):
        if name in cube and is_cube(cube[name]):
            kind = cube[name].dtype
            if saturation is None and kind.kind not in "ui":
                continue  # no count is too high: these need not be read for it
            limit = saturation or np.iinfo(kind).max
            output = Output("count", MAP, np.int32)
            count = over_blocks(spatial.count_at_least, [cube[name]], [output], limit=float(limit))["count"]
            saturated = over_blocks(np.maximum, [count, saturated], [output])["count"]
    outputs = [Output("mu", CUBE), Output("flags", MAP, np.uint8)]
    arrays = [cube.mu, cube.flags, saturated, _flat_image(cube), dark_image(cube)]
    # Whether a neighbor is good is told by its own neighbors.
    halos = (reach, reach, reach, MEDIAN + reach, MEDIAN + reach)
    found = over_blocks(_mend, arrays, outputs, halo=halos, rim=0, tolerance=tolerance, reach=reach)
    return cube.assign(found)


def _flat_image(cube: xr.Dataset) -> xr.DataArray:
    """The flat field's mean over energy; zeros where there is no image of it, which finds no pixel dead."""
    flat = cube.get("flat_field")
    if flat is None or not {"y", "x"} <= set(flat.dims):
        return xr.DataArray(np.zeros((cube.sizes["y"], cube.sizes["x"]), np.float32), dims=MAP)
    if axis_of(flat.dims) is None:
        return flat
    return over_blocks(spatial.mean_over_energy, [flat], [Output("flat", MAP)])["flat"]


def _mend(
    mu: Any, flags: Any, saturated: Any, flat: Any, dark: Any, tolerance: float, reach: int
) -> tuple[Any, Any]:
    dead = dead_kernels.off_their_neighbors(
        flat.astype(np.float32), dark.astype(np.float32), MEDIAN, tolerance
    )
    dead |= saturated >= mu.shape[0]
    bad = dead | (saturated > 0)
    # The halo beyond the image is NaN: no neighbor there is good.
    outside = np.isnan(flags)
    out, filled = dead_kernels.fill_pixels(mu, bad | outside, reach, reach)
    dead, bad, flags = (array[reach:-reach, reach:-reach] for array in (dead, bad, flags))
    bits = flags.astype(np.uint8)
    bits[filled] &= np.uint8(0xFF ^ int(Flag.NOT_FINITE))
    bits[bad & ~filled] |= np.uint8(int(Flag.NOT_FINITE))
    bits[dead] |= np.uint8(int(Flag.DEAD))
    bits[bad & ~dead] |= np.uint8(int(Flag.SATURATED))
    return out, bits


@step(makes="cube", needs=["mu", "flags"], gives=["flags"], example={"e0": 7112.0}, axis="energy")
def background(
    cube: xr.Dataset,
    /,
    *,
    e0: float,
    threshold: Annotated[float, Field(gt=0)] = 5.0,
    pre: Span = (None, -10.0),
    post: Span = (30.0, None),
) -> xr.Dataset:
    """Flag the pixels without sample: those whose edge step is below `threshold` times its standard error.

    The step is the difference at e0 of two lines fitted below and above the edge; its error follows from the scatter of
    neighboring energies below the edge. Flagged pixels stay out of means, classes and findings.

    Parameters
    ----------
    e0
        The edge, eV.
    threshold
        In standard errors.
    pre, post
        Windows of the two lines, eV relative to e0; None is open.
    """
    energy = cube.energy.values
    weights, bend = np.zeros(energy.size), np.zeros(energy.size, bool)
    for sign, span in ((-1, pre), (1, post)):
        low = -np.inf if span[0] is None else span[0]
        high = np.inf if span[1] is None else span[1]
        inside = (energy - e0 >= low) & (energy - e0 <= high)
        if inside.sum() < 4:
            raise InputError(
                f"{inside.sum()} energies between {low:g} and {high:g} eV from e0 = {e0:g} eV",
                "4 or more",
                "widen pre or post",
            )
        line = np.vander(energy[inside] - e0, 2 if inside.sum() > 5 else 1)
        weights[inside] += sign * np.linalg.pinv(line)[-1]
        # Below the edge a spectrum is smooth: what bends there is noise.
        bend[np.flatnonzero(inside)[1:-1]] = sign < 0
    found = over_blocks(
        spatial.edge_significance, [cube.mu], [Output("step", MAP)], weights=weights, bend=bend
    )["step"]
    flags = over_blocks(_flagged, [cube.flags, found], [Output("flags", MAP, np.uint8)], threshold=threshold)
    return cube.assign(flags)


def _flagged(flags: Any, step: Any, threshold: float) -> Any:
    # A comparison with NaN is False: what cannot be computed counts as background.
    return flags | np.where(step >= threshold, np.uint8(0), np.uint8(int(Flag.BACKGROUND)))


@step(makes="cube", needs=["mu"], gives=["mu"], passes=Passage(acts_on="pixel"))
def despike(cube: xr.Dataset, /, *, threshold: Annotated[float, Field(gt=0)] = 8.0) -> xr.Dataset:
    """Replace single points of a spectrum that stand far off the line between their neighbors by that line.

    Parameters
    ----------
    threshold
        In standard deviations of the pixel's own scatter.
    """
    output = Output("mu", CUBE)
    places = cube[spectral_axis(cube)].values
    return cube.assign(over_blocks(_despiked, [cube.mu], [output], places=places, threshold=threshold))


def _despiked(mu: Any, places: Any, threshold: float) -> Any:
    return spatial.despike(places, mu, threshold)[0]
