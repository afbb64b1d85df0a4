"""From a cube to the mean spectra of the tiles of its field, in one pass over the blocks."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import xarray as xr

from xafsflow.blocks.field import values_over_field
from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks, part_of
from xafsflow.blocks.scan_numbers import values_at
from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.findings.calibrate_findings import EdgeOverField, PixelCounts
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Mask, Singles, Uint8s
from xafsflow.kernels.images import field_surface as surface
from xafsflow.kernels.images import neighbors as spatial
from xafsflow.kernels.images.tile_means import FATES, step_weights, tile_edges, tile_sums
from xafsflow.vocabulary import MAP, Flag

# Tiles along the longer side, and the least side of a tile in pixels, where none is asked for.
TILES, LEAST_TILE = 12, 4
# Rows from which the typical step of a pixel is learned.
SAMPLED_ROWS = 12
# A tile with a smaller share of good pixels is left out; a larger share of bad ones gives a warning.
LEAST_SHARE, WARNED_SHARE = 0.2, 0.02


@dataclass(frozen=True, eq=False)
class Tiles:
    """Mean spectra `mu` (tile, energy) of tiles, from `count` (tile,) pixels around `v`, `u` (-1 to 1 over the field).

    `place` (tile,) are their numbers among all of `grid`, rows by columns; `pixels` counts the field's pixels.
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

    @property
    def half(self) -> tuple[float, float]:
        """Half widths of a tile along y and x on the scale of `v` and `u`, such that its pixels' scatter is right."""
        down, across = (
            np.sqrt(max(0.0, 1 - (parts / size) ** 2)) / parts
            for size, parts in zip(self.shape, self.grid, strict=True)
        )
        return float(down), float(across)

    @property
    def variance(self) -> Doubles:
        """Up to a factor: photon statistics of a transmission, `(1 + exp(mu)) / pixels`, `(tile, energy)`."""
        return np.asarray((1 + np.exp(np.clip(self.mu, -20, 20))) / self.count[:, None])

    def edge_over_field(self, values: Doubles, error: Doubles) -> EdgeOverField:
        """E0 of the tiles against a standard's, as a map and as a plane through it.

        Parameters
        ----------
        values, error
            `(tile,)`, eV.
        """
        image = np.full(self.grid[0] * self.grid[1], np.nan)
        image[self.place] = np.round(values, 5)
        return EdgeOverField(image.reshape(self.grid), **surface.slopes(self.v, self.u, values, error))


def gather(
    cube: xr.Dataset,
    name: str,
    *,
    inside: Mask,
    flanks: tuple[float, float],
    limits: tuple[float, float],
    tile: int | None,
) -> Tiles:
    """Mean spectra of the tiles of a variable; computes.

    Left out are pixels flagged dead, saturated or (of the sample) background, those that are not finite at all energies,
    those whose counts are at the detector's limit, and those whose step differs much from the field's.

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
    weights = step_weights(energy, *flanks)
    bad = _bad(cube, name)
    typical = _typical_step(values, bad, weights)
    shape = (cube.sizes["y"], cube.sizes["x"])
    side = tile or max(LEAST_TILE, max(shape) / TILES)
    edges = [tile_edges(size, side) for size in shape]
    numbers = [xr.DataArray(np.arange(size), dims=dim) for dim, size in zip(MAP, shape, strict=True)]
    tiles = (len(edges[0]) - 1) * (len(edges[1]) - 1)
    blocks, sizes = (
        ("y_block", "x_block"),
        {"tile": tiles, "part": 3, "fate": len(FATES), "energy": energy.size},
    )
    outputs = [
        Output("totals", (*blocks, "tile", "energy"), np.float64, sizes),
        Output("moments", (*blocks, "tile", "part"), np.float64, sizes),
        Output("fates", (*blocks, "fate"), np.float64, sizes),
    ]
    found = over_blocks(
        tile_sums,
        [values, bad, *numbers],
        outputs,
        row_edges=edges[0],
        column_edges=edges[1],
        weights=weights,
        least=float(limits[0] * typical),
        most=float(limits[1] * typical),
    )
    totals = values_over_field(found)
    sums = xr.Dataset({name: (array.dims, totals[name]) for name, array in found.items()}).sum(blocks)
    return _means(sums, energy, shape, (len(edges[0]) - 1, len(edges[1]) - 1), name)


def _typical_step(values: xr.DataArray, bad: xr.DataArray, weights: Doubles) -> float:
    rows = np.unique(np.linspace(0, values.sizes["y"] - 1, SAMPLED_ROWS).astype(int))
    found = values_at({"values": values, "bad": bad}, rows)
    some = np.tensordot(weights, found["values"].astype(float), 1)
    good = some[np.isfinite(some) & (found["bad"] <= 0)]
    if good.size == 0:
        raise InputError(
            f"{values.name} without a pixel that is finite, alive and not saturated",
            "spectra",
            "check the counts, dark and flat field",
        )
    typical = float(np.median(good))
    scatter = 1.4826 * float(np.median(np.abs(good - typical)))
    if typical <= 3 * scatter / np.sqrt(good.size) or typical < 0.01:
        raise InputError(
            f"{values.name} with a step of {typical:.3f} over the edge in the typical pixel",
            "absorption that rises at the edge",
            "check that the images hold the element of the standard, and the energies",
        )
    return typical


def _bad(cube: xr.Dataset, name: str) -> xr.DataArray:
    """Above zero where flags or counts rule a pixel out, float32 `(y, x)`."""
    sizes = (cube.sizes["y"], cube.sizes["x"])
    bad = xr.DataArray(np.zeros(sizes, np.float32), dims=MAP)
    if "flags" in cube:
        out = Flag.DEAD | Flag.SATURATED | Flag.BACKGROUND if name == "mu" else Flag.DEAD
        bad = over_blocks(_flagged, [bad, cube.flags], [Output("bad", MAP)], bits=int(out))["bad"]
    for counts in ("foil" if name == "foil_mu" else "sample", "flat_field"):
        if counts in cube and cube[counts].dtype.kind in "ui" and {"y", "x"} <= set(cube[counts].dims):
            images = cube[counts] if "energy" in cube[counts].dims else cube[counts].expand_dims("energy")
            limit = float(np.iinfo(images.dtype).max)
            output = Output("count", MAP, np.int32)
            full = over_blocks(spatial.count_at_least, [images], [output], limit=limit)["count"]
            bad = over_blocks(np.add, [bad, full], [Output("bad", MAP)])["bad"]
    return bad


def _flagged(bad: Singles, flags: Uint8s, bits: int) -> Singles:
    return bad + (flags & np.uint8(bits)).astype(np.float32)


def _means(
    sums: xr.Dataset, energy: Doubles, shape: tuple[int, int], grid: tuple[int, int], name: str
) -> Tiles:
    count, rows, columns = sums.moments.transpose("part", "tile").values
    pixels = shape[0] * shape[1] / (grid[0] * grid[1])
    used = np.flatnonzero(count >= max(1, LEAST_SHARE * pixels))
    counts = {name: int(number) for name, number in zip(FATES, sums.fates.values, strict=True)}
    lost = shape[0] * shape[1] - counts["used"]
    listed = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())
    if used.size == 0:
        raise InputError(
            f"no tile of {name} with enough good pixels ({listed})", "spectra", "check counts and flags"
        )
    # The sample's holes are nothing special; a foil's are.
    if name == "foil_mu" and lost > WARNED_SHARE * shape[0] * shape[1]:
        text = f"{lost} of {shape[0] * shape[1]} pixels are no part of the foil ({listed}): a hole, specks or saturation"
        warnings.warn(
            f"{text}; they are left out, and the shift there comes from the surface",
            XafsflowWarning,
            stacklevel=4,
        )
    return Tiles(
        energy=energy,
        mu=sums.totals.transpose("tile", "energy").values[used] / count[used, None],
        count=count[used],
        v=surface.normalized(rows[used] / count[used], shape[0]),
        u=surface.normalized(columns[used] / count[used], shape[1]),
        place=used,
        grid=grid,
        shape=shape,
        pixels=PixelCounts(**counts),
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
