"""What the spectral kernels share: the way in, groups of pixels with the same gaps, orthonormal functions.

The spectral kernels take `energy` (eV, increasing) and an energy-major block. An energy at which a pixel is not
finite does not exist for that pixel: it stays NaN, and the others are used as if it had never been measured.
Pixels that miss the same energies are computed together, whichever block they stand in.
Spectra come back in the dtype of the block, maps in float64.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.jit import kernel

Floats = NDArray[np.floating[Any]]
Doubles = NDArray[np.float64]


def as_pixels(energy: ArrayLike, block: ArrayLike, points: int = 2) -> tuple[Doubles, Floats]:
    """The energies, and the block as a C-contiguous `(energy, pixel)` array of float32 or float64.

    Nothing is copied where the block is C-contiguous and of one of these types already.

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
    grid = np.ascontiguousarray(energy, dtype=np.float64)
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
    return grid, np.ascontiguousarray(values, dtype=dtype).reshape(len(grid), -1)


@cache
def random_codes(rows: int, points: int) -> NDArray[np.int64]:
    """Fixed random numbers; their exclusive or is a key that tells sets of row and point apart."""
    return np.random.default_rng(0).integers(2**62, size=(rows, points))


@kernel
def gap_keys(values: Any, pixels: Any, codes: Any) -> Any:
    """A key for each of the pixels, the same where the same energies are missing; 0 where none is.

    Two patterns share a key with a probability of 1e-19.
    """
    keys = np.zeros(len(pixels), np.int64)
    for i in range(len(values)):
        row = values[i]
        for x in range(len(pixels)):
            if not np.isfinite(row[pixels[x]]):
                keys[x] ^= codes[i]
    return keys


@kernel
def next_group(keys: Any, start: Any) -> Any:
    """Where the run of equal keys ends that begins at `start`."""
    stop = start + 1
    while stop < len(keys) and keys[stop] == keys[start]:
        stop += 1
    return stop


@kernel
def gather(values: Any, points: Any, pixels: Any) -> Any:
    """`values[points][:, pixels]`."""
    part = np.empty((len(points), len(pixels)), values.dtype)
    for i in range(len(points)):
        row = values[points[i]]
        for x in range(len(pixels)):
            part[i, x] = row[pixels[x]]
    return part


@kernel
def scatter(part: Any, points: Any, pixels: Any, values: Any) -> None:
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
def orthonormalize(columns: Any, weight: Any, start: Any, stop: Any) -> None:
    """Make the rows of `columns` orthonormal in place, under the inner product `sum(weight a b)` of `start:stop`.

    Points outside `start:stop` undergo the same linear combinations, so that a row stays one function of energy.
    A row that depends on the rows before it becomes zero: a fit then does without it.
    """
    for k in range(len(columns)):
        row = columns[k]
        before = 0.0
        for i in range(start, stop):
            before += weight[i] * row[i] * row[i]
        for _ in range(2):  # Gram-Schmidt is accurate when it is done twice
            for j in range(k):
                other = columns[j]
                overlap = 0.0
                for i in range(start, stop):
                    overlap += weight[i] * row[i] * other[i]
                for i in range(len(row)):
                    row[i] -= overlap * other[i]
        size = 0.0
        for i in range(start, stop):
            size += weight[i] * row[i] * row[i]
        # Rounding leaves about 1e-32 of a dependent row.
        scale = 1 / np.sqrt(size) if size > 1e-20 * before else 0.0
        for i in range(len(row)):
            row[i] *= scale
