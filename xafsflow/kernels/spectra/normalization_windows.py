"""Where the pre-edge and post-edge fits of a spectrum look: Larch's defaults, index rules and rounding."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Indices
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.spectra.pixel_groups import as_pixels

MAX_NNORM = 5

# Where each setting and each index stands in the arrays that kernels take.
PRE1, PRE2, NORM1, NORM2, DEGREE, VICTOREEN, PRE_DEGREE, ORDER = range(8)
EDGE, PRE_START, PRE_STOP, POST_START, POST_STOP, NPRE, NVICT, NNORM = range(8)


class Windows(NamedTuple):
    """The settings of the pre-edge and post-edge fits, named as in Larch; None is its default.

    `pre1`, `pre2`, `norm1`, `norm2` are eV relative to e0, `nnorm` is the degree of the post-edge polynomial,
    `nvict` the exponent of the Victoreen pre-edge (the line is fitted to `mu energy^nvict`), `npre` the
    degree of the pre-edge: 1 a line, 0 a constant.
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
    """The windows of one spectrum, eV relative to e0, and the slices of its energies and the degrees that they mean.

    `edge` is the index of the energy nearest to e0.
    """

    pre1: float
    pre2: float
    norm1: float
    norm2: float
    edge: int
    pre_start: int
    pre_stop: int
    post_start: int
    post_stop: int
    npre: int
    nvict: int
    nnorm: int


def settings(windows: Windows) -> Doubles:
    """The settings as numbers for a kernel, NaN for None.

    Raises
    ------
    InputError
        A degree or exponent out of range, or a limit that is not finite.

    Examples
    --------
    >>> settings(Windows(pre1=-100, nnorm=1))
    array([-100.,   nan,   nan,   nan,    1.,    0.,    1.])
    >>> settings(Windows(nnorm=7))
    Traceback (most recent call last):
    xafsflow.errors.InputError: Found nnorm 7. Expected a whole number from 0 to 5. Change nnorm.
    """
    for name, highest in (("nnorm", MAX_NNORM), ("nvict", 4), ("npre", 1)):
        value = getattr(windows, name)
        if value not in range(highest + 1) and not (name == "nnorm" and value is None):
            raise InputError(f"{name} {value}", f"a whole number from 0 to {highest}", f"change {name}")
    for name, limit in zip(windows._fields[:4], windows[:4], strict=True):
        if limit is not None and not np.isfinite(limit):
            raise InputError(f"{name} {limit}", "eV relative to e0, or None", f"change {name}")
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

        - `pre1`: the second energy, rounded to 5 eV (2 eV with 20 or fewer points below e0), at least the
          first;
        - `pre2`: half of `pre1`;
        - `norm2`: the last energy, rounded to 5 eV, at most the last. A negative one is the last energy, too:
          Larch subtracts it from the end where it means to add it, and we stay with Larch;
        - `norm1`: a third of `norm2`, rounded to 5 eV, at most 25, at most `norm2 - 2`;
        - `nnorm`: 2; 1 for a range below 300 eV, 0 below 30 eV.

        A window starts at the energy at or below its lower limit and ends before the energy nearest to its
        upper limit. Fewer than 3 points before the edge: a constant; fewer than 2 after it: a constant from
        two points more; fewer than 5: at most a line.

    Raises
    ------
    InputError
        An edge that is not between the second and the last but one energy (there Larch looks for another
        one), windows without a point, or settings out of range.

    Examples
    --------
    >>> larch_ranges(np.arange(7000, 7200, 2.0), 7112)
    Ranges(pre1=-110.0, pre2=-55.0, norm1=25.0, norm2=85.0, edge=56, pre_start=1, pre_stop=28,
           post_start=68, post_stop=98, npre=1, nvict=0, nnorm=1)
    """
    grid, _ = as_pixels(energy, energy)
    limits, slices = resolve(grid, float(e0), settings(windows))
    if slices[EDGE] < 0:
        raise InputError(
            f"an edge at {e0:g} eV and a scan from {grid[0]:g} to {grid[-1]:g} eV ({len(grid)} energies)",
            "an edge inside of the scan, with energies below and above it",
            "give the e0 of the scan's element, in eV, or windows with energies in them",
        )
    return Ranges(*limits.tolist(), *slices.tolist())


def check_windows(energy: Doubles, e0: float, windows: Windows) -> None:
    """Refuse windows that someone gave and that hold too few energies: Larch fits something else then, without a word.

    Parameters
    ----------
    energy
        `(energy,)`, eV, increasing.
    e0
        The edge, eV.
    windows
        Those with both limits None are not looked at. Limits may be in either order.

    Raises
    ------
    InputError
        No energy in the pre-edge window, or fewer than the post-edge polynomial needs.

    Examples
    --------
    >>> check_windows(np.arange(7050, 7300, 2.0), 7112, Windows(pre1=-200, pre2=-150))
    Traceback (most recent call last):
    xafsflow.errors.InputError: Found 0 energies in the pre-edge window, pre1 to pre2: 6912 to 6962 eV. ...
    """
    ranges = larch_ranges(energy, e0, windows)
    below, above = energy[0] - e0, energy[-1] - e0
    for name, names, degree, reach in (
        # A constant is fitted to a pre-edge of few energies
        ("pre-edge", ("pre1", "pre2"), 0, (below, 0.0)),
        ("post-edge", ("norm1", "norm2"), windows.nnorm or 0, (0.0, above)),
    ):
        if all(getattr(windows, one) is None for one in names):
            continue
        # A limit that is left to Larch is no one's mistake: the window reaches to the end of the scan
        ends = (energy[0] - e0, ranges.pre2) if name == "pre-edge" else (ranges.norm1, energy[-1] - e0)
        given = [getattr(windows, one) for one in names]
        low, high = sorted(e0 + (end if one is None else one) for one, end in zip(given, ends, strict=True))
        held, least = int(((energy >= low) & (energy <= high)).sum()), degree + 1
        if held < least:
            count = f"{held} energ{'y' if held == 1 else 'ies'}"
            raise InputError(
                f"{count} in the {name} window, {names[0]} to {names[1]}: {low:g} to {high:g} eV",
                f"{least} or more; the scan goes from {energy[0]:g} to {energy[-1]:g} eV",
                f"give {names[0]} and {names[1]} between {reach[0]:g} and {reach[1]:g} eV from e0 = {e0:g} eV",
            )


# Points before the edge, as Larch counts them, from which on a line is fitted to them.
LINE = 3


@kernel
def resolve(energy: Doubles, e0: float, given: Doubles, line: int = LINE) -> tuple[Doubles, Indices]:
    """The limits and the indices of `Ranges`; `edge` is -1 where nothing can be fitted.

    `line` is `LINE`, or one less where energies are missing, see `least_for_line`.
    """
    n = len(energy)
    limits, slices = np.full(4, np.nan), np.zeros(8, np.int64)
    slices[EDGE] = -1
    if n < 4 or not energy[1] <= e0 <= energy[-2]:
        return limits, slices
    edge = nearest(energy, e0)
    _limit(energy, e0, edge, given, limits)
    pre1, pre2, norm1, norm2 = limits
    npre, nvict = int(given[PRE_DEGREE]), int(given[VICTOREEN])
    if _at_or_below(energy, e0, pre2) - _at_or_below(energy, e0, pre1) < line:
        npre = 0
    if npre == 0:
        nvict = 0
    nnorm = 2 - int(norm2 - norm1 < 300) - int(norm2 - norm1 < 30)
    if not np.isnan(given[DEGREE]):
        nnorm = int(given[DEGREE])
    pre_start, pre_stop = below(energy, pre1 + e0), nearest(energy, pre2 + e0)
    if pre_stop == pre_start:
        pre_stop += 1
    post_start, post_stop = min(n - 3, below(energy, norm1 + e0)), nearest(energy, norm2 + e0)
    if post_stop - post_start < 2:
        post_start, nnorm = post_start - 2, 0
    elif post_stop - post_start < 5:
        nnorm = min(1, nnorm)
    if pre_start < pre_stop and 0 <= post_start < post_stop:
        slices[EDGE], slices[PRE_START], slices[PRE_STOP] = edge, pre_start, pre_stop
        slices[POST_START], slices[POST_STOP] = post_start, post_stop
        slices[NPRE], slices[NVICT], slices[NNORM] = npre, nvict, nnorm
    return limits, slices


def least_for_line(energy: Doubles, given: Doubles, e0: float) -> int:
    """Points, as Larch counts them, from which on a spectrum that misses energies gets the line that the whole scan gets.

    Moving the spectra along the energies costs those at one end. Where that made a constant out of the line, pixels on one
    side of the field were normalized otherwise than the references and the others: the slope of the sample's pre-edge
    stayed in their spectra (chi-square 2.3 in place of 1.0 on a scan of 60 energies). Three points still bear a line.
    """
    _, slices = resolve(energy, e0, given)
    return LINE - int(slices[EDGE] >= 0 and slices[NPRE] == 1)


@kernel
def _limit(energy: Doubles, e0: float, edge: int, given: Doubles, limits: Doubles) -> None:
    first, last = energy[0] - e0, energy[-1] - e0
    pre1, pre2, norm1, norm2 = given[PRE1], given[PRE2], given[NORM1], given[NORM2]
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
    limits[PRE1], limits[PRE2] = min(pre1, pre2), max(pre1, pre2)
    limits[NORM2] = max(norm1, norm2)
    limits[NORM1] = min(norm1, norm2, limits[NORM2] - 2.0)


@kernel
def below(energy: Doubles, value: float) -> int:
    """The index of the last energy at or below a value; 0 where there is none."""
    low, high = 0, len(energy)
    while low < high:
        middle = (low + high) // 2
        if energy[middle] <= value:
            low = middle + 1
        else:
            high = middle
    return max(0, low - 1)


@kernel
def nearest(energy: Doubles, value: float) -> int:
    """The index of the energy nearest to a value, the lower of two."""
    lower = min(below(energy, value), len(energy) - 2)
    return lower if abs(energy[lower] - value) <= abs(energy[lower + 1] - value) else lower + 1


@kernel
def _at_or_below(energy: Doubles, e0: float, limit: float) -> int:
    """As `below`, but of `energy - e0`, as Larch rounds it where it counts the points before the edge."""
    found = below(energy, limit + e0)
    if found + 1 < len(energy) and energy[found + 1] - e0 <= limit:
        return found + 1
    return max(0, found - 1 if energy[found] - e0 > limit else found)


@kernel
def window_keys(energy: Doubles, e0: Doubles, given: Doubles, codes: Indices) -> Indices:
    """A key for each of many e0, the same where the indices of `Ranges` are."""
    keys = np.zeros(len(e0), np.int64)
    for pixel in range(len(e0)):
        _, slices = resolve(energy, e0[pixel], given)
        if slices[EDGE] >= 0:
            for k in range(len(slices)):
                keys[pixel] ^= codes[k * len(energy) + slices[k]]
    return keys
