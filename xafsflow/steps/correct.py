"""Counts to absorbance, and what must be mended before a spectrum is trusted."""

from __future__ import annotations

from typing import Annotated, Any

import dask.array as da
import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks import Output, over_blocks
from xafsflow.contract import Span, step
from xafsflow.errors import InputError
from xafsflow.kernels import absorb, spatial
from xafsflow.names import CUBE, MAP, Flag


@step(makes="cube", needs=["sample", "flat_field"], gives=["mu", "mu_noise", "flags"])
def absorbance(cube: xr.Dataset, /) -> xr.Dataset:
    """Absorbance from counts: mu = -ln((sample - dark)/(flat_field - dark)).

    Counts that are NaN, or not above the dark, give NaN at that energy and the flag `not_finite`. `mu_noise` is
    sqrt(g (1/I + 1/I0)), g the counts a photo-electron, measured from the scatter of the scan between neighboring
    pixels and energies; it costs nothing until it is asked for.

    Parameters
    ----------
    cube
        With `sample` (energy, y, x) and `flat_field` over energy, y, x or some of them, counts; `dark` (y, x) if measured.
        A flat field without y and x is an I0 spectrum of another detector, and no dark is taken off it.

    Returns
    -------
    Dataset
        The cube with `mu`, `mu_noise` (energy, y, x) and `flags` (y, x). Where there is a foil, `foil_mu` too.

    Examples
    --------
    >>> import xafsflow as xf
    >>> cube = xf.correct.absorbance(xf.ingest.phantom(size=(16, 16), energies=40))
    >>> cube.mu.dims
    ('energy', 'y', 'x')
    """
    dark = _dark(cube)
    flat = cube.flat_field
    image = {"y", "x"} <= set(flat.dims)
    # A flat field taken once is the same at all energies: its noise moves a spectrum as a whole and is no scatter.
    share = 1.0 if image and "energy" in flat.dims else 0.0
    for place, dim in enumerate(CUBE):
        if dim not in flat.dims:
            flat = flat.expand_dims({f"one_{dim}": 1}, axis=place)
    outputs = [Output("mu", CUBE), Output("flags", MAP, np.uint8)]
    settings = {"flat_dark": float(image), "bad_bit": int(Flag.NOT_FINITE)}
    found = over_blocks(absorb.absorbance, [cube.sample, flat, dark], outputs, **settings)
    relative = over_blocks(
        absorb.photon_noise,
        [cube.sample, flat, dark],
        [Output("noise", CUBE)],
        flat_dark=float(image),
        flat_share=share,
    )["noise"]
    flags = found["flags"] | cube.flags if "flags" in cube else found["flags"]
    result = cube.assign(
        mu=found["mu"], flags=flags, mu_noise=relative * _scatter_scale(found["mu"], relative)
    )
    if "foil" in cube:
        result["foil_mu"] = over_blocks(absorb.absorbance, [cube.foil, flat, dark], outputs, **settings)["mu"]
    return result


def _dark(cube: xr.Dataset) -> xr.DataArray:
    if "dark" in cube:
        return cube.dark.astype(np.float32)
    return xr.DataArray(np.zeros((cube.sizes["y"], cube.sizes["x"]), np.float32), dims=MAP)


def _scatter_scale(mu: xr.DataArray, relative: xr.DataArray) -> xr.DataArray:
    """Measured over predicted scatter, from a few rows spread over the image: a scalar, lazy where mu is."""
    rows = np.unique(np.linspace(0, mu.sizes["y"] - 1, 12).astype(int))
    some = [array.isel(y=rows) for array in (mu, relative)]
    if not mu.chunks:
        return xr.DataArray(absorb.scatter_scale(*(array.values for array in some)))
    whole = [argument for array in some for argument in (array.data.rechunk(-1), "eyx")]
    scale = da.blockwise(
        _scale_of_whole, "", *whole, concatenate=True, dtype=np.float32, meta=np.empty((), np.float32)
    )
    return xr.DataArray(scale)


def _scale_of_whole(mu: Any, relative: Any) -> Any:
    return np.asarray(absorb.scatter_scale(mu, relative))


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
        if name in cube and cube[name].dims == CUBE:
            kind = cube[name].dtype
            limit = saturation or (np.iinfo(kind).max if kind.kind in "ui" else np.inf)
            output = Output("count", MAP, np.int32)
            count = over_blocks(spatial.count_at_least, [cube[name]], [output], limit=float(limit))["count"]
            saturated = count if name == "sample" else np.maximum(saturated, count)
    outputs = [Output("mu", CUBE), Output("flags", MAP, np.uint8)]
    images = [array.astype(np.float32) for array in (_flat_image(cube), _dark(cube))]
    arrays = [cube.mu, cube.flags.astype(np.float32), saturated.astype(np.float32), *images]
    found = over_blocks(_mend, arrays, outputs, halo=2 + reach, tolerance=tolerance, reach=reach)
    return cube.assign(found)


def _flat_image(cube: xr.Dataset) -> xr.DataArray:
    """The flat field's mean over energy; zeros where there is no image of it, which finds no pixel dead."""
    flat = cube.get("flat_field")
    if flat is None or not {"y", "x"} <= set(flat.dims):
        return xr.DataArray(np.zeros((cube.sizes["y"], cube.sizes["x"]), np.float32), dims=MAP)
    if "energy" not in flat.dims:
        return flat
    return over_blocks(spatial.mean_over_energy, [flat], [Output("flat", MAP)])["flat"]


def _mend(
    mu: Any, flags: Any, saturated: Any, flat: Any, dark: Any, tolerance: float, reach: int
) -> tuple[Any, Any]:
    typical_dark, light = spatial.local_median(dark, 2), flat - dark
    typical = spatial.local_median(light, 2)
    with np.errstate(invalid="ignore"):
        dead = (np.abs(light - typical) > tolerance * typical) | (
            np.abs(dark - typical_dark) > tolerance * typical
        )
        dead &= typical > 0
        dead |= saturated >= mu.shape[0]
        bad = dead | (saturated > 0)
    # The halo beyond the image is NaN: no neighbor there is good.
    outside = np.isnan(flags)
    out, filled = spatial.fill_pixels(mu, bad | outside, reach)
    bits = np.where(outside, 0, flags).astype(np.uint8)
    bits[filled & ~outside] &= np.uint8(0xFF ^ int(Flag.NOT_FINITE))
    bits[dead & ~outside] |= np.uint8(int(Flag.DEAD))
    bits[bad & ~dead & ~outside] |= np.uint8(int(Flag.SATURATED))
    return out, bits


@step(makes="cube", example={"y": (2, 14), "x": (1, 15)})
def crop(
    cube: xr.Dataset,
    /,
    *,
    y: tuple[int | None, int | None] = (None, None),
    x: tuple[int | None, int | None] = (None, None),
    energy: Span = (None, None),
) -> xr.Dataset:
    """Keep a part of the field and of the energies.

    Parameters
    ----------
    y, x
        First pixel and the one after the last; None is open.
    energy
        Lowest and highest energy that stay, eV; None is open.

    Raises
    ------
    InputError
        Nothing is left.
    """
    low, high = (-np.inf if energy[0] is None else energy[0]), (np.inf if energy[1] is None else energy[1])
    inside = np.flatnonzero((cube.energy.values >= low) & (cube.energy.values <= high))
    result = cube.isel(y=slice(*y), x=slice(*x), energy=inside)
    if 0 in (result.sizes["y"], result.sizes["x"], result.sizes["energy"]):
        sizes = ", ".join(f"{dim} {cube.sizes[dim]}" for dim in CUBE)
        raise InputError(
            f"crop of y {y}, x {x}, energy {energy} eV on a cube of {sizes}",
            "something left",
            "widen the crop",
        )
    return result


# Everything else is made anew by its steps.
BINNED = {"sample", "flat_field", "foil", "dark", "mu", "foil_mu", "mu_noise", "flags"}


@step(makes="cube", example={"y": 2, "x": 2})
def bin(  # noqa: A001
    cube: xr.Dataset, /, *, y: Annotated[int, Field(ge=1)] = 2, x: Annotated[int, Field(ge=1)] = 2
) -> xr.Dataset:
    """Mean over bins of y by x pixels; an incomplete bin at the end of the field is left out.

    Before `correct.absorbance` it averages counts, as a camera that bins; after it, absorbances, which weighs the
    pixels of a bin alike. `mu_noise` is divided by the square root of the pixels, flags are joined.
    """
    if y > cube.sizes["y"] or x > cube.sizes["x"]:
        raise InputError(
            f"bins of {y} x {x} on a field of {cube.sizes['y']} x {cube.sizes['x']}",
            "at least one bin",
            "use smaller bins",
        )
    size = {"y": y, "x": x}
    found: dict[str, xr.DataArray] = {}
    for name in (str(name) for name in cube.data_vars if name in BINNED):
        array = cube[name]
        factors = {dim: n for dim, n in size.items() if dim in array.dims}
        if not factors:
            found[name] = array
        elif name == "flags":
            found["flags"] = _join_flags(array, factors)
        elif name == "mu_noise":
            mean_square = (array.astype(np.float64) ** 2).coarsen(factors, boundary="trim").mean()
            found["mu_noise"] = np.sqrt(mean_square / (y * x)).astype(np.float32)
        else:
            found[name] = array.astype(np.float64).coarsen(factors, boundary="trim").mean().astype(np.float32)
    result = xr.Dataset(found, attrs=cube.attrs).drop_vars(["y", "x"], errors="ignore")
    if "pixel_size_um" in result.attrs:
        # A scale bar lies along x.
        result.attrs["pixel_size_um"] *= x
    return result.assign_coords(energy=cube.energy)


def _join_flags(flags: xr.DataArray, factors: dict[str, int]) -> xr.DataArray:
    joined = xr.zeros_like(flags.coarsen(factors, boundary="trim").max())
    for flag in Flag:
        bit = np.uint8(int(flag))
        joined = joined | (flags & bit).coarsen(factors, boundary="trim").max()
    return joined


@step(makes="cube", needs=["mu", "flags"], gives=["mu"], replayed=True)
def average(cube: xr.Dataset, /, *, window: Annotated[int, Field(ge=3, le=15)] = 3) -> xr.Dataset:
    """Mean over window x window pixels, energy by energy.

    Pixels flagged background, dead or saturated are left out of the means; so are single energies that are NaN.
    Background becomes NaN, a dead pixel gets its neighbors' mean.

    Parameters
    ----------
    window
        Odd number of pixels, 3 for 3 x 3.
    """
    if window % 2 == 0:
        raise InputError(f"window {window}", "an odd number of pixels", f"use {window - 1} or {window + 1}")
    outer = int(Flag.BACKGROUND | Flag.DEAD | Flag.SATURATED)
    arrays = [cube.mu, cube.flags.astype(np.float32)]
    return cube.assign(
        over_blocks(_mean, arrays, [Output("mu", CUBE)], halo=window // 2, half=window // 2, outer=outer)
    )


def _mean(mu: Any, flags: Any, half: int, outer: int) -> Any:
    # NaN flags are the halo beyond the image, where mu is NaN as well.
    bits = np.where(np.isnan(flags), 0, flags).astype(np.uint8)
    return spatial.box_mean(mu, (bits & outer) == 0, (bits & int(Flag.BACKGROUND)) == 0, half)


@step(makes="cube", needs=["mu", "flags"], gives=["flags"], example={"e0": 7112.0})
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
    # A comparison with NaN is False: what cannot be computed counts as background.
    bit = xr.where(found >= threshold, np.uint8(0), np.uint8(int(Flag.BACKGROUND)))
    return cube.assign(flags=cube.flags | bit)


@step(makes="cube", needs=["mu"], gives=["mu"], replayed=True)
def despike(cube: xr.Dataset, /, *, threshold: Annotated[float, Field(gt=0)] = 8.0) -> xr.Dataset:
    """Replace single energies of a pixel that stand far off the line between their energy neighbors by that line.

    Parameters
    ----------
    threshold
        In standard deviations of the pixel's own scatter.
    """
    output = Output("mu", CUBE)
    return cube.assign(
        over_blocks(_despiked, [cube.mu], [output], energy=cube.energy.values, threshold=threshold)
    )


def _despiked(mu: Any, energy: Any, threshold: float) -> Any:
    return spatial.despike(energy, mu, threshold)[0]
