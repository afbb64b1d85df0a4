"""Counts to absorbance."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.blocks.scan_numbers import over_scan, spread_rows
from xafsflow.kernels.spectra import absorbance as absorb
from xafsflow.step_table import step
from xafsflow.vocabulary import CUBE, MAP, Flag, cube_dims

# Rows of the scan whose scatter tells the counts a photo-electron.
SCATTER_ROWS = 12
MU_AND_FLAGS = (Output("mu", CUBE), Output("flags", MAP, np.uint8))


@step(
    makes="cube",
    needs=["sample", "flat_field"],
    gives=["mu", "mu_noise", "flags", "foil->foil_mu"],
    axis="energy",
)
def absorbance(cube: xr.Dataset, /) -> xr.Dataset:
    """Absorbance from counts: mu = -ln((sample - dark)/(flat_field - dark)).

    Counts that are NaN, or not above the dark, give NaN at that energy and the flag `not_finite`. `mu_noise` is
    sqrt(g (1/(n I) + 1/(n0 I0))), g the counts a photo-electron, measured from the scatter of the scan between neighboring
    pixels and energies, n and n0 the images that were averaged; it costs nothing until it is asked for.

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
    dark, flat = dark_image(cube), cube.flat_field
    image = {"y", "x"} <= set(flat.dims)
    # A flat field taken once is the same at all energies: its noise moves a spectrum as a whole and is no scatter.
    share = 1.0 if image and "energy" in flat.dims else 0.0
    missing = tuple(place for place, dim in enumerate(cube_dims()) if dim not in flat.dims)
    settings: dict[str, Any] = {"missing": missing, "flat_dark": float(image)}
    found = over_blocks(_mu, [cube.sample, flat, dark], MU_AND_FLAGS, **settings)
    taken = [_exposures(cube, name) for name in ("exposures", "flat_exposures")]
    relative = over_blocks(
        _relative_noise,
        [cube.sample, flat, dark, *taken],
        [Output("noise", CUBE)],
        **settings,
        flat_share=share,
    )["noise"]
    scale = over_scan(
        _scale,
        [found["mu"], relative],
        [Output("scale", ())],
        y=spread_rows(cube.sizes["y"], SCATTER_ROWS, cube.sizes["x"]),
    )["scale"]
    found |= over_blocks(_times, [relative, scale], [Output("mu_noise", CUBE)])
    if "flags" in cube:
        found |= over_blocks(np.bitwise_or, [found["flags"], cube.flags], [Output("flags", MAP, np.uint8)])
    if "foil" in cube:
        found["foil_mu"] = over_blocks(_mu, [cube.foil, flat, dark], MU_AND_FLAGS, **settings)["mu"]
    return cube.assign(found)


def dark_image(cube: xr.Dataset) -> xr.DataArray:
    """The dark, `(y, x)`; zeros where none was measured."""
    if "dark" in cube:
        return cube.dark
    return xr.DataArray(np.zeros((cube.sizes["y"], cube.sizes["x"]), np.float32), dims=MAP)


def _exposures(cube: xr.Dataset, name: str) -> xr.DataArray:
    """How many images were averaged at each energy."""
    return cube[name] if name in cube else xr.DataArray(np.ones(cube.sizes["energy"]), dims="energy")


def _mu(sample: Any, flat: Any, dark: Any, missing: tuple[int, ...], flat_dark: float) -> tuple[Any, Any]:
    """`missing` are the axes of the cube that the flat field does not have."""
    return absorb.absorbance(sample, np.expand_dims(flat, missing), dark, flat_dark, int(Flag.NOT_FINITE))


def _relative_noise(
    sample: Any,
    flat: Any,
    dark: Any,
    exposures: Any,
    flat_exposures: Any,
    missing: tuple[int, ...],
    flat_dark: float,
    flat_share: float,
) -> Any:
    share = flat_share * exposures / flat_exposures
    noise = absorb.photon_noise(sample, np.expand_dims(flat, missing), dark, flat_dark, share)
    # A mean of images has seen as many times the photons.
    return noise / np.sqrt(exposures).astype(np.float32)[:, None, None]


def _scale(mu: Any, relative: Any) -> tuple[Any]:
    return (absorb.scatter_scale(mu, relative),)


def _times(relative: Any, scale: Any) -> Any:
    return relative * scale
