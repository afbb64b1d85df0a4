"""Bad images among those of a scan, found by a few rows of each before anything is computed.

Blank, beam lost, saturated, partly dark, unlike their neighbors, or of another energy than their name tells. What an edge
does to images is no sign of it: an image of a scan is, in logarithms, a sum of the same few pictures (what lets the light
through, and what each phase absorbs), so its neighbors in energy explain it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xafsflow.io.readers import ImageStack
from xafsflow.io.readers.image_scan import Quantity
from xafsflow.kernels.array_types import Doubles, Mask

# Rows of every image that are looked at, spread over it, and parts of a row.
ROWS, PARTS = 8, 64
# An image with less light than this share of the scan's median is blank: behind an edge step of 3 there is more.
BLANK = 0.03
# Images, and places in them, below which neighbors tell nothing.
LEAST_IMAGES, LEAST_NEIGHBORS, LEAST_PLACES = 5, 11, 40
# Neighbors in energy that explain an image; the next one may be bad for the same reason.
NEXT, LAST = 2, 4
# A share of the light, or an absorbance, that neighbors must leave unexplained, and how many times the usual.
UNLIKE, TIMES = 0.1, 6.0
# Light that is left where the beam was lost, against the darkest neighbor; and in a part that is dark, against the rest.
LOST, PART_DARK, PART = 0.1, 0.3, 0.1
# Of the change over the whole scan: what an image of another energy differs by, and what its neighbors may differ by.
OTHER, SAME = 0.4, 0.1
# What is left of it once the ends of the scan explain it, over what its neighbors leave.
EXPLAINED, OTHER_ENERGY = 0.4, "looks like an image of another energy"
# Share of places at the largest value from which an image is saturated, and where the others are not.
FULL, NOT_FULL = 0.05, 0.02


@dataclass(frozen=True)
class Looks:
    """What a few rows show of every image.

    Parameters
    ----------
    light
        `(image,)`: the median.
    parts
        `(image, part)`: means over parts of the rows.
    full
        `(image,)`: share of the pixels at the largest value of all, where whole numbers pile up at it.
    largest
        That value.
    """

    light: Doubles
    parts: Doubles
    full: Doubles
    largest: float


def looks_of(stack: ImageStack) -> Looks:
    """Look at a few rows of every image.

    Where rows cannot be read apart, as in compressed strips, they lie side by side in the middle.
    """
    rows, quantum = stack.shape[1], stack.row_quantum
    if quantum > 1:
        start = min(rows // 2 // quantum * quantum, rows - 1)
        bands = [(start, min(start + min(quantum, ROWS), rows))]
    else:
        places = np.linspace(0, rows - 1, ROWS + 2)[1:-1] if rows > ROWS else np.arange(rows)
        bands = [(int(row), int(row) + 1) for row in places]
    read = np.concatenate(stack.read_bands(bands), axis=1).astype(np.float32)
    edges = np.unique(np.linspace(0, read.shape[2], PARTS + 1).astype(int))
    parts = np.add.reduceat(read, edges[:-1], axis=2, dtype=np.float64) / np.diff(edges)
    largest = float(np.nanmax(read, initial=-np.inf))
    full = np.zeros(len(read))
    if stack.dtype.kind in "ui":
        # Counts are all numbers: none is masked, which would take another copy of all
        full = (read == largest).mean(axis=(1, 2))
        light = np.median(read, axis=(1, 2))
    else:
        light = np.nanmedian(np.where(np.isfinite(read), read, np.nan), axis=(1, 2))
    return Looks(np.asarray(light, float), parts.reshape(len(read), -1), np.asarray(full, float), largest)


def blank(light: Doubles, dark: float) -> Mask:
    """Which images `(image,)` hold no light.

    Parameters
    ----------
    light
        `(image,)`: median counts.
    dark
        Median counts without beam; 0 where they are not known.

    Examples
    --------
    >>> blank(np.array([9000.0, 8000.0, 104.0, 7000.0]), 100.0)
    array([False, False,  True, False])
    """
    above = light - dark
    usual = float(np.median(above))
    # Counts that are hardly above the dark in most images say nothing of one.
    return above < BLANK * usual if usual > 0 else np.zeros(len(light), bool)


def bad_images(
    looks: Looks, energies: Doubles, quantity: Quantity = "counts", dark: float = 0.0
) -> Mapping[int, str]:
    """The images that should be left out, by number, with the reason.

    Parameters
    ----------
    looks
        Of all images.
    energies
        `(image,)`, eV, in any order; several images may have one.
    quantity
        What a pixel's value means.
    dark
        Median counts without beam.

    Examples
    --------
    >>> light = np.full(9, 5000.0)
    >>> light[3] = 2.0
    >>> looks = Looks(light, light[:, None] * np.ones(8), np.zeros(9), 5000.0)
    >>> bad_images(looks, np.arange(7110.0, 7119.0))
    {3: 'is blank'}
    """
    found: dict[int, str] = {}
    count = len(energies)
    if count < LEAST_IMAGES:
        return found
    counts = quantity in ("counts", "fluorescence")
    if quantity == "counts":
        found |= {int(k): "is blank" for k in np.flatnonzero(blank(looks.light, dark))}
    found |= {int(k): "holds hardly a number" for k in np.flatnonzero(~np.isfinite(looks.light))}
    # The usual image has none: where most are full, that is for `saturated` to tell.
    if counts and np.median(looks.full) < NOT_FULL:
        for k in np.flatnonzero(looks.full > FULL):
            found.setdefault(int(k), f"has {looks.full[k]:.0%} of its pixels at {looks.largest:g}")
    order = np.argsort(energies, kind="stable")
    order = order[~np.isin(order, list(found))]
    for place, why in _by_neighbors(looks, order, energies[order], quantity, dark).items():
        found.setdefault(int(order[place]), why)
    return found


def saturated(looks: Looks) -> float:
    """The median share of pixels at the largest value, over all images.

    Examples
    --------
    >>> saturated(Looks(np.zeros(3), np.zeros((3, 4)), np.array([0.0, 0.4, 0.5]), 65535.0))
    0.4
    """
    return float(np.median(looks.full))


def _by_neighbors(
    looks: Looks, order: np.ndarray, energies: Doubles, quantity: Quantity, dark: float
) -> dict[int, str]:
    """What the neighbors in energy tell, by the place in their order."""
    pictures = _pictures(looks.parts[order], quantity, dark)
    if len(pictures) < LEAST_NEIGHBORS or pictures.shape[1] < LEAST_PLACES:
        return {}
    found: dict[int, str] = {}
    level, rest = np.empty(len(pictures)), np.empty(len(pictures))
    for place, own in enumerate(pictures):
        near = _near(place, len(pictures))
        basis = np.column_stack([pictures[near].T, np.ones(pictures.shape[1])])
        left = own - basis @ np.linalg.lstsq(basis, own, rcond=None)[0]
        level[place] = np.median(pictures[near])
        rest[place] = np.quantile(np.abs(left), 0.9) / 1.645
        if quantity == "counts" and np.quantile(own - pictures[near].min(axis=0), 0.9) < np.log(LOST):
            found[place] = "has much less light than its neighbors"
    # Fewer photons, more noise.
    noise = rest * np.exp(level / 2) if quantity in ("counts", "transmission") else rest
    for place in range(len(pictures)):
        around = noise[max(0, place - 5) : place + 6]
        usual = max(float(np.median(noise)), float(np.median(around)))
        if rest[place] > UNLIKE and noise[place] > TIMES * usual:
            found.setdefault(place, _unlike(pictures, place, rest[place], quantity))
    return _of_other_energies(pictures, found, rest, energies) | found


def _pictures(parts: Doubles, quantity: Quantity, dark: float) -> Doubles:
    """What adds up: logarithms of light, absorbance, or fluorescence over its usual size."""
    parts = parts[:, np.isfinite(parts).all(axis=0)]
    if quantity in ("counts", "transmission"):
        above = parts - dark
        floor = BLANK / 3 * max(float(np.median(above)), 1e-12) if above.size else 1.0
        return np.asarray(np.log(np.maximum(above, floor)))
    if quantity == "fluorescence" and parts.size:
        return np.asarray(parts / max(float(np.quantile(np.abs(parts), 0.9)), 1e-300))
    return parts


def _near(place: int, count: int) -> np.ndarray:
    """The neighbors that explain an image, as many at the ends of the scan."""
    apart = np.abs(np.arange(count) - place)
    far = np.argsort(apart, kind="stable")
    return far[apart[far] >= NEXT][: 2 * (LAST - NEXT + 1)]


def _unlike(pictures: Doubles, place: int, rest: float, quantity: Quantity) -> str:
    third = len(pictures) // 3
    ends = [np.median(part, axis=0) for part in (pictures[:third], pictures[-third:])]
    basis = np.column_stack([*ends, np.ones(pictures.shape[1])])
    left = pictures[place] - basis @ np.linalg.lstsq(basis, pictures[place], rcond=None)[0]
    if np.quantile(np.abs(left), 0.9) / 1.645 < EXPLAINED * rest:
        return OTHER_ENERGY
    change = pictures[place] - np.median(pictures[_near(place, len(pictures))], axis=0)
    if quantity == "counts":
        dark = change < np.quantile(change, 0.9) + np.log(PART_DARK)
        if dark.mean() > PART:
            return f"is dark over {dark.mean():.0%}, as behind a shutter"
    return "does not look like its neighbors"


def _of_other_energies(
    pictures: Doubles, known: Mapping[int, str], rest: Doubles, energies: Doubles
) -> dict[int, str]:
    """Images that are unlike their neighbors by what the sample absorbs, where these are alike."""
    good = np.array([k for k in range(len(pictures)) if k not in known])
    if len(good) < LEAST_NEIGHBORS:
        return {}
    third = len(good) // 3
    change = pictures[good[-third:]].mean(axis=0) - pictures[good[:third]].mean(axis=0)
    change -= change.mean()
    size = float(np.sqrt(np.mean(change**2)))
    if size < 5 * float(np.median(rest)) or size < UNLIKE / 3:
        return {}
    along = (pictures[good] - pictures[good].mean(axis=1, keepdims=True)) @ change / (change @ change)
    found: dict[int, str] = {}
    for place, own in enumerate(along):
        apart = np.abs(np.arange(len(along)) - place)
        others = along[np.argsort(apart, kind="stable")[1:5]]
        if np.ptp(others) < SAME and abs(own - np.median(others)) > OTHER:
            found[int(good[place])] = OTHER_ENERGY
    for place in (good[0], good[-1]):
        others = energies[good[good != place]]
        if np.abs(others - energies[place]).min() > 2 * np.ptp(others):
            found[int(place)] = "has an energy far from all others"
    return found
