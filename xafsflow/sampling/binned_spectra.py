"""Mean spectra of groups of pixels, found in one pass over the blocks of a cube."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.blocks.scan_numbers import spread_rows, values_at
from xafsflow.errors import ComputationError, InputError
from xafsflow.kernels.array_types import Doubles, Indices
from xafsflow.kernels.images.neighborhood import Neighborhood
from xafsflow.learning.reference_selection.bin_regions import Bins, independent
from xafsflow.sampling.replay import windows_of
from xafsflow.step_table import Span, steps_done
from xafsflow.vocabulary import LEFT_OUT, MAP, Flag

# Bins that an image is cut into where their size is not given, and the pixels that a bin must have.
BINS, LEAST_PIXELS = 400, 4
LEAST_ENERGIES = 12
UNUSABLE = LEFT_OUT | int(Flag.NOT_FINITE)


def span_of(cube: xr.Dataset, span: Span) -> tuple[float, float]:
    """The limits of a span relative to the scan's e0, eV.

    Raises
    ------
    InputError
        Fewer than `LEAST_ENERGIES` of the scan's energies lie between them.
    """
    rows = spread_rows(cube.sizes["y"], 8, cube.sizes["x"])
    e0 = float(np.nanmedian(values_at({"e0": cube.e0}, rows)["e0"]))
    energy = cube.energy.values
    low = float(energy[0]) if span[0] is None else e0 + span[0]
    high = float(energy[-1]) if span[1] is None else e0 + span[1]
    inside = int(((energy >= low) & (energy <= high)).sum())
    if inside < LEAST_ENERGIES:
        raise InputError(
            f"{inside} energies from {low:.1f} to {high:.1f} eV", f"{LEAST_ENERGIES} or more", "widen span"
        )
    return low, high


def places(cube: xr.Dataset, size: int | None) -> xr.DataArray:
    """The number of the square bin that each pixel lies in; by default about `BINS` of them."""
    rows, columns = cube.sizes["y"], cube.sizes["x"]
    side = size or max(2, math.ceil(math.sqrt(rows * columns / BINS)))
    across = math.ceil(columns / side)
    number = (np.arange(rows) // side)[:, None] * across + np.arange(columns) // side
    return xr.DataArray(number.astype(np.int32), dims=MAP, attrs={"side": side, "across": across})


def bin_sums(cube: xr.Dataset, groups: xr.DataArray, count: int, low: float, high: float) -> BinSums:
    """Arrays over the field of which `BinSums.bins` makes mean spectra of groups of pixels between two energies.

    They are weighted by one over each pixel's variance. The noise is that of the photons, over the edge step and through
    the means over neighbors, times `noise_ratio`. What the curves of the normalization add is left out, for it is a factor,
    a constant and a slope, which every fit has of its own; so is what interpolation takes away, for it takes from
    neighboring energies what they then share.

    Left out are pixels that are flagged other than unknown, and those that are not finite at an energy between. Where the
    cube has `cluster_index`, the region of a group is that of most of its pixels.

    Parameters
    ----------
    cube
        With `norm`, `mu_noise`, `edge_step`, `flags` and `noise_ratio`.
    groups
        (y, x): the number of a pixel's group, from 0; below 0 for none. May be lazy.
    count
        One more than the largest number.
    low, high
        eV.
    """
    places = np.flatnonzero((cube.energy.values >= low) & (cube.energy.values <= high))
    arrays = [cube.norm, cube.mu_noise, cube.edge_step, cube.flags, groups]
    blocks = ("y_block", "x_block")
    outputs = [
        Output("sums", (*blocks, "group", "sum"), np.float64, {"group": count, "sum": len(places) + 3}),
        Output("variance", (*blocks, "sum"), np.float64, {"sum": len(places)}),
        Output("weight", MAP),
        Output("member", MAP, np.int32),
    ]
    found = over_blocks(_sums, arrays, outputs, places=places, count=count)
    if "cluster_index" in cube:
        found["cluster"] = cube.cluster_index
    found["ratio"] = cube.noise_ratio
    if "flux_offset_error" in cube:
        found["flux_error"] = cube.flux_offset_error.mean()
    return BinSums(found, cube.energy.values[places].astype(np.float64), windows_of(steps_done(cube)))


@dataclass(frozen=True, eq=False)
class BinSums:
    """Lazy `arrays` over the field, at these energies, of spectra that means over `windows` of neighbors have passed."""

    arrays: Mapping[str, xr.DataArray]
    energy: Doubles
    windows: tuple[Neighborhood, ...]

    def bins(self, found: Mapping[str, Any], least: int = LEAST_PIXELS) -> Bins:
        """The mean spectra, from the arrays in memory; groups of fewer than `least` pixels are left out.

        Raises
        ------
        ComputationError
            No group is left.
        """
        total, variance = found["sums"][0, 0], found["variance"][0, 0]
        flux, weight, pixels = total[:, -3:].T
        kept = np.flatnonzero(pixels >= least)
        if kept.size == 0:
            raise ComputationError(
                f"no bin with {least} usable pixels from {self.energy[0]:.1f} to {self.energy[-1]:.1f} eV",
                "one or more",
                "narrow span where the energy shift leaves NaN, or check the flags",
            )
        members, count = found["member"], len(total)
        region = np.zeros(count, np.int64)
        if "cluster" in found:
            region = _majority(members, found["cluster"], count)
        ratio = float(found["ratio"]) if np.isfinite(found["ratio"]) else 1.0
        variance_of = partial(independent, found["weight"], windows=self.windows)
        noise = np.sqrt(variance_of(members, count=count)[kept])
        together = variance_of(np.where(np.isin(members, kept), 0, -1), count=1)[0]
        return Bins(
            energy=self.energy,
            spectra=total[kept, :-3] / weight[kept, None],
            noise=ratio * noise,
            profile=variance / pixels.sum(),
            flux=flux[kept] / weight[kept],
            pixels=pixels[kept].astype(np.int64),
            region=region[kept],
            number=kept,
            row=_first_row(members, count)[kept],
            sharing=float(together * (1 / noise**2).sum()),
            flux_error=float(found.get("flux_error", np.nan)),
        )


def _sums(
    norm: Any, mu_noise: Any, edge_step: Any, flags: Any, groups: Any, places: Indices, count: int
) -> tuple[Any, Any, Any, Any]:
    """Of the groups in a block: sums of weighted spectra, of weights over edge steps, of weights, and counts.

    And of each pixel: one over its standard deviation before any mean, and its group, -1 where it is left out.
    """
    inside = slice(places[0], places[-1] + 1)
    norm, mu_noise = norm[inside], mu_noise[inside]
    good = (flags & np.uint8(UNUSABLE) == 0) & (groups >= 0) & (edge_step > 0)
    good &= np.isfinite(norm).all(axis=0) & np.isfinite(mu_noise).all(axis=0)
    numbers, place = np.unique(groups[good], return_inverse=True)
    step = edge_step[good].astype(np.float64)
    variance = (mu_noise[:, good].astype(np.float64) / step) ** 2
    mean = variance.mean(axis=0)
    rows = [values[good] / mean for values in norm] + [1 / (step * mean), 1 / mean, np.ones_like(step)]
    sums = np.zeros((1, 1, count, len(rows)))
    for k, row in enumerate(rows):
        sums[0, 0, numbers, k] = np.bincount(place, weights=row, minlength=len(numbers))
    weight = np.zeros(good.shape)
    weight[good] = 1 / np.sqrt(mean)
    relative = (variance / mean).sum(axis=1)[None, None]
    return sums, relative, weight, np.where(good, groups, -1)


def _first_row(members: np.ndarray, count: int) -> Indices:
    """The image row in which a group begins."""
    first = np.full(count, len(members), np.int64)
    there = members >= 0
    rows = np.broadcast_to(np.arange(len(members))[:, None], members.shape)
    np.minimum.at(first, members[there], rows[there])
    return first


def _majority(members: np.ndarray, clusters: np.ndarray, count: int) -> np.ndarray:
    """The cluster that most pixels of a group are in, 0 where none is in any."""
    known = (members >= 0) & (clusters >= 0)
    labels = clusters[known].astype(np.int64)
    votes = np.zeros((count, int(labels.max(initial=0)) + 1))
    np.add.at(votes, (members[known], labels), 1)
    return votes.argmax(axis=1)
