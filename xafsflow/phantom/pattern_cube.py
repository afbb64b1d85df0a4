"""A cube of diffraction patterns with a known answer: grains of compounds whose structure types are known."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xafsflow.crystals.compounds import Compound, compound
from xafsflow.crystals.pattern_table import AS_USUAL
from xafsflow.crystals.powder_patterns import (
    BACKGROUND_HIGH,
    BACKGROUND_LOW,
    Disturbances,
    PatternSettings,
    pattern_of,
)
from xafsflow.crystals.prototypes import chosen_types
from xafsflow.errors import InputError
from xafsflow.io.readers import ImageStack
from xafsflow.io.readers.lazy_stack import lazy_stack
from xafsflow.kernels.array_types import Doubles, Indices, Singles
from xafsflow.kernels.diffraction.peak_profiles import add_background
from xafsflow.phantom.cube import SimulatedImages, as_cube, band_rows
from xafsflow.phantom.sample import field, grain_cells, grain_maps
from xafsflow.phantom.seeds import generator, random_share
from xafsflow.vocabulary import MAP, attributes, cube_dims
from xafsflow.wavelengths import angstrom

if TYPE_CHECKING:
    import xarray as xr

SIX_TYPES = ("rocksalt", "fluorite", "rutile", "spinel", "perovskite", "corundum")
# Compounds of each type, in different grains.
OF_EACH = 3
# What differs from compound to compound; background and noise are those of the pixels.
PEAKS = Disturbances(background=(0.0, 0.0), counts=None, impurity=(0.0, 0.0), impure=0.0)
# Pixels: shares then go from .1 to .9 over .8 pixels, as under a beam that is a pixel wide.
BORDER = 0.36
# Share of the second type in grains of two.
SECOND = (0.3, 0.5)


@dataclass(frozen=True)
class PatternPhantom:
    """A sample of grains, each of one compound or two, whose diffraction is measured pixel by pixel.

    Parameters
    ----------
    size
        Rows and columns.
    types
        Structure types that the grains have.
    pattern
        Wavelength and angles.
    counts
        At the highest peak of a typical compound, where the illumination is at its mean. All compounds scatter the same
        intensity, so that those with few peaks have higher ones.
    background
        Least and largest height of the background at the low end of the angles, as a share of that peak; it varies
        smoothly over the field.
    illumination
        Relative spread of the illumination over the field.
    mixed
        Share of the grains that hold compounds of two types.
    grain
        Pixels from one grain to the next; None for five in the shorter side, and 4 at least.
    seed
        Another seed, other compounds, grains and noise.
    """

    size: tuple[int, int] = (48, 64)
    types: tuple[str, ...] = SIX_TYPES
    pattern: PatternSettings = AS_USUAL
    counts: float = 1000.0
    background: tuple[float, float] = (0.05, 0.3)
    illumination: float = 0.2
    mixed: float = 0.0
    grain: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        chosen_types(self.types)
        low, high = self.background
        rules = (
            ("size", min(self.size) >= 1, "1 row and 1 column or more"),
            ("types", len(self.types) > 0, "one or more"),
            ("counts", 0 < self.counts < np.inf, "more than 0"),
            ("background", 0 <= low <= high < np.inf, "the least and the largest, 0 or more"),
            ("illumination", 0 <= self.illumination <= 1, "from 0 to 1"),
            ("mixed", 0 <= self.mixed <= 1 and (self.mixed == 0 or len(self.types) > 1), "from 0 to 1; of two types"),
            ("grain", self.grain is None or 2 <= self.grain < np.inf, "2 pixels or more"),
            ("seed", self.seed >= 0, "0 or more"),
        )  # fmt: skip
        for name, good, wanted in rules:
            if not good:
                raise InputError(
                    f"a phantom of patterns with {name}={getattr(self, name)!r}", wanted, f"change {name}"
                )

    @property
    def grain_size(self) -> float:
        """Pixels from one grain to the next."""
        return max(4.0, min(self.size) / 5) if self.grain is None else self.grain

    @property
    def drift(self) -> tuple[float, float]:
        """The patterns of all pixels are taken at once: none."""
        return 0.0, 0.0


def as_pattern_cube(phantom: PatternPhantom, *, band: int | None = None) -> xr.Dataset:
    """The phantom's patterns as a lazy cube; nothing is simulated before it is computed.

    Parameters
    ----------
    phantom
        The settings.
    band
        Rows in a block; by default as many as fill about 6 MB. Counts do not depend on it.

    Returns
    -------
    Dataset
        `mu` (two_theta, y, x) float32, counts with the noise of counting; `flags` (y, x) of zero; `wavelength`, Angstrom.
        What the grains are made of is told by `pattern_truth` alone.

    Raises
    ------
    InputError
        Where `band` is less than 1.

    Examples
    --------
    >>> cube = as_pattern_cube(PatternPhantom(size=(8, 10), pattern=PatternSettings(step=0.1)), band=3)
    >>> dict(cube.sizes), cube.mu.data.numblocks
    ({'two_theta': 801, 'y': 8, 'x': 10}, (1, 3, 1))
    """
    import dask.array as da

    height, width = phantom.size
    rows = band_rows(band, 4 * phantom.pattern.points * width)
    bands = da.core.normalize_chunks((rows,), (height,))[0]
    mu = lazy_stack(PatternImages(phantom), (rows, width), shared=0)
    none = da.zeros((height, width), dtype=np.uint8, chunks=(bands, (width,)))
    variables = {
        "mu": (cube_dims("two_theta"), mu, attributes("mu")),
        "flags": (MAP, none, attributes("flags")),
        "wavelength": ((), angstrom(phantom.pattern.wavelength), attributes("wavelength")),
    }
    return as_cube(variables, "two_theta", phantom.pattern.two_theta, phantom.size)


def pattern_truth(phantom: PatternPhantom) -> dict[str, NDArray[np.generic]]:
    """What the grains are made of, which an analysis should find.

    Returns
    -------
    dict
        `types` (names), `first` (y, x), which of them has the largest share of the intensity above the background, `shares`
        (type, y, x); `compounds` (formulas) of all grains, and `kind` (compound), the place of their types.

    Examples
    --------
    >>> answer = pattern_truth(PatternPhantom(size=(8, 10)))
    >>> answer["shares"].shape, len(answer["compounds"])
    ((6, 8, 10), 18)
    """
    shares = _shares(phantom, np.arange(phantom.size[0]))
    by_type = shares.reshape(len(phantom.types), OF_EACH, *phantom.size).sum(axis=1)
    return {
        "types": np.array(phantom.types),
        "first": by_type.argmax(axis=0),
        "shares": by_type,
        "compounds": np.array([one.formula for one in compounds_of(phantom)]),
        "kind": np.repeat(np.arange(len(phantom.types)), OF_EACH),
    }


def compounds_of(phantom: PatternPhantom) -> list[Compound]:
    """What grains may be made of: `OF_EACH` compounds of each type, type by type."""
    # Not the seed itself: a library with the same seed would hold the very same compounds.
    seed = zlib.crc32(f"phantom {phantom.seed}".encode())
    return [compound(name, number, seed) for name in phantom.types for number in range(OF_EACH)]


@dataclass(frozen=True)
class PatternImages(SimulatedImages):
    """The counts of a phantom of patterns, as a stack of one image for each angle."""

    phantom: PatternPhantom

    @property
    def shape(self) -> tuple[int, int, int]:
        """Angles, rows, columns."""
        return (self.phantom.pattern.points, *self.phantom.size)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Of the pixels."""
        return np.dtype(np.float32)

    def take(self, order: Sequence[int]) -> ImageStack:
        """The angles are in order."""
        raise ValueError("the angles of a phantom are in their order")

    def made(self, start: int, stop: int) -> NDArray[np.generic]:
        """A band of rows of every image, (angles, stop - start, columns)."""
        found = np.empty((self.shape[0], stop - start, self.shape[2]), np.float32)
        for y in range(start, stop):
            found[:, y - start] = _counted_row(self.phantom, y).T
        return found


def _counted_row(phantom: PatternPhantom, y: int) -> NDArray[np.int64]:
    """Counts of a row `(x, two_theta)`."""
    rows, columns = np.array([float(y)]), np.arange(float(phantom.size[1]))
    low, high = phantom.background
    light = phantom.counts * np.exp(phantom.illumination * field(phantom, "light", rows, columns, 3.0)[0])
    # tanh keeps the level in its range.
    level = 0.5 + 0.5 * np.tanh(0.9 * field(phantom, "background", rows, columns, 2.0)[0])
    peaks, ground = _pure(phantom)
    # A row is made at once and whole, whatever the block, so that its sums have the same last digit.
    mean = _shares(phantom, np.array([y]))[:, 0].T @ peaks + (low + (high - low) * level[:, None]) * ground
    rng = np.random.default_rng([phantom.seed, zlib.crc32(b"counts"), y])
    return rng.poisson(light[:, None] * mean)


@lru_cache(maxsize=4)
def _pure(phantom: PatternPhantom) -> tuple[Doubles, Doubles]:
    """Peaks of every compound `(compound, two_theta)`, all of one area, and the background, 1 at the low end."""
    rng, pattern = generator(phantom, "patterns"), phantom.pattern
    peaks = np.stack([pattern_of(one, pattern, PEAKS, rng) for one in compounds_of(phantom)]).astype(
        np.float64
    )
    peaks /= peaks.sum(axis=1, keepdims=True)
    peaks /= np.median(peaks.max(axis=1))
    ground = np.zeros(pattern.points, np.float32)
    add_background(ground, 1.0, pattern.high - pattern.low, rng.uniform(BACKGROUND_LOW, BACKGROUND_HIGH))
    return peaks, ground.astype(np.float64)


def _shares(phantom: PatternPhantom, y: Indices) -> Singles:
    """Share of each compound in the intensity of rows `(compound, y, x)`."""
    columns = np.arange(float(phantom.size[1]))
    content, blend = _grain_contents(phantom), BORDER / phantom.grain_size
    return grain_maps(phantom, y.astype(float), columns, content, blend)[0].astype(np.float32)


@lru_cache(maxsize=4)
def _grain_contents(phantom: PatternPhantom) -> Doubles:
    """What each grain is made of `(cell, cell, compound)`: one, or two of different types."""
    cells, kinds = grain_cells(phantom), len(phantom.types)
    one, other, which, mixed, part = (
        random_share(phantom, f"grain {what}", *cells) for what in ("type", "other", "compound", "mixed", "share")
    )  # fmt: skip
    first = (kinds * one).astype(int)
    second = (first + 1 + ((kinds - 1) * other).astype(int)) % kinds
    member = (OF_EACH * which).astype(int)
    share = np.where(mixed < phantom.mixed, SECOND[0] + (SECOND[1] - SECOND[0]) * part, 0.0)[..., None]
    every = np.eye(kinds * OF_EACH)
    return np.asarray(
        (1 - share) * every[first * OF_EACH + member] + share * every[second * OF_EACH + member]
    )
