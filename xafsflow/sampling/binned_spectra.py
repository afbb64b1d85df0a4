"""Mean spectra of groups of pixels, found in one pass over the blocks of a cube."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.blocks.scan_numbers import spread_rows, values_at
from xafsflow.errors import ComputationError, InputError
from xafsflow.learning.reference_selection.bin_regions import Bins, independent
from xafsflow.sampling.replay import widths
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
    rows = spread_rows(cube.sizes["y"], 8)
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


def binned(
    cube: xr.Dataset, groups: xr.DataArray, count: int, low: float, high: float, least: int = LEAST_PIXELS
) -> Bins:
    """Mean spectra of groups of pixels between two energies, weighted by one over each pixel's variance.

    The noise is that of the photons, over the edge step and through the means over neighbors, times `noise_ratio`. What
    the curves of the normalization add is left out, for it is a factor, a constant and a slope, which every fit has of its
    own; so is what interpolation takes away, for it takes from neighboring energies what they then share.

    Left out are pixels that are flagged other than unknown, those that are not finite at an energy between, and groups of
    fewer than `least`. Where the cube has `cluster_index`, the region of a group is that of most of its pixels.

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
    least
        Pixels that a group must have.

    Raises
    ------
    ComputationError
        No group is left.
    """
    inside = (cube.energy.values >= low) & (cube.energy.values <= high)
    arrays = [cube[name].isel(energy=inside) for name in ("norm", "mu_noise")]
    arrays += [cube.edge_step, cube.flags, groups]
    outputs = [
        Output("sums", ("y_block", "x_block"), object),
        Output("weight", MAP),
        Output("member", MAP, np.int32),
    ]
    found = xr.Dataset(over_blocks(_sums, arrays, outputs))
    found["ratio"] = cube.noise_ratio
    if "cluster_index" in cube:
        found["cluster"] = (MAP, cube.cluster_index.data)
    return _bins(found.compute(), count, cube.energy.values[inside], widths(steps_done(cube)), least)


def _bins(found: xr.Dataset, count: int, energy: np.ndarray, windows: tuple[int, ...], least: int) -> Bins:
    total, variance = np.zeros((count, len(energy) + 3)), np.zeros(len(energy))
    for numbers, sums, relative in found.sums.values.ravel():
        total[numbers] += sums
        variance += relative
    flux, weight, pixels = total[:, -3:].T
    kept = np.flatnonzero(pixels >= least)
    if kept.size == 0:
        raise ComputationError(
            f"no bin with {least} usable pixels from {energy[0]:.1f} to {energy[-1]:.1f} eV",
            "one or more",
            "narrow span where the energy shift leaves NaN, or check the flags",
        )
    members = found.member.values
    region = np.zeros(count, np.int64)
    if "cluster" in found:
        region = _majority(members, found.cluster.values, count)
    ratio = float(found.ratio) if np.isfinite(found.ratio) else 1.0
    noise = np.sqrt(independent(found.weight.values, members, windows, count)[kept])
    return Bins(
        energy=energy.astype(np.float64),
        spectra=total[kept, :-3] / weight[kept, None],
        noise=ratio * noise,
        profile=variance / pixels.sum(),
        flux=flux[kept] / weight[kept],
        pixels=pixels[kept].astype(np.int64),
        region=region[kept],
        number=kept,
    )


def _sums(norm: Any, mu_noise: Any, edge_step: Any, flags: Any, groups: Any) -> tuple[Any, Any, Any]:
    """Of the groups in a block: sums of weighted spectra, of weights over edge steps, of weights, and counts.

    And of each pixel: one over its standard deviation before any mean, and its group, -1 where it is left out.
    """
    good = (flags & np.uint8(UNUSABLE) == 0) & (groups >= 0) & (edge_step > 0)
    good &= np.isfinite(norm).all(axis=0) & np.isfinite(mu_noise).all(axis=0)
    numbers, place = np.unique(groups[good], return_inverse=True)
    step = edge_step[good].astype(np.float64)
    variance = (mu_noise[:, good].astype(np.float64) / step) ** 2
    mean = variance.mean(axis=0)
    rows = [values[good] / mean for values in norm] + [1 / (step * mean), 1 / mean, np.ones_like(step)]
    sums = np.array([np.bincount(place, weights=row, minlength=len(numbers)) for row in rows]).T
    part = np.empty((1, 1), object)
    part[0, 0] = (numbers, sums.reshape(len(numbers), len(rows)), (variance / mean).sum(axis=1))
    weight = np.zeros(good.shape)
    weight[good] = 1 / np.sqrt(mean)
    return part, weight, np.where(good, groups, -1)


def _majority(members: np.ndarray, clusters: np.ndarray, count: int) -> np.ndarray:
    """The cluster that most pixels of a group are in, 0 where none is in any."""
    known = (members >= 0) & (clusters >= 0)
    labels = clusters[known].astype(np.int64)
    votes = np.zeros((count, int(labels.max(initial=0)) + 1))
    np.add.at(votes, (members[known], labels), 1)
    return votes.argmax(axis=1)
