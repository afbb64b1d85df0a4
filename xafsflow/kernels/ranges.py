"""Where the pre-edge and post-edge fits of a spectrum look: Larch's defaults, index rules and rounding."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.errors import InputError
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.pixels import Doubles, as_pixels

MAX_NNORM = 5


class Windows(NamedTuple):
    """The settings of the pre-edge and post-edge fits, eV relative to e0, named as in Larch; None is its default.

    `nnorm` is the degree of the post-edge polynomial, `nvict` the exponent of the Victoreen pre-edge (the line is
    fitted to `mu * energy**nvict`), `npre` the degree of the pre-edge: 1 a line, 0 a constant.
    """

    pre1: float | None = None
    pre2: float | None = None
    norm1: float | None = None
    norm2: float | None = None
    nnorm: int | None = None
    nvict: int = 0
    npre: int = 1


LARCH = Windows()


class Ranges(NamedTuple):
    """The windows of one spectrum: slices of its energies (the upper point left out), degrees, and limits in eV."""

    e0: float
    edge: int
    pre_start: int
    pre_stop: int
    post_start: int
    post_stop: int
    npre: int
    nvict: int
    nnorm: int
    pre1: float
    pre2: float
    norm1: float
    norm2: float


def settings(windows: Windows) -> Doubles:
    """The settings as numbers for a kernel, NaN for None.

    Raises
    ------
    InputError
        A degree or exponent out of range.

    Examples
    --------
    >>> settings(Windows(pre1=-100, nnorm=1))
    array([-100.,   nan,   nan,   nan,    1.,    0.,    1.])
    """
    limits = {"nnorm": range(MAX_NNORM + 1), "nvict": range(5), "npre": range(2)}
    for name, allowed in limits.items():
        value = getattr(windows, name)
        if value not in allowed and not (name == "nnorm" and value is None):
            raise InputError(f"{name}: {value}", f"a whole number from 0 to {allowed[-1]}", f"change {name}")
    return np.array([np.nan if value is None else value for value in windows], dtype=np.float64)


def larch_ranges(energy: ArrayLike, e0: float, windows: Windows = LARCH) -> Ranges:
    """The windows that Larch's `pre_edge` (version 2026.3.1) would use.

    Parameters
    ----------
    energy
        `(energy,)`, eV, increasing.
    e0
        The edge, eV.
    windows
        The settings; None is Larch's default:

        - `pre1` is the second energy rounded to 5 eV (to 2 eV with 20 or fewer points below e0), at least the first;
        - `pre2` is half of `pre1`;
        - `norm2` is the last energy rounded to 5 eV, at most the last. A negative one is the last energy, too:
          Larch subtracts it from the end where it means to add it, and we stay with Larch;
        - `norm1` is a third of `norm2` rounded to 5 eV, at most 25, at most `norm2 - 2`;
        - `nnorm` is 2; 1 for a range below 300 eV, 0 below 30 eV.

        A window starts at the energy at or below its lower limit and ends before the energy nearest to its upper
        limit. Fewer than 3 points before the edge: a constant; fewer than 2 after it: a constant from two points
        more; fewer than 5: at most a line.

    Raises
    ------
    InputError
        An edge that is not between the second and the last but one energy (there Larch looks for another one), or
        windows without a point.

    Examples
    --------
    >>> larch_ranges(np.arange(7000, 7200, 2.0), 7112)
    Ranges(e0=7112.0, edge=56, pre_start=1, pre_stop=28, post_start=68, post_stop=98, npre=1, nvict=0, nnorm=1,
           pre1=-110.0, pre2=-55.0, norm1=25.0, norm2=85.0)
    """
    grid, _ = as_pixels(energy, energy)
    found = resolve(grid, float(e0), settings(windows))
    if found.edge < 0:
        raise InputError(
            f"an edge at {e0} eV in a scan from {grid[0]} to {grid[-1]} eV, {windows}",
            "points before and after the edge, inside of the scan",
            "give another e0 or other windows",
        )
    return Ranges(*(t(v) for t, v in zip((float, *(int,) * 8, *(float,) * 4), found, strict=True)))


@kernel
def index_of(energy: Any, value: Any) -> Any:
    """The index of the last energy at or below a value; 0 where there is none."""
    return max(0, np.searchsorted(energy, value, "right") - 1)


@kernel
def index_nearest(energy: Any, value: Any) -> Any:
    """The index of the energy nearest to a value, the lower of two."""
    above = min(len(energy) - 1, max(1, np.searchsorted(energy, value)))
    return above - 1 if abs(energy[above - 1] - value) <= abs(energy[above] - value) else above


@kernel
def resolve(energy: Any, e0: Any, given: Any) -> Any:
    """`larch_ranges` for one spectrum and `settings(windows)`; `edge` is -1 where nothing can be fitted."""
    n = len(energy)
    nothing = Ranges(e0, -1, 0, 0, 0, 0, 0, 0, 0, np.nan, np.nan, np.nan, np.nan)
    if n < 4 or not energy[1] <= e0 <= energy[-2]:
        return nothing
    edge = index_nearest(energy, e0)
    pre1, pre2, norm1, norm2 = _limits(energy, e0, edge, given)
    npre, nvict = int(given[6]), int(given[5])
    relative = energy - e0
    if index_of(relative, pre2) - index_of(relative, pre1) < 3:
        npre = 0
    if npre == 0:
        nvict = 0
    nnorm = int(given[4]) if given[4] >= 0 else 2 - int(norm2 - norm1 < 300) - int(norm2 - norm1 < 30)
    pre_start, pre_stop = index_of(energy, pre1 + e0), index_nearest(energy, pre2 + e0)
    if pre_stop == pre_start:
        pre_stop += 1
    post_start, post_stop = min(n - 3, index_of(energy, norm1 + e0)), index_nearest(energy, norm2 + e0)
    if post_stop - post_start < 2:
        post_start, nnorm = post_start - 2, 0
    elif post_stop - post_start < 5:
        nnorm = min(1, nnorm)
    if pre_stop <= pre_start or post_start < 0 or post_stop <= post_start:
        return nothing
    slices = (edge, pre_start, pre_stop, post_start, post_stop)
    return Ranges(e0, *slices, npre, nvict, nnorm, pre1, pre2, norm1, norm2)


@kernel
def _limits(energy: Any, e0: Any, edge: Any, given: Any) -> Any:
    """The limits of both windows, eV relative to e0."""
    first, last = energy[0] - e0, energy[-1] - e0
    pre1, pre2, norm1, norm2 = given[0], given[1], given[2], given[3]
    if np.isnan(pre1):
        unit = 5.0 if edge > 20 else 2.0
        pre1 = unit * np.rint((energy[1] - e0) / unit)
    pre1 = max(pre1, first)
    if np.isnan(pre2):
        pre2 = 0.5 * pre1
    if np.isnan(norm2):
        norm2 = 5.0 * np.rint(last / 5.0)
    norm2 = last if norm2 < 0 else min(norm2, last)
    if np.isnan(norm1):
        norm1 = min(25.0, 5.0 * np.rint(norm2 / 15.0))
    low, high = min(norm1, norm2), max(norm1, norm2)
    return min(pre1, pre2), max(pre1, pre2), min(low, high - 2.0), high
