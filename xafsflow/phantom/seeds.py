"""Random numbers of a phantom: by use, and by row and column, so that any part can be made on its own."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles, Indices, Singles, Uint64s
from xafsflow.kernels.images.phantom_images import mix, normal_row
from xafsflow.phantom.settings import Phantom

# Rows that are made at a time.
BAND = 64

Scalar = TypeVar("Scalar", bound=np.generic)


class Seeded(Protocol):
    """What random numbers are drawn for."""

    @property
    def seed(self) -> int:
        """Another seed, other numbers."""
        ...


def row_keys(phantom: Seeded, what: str, y: Indices) -> Uint64s:
    """A random uint64 for each row, different for each use `what`."""
    purpose = np.array([zlib.crc32(what.encode()), phantom.seed % 2**64], np.uint64)
    start = mix(mix(purpose[:1]) + purpose[1:])
    return mix(start + mix(y.astype(np.uint64)))


def of_repeat(phantom: Phantom, what: str) -> str:
    """The use `what` of random numbers that are others in each repeat of a measurement."""
    return f"{what} repeat {phantom.repeat}" if phantom.repeat else what


def random_bits(phantom: Seeded, what: str, y: Indices, x: Indices) -> Uint64s:
    """Random uint64 of rows and columns, `(y, x)`; a place's number depends on its row and column only."""
    return mix(row_keys(phantom, what, y)[:, None] + mix(x.astype(np.uint64)))


def generator(phantom: Seeded, what: str) -> np.random.Generator:
    """Random numbers for the whole phantom, different for each use `what`."""
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence([phantom.seed, zlib.crc32(what.encode())]))
    )


def random_share(phantom: Seeded, what: str, y: Indices, x: Indices) -> Doubles:
    """Evenly distributed numbers from 0 to 1, as `random_bits`."""
    return np.asarray((random_bits(phantom, what, y, x) >> np.uint64(11)) * 2.0**-53)


def random_normal(phantom: Seeded, what: str, y: Indices, x: Indices) -> Singles:
    """Standard normal numbers, as `random_bits`."""
    bits = random_bits(phantom, what, y, x)
    numbers = np.empty(bits.shape, np.float32)
    # Row by row: a pixel's place in the vector unit, and with it its last digit, is then always the same.
    for row, out in zip(bits, numbers, strict=True):
        normal_row(row, out)
    return numbers


def in_bands(make: Callable[[Indices], NDArray[Scalar]], y: Indices) -> NDArray[Scalar]:
    """Maps `(..., y, x)` of many rows, made band by band, so that what is needed on the way stays small."""
    first = make(y[:BAND])
    if y.size <= BAND:
        return first
    whole = np.empty((*first.shape[:-2], y.size, first.shape[-1]), first.dtype)
    whole[..., :BAND, :] = first
    for start in range(BAND, y.size, BAND):
        whole[..., start : start + BAND, :] = make(y[start : start + BAND])
    return whole
