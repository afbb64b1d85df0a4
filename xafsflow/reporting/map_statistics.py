"""The numbers of a run that its report states in words and tables, from the maps at full size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles, Indices, Integers, Mask, Singles
from xafsflow.reporting.map_layers import layers, names_along
from xafsflow.reporting.quantiles import median
from xafsflow.vocabulary import AXES, Flag

# Pixels that are counted at a time: some of their maps are held together.
BAND_PIXELS = 2**20


@dataclass(frozen=True)
class AxisRange:
    """The spectral axis of the spectra that the maps are of: name, unit, number of values, the least and the largest."""

    name: str
    unit: str
    count: int
    low: float
    high: float

    @property
    def label(self) -> str:
        """What stands at the axis of a figure."""
        return axis_label(self.name)


def axis_label(name: str) -> str:
    """Name and unit of a spectral axis, for figures.

    Examples
    --------
    >>> axis_label("energy")
    'energy (eV)'
    """
    return f"{name.replace('two_theta', '2θ').replace('_', ' ')} ({AXES[name].unit})"


@dataclass(frozen=True, eq=False)
class Facts:
    """What the maps say in numbers.

    Parameters
    ----------
    shape
        Rows and columns.
    axis
        The spectral axis, where the maps hold one; else None.
    references
        Names along `reference`; empty without fractions.
    answered
        Number of pixels with an answer: a class; without classes finite fractions; without these a finite
        edge step; without that any finite map.
    flagged, lost
        Pixels with each flag, and those of them without an answer.
    silent
        Pixels without an answer and without a flag.
    composition
        Shape (reference,): mean fraction over the pixels with an answer, or None.
    amount
        Shape (reference,): the mean fraction weighted by the edge step: the composition of the whole sample.
    dominant
        Shape (y, x): index of the reference with the largest fraction, -1 where there is none.
    shares
        Shape (reference,): number of pixels where each reference dominates.
    mixture
        Shape (dominant, reference): mean fractions where each reference dominates, NaN where none does.
    classes
        Shape (class,): pixels of each class; empty without classes.
    """

    shape: tuple[int, int]
    axis: AxisRange | None
    references: tuple[str, ...]
    answered: int
    flagged: Mapping[Flag, int]
    lost: Mapping[Flag, int]
    silent: int
    composition: Doubles | None
    amount: Doubles | None
    dominant: NDArray[np.int16]
    shares: Indices
    mixture: Doubles
    classes: Indices

    @property
    def pixels(self) -> int:
        """Number of pixels of the map."""
        return self.shape[0] * self.shape[1]


def gather(maps: xr.Dataset) -> Facts:
    """Read the maps, some rows at a time, and count.

    Parameters
    ----------
    maps
        Variables of the vocabulary over y, x.

    Raises
    ------
    InputError
        If there is no map.

    Examples
    --------
    >>> fraction = np.array([[[0.75, np.nan]], [[0.25, np.nan]]])
    >>> maps = xr.Dataset({"fraction": (("reference", "y", "x"), fraction)}, {"reference": ["Fe", "FeO"]})
    >>> facts = gather(maps)
    >>> facts.answered, facts.composition.tolist(), facts.dominant.tolist()
    (1, [0.75, 0.25], [[0, -1]])
    """
    shape: tuple[int, int] = layers(maps)[0].data.shape  # type: ignore[assignment]
    references = tuple(names_along(maps["fraction"], "reference")) if "fraction" in maps else ()
    dominant = np.full(shape, -1, np.int16)
    # Sums do not depend on how the maps are chunked, since these bands do not.
    height = max(1, BAND_PIXELS // shape[1])
    counts = [
        _count(maps.isel(y=slice(row, row + height)), dominant[row : row + height])
        for row in range(0, shape[0], height)
    ]
    sums = reduce(add, (count.sums for count in counts))
    answered = sums.members.sum()
    with np.errstate(invalid="ignore"):
        mixture = sums.totals / sums.members[:, None]
    return Facts(
        shape=shape,
        axis=_axis(maps),
        references=references,
        answered=sum(count.answered for count in counts),
        flagged={flag: sum(count.flagged[flag] for count in counts) for flag in Flag},
        lost={flag: sum(count.lost[flag] for count in counts) for flag in Flag},
        silent=sum(count.silent for count in counts),
        composition=sums.totals.sum(axis=0) / answered if answered else None,
        amount=sums.weighted / sums.weight if sums.weight > 0 else None,
        dominant=dominant,
        shares=sums.members,
        mixture=mixture,
        classes=_added([count.classes for count in counts]),
    )


@dataclass(frozen=True, eq=False)
class _Sums:
    """Of the fractions in a band of rows, by dominant reference: pixels, sums, and sums weighted with the edge step."""

    members: Indices
    totals: Doubles
    weighted: Doubles
    weight: float

    def __add__(self, other: _Sums) -> _Sums:
        """The sums over both bands."""
        return _Sums(
            self.members + other.members,
            self.totals + other.totals,
            self.weighted + other.weighted,
            self.weight + other.weight,
        )


@dataclass(frozen=True, eq=False)
class _Count:
    """What a band of rows adds to `Facts`."""

    answered: int
    flagged: Mapping[Flag, int]
    lost: Mapping[Flag, int]
    silent: int
    classes: Indices
    sums: _Sums


def _count(band: xr.Dataset, dominant: NDArray[np.int16]) -> _Count:
    """Count in a band, and fill in which reference dominates."""
    if "fraction" in band:
        fractions = band["fraction"].transpose("reference", "y", "x").values
        dominant[...] = np.where(np.isfinite(fractions).all(axis=0), fractions.argmax(axis=0), -1)
    else:
        fractions = np.zeros((0, *dominant.shape), np.float32)
    classes = _classes(band) if "class_index" in band else None
    answer = _answer(band, dominant, classes)
    flags = flag_bits(band["flags"]) if "flags" in band else np.zeros(dominant.shape, np.uint8)
    silent = ~answer
    return _Count(
        answered=int(answer.sum()),
        flagged={flag: int(np.count_nonzero(flags & int(flag))) for flag in Flag},
        lost={flag: int(np.count_nonzero((flags & int(flag) != 0) & silent)) for flag in Flag},
        silent=int(np.count_nonzero((flags == 0) & silent)),
        classes=np.zeros(0, np.int64) if classes is None else np.bincount(classes[classes >= 0]),
        sums=_composition(band, fractions, dominant),
    )


def flag_bits(flags: xr.DataArray) -> Integers:
    """The flags of each pixel as whole numbers; shape (y, x)."""
    bits = flags.transpose("y", "x").values
    return bits if bits.dtype.kind in "iu" else bits.astype(np.int64)


def _added(arrays: Sequence[Indices]) -> Indices:
    """The sum of arrays, as long as the longest."""
    total = np.zeros(max(array.size for array in arrays), np.int64)
    for array in arrays:
        total[: len(array)] += array
    return total


def _axis(maps: xr.Dataset) -> AxisRange | None:
    for name, axis in AXES.items():
        if name in maps.coords and maps[name].size:
            values = maps[name].values
            return AxisRange(name, axis.unit, values.size, float(values.min()), float(values.max()))
    return None


def _classes(maps: xr.Dataset) -> NDArray[np.signedinteger]:
    """The class map as whole numbers; NaN, which a store may give for no class, becomes -1."""
    values = maps["class_index"].transpose("y", "x").values
    return values if values.dtype.kind == "i" else np.where(np.isfinite(values), values, -1).astype(np.int64)


def _answer(maps: xr.Dataset, dominant: NDArray[np.int16], classes: NDArray[np.signedinteger] | None) -> Mask:
    if classes is not None:
        return np.asarray(classes >= 0)
    if "fraction" in maps:
        return dominant >= 0
    found = {layer.variable: layer for layer in reversed(layers(maps))}
    if "edge_step" in found:
        return np.isfinite(found["edge_step"].values())
    answer = np.zeros(dominant.shape, bool)
    for name in found.keys() - {"flags"}:
        answer |= np.isfinite(found[name].values())
    return answer


def _composition(band: xr.Dataset, fractions: NDArray[np.float32], dominant: NDArray[np.int16]) -> _Sums:
    """Sums of the fractions by dominant reference, and weighted with the edge step, which is the element's amount."""
    inside = dominant >= 0
    group, count = dominant[inside], len(fractions)
    totals, weighted = np.zeros((count, count)), np.zeros(count)
    weight = np.zeros(group.shape)
    if "edge_step" in band:
        step = band["edge_step"].transpose("y", "x").values[inside]
        weight = np.where(np.isfinite(step) & (step > 0), step, 0.0)
    for i, plane in enumerate(fractions):
        values = plane[inside].astype(np.float64)
        totals[:, i] = np.bincount(group, weights=values, minlength=count)
        weighted[i] = values @ weight
    members = np.bincount(group, minlength=count)
    return _Sums(members, totals, weighted, float(weight.sum()))


def ratio(values: Singles, expected: Singles) -> Singles:
    """Distance over expected distance, NaN where a pixel lacks one of them; shape of both."""
    known = np.isfinite(values) & np.isfinite(expected) & (expected > 0)
    return np.divide(values, expected, out=np.full(values.shape, np.nan, np.float32), where=known)


def middle(ratios: Singles) -> float:
    """The median of what `ratio` gives, NaN where no pixel has one.

    Examples
    --------
    >>> middle(ratio(np.array([2, 3, np.nan], np.float32), np.array([1, 1, 1], np.float32)))
    2.5
    """
    known = ratios[~np.isnan(ratios)]
    return median(known) if known.size else float("nan")
