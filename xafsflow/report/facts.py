"""The numbers of a run that its report states in words and tables, from the maps at full size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.names import Flag
from xafsflow.report.layers import layers, names_along

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Facts:
    """What the maps say in numbers.

    Parameters
    ----------
    shape
        Rows and columns.
    energies
        Number, first and last energy in eV, where the maps hold an energy axis.
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
    energies: tuple[int, float, float] | None
    references: tuple[str, ...]
    answered: int
    flagged: Mapping[Flag, int]
    lost: Mapping[Flag, int]
    silent: int
    composition: Array | None
    amount: Array | None
    dominant: NDArray[np.int16]
    shares: NDArray[np.int64]
    mixture: Array
    classes: NDArray[np.int64]

    @property
    def pixels(self) -> int:
        """Number of pixels of the map."""
        return self.shape[0] * self.shape[1]


def gather(maps: xr.Dataset) -> Facts:
    """Read the maps, one image at a time, and count.

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
    dominant = _dominant(maps, shape)
    answer = _answer(maps, dominant)
    flags = (
        maps["flags"].transpose("y", "x").values.astype(np.int64)
        if "flags" in maps
        else np.zeros(shape, np.int64)
    )
    composition, amount, mixture = _composition(maps, dominant)
    classes = np.zeros(0, np.int64)
    if "class_index" in maps:
        index = _classes(maps)
        classes = np.bincount(index[index >= 0])
    return Facts(
        shape=shape,
        energies=_energies(maps),
        references=references,
        answered=int(answer.sum()),
        flagged={flag: int(np.count_nonzero(flags & flag)) for flag in Flag},
        lost={flag: int(np.count_nonzero((flags & flag != 0) & ~answer)) for flag in Flag},
        silent=int(np.count_nonzero((flags == 0) & ~answer)),
        composition=composition,
        amount=amount,
        dominant=dominant,
        shares=np.bincount(dominant[dominant >= 0], minlength=len(references)),
        mixture=mixture,
        classes=classes,
    )


def _energies(maps: xr.Dataset) -> tuple[int, float, float] | None:
    if "energy" not in maps.coords or maps["energy"].size == 0:
        return None
    energy = maps["energy"].values
    return int(energy.size), float(energy.min()), float(energy.max())


def _classes(maps: xr.Dataset) -> NDArray[np.int64]:
    """The class map as whole numbers; NaN, which a store may give for no class, becomes -1."""
    values = maps["class_index"].transpose("y", "x").values
    return np.where(np.isfinite(values), values, -1).astype(np.int64)


def _dominant(maps: xr.Dataset, shape: tuple[int, int]) -> NDArray[np.int16]:
    dominant, highest = np.full(shape, -1, np.int16), np.full(shape, -np.inf, np.float32)
    unknown = np.zeros(shape, bool)
    planes = [layer for layer in layers(maps) if layer.variable == "fraction"]
    for i, layer in enumerate(planes):
        values = layer.values()
        unknown |= ~np.isfinite(values)
        higher = values > highest
        dominant[higher], highest[higher] = i, values[higher]
    dominant[unknown] = -1
    return dominant


def _answer(maps: xr.Dataset, dominant: NDArray[np.int16]) -> Mask:
    if "class_index" in maps:
        return _classes(maps) >= 0
    if "fraction" in maps:
        return dominant >= 0
    found = {layer.variable: layer for layer in reversed(layers(maps))}
    if "edge_step" in found:
        return np.isfinite(found["edge_step"].values())
    answer = np.zeros(dominant.shape, bool)
    for name in found.keys() - {"flags"}:
        answer |= np.isfinite(found[name].values())
    return answer


def _composition(maps: xr.Dataset, dominant: NDArray[np.int16]) -> tuple[Array | None, Array | None, Array]:
    """Mean composition over pixels, over the element, and over the pixels of each dominant reference."""
    planes = [layer for layer in layers(maps) if layer.variable == "fraction"]
    inside = dominant >= 0
    group, count = dominant[inside], len(planes)
    members = np.bincount(group, minlength=count)
    totals, weighted, total_weight = np.zeros((count, count)), np.zeros(count), 0.0
    weight = np.zeros(group.shape)
    if "edge_step" in maps:
        step = maps["edge_step"].transpose("y", "x").values[inside]
        weight = np.where(np.isfinite(step) & (step > 0), step, 0.0)
        total_weight = float(weight.sum())
    for i, layer in enumerate(planes):
        values = layer.values()[inside].astype(np.float64)
        totals[:, i] = np.bincount(group, weights=values, minlength=count)
        weighted[i] = values @ weight
    with np.errstate(invalid="ignore"):
        mixture = totals / members[:, None]
    composition = totals.sum(axis=0) / group.size if group.size else None
    return composition, weighted / total_weight if total_weight > 0 else None, mixture
