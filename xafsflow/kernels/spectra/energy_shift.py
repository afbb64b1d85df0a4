"""Move every pixel's spectrum to the common energies: one interpolation, on any grid, and what it does to noise.

A pixel's true energy is the nominal one plus its shift, so its spectrum at the energy `E` stands at the nominal
energy `E - shift`. Inner loops run over a strip of pixels; where its shifts reach over several intervals of the grid, each
interval takes its own pixels.
"""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Mask, Singles
from xafsflow.kernels.jit import kernel

f32 = np.float32
# Added below the last energy, eV, so that an unmoved spectrum keeps it.
LEAST_EV = 1e-6
# Pixels in a strip, whatever rows they stand in: finding the weights is nothing beside the pixels that take them, and
# what one energy needs stays in the first level cache.
STRIP = 1024


@kernel
def move(energy: Doubles, values: Singles, shift: Singles, cubic: bool = True, power: int = 1) -> Singles:
    """Spectra at `energy - shift`, NaN where that is not between the first and the last energy.

    Cubic: the polynomial through the four energies around the place (Lagrange), at either end of the scan through
    the outermost four; exact for cubics on any grid. Where one of the outer two is NaN, and with `cubic` False, the
    line between the inner two. An energy with weight zero may be NaN.

    Parameters
    ----------
    energy
        `(energy,)`, float64, increasing, eV.
    values
        `(energy, y, x)`, float32.
    shift
        `(y, x)`, float32, eV; NaN gives NaN.
    cubic
        False for straight lines.
    power
        2 takes the squares of the weights: variances of independent energies become those of the result, `sum w^2 sigma^2`
        (neighboring energies share measured ones, and are correlated from then on).

    Returns
    -------
    ndarray
        As `values`.

    Examples
    --------
    >>> energy = np.array([0.0, 1.0, 3.0, 4.0])
    >>> cube = (energy**2).astype(np.float32).reshape(4, 1, 1)
    >>> move(energy, cube, np.full((1, 1), 0.5, np.float32)).ravel().round(5)
    array([ nan,  0.25,  6.25, 12.25], dtype=float32)
    """
    n = energy.size
    own, shifts = values.reshape(n, shift.size), shift.reshape(-1)
    out = np.empty(own.shape, np.float32)
    gaps = np.empty(n, np.bool_)
    for begin in range(0, shifts.size, STRIP):
        part = slice(begin, min(begin + STRIP, shifts.size))
        for k in range(n):
            out[k, part] = f32(np.nan)
            gaps[k] = _has_gap(own[k, part])
        low, high = _span(shifts[part])
        if n >= 2 and low <= high:
            _move_strip(energy, own, shifts, part, (low, high), gaps, cubic and n >= 4, power, out)
    return out.reshape(values.shape)


@kernel
def _move_strip(
    energy: Doubles,
    values: Singles,
    shift: Singles,
    part: slice,
    span: tuple[np.float32, np.float32],
    gaps: Mask,
    cubic: bool,
    power: int,
    out: Singles,
) -> None:
    """Fill `out[:, part]`, which is NaN, from `values` (energy, pixel); `span` holds the shifts of the part."""
    n, (low, high), row = energy.size, span, shift[part]
    nodes, scales = np.empty(4, np.float32), np.empty(4, np.float32)
    for k in range(n):
        first = max(0, np.searchsorted(energy, energy[k] - high, "right") - 2)
        last = min(n - 2, np.searchsorted(energy, energy[k] - low, "right"))
        for j in range(first, last + 1):
            start, stop = f32(energy[k] - energy[j]), f32(energy[k] - energy[j + 1])
            if j == n - 2:
                stop -= f32(LEAST_EV)
            if start < low or stop >= high:
                continue
            a = min(max(j - 1, 0), n - 4)
            if cubic:
                _through(energy[a : a + 4], energy[k], nodes, scales)
                v0, v1 = values[a, part], values[a + 1, part]
                v2, v3 = values[a + 2, part], values[a + 3, part]
                if power == 1:
                    _cubic(nodes, scales, v0, v1, v2, v3, row, start, stop, out[k, part])
                else:
                    _cubic_squares(nodes, scales, v0, v1, v2, v3, row, start, stop, out[k, part])
                if not gaps[a : a + 4].any():
                    continue
            width = f32(1.0 / (energy[j + 1] - energy[j]))
            _linear(width, values[j, part], values[j + 1, part], row, start, stop, power, out[k, part])


def covered(energy: Doubles, shift: Floats) -> Mask:
    """Which of the energies `(energy,)` every pixel covers after it was moved, bool; NaN shifts do not count.

    Examples
    --------
    >>> covered(np.arange(5.0), np.array([[-1.5, 0.5]]))
    array([False,  True,  True, False, False])
    """
    found = np.asarray(shift)[np.isfinite(shift)]
    low, high = (found.min(), found.max()) if found.size else (0.0, 0.0)
    return (energy >= energy[0] + max(0.0, high)) & (energy <= energy[-1] + min(0.0, low))


@kernel
def _span(row: Singles) -> tuple[np.float32, np.float32]:
    """The least and the largest finite value of a row."""
    low, high = f32(np.inf), f32(-np.inf)
    for x in range(row.size):
        if np.isfinite(row[x]):
            low, high = min(low, row[x]), max(high, row[x])
    return low, high


@kernel
def _has_gap(row: Singles) -> np.bool_:
    # A whole number is summed several pixels at a time, a float one after the other.
    count = np.int32(0)
    for x in range(row.size):
        count += np.int32(0) if abs(row[x]) < f32(np.inf) else np.int32(1)
    return count > 0


@kernel
def _through(energy: Doubles, place: float, nodes: Singles, scales: Singles) -> None:
    """Distances of four energies from a place, and the denominators of their Lagrange polynomials."""
    # Formed in float64: an energy of 7112 eV in float32 is good to 0.0005 eV only.
    for m in range(4):
        product = 1.0
        for other in range(4):
            if other != m:
                product *= energy[m] - energy[other]
        nodes[m], scales[m] = f32(place - energy[m]), f32(1.0 / product)


@kernel
def _linear(
    width: np.float32,
    below: Singles,
    above: Singles,
    shift: Singles,
    start: np.float32,
    stop: np.float32,
    power: int,
    out: Singles,
) -> None:
    """Fill the pixels that are NaN and whose place lies between two energies."""
    square, zero = f32(power - 1), f32(0)
    single = f32(1) - square
    for x in range(out.size):
        s, before, low, high = shift[x], out[x], below[x], above[x]
        part = (start - s) * width
        rest = f32(1) - part
        # 0 * NaN is NaN: an energy that does not count is left out.
        low, high = zero if rest == zero else low, zero if part == zero else high
        found = rest * (single + square * rest) * low + part * (single + square * part) * high
        wanted = (s <= start) & (s > stop) & np.isnan(before)
        out[x] = found if wanted else before


@kernel
def _cubic(
    nodes: Singles,
    scales: Singles,
    v0: Singles,
    v1: Singles,
    v2: Singles,
    v3: Singles,
    shift: Singles,
    start: np.float32,
    stop: np.float32,
    out: Singles,
) -> None:
    """Fill the pixels whose place lies in an interval by the cubic through four energies; a NaN there gives NaN."""
    # Everything is loaded before it is chosen from; a load behind a condition keeps the loop from SIMD.
    d0, d1, d2, d3 = nodes[0], nodes[1], nodes[2], nodes[3]
    c0, c1, c2, c3 = scales[0], scales[1], scales[2], scales[3]
    for x in range(out.size):
        s, before = shift[x], out[x]
        t0, t1, t2, t3 = d0 - s, d1 - s, d2 - s, d3 - s
        low, high = t0 * t1, t2 * t3
        w0, w1, w2, w3 = c0 * t1 * high, c1 * t0 * high, c2 * low * t3, c3 * low * t2
        found = (w0 * v0[x] + w1 * v1[x]) + (w2 * v2[x] + w3 * v3[x])
        inside = (s <= start) & (s > stop)
        out[x] = found if inside else before


@kernel
def _cubic_squares(
    nodes: Singles,
    scales: Singles,
    v0: Singles,
    v1: Singles,
    v2: Singles,
    v3: Singles,
    shift: Singles,
    start: np.float32,
    stop: np.float32,
    out: Singles,
) -> None:
    """As `_cubic`, with the squares of the weights; a loop of its own, since choosing costs a third of the speed."""
    d0, d1, d2, d3 = nodes[0], nodes[1], nodes[2], nodes[3]
    c0, c1, c2, c3 = scales[0], scales[1], scales[2], scales[3]
    for x in range(out.size):
        s, before = shift[x], out[x]
        t0, t1, t2, t3 = d0 - s, d1 - s, d2 - s, d3 - s
        low, high = t0 * t1, t2 * t3
        w0, w1, w2, w3 = c0 * t1 * high, c1 * t0 * high, c2 * low * t3, c3 * low * t2
        found = (w0 * w0 * v0[x] + w1 * w1 * v1[x]) + (w2 * w2 * v2[x] + w3 * w3 * v3[x])
        inside = (s <= start) & (s > stop)
        out[x] = found if inside else before
