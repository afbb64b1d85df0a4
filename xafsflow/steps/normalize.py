"""Spectra of unlike thickness made comparable: pre-edge off, divided by the height of the edge.

Settings are Larch's, in eV relative to e0; None is Larch's default. `e0` in eV holds for all pixels; None finds each
pixel's own as Larch's `find_e0` does, which wants little noise. A pixel whose edge step is not above zero becomes NaN,
with the flag `low_step`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.errors import InputError
from xafsflow.kernels.spectra import edge_energy as edge
from xafsflow.kernels.spectra import mback as matched
from xafsflow.kernels.spectra import normalization as kernels
from xafsflow.kernels.spectra.normalization_windows import Windows, check_windows, larch_ranges
from xafsflow.provenance import Passage
from xafsflow.step_table import step
from xafsflow.vocabulary import CUBE, MAP, OUT, Flag, spectral_axis

E0 = Annotated[float, Field(gt=0)] | None
Degree = Annotated[int, Field(ge=0, le=5)] | None
PreDegree = Annotated[int, Field(ge=0, le=1)]
Victoreen = Annotated[int, Field(ge=0, le=4)]
# Each spectrum by its own shape: what references are compared with has passed the same way.
ALONE = Passage(acts_on="spectrum")
GIVES = ("norm", "edge_step", "e0", "flags")
Limit = float | None


@step(makes="cube", needs=["mu", "flags"], gives=GIVES, example={"e0": 7112.0}, passes=ALONE, axis="energy")
def edge_step(
    cube: xr.Dataset,
    /,
    *,
    e0: E0 = None,
    pre1: Limit = None,
    pre2: Limit = None,
    norm1: Limit = None,
    norm2: Limit = None,
    nnorm: Degree = None,
    nvict: Victoreen = 0,
    npre: PreDegree = 1,
) -> xr.Dataset:
    """Subtract the pre-edge line and divide by the edge step, as Larch and Athena do.

    norm = (mu - pre)/(post - pre)(e0): `pre` a line fitted to mu E^nvict from pre1 to pre2, `post - pre` a polynomial
    of degree nnorm fitted from norm1 to norm2. Agrees with Larch's `pre_edge` to 1e-6.

    Parameters
    ----------
    e0
        The edge, eV.
    pre1, pre2, norm1, norm2
        Windows, eV relative to e0.
    nnorm
        Degree of the post-edge: 0, 1, 2 ...
    nvict
        Exponent of the Victoreen pre-edge.
    npre
        Degree of the pre-edge: 1 a line, 0 a constant.

    Raises
    ------
    InputError
        The scan does not reach below and above e0, or the windows hold no points.
    """
    return _normalized(cube, kernels.edge_step, e0, Windows(pre1, pre2, norm1, norm2, nnorm, nvict, npre))


@step(makes="cube", needs=["mu", "flags"], gives=GIVES, example={"e0": 7112.0}, passes=ALONE, axis="energy")
def flat(
    cube: xr.Dataset,
    /,
    *,
    e0: E0 = None,
    pre1: Limit = None,
    pre2: Limit = None,
    norm1: Limit = None,
    norm2: Limit = None,
    nnorm: Degree = None,
    nvict: Victoreen = 0,
    npre: PreDegree = 1,
) -> xr.Dataset:
    """As `edge_step`, and without the slope and curvature of the post-edge above e0: Larch's `flat`.

    Settings are those of `normalize.edge_step`.
    """
    return _normalized(cube, kernels.flat, e0, Windows(pre1, pre2, norm1, norm2, nnorm, nvict, npre))


@step(makes="cube", needs=["mu", "flags"], gives=GIVES, example={"e0": 7112.0}, passes=ALONE, axis="energy")
def ratio(
    cube: xr.Dataset,
    /,
    *,
    e0: E0 = None,
    pre1: Limit = None,
    pre2: Limit = None,
    norm1: Limit = None,
    norm2: Limit = None,
    nnorm: Degree = None,
) -> xr.Dataset:
    """(mu - pre)/(post - pre) at every energy, as TXM-Wizard, PF_ImagingXAFS and PyXAS do.

    Settings are those of `normalize.edge_step`.
    """
    return _normalized(cube, kernels.ratio, e0, Windows(pre1, pre2, norm1, norm2, nnorm))


@step(makes="cube", needs=["mu", "flags"], gives=GIVES, example={"e0": 7112.0}, passes=ALONE, axis="energy")
def mean(
    cube: xr.Dataset,
    /,
    *,
    e0: E0 = None,
    pre1: Limit = None,
    pre2: Limit = None,
    norm1: Limit = None,
    norm2: Limit = None,
) -> xr.Dataset:
    """Subtract the mean below the edge and divide by the rise to the mean above it, as xanespy does.

    For scans too short for slopes. Settings are those of `normalize.edge_step`.
    """
    return _normalized(cube, kernels.mean, e0, Windows(pre1, pre2, norm1, norm2))


@step(makes="cube", needs=["mu", "flags"], gives=GIVES, example={"e0": 7112.0}, passes=ALONE, axis="energy")
def area(
    cube: xr.Dataset,
    /,
    *,
    e0: E0 = None,
    pre1: Limit = None,
    pre2: Limit = None,
    norm1: Limit = None,
    norm2: Limit = None,
    npre: PreDegree = 1,
) -> xr.Dataset:
    """Subtract the pre-edge line and divide by the mean height above the edge, the area over its width.

    Settings are those of `normalize.edge_step`.
    """
    return _normalized(cube, kernels.area, e0, Windows(pre1, pre2, norm1, norm2, npre=npre))


@step(makes="cube", needs=["mu", "flags"], gives=GIVES, example={"e0": 7112.0}, passes=ALONE, axis="energy")
def minmax(cube: xr.Dataset, /, *, e0: E0 = None) -> xr.Dataset:
    """From each pixel's least value to its greatest: (mu - min)/(max - min).

    Parameters
    ----------
    e0
        The edge, eV; it is noted, not used.
    """
    return _normalized(cube, kernels.minmax, e0, Windows())


@step(
    makes="cube",
    needs=["mu", "flags"],
    gives=("norm", "edge_step", "{e0}=e0"),
    example={"e0": 7112.0},
    passes=ALONE,
)
def none(cube: xr.Dataset, /, *, e0: E0 = None) -> xr.Dataset:
    """Leave the spectra as they are: norm = mu, edge_step = 1; for references on the same scale, and for other axes.

    Parameters
    ----------
    e0
        The edge, eV; it is noted, not used. Over energy it is required, over another axis there is none.
    """
    axis = spectral_axis(cube)
    if (e0 is None) == (axis == "energy"):
        raise InputError(
            f"e0 {e0} for a cube over {axis}", "an edge for energies, none for another axis", "change e0"
        )
    one = xr.ones_like(cube.mu.isel({axis: 0}, drop=True))
    found = cube.assign(norm=cube.mu, edge_step=one)
    return found if e0 is None else found.assign(e0=one * np.float64(e0))


@step(
    makes="cube",
    needs=["mu", "flags"],
    gives=GIVES,
    example={"e0": 7112.0, "element": "Fe"},
    passes=ALONE,
    axis="energy",
)
def mback(
    cube: xr.Dataset,
    /,
    *,
    element: str,
    e0: E0 = None,
    pre1: Limit = None,
    pre2: Limit = -50.0,
    norm1: Limit = 100.0,
    norm2: Limit = None,
    order: Annotated[int, Field(ge=0, le=6)] = 3,
) -> xr.Dataset:
    """Match the spectrum to the tabulated f2 of the element (Chantler) away from the edge, as Larch's `mback` does.

    Parameters
    ----------
    element
        Symbol, such as Fe.
    order
        Degree of the polynomial that is matched with the scale. Settings are those of `normalize.edge_step`.
    """
    import xraydb

    try:
        f2 = xraydb.f2_chantler(element, cube.energy.values)
    except ValueError as error:
        raise InputError(f"the element {element!r}", "a symbol such as Fe", "mend element") from error
    if e0 is not None:
        larch_ranges(cube.energy.values, e0)
    windows = Windows(pre1, pre2, norm1, norm2)
    return _over_blocks(cube, matched.mback, e0, windows, f2=f2, order=order)


def _normalized(
    cube: xr.Dataset, method: Callable[..., Any], e0: float | None, windows: Windows
) -> xr.Dataset:
    if e0 is not None:
        check_windows(cube.energy.values, e0, windows)
    return _over_blocks(cube, method, e0, windows)


def _over_blocks(
    cube: xr.Dataset, method: Callable[..., Any], e0: float | None, windows: Windows, **more: Any
) -> xr.Dataset:
    energy = cube.energy.values
    outputs = [
        Output("norm", CUBE),
        Output("edge_step", MAP),
        Output("e0", MAP, np.float64),
        Output("flags", MAP, np.uint8),
    ]
    settings = {"method": method, "energy": energy, "given": e0, "windows": windows, "more": more}
    return cube.assign(over_blocks(_one_block, [cube.mu, cube.flags], outputs, **settings))


def _one_block(
    mu: Any,
    flags: Any,
    method: Callable[..., Any],
    energy: Any,
    given: float | None,
    windows: Windows,
    more: Any,
) -> tuple[Any, Any, Any, Any]:
    if given is None:
        e0 = edge.find_e0(energy, mu)
        norm, height = method(energy, mu, e0, windows=windows, **more)
    else:
        norm, height = method(energy, mu, given, windows=windows, **more)
        e0 = np.full(height.shape, given)
    good = (height > 0) & np.isfinite(height)
    sample = flags & np.uint8(int(OUT)) == 0
    low = np.where(sample & ~good, np.uint8(int(Flag.LOW_STEP)), np.uint8(0))
    height = np.where(good & sample, height, np.nan)
    return norm, height.astype(np.float32), np.where(good, e0, np.nan), flags | low
