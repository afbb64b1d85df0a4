"""Shared by the spectral kernels: check of the input, groups of pixels with the same gaps, orthonormal functions.

The spectral kernels take `energy` (eV, increasing) and an energy-major block. An energy at which a pixel is
not finite does not exist for that pixel: it stays NaN, and the others are used as if it had never been
measured. Pixels that miss the same energies are computed together; the result of a pixel does not depend on
which others stand in its block. Spectra come back in the dtype of the block, maps in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Mask
from xafsflow.kernels.jit import kernel

LONG = 128  # pixels; gathering fewer is cheaper than a round of the kernels for them


def as_pixels(energy: ArrayLike, block: ArrayLike, points: int = 2) -> tuple[Doubles, Floats]:
    """The energies, and the block as a C-contiguous `(energy, pixel)` array of float32 or float64.

    Nothing is copied where the block is C-contiguous, writable and of one of these types already.

    Parameters
    ----------
    energy
        `(energy,)`, eV, increasing.
    block
        `(energy, ...)`: a cube, a row of it, or one spectrum.
    points
        The fewest energies that make sense.

    Raises
    ------
    InputError
        Energies that do not increase, do not fit to the block, or are too few.

    Examples
    --------
    >>> as_pixels([1, 2], np.zeros((2, 3, 4), np.float32))[1].shape
    (2, 12)
    """
    grid = np.require(energy, np.float64, ["C", "W"])
    values = np.asarray(block)
    if grid.ndim != 1 or values.shape[:1] != grid.shape:
        raise InputError(
            f"energies of shape {grid.shape} for spectra of shape {values.shape}",
            "one energy an image, and the energy as first dimension",
            "check the energies against the images",
        )
    if len(grid) < points:
        raise InputError(f"{len(grid)} energies", f"{points} or more", "give a scan with more energies")
    if not (np.isfinite(grid).all() and (np.diff(grid) > 0).all()):
        raise InputError("energies that do not increase", "increasing energies in eV", "sort the scan")
    dtype = values.dtype if values.dtype in (np.float32, np.float64) else np.dtype(np.float64)
    # Read-only arrays are another type to numba: a copy takes a millisecond, compiling again takes seconds.
    return grid, np.require(values, dtype, ["C", "W"]).reshape(len(grid), -1)


def gap_groups(values: Floats, pixels: Indices) -> Iterator[tuple[Indices, Indices]]:
    """The pixels that miss the same energies, with the indices of the energies they have.

    Examples
    --------
    >>> for points, members in gap_groups(np.array([[1, 2, np.nan], [3, 4, 5]]), np.arange(3)):
    ...     print(points, members)
    [0 1] [0 1]
    [1] [2]
    """
    rows = np.flatnonzero(rows_with_gaps(values))
    if len(rows) == 0 and len(pixels) > 0:
        yield np.arange(len(values)), pixels
        return
    for members in grouped(pixels, gap_keys(values, rows, random_codes(len(values)))[pixels]):
        yield np.flatnonzero(np.isfinite(values[:, members[0]])), members


def grouped(pixels: Indices, keys: Indices) -> list[Indices]:
    """The pixels of equal keys, in order.

    Examples
    --------
    >>> grouped(np.array([10, 11, 12]), np.array([7, 5, 7]))
    [array([11]), array([10, 12])]
    """
    if len(pixels) == 0:
        return []
    if (keys == keys[0]).all():
        return [pixels]
    order = np.argsort(keys, kind="stable")
    return np.split(pixels[order], np.flatnonzero(np.diff(keys[order])) + 1)


@cache
def random_codes(count: int) -> Indices:
    """Fixed random numbers. Two sets of them have the same exclusive or with a probability of 1e-19."""
    return np.random.default_rng(0).integers(2**62, size=count)


@kernel
def rows_with_gaps(values: Floats) -> Mask:
    """True for each energy at which some pixel is not finite."""
    found = np.zeros(len(values), np.bool_)
    limit = values.dtype.type(np.inf)
    for i in range(len(values)):
        row = values[i]
        # A whole number is summed several pixels at a time, a float one after the other.
        count = np.int32(0)
        for x in range(len(row)):
            count += np.int32(0) if abs(row[x]) < limit else np.int32(1)
        found[i] = count > 0
    return found


@kernel
def gap_keys(values: Floats, rows: Indices, codes: Indices) -> Indices:
    """A key for each pixel, the same where the same energies are missing, which are among `rows`; 0 where none is."""
    keys = np.zeros(values.shape[1], np.int64)
    limit = values.dtype.type(np.inf)
    for i in rows:
        row, code = values[i], codes[i]
        for x in range(len(row)):
            keys[x] ^= np.int64(0) if abs(row[x]) < limit else code
    return keys


@kernel
def mark_gaps(gaps: Floats, a: Floats, b: Floats, c: Floats, d: Floats) -> None:
    """Add NaN to `gaps` where one of four rows is not finite, else 0."""
    zero = gaps.dtype.type(0)
    for x in range(len(gaps)):
        gaps[x] += zero * a[x] + zero * b[x] + zero * c[x] + zero * d[x]


@kernel
def gather(values: Floats, points: Indices, pixels: Indices) -> Floats:
    """`values[points][:, pixels]`."""
    part = np.empty((len(points), len(pixels)), values.dtype)
    for i in range(len(points)):
        row = values[points[i]]
        for x in range(len(pixels)):
            part[i, x] = row[pixels[x]]
    return part


@kernel
def scatter(part: Floats, points: Indices, pixels: Indices, values: Floats) -> None:
    """`values[points][:, pixels] = part`, and NaN at the other points of these pixels."""
    k = 0
    for i in range(len(values)):
        row = values[i]
        if k < len(points) and points[k] == i:
            for x in range(len(pixels)):
                row[pixels[x]] = part[k, x]
            k += 1
        else:
            for x in range(len(pixels)):
                row[pixels[x]] = np.nan


@kernel
def chunk_of(members: Indices, start: int, most: int) -> tuple[int, bool]:
    """Where a chunk of at most `most` of the increasing pixels ends, and whether it has no holes.

    A chunk without holes is worked on where it lies, others are gathered first; short ones are not worth a chunk.
    """
    stop = start + 1
    while stop < len(members) and stop - start < most and members[stop] == members[stop - 1] + 1:
        stop += 1
    if stop == len(members) or stop - start >= min(most, LONG):
        return stop, True
    return min(start + most, len(members)), False


@kernel
def orthonormalize(rows: Doubles, weight: Doubles) -> None:
    """Make rows orthonormal in place, under the inner product `sum(weight a b)`.

    A row that depends on the rows before it becomes zero: a fit then does without it.
    """
    for k in range(len(rows)):
        before = inner(rows[k], rows[k], weight)
        for _ in range(2):  # Gram-Schmidt is accurate when it is done twice
            for j in range(k):
                overlap = inner(rows[k], rows[j], weight)
                for i in range(len(weight)):
                    rows[k, i] -= overlap * rows[j, i]
        size = inner(rows[k], rows[k], weight)
        # Rounding leaves about 1e-32 of a dependent row.
        scale = 1 / np.sqrt(size) if size > 1e-20 * before else 0.0
        for i in range(len(weight)):
            rows[k, i] *= scale


@kernel
def inner(a: Doubles, b: Doubles, weight: Doubles) -> float:
    """`sum(weight a b)`."""
    total = 0.0
    for i in range(len(weight)):
        total += weight[i] * a[i] * b[i]
    return total
