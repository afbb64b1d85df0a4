"""Quantities read off the spectra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.errors import InputError
from xafsflow.kernels.spectra import derivative as kernels
from xafsflow.kernels.spectra import edge_energy as edge
from xafsflow.kernels.spectra.peak import highest_point
from xafsflow.provenance import Passage
from xafsflow.step_table import Span, step
from xafsflow.vocabulary import AXES, CUBE, MAP, SPECTRAL, axis_of, spectral_axis
from xafsflow.wavelengths import angles_at, angstrom

Positive = Annotated[float, Field(gt=0)]


@step(makes="cube", needs=["norm"], gives=["dmude"], passes=Passage(acts_on="spectrum"), axis="energy")
def derivative(
    cube: xr.Dataset, /, *, window: Positive = 3.0, order: Annotated[int, Field(ge=1, le=5)] = 2
) -> xr.Dataset:
    """Derivative of `norm` by energy: the slope of a polynomial fitted around each energy (Savitzky-Golay).

    The energies may be uneven; where the window holds fewer than order + 1 of them, the nearest ones are taken.
    On an even grid it equals `scipy.signal.savgol_filter(deriv=1)`.

    Parameters
    ----------
    window
        Width of the window, eV.
    order
        Degree of the polynomial.
    """
    settings = {"energy": cube.energy.values, "window": window, "order": order}
    return cube.assign(over_blocks(_derivative, [cube.norm], [Output("dmude", CUBE)], **settings))


def _derivative(norm: Any, energy: Any, window: float, order: int) -> Any:
    return kernels.derivative(energy, norm, window, order)


@step(makes="cube", needs=["mu"], gives=["mu", "{wavelength}=wavelength"], example={"spacing": 2.0})
def resample(
    cube: xr.Dataset,
    /,
    *,
    spacing: Positive,
    span: Span = (None, None),
    wavelength: float | str | None = None,
) -> xr.Dataset:
    """Put `mu` on an even grid of its axis, linearly between the nearest two points; counts and later results are dropped.

    `mu_noise` follows: the noise of a mean of two points with weights w and 1 - w is
    sqrt(w^2 s1^2 + (1 - w)^2 s2^2).

    Parameters
    ----------
    spacing
        Between points, in the unit of the axis (eV for energies).
    span
        First and last point; None: those of the scan, at the wavelength that is asked for.
    wavelength
        Of a cube over two_theta, to bring it to the angles of another wavelength: Angstrom, or a line by name (`CuKa`, the
        mean of both lines; `CuKa1`; likewise Co, Mo, Cr, Fe, Ag). Peaks of a spacing d are then at
        2 asin(wavelength / 2d); `mu` itself is not scaled. The cube must carry its own `wavelength`.

    Raises
    ------
    InputError
        The span leaves the scan or holds fewer than 3 points; a wavelength for energies, or for a cube without its own.
    """
    axis = spectral_axis(cube)
    if wavelength is not None:
        cube = _at_wavelength(cube, axis, wavelength)
    old, unit = cube[axis].values, AXES[axis].unit
    first = old[0] if span[0] is None else span[0]
    last = old[-1] if span[1] is None else span[1]
    grid = first + spacing * np.arange(int(np.floor((last - first) / spacing + 1e-9)) + 1)
    if first < old[0] or last > old[-1] or grid.size < 3:
        raise InputError(
            f"{grid.size} points from {first:g} to {last:g} {unit}",
            f"3 or more between {old[0]:g} and {old[-1]:g} {unit}",
            "change span or spacing",
        )
    above = np.clip(np.searchsorted(old, grid, side="right"), 1, old.size - 1)
    share = (grid - old[above - 1]) / (old[above] - old[above - 1])
    kept = ("dark", "flags", "wavelength")
    stays = {n: cube[n] for n in kept if n in cube and axis_of(cube[n].dims) is None}
    for name in ("drift", "drift_error", "flux_offset", "flux_offset_error"):
        if name in cube:
            near = [cube[name].drop_vars(axis).isel({axis: at}) for at in (above - 1, above)]
            weight = xr.DataArray(share, dims=axis)
            stays[name] = ((1 - weight) * near[0] + weight * near[1]).transpose(*cube[name].dims)
    result = xr.Dataset(stays, attrs=cube.attrs).assign_coords({axis: grid})
    for name in ("mu", "mu_noise", "foil_mu"):
        if name in cube:
            output = Output(name, CUBE, sizes={SPECTRAL: grid.size})
            settings = {"above": above, "share": share, "squares": name == "mu_noise"}
            result = result.assign(over_blocks(_between, [cube[name]], [output], **settings))
    return result


def _at_wavelength(cube: xr.Dataset, axis: str, wavelength: float | str) -> xr.Dataset:
    """The cube over the angles of another wavelength, without those whose spacing does not scatter there."""
    if axis != "two_theta":
        raise InputError(
            f"wavelength {wavelength!r} for a cube over {axis}",
            "a cube over two_theta",
            "remove `wavelength`",
        )
    if "wavelength" not in cube:
        raise InputError(
            "a cube over two_theta without its `wavelength`",
            "the wavelength that it was measured with, Angstrom",
            "say it where the cube is made: cube.assign(wavelength=0.7093)",
        )
    own, wanted = angstrom(float(cube.wavelength)), angstrom(wavelength)
    angles = angles_at(cube[axis].values, own, wanted)
    there = np.isfinite(angles)
    return (
        cube.isel({axis: there})
        .assign_coords({axis: angles[there]})
        .assign(wavelength=((), wanted, cube.wavelength.attrs))
    )


def _between(values: Any, above: Any, share: Any, squares: bool) -> Any:
    weight = share.astype(np.float32)[:, None, None]
    if squares:
        return np.sqrt(((1 - weight) * values[above - 1]) ** 2 + (weight * values[above]) ** 2)
    return (1 - weight) * values[above - 1] + weight * values[above]


@step(makes="cube", needs=["norm"], gives=["e0"], axis="energy")
def e0(
    cube: xr.Dataset, /, *, method: Literal["larch", "largest_derivative", "half_step"] = "larch"
) -> xr.Dataset:
    """The absorption edge of every pixel.

    Parameters
    ----------
    method
        `larch`: as its `find_e0`; `largest_derivative`: of neighboring points; `half_step`: where `norm` crosses 0.5,
        the mean of the first crossing upward and the last downward, the steadiest under noise.
    """
    settings = {"energy": cube.energy.values, "method": method}
    return cube.assign(over_blocks(_edges, [cube.norm], [Output("e0", MAP, np.float64)], **settings))


def _edges(norm: Any, energy: Any, method: str) -> Any:
    known: dict[str, Callable[..., Any]] = {
        "larch": edge.find_e0,
        "largest_derivative": edge.e0_largest_derivative,
        "half_step": edge.e0_half_step,
    }
    return known[method](energy, norm)


@step(makes="cube", needs=["norm", "e0"], gives=["white_line", "white_line_energy"], axis="energy")
def white_line(cube: xr.Dataset, /, *, span: Span = (0.0, 40.0)) -> xr.Dataset:
    """Height and energy of the white line: the vertex of a parabola through the highest point of `norm` and its neighbors.

    Parameters
    ----------
    span
        Where to look, eV relative to the pixel's e0; None is open.
    """
    low = -np.inf if span[0] is None else span[0]
    high = np.inf if span[1] is None else span[1]
    outputs = [Output("white_line", MAP), Output("white_line_energy", MAP, np.float64)]
    settings = {"energy": cube.energy.values, "low": low, "high": high}
    return cube.assign(over_blocks(highest_point, [cube.norm, cube.e0], outputs, **settings))
