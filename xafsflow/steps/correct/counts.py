"""Counts to absorbance."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.over_blocks import Output, over_blocks
from xafsflow.blocks.scan_numbers import over_scan, spread_rows
from xafsflow.kernels.spectra import absorbance as absorb
from xafsflow.step_table import step
from xafsflow.vocabulary import CUBE, MAP, Flag, cube_dims

# Rows of the scan whose scatter tells the counts a photo-electron.
SCATTER_ROWS = 12


@step(
    makes="cube", needs=["sample", "flat_field"], gives=["mu", "mu_noise", "flags", "foil_mu"], axis="energy"
)
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
    dark = dark_image(cube)
    flat = cube.flat_field
    image = {"y", "x"} <= set(flat.dims)
    # A flat field taken once is the same at all energies: its noise moves a spectrum as a whole and is no scatter.
    share = 1.0 if image and "energy" in flat.dims else 0.0
    for place, dim in enumerate(cube_dims()):
        if dim not in flat.dims:
            flat = flat.expand_dims({f"one_{dim}": 1}, axis=place)
    outputs = [Output("mu", CUBE), Output("flags", MAP, np.uint8)]
    settings: dict[str, Any] = {"flat_dark": float(image), "bad_bit": int(Flag.NOT_FINITE)}
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


def dark_image(cube: xr.Dataset) -> xr.DataArray:
    """The dark, `(y, x)` float32; zeros where none was measured."""
    if "dark" in cube:
        return cube.dark.astype(np.float32)
    return xr.DataArray(np.zeros((cube.sizes["y"], cube.sizes["x"]), np.float32), dims=MAP)


def _scatter_scale(mu: xr.DataArray, relative: xr.DataArray) -> xr.DataArray:
    """Measured over predicted scatter, from a few rows spread over the image: a scalar, lazy where mu is."""
    rows = spread_rows(mu.sizes["y"], SCATTER_ROWS)
    part = [array.isel(y=rows) for array in (mu, relative)]
    return over_scan(_scale, part, [Output("scale", ())])["scale"]


def _scale(mu: Any, relative: Any) -> tuple[Any]:
    return (absorb.scatter_scale(mu, relative),)
