"""The field of view: a part of it, bins, means over neighbors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks, part_of
from xafsflow.errors import InputError
from xafsflow.kernels.images.local_quadratic import local_quadratic
from xafsflow.kernels.images.neighbors import box_mean
from xafsflow.provenance import Passage, Setting
from xafsflow.step_table import Span, step
from xafsflow.vocabulary import AXES, CUBE, OUT_OF_MEANS, Flag, cube_dims, spectral_axis


@step(makes="cube", example={"y": (2, 14), "x": (1, 15)})
def crop(
    cube: xr.Dataset,
    /,
    *,
    y: tuple[int | None, int | None] = (None, None),
    x: tuple[int | None, int | None] = (None, None),
    energy: Span = (None, None),
    two_theta: Span = (None, None),
) -> xr.Dataset:
    """Keep a part of the field and of the spectral axis.

    Parameters
    ----------
    y, x
        First pixel and the one after the last; None is open.
    energy, two_theta
        Lowest and highest value of the cube's axis that stay, eV or degree; None is open.

    Raises
    ------
    InputError
        Nothing is left, or the limits are those of another axis.
    """
    axis, limits = spectral_axis(cube), {"energy": energy, "two_theta": two_theta}
    span = limits.pop(axis)
    for name, other in limits.items():
        if other != (None, None):
            raise InputError(f"crop of {name} on a cube over {axis}", f"limits of {axis}", f"remove {name}")
    values = cube[axis].values
    low, high = (-np.inf if span[0] is None else span[0]), (np.inf if span[1] is None else span[1])
    inside = np.flatnonzero((values >= low) & (values <= high))
    result = cube.isel({"y": slice(*y), "x": slice(*x), axis: inside})
    whole = len(inside) == cube.sizes[axis]
    parts = {
        name: part_of(array, slice(*y), slice(*x), None if whole else inside) for name, array in cube.items()
    }
    if 0 in (result.sizes["y"], result.sizes["x"], result.sizes[axis]):
        sizes = ", ".join(f"{dim} {cube.sizes[dim]}" for dim in cube_dims(axis))
        raise InputError(
            f"crop of y {y}, x {x}, {axis} {span} {AXES[axis].unit} on a cube of {sizes}",
            "something left",
            "widen the crop",
        )
    return result.assign(parts)


# Everything else is made anew by its steps.
BINNED = {"sample", "flat_field", "foil", "dark", "mu", "foil_mu", "mu_noise", "flags"}
BINNED |= {"flux_offset", "flux_offset_error", "wavelength", "exposures", "flat_exposures"}


@step(makes="cube", example={"y": 2, "x": 2}, passes=Passage(acts_on="image", separates=True))
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
        else:
            found[name] = _binned(array, y, x)
    result = xr.Dataset(found, attrs=cube.attrs).drop_vars(["y", "x"], errors="ignore")
    if "pixel_size_um" in result.attrs:
        # A scale bar lies along x.
        result.attrs["pixel_size_um"] *= x
    axis = spectral_axis(cube)
    return result.assign_coords({axis: cube[axis]})


def _binned(array: xr.DataArray, y: int, x: int) -> xr.DataArray:
    """One variable over y and x, by what its values are."""
    name = str(array.name)
    kinds: dict[str, Callable[..., Any]] = {"flags": _joined, "mu_noise": _noise_of_mean}
    down, across = (slice(0, array.sizes[dim] // n * n) for dim, n in (("y", y), ("x", x)))
    whole = part_of(array, down, across)
    output = Output(name, tuple(map(str, array.dims)), np.uint8 if name == "flags" else np.float32)
    kernel = kinds.get(name, _mean_of_bins)
    return over_blocks(
        kernel, [whole.drop_vars(["y", "x"], errors="ignore")], [output], bins=(y, x), size=(y, x)
    )[name]


def _in_bins(values: Any, size: tuple[int, int]) -> Any:
    """`(..., y, y within the bin, x, x within the bin)`."""
    *others, rows, columns = values.shape
    return values.reshape(*others, rows // size[0], size[0], columns // size[1], size[1])


def _mean_of_bins(values: Any, size: tuple[int, int]) -> Any:
    return _in_bins(values.astype(np.float64), size).mean(axis=(-3, -1))


def _noise_of_mean(noise: Any, size: tuple[int, int]) -> Any:
    return np.sqrt(_mean_of_bins(noise.astype(np.float64) ** 2, size) / (size[0] * size[1]))


def _joined(flags: Any, size: tuple[int, int]) -> Any:
    return np.bitwise_or.reduce(_in_bins(flags, size), axis=(-3, -1))


@step(
    makes="cube",
    needs=["mu", "flags"],
    gives=["mu"],
    passes=Passage(acts_on="pixel", mean_over=Setting("window"), mean_method=Setting("method")),
)
def average(
    cube: xr.Dataset,
    /,
    *,
    window: Annotated[int, Field(ge=3, le=15)] = 3,
    method: Literal["mean", "quadratic"] = "mean",
) -> xr.Dataset:
    """Mean over window x window pixels, energy by energy, or the middle of a quadratic that is fitted to them.

    Pixels flagged background, dead or saturated are left out; so are single energies that are NaN. Background becomes
    NaN, a dead pixel gets what its neighbors say.

    A mean rounds off whatever bends within its window. A local quadratic (Savitzky-Golay in two dimensions) follows bends:
    5 x 5 leave 0.39 of the noise where a 3 x 3 mean leaves 0.33, and blur less. Beside holes and the ends of the image it
    is fitted to the neighbors that are there; where these do not determine a quadratic, to a plane or their mean. Fits to
    few neighbors smooth less: 0.54 of the noise is left at the side of the image, 0.9 in its corners.

    Parameters
    ----------
    window
        Odd number of pixels, 3 for 3 x 3; 5 or more for `quadratic`.
    method
        `mean`, for noise; `quadratic`, where the composition changes from pixel to pixel.

    Raises
    ------
    InputError
        The window is even, or too small for a quadratic.

    Examples
    --------
    >>> import xafsflow as xf
    >>> cube = xf.correct.absorbance(xf.ingest.phantom(size=(16, 16), energies=40))
    >>> smooth = average(cube, window=5, method="quadratic")
    """
    if window % 2 == 0:
        raise InputError(f"window {window}", "an odd number of pixels", f"use {window - 1} or {window + 1}")
    if method == "quadratic" and window < 5:
        # Six terms and 3 x 3 pixels: nearly all noise would stay.
        raise InputError(f"window {window} for method quadratic", "5 or more pixels", "use window: 5")
    half = window // 2
    outputs = [Output("mu", CUBE)]
    return cube.assign(
        over_blocks(_averaged, [cube.mu, cube.flags], outputs, halo=half, rim=0, half=half, method=method)
    )


def _averaged(mu: Any, flags: Any, half: int, method: str) -> Any:
    # NaN flags are the halo beyond the image. Were its NaN to be kept, neighbors would be counted at each energy.
    inside = ~np.isnan(flags)
    bits = np.where(inside, flags, 0).astype(np.uint8)
    keep, center = inside & (bits & OUT_OF_MEANS == 0), bits & int(Flag.BACKGROUND) == 0
    if method == "quadratic":
        return local_quadratic(mu, keep, center, half, False)
    return box_mean(mu, keep, center, half, True)
