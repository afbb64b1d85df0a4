"""From a cube to the mean spectra of the tiles of its field, from thin bands of its rows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from xafsflow.blocks.field import values_over_field
from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks, part_of
from xafsflow.blocks.program import program_of
from xafsflow.blocks.scan_numbers import values_at
from xafsflow.calibration.thin_bands import bands_a_tile, half_width, rows_of_bands, some_of
from xafsflow.calibration.unusable_pixels import unusable
from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.findings.calibrate_findings import EdgeOverField, PixelCounts
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Mask
from xafsflow.kernels.images import field_surface as surface
from xafsflow.kernels.images.tile_means import FATES, step_weights, tile_edges, tile_sums
from xafsflow.vocabulary import MAP

# Tiles along the longer side, and the least side of a tile in pixels, where none is asked for.
TILES, LEAST_TILE = 12, 4
# Rows from which the typical step of a pixel is learned.
SAMPLED_ROWS = 12
# A tile with a smaller share of good pixels is left out; a larger share of bad ones gives a warning.
LEAST_SHARE, WARNED_SHARE = 0.2, 0.02
# Strips of more rows than this are not decoded for a band of two.
MOST_STRIP = 4
# So many times the rows are twice as many.
TWICE = 2.1


@dataclass(frozen=True, eq=False)
class Tiles:
    """Mean spectra `mu` (tile, energy) of tiles, from `count` (tile,) pixels around `v`, `u` (-1 to 1 over the field).

    `place` (tile,) are their numbers among all of `grid`, rows by columns; `pixels` counts the pixels that were read;
    `half` are half widths of a tile along y and x on the scale of `v` and `u`, such that its pixels' scatter is right.
    """

    energy: Doubles
    mu: Doubles
    count: Doubles
    v: Doubles
    u: Doubles
    place: Indices
    grid: tuple[int, int]
    shape: tuple[int, int]
    pixels: PixelCounts
    half: tuple[float, float]

    @property
    def variance(self) -> Doubles:
        """Up to a factor: photon statistics of a transmission, `(1 + exp(mu)) / pixels`, `(tile, energy)`."""
        return np.asarray((1 + np.exp(np.clip(self.mu, -20, 20))) / self.count[:, None])

    def edge_over_field(
        self, values: Doubles, error: Doubles, covariance: Doubles | None = None
    ) -> EdgeOverField:
        """E0 of the tiles against a standard's, as a map and as a plane through it.

        Parameters
        ----------
        values, error
            `(tile,)`, eV.
        covariance
            `(tile, tile)`, with what moves all tiles alike, as the flux does.
        """
        image = np.full(self.grid[0] * self.grid[1], np.nan)
        image[self.place] = np.round(values, 5)
        plane = surface.slopes(self.v, self.u, values, error)
        if covariance is not None:
            plane["mean_error"] = max(plane["mean_error"], float(np.sqrt(max(0.0, covariance.mean()))))
        return EdgeOverField(image.reshape(self.grid), **plane)


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over the good pixels of the tiles, and what became of the pixels, as `tile_sums` gives them."""

    totals: Doubles
    moments: Doubles
    fates: Doubles

    def __add__(self, other: Sums) -> Sums:
        """Those of other rows with them."""
        return Sums(self.totals + other.totals, self.moments + other.moments, self.fates + other.fates)


@dataclass(frozen=True, eq=False)
class Gathered:
    """What was read of the spectra of tiles: their `tiles`, the `rows` that they are from, and how to read more."""

    name: str
    energy: Doubles
    edges: tuple[Indices, Indices]
    lazy: Mapping[str, xr.DataArray]
    rows: Indices
    sums: Sums
    apart: bool

    @property
    def tiles(self) -> Tiles:
        """Their mean spectra."""
        return _means(self)

    def more(self, times: float) -> Gathered | None:
        """With twice the rows, or all if more are wanted; None if all have been read."""
        if len(self.rows) == self.edges[0][-1] or not self.apart:
            return None
        rows = np.arange(int(self.edges[0][-1]))
        if times <= TWICE:
            rows = rows_of_bands(
                self.edges[0], bands_a_tile(self.edges[0], int(self.edges[1][-1])), between=True
            )
        new = np.setdiff1d(rows, self.rows)
        return replace(
            self, rows=np.union1d(self.rows, new), sums=self.sums + _summed(values_at(self.lazy, new))
        )


def gather(
    cube: xr.Dataset,
    name: str,
    *,
    inside: Mask,
    flanks: tuple[float, float],
    limits: tuple[float, float],
    tile: int | None,
) -> Gathered:
    """Mean spectra of the tiles of a variable; computes.

    Of a large field only bands of two rows are read, a quarter of its rows or less; of a small one, and of images whose
    rows cannot be read apart, all rows.

    Left out are pixels flagged dead, saturated or (of the sample) background, those that are dead by flat field and dark
    (of the foil), those that are not finite at all energies, those whose counts are at the detector's limit, and those
    whose step differs much from the field's.

    Parameters
    ----------
    cube
        With the variable; `flags` and counts if there are any.
    name
        `foil_mu` or `mu`.
    inside
        `(energy,)`: which energies to use.
    flanks
        The step is the mean above the second minus the mean below the first energy, eV.
    limits
        The least and the largest step of a good pixel, as shares of the median.
    tile
        Pixels along a side of a tile; None: a twelfth of the longer side.

    Raises
    ------
    InputError
        No edge, or no pixels that are good for it.
    """
    places = np.flatnonzero(inside)
    values, energy = part_of(cube[name], places=places), cube.energy.values[places]
    shape = (cube.sizes["y"], cube.sizes["x"])
    side = tile or max(LEAST_TILE, max(shape) / TILES)
    edges = (tile_edges(shape[0], side), tile_edges(shape[1], side))
    rows = np.arange(shape[0])
    if _rows_apart(values):
        rows = rows_of_bands(edges[0], bands_a_tile(edges[0], shape[1]))
    apart = len(rows) < shape[0]
    bad = unusable(cube, name, apart=apart)
    weights = step_weights(energy, *flanks)
    first = some_of(rows, SAMPLED_ROWS)
    read = values_at({"values": values, "bad": bad}, first)
    typical = _typical_step(name, read["values"], read["bad"], weights)
    settings: dict[str, Any] = {
        "row_edges": edges[0],
        "column_edges": edges[1],
        "weights": weights,
        "least": float(limits[0] * typical),
        "most": float(limits[1] * typical),
    }
    lazy = _lazy_sums(values, bad, edges, settings)
    if apart:
        own = tile_sums(read["values"], read["bad"], first, np.arange(shape[1]), **settings)
        sums = Sums(*own) + _summed(values_at(lazy, np.setdiff1d(rows, first)))
    else:
        sums = _summed(values_over_field(lazy))
    found = Gathered(name, energy, edges, lazy, rows, sums, apart)
    _warn_of_holes(found)
    return found


def _rows_apart(values: xr.DataArray) -> bool:
    """Whether some rows cost less than all: not in memory, and not where strips of many rows are decoded whole."""
    if not isinstance(values.data, da.Array):
        return False
    return all(stack.row_quantum <= MOST_STRIP for stack in program_of({"values": values}).stacks.values())


def _lazy_sums(
    values: xr.DataArray, bad: xr.DataArray, edges: tuple[Indices, Indices], settings: Mapping[str, Any]
) -> dict[str, xr.DataArray]:
    numbers = [xr.DataArray(np.arange(edge[-1]), dims=dim) for dim, edge in zip(MAP, edges, strict=True)]
    blocks, tiles = ("y_block", "x_block"), (len(edges[0]) - 1) * (len(edges[1]) - 1)
    sizes = {"tile": tiles, "part": 3, "fate": len(FATES), "energy": values.sizes["energy"]}
    outputs = [
        Output("totals", (*blocks, "tile", "energy"), np.float64, sizes),
        Output("moments", (*blocks, "tile", "part"), np.float64, sizes),
        Output("fates", (*blocks, "fate"), np.float64, sizes),
    ]
    return over_blocks(tile_sums, [values, bad, *numbers], outputs, **settings)


def _summed(found: Mapping[str, Doubles]) -> Sums:
    """Without the dims of blocks."""
    return Sums(*(found[name].sum(axis=(0, 1), keepdims=True) for name in ("totals", "moments", "fates")))


def _typical_step(name: str, values: Floats, bad: Floats, weights: Doubles) -> float:
    some = np.tensordot(weights, values.astype(float), 1)
    good = some[np.isfinite(some) & (bad <= 0)]
    if good.size == 0:
        raise InputError(
            f"{name} without a pixel that is finite, alive and not saturated",
            "spectra",
            "check the counts, dark and flat field",
        )
    typical = float(np.median(good))
    scatter = 1.4826 * float(np.median(np.abs(good - typical)))
    if typical <= 3 * scatter / np.sqrt(good.size) or typical < 0.01:
        raise InputError(
            f"{name} with a step of {typical:.3f} over the edge in the typical pixel",
            "absorption that rises at the edge",
            "check that the images hold the element of the standard, and the energies",
        )
    return typical


def _counts(found: Gathered) -> tuple[dict[str, int], int]:
    """What became of the pixels, and how many were read."""
    counts = {name: int(number) for name, number in zip(FATES, found.sums.fates[0, 0], strict=True)}
    return counts, sum(counts.values())


def _warn_of_holes(found: Gathered) -> None:
    counts, read = _counts(found)
    lost = read - counts["used"]
    # The sample's holes are nothing special; a foil's are.
    if found.name == "foil_mu" and lost > WARNED_SHARE * read:
        text = f"{lost} of {read} pixels are no part of the foil ({_listed(counts)}): a hole, specks or saturation"
        warnings.warn(
            f"{text}; they are left out, and the shift there comes from the surface",
            XafsflowWarning,
            stacklevel=5,
        )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())


def _means(found: Gathered) -> Tiles:
    counts, read = _counts(found)
    count, rows, columns = found.sums.moments[0, 0].T
    grid = (len(found.edges[0]) - 1, len(found.edges[1]) - 1)
    shape = (int(found.edges[0][-1]), int(found.edges[1][-1]))
    used = np.flatnonzero(count >= max(1, LEAST_SHARE * read / (grid[0] * grid[1])))
    if used.size == 0:
        text = f"no tile of {found.name} with enough good pixels ({_listed(counts)})"
        raise InputError(text, "spectra", "check counts and flags")
    return Tiles(
        energy=found.energy,
        mu=found.sums.totals[0, 0][used] / count[used, None],
        count=count[used],
        v=surface.normalized(rows[used] / count[used], shape[0]),
        u=surface.normalized(columns[used] / count[used], shape[1]),
        place=used,
        grid=grid,
        shape=shape,
        pixels=PixelCounts(**counts),
        half=(half_width(found.rows, found.edges[0]), half_width(np.arange(shape[1]), found.edges[1])),
    )


def at_tiles(image: Floats, tiles: Tiles) -> Doubles:
    """Values of a smooth image at the tiles' centers, linear between pixels."""
    height, width = tiles.shape
    row = np.clip((tiles.v + 1) * height / 2 - 0.5, 0, height - 1)
    column = np.clip((tiles.u + 1) * width / 2 - 0.5, 0, width - 1)
    y, x = (np.minimum(place.astype(int), max(0, n - 2)) for place, n in ((row, height), (column, width)))
    down, across = row - y, column - x
    below, right = np.minimum(y + 1, height - 1), np.minimum(x + 1, width - 1)
    top = image[y, x] * (1 - across) + image[y, right] * across
    bottom = image[below, x] * (1 - across) + image[below, right] * across
    return np.asarray(top * (1 - down) + bottom * down, float)
