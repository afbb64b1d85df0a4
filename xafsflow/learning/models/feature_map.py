"""What a learner reads of a spectrum: linear features as one matrix, and what is read off by eye: edge and white line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Singles
from xafsflow.kernels.spectra.edge_energy import e0_half_step
from xafsflow.kernels.spectra.peak import highest_point

# From the axis (energy,) and spectra (energy, pixel) to (feature, pixel), finite. A further descriptor is one line here.
Descriptor = Callable[[Doubles, Singles], Doubles]


def edge_position(axis: Doubles, spectra: Singles) -> Doubles:
    """Where the spectra cross half of their step, in the unit of the axis; the middle of the axis where they do not.

    Examples
    --------
    >>> axis = np.arange(4.0)
    >>> edge_position(axis, np.array([[0.0, 0.25, 0.75, 1.0]], "f4").T)
    array([[1.5]])
    """
    found = e0_half_step(axis, spectra)
    return np.where(np.isfinite(found), found, (axis[0] + axis[-1]) / 2)[None]


def white_line(axis: Doubles, spectra: Singles) -> Doubles:
    """Height of the highest point, and where it lies: of a parabola through it and its neighbors.

    Examples
    --------
    >>> white_line(np.arange(5.0), np.array([[0.0, 1.0, 2.0, 1.0, 1.0]], "f4").T).round(2).tolist()
    [[2.0], [2.0]]
    """
    middle = np.zeros((1, spectra.shape[1]))
    height, place = highest_point(spectra[:, None], middle, axis, -np.inf, np.inf)
    return np.concatenate([height, place])


DESCRIPTORS: dict[str, tuple[Descriptor, int]] = {
    "edge_position": (edge_position, 1),
    "white_line": (white_line, 2),
}


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """From spectra to what a learner reads.

    Parameters
    ----------
    axis
        `(energy,)`: that of the spectra.
    weights, offset
        `(feature, energy)` and `(feature,)`: the linear features are `weights @ spectrum - offset`.
    kinds
        `(feature,)`: the row of the table that each linear feature is of, such as `derivative`.
    descriptors
        Rows of `DESCRIPTORS` whose values follow the linear features.
    """

    axis: Doubles
    weights: Doubles
    offset: Doubles
    kinds: list[str]
    descriptors: list[str]

    @property
    def count(self) -> int:
        """How many features a learner gets."""
        return len(self.weights) + sum(DESCRIPTORS[name][1] for name in self.descriptors)

    def __call__(self, spectra: Singles) -> Singles:
        """Features `(feature, pixel)` of spectra `(energy, pixel)`.

        Examples
        --------
        >>> twice = FeatureMap(np.arange(2.0), 2 * np.eye(2), np.ones(2), ["spectrum"] * 2, [])
        >>> twice(np.array([[1.0], [2.0]], "f4")).tolist()
        [[1.0], [3.0]]
        """
        first = len(self.weights)
        found = np.empty((self.count, spectra.shape[1]), np.float32)
        np.matmul(self.weights.astype(np.float32), spectra, out=found[:first])
        found[:first] -= self.offset.astype(np.float32)[:, None]
        for name in self.descriptors:
            make, count = DESCRIPTORS[name]
            found[first : first + count] = make(self.axis, spectra)
            first += count
        return found

    def onto_axis(self, values: Doubles) -> Doubles:
        """Values of the features `(..., feature)`, such as importances, as values of the energies `(..., energy)`.

        Each linear feature shares its value among the energies that it reads, by the size of its weights; a descriptor
        reads all. Sums stay.

        Examples
        --------
        >>> mean = FeatureMap(np.arange(2.0), np.array([[0.5, 0.5], [0.0, 1.0]]), np.zeros(2), ["a", "b"], [])
        >>> mean.onto_axis(np.array([0.5, 0.5])).tolist()
        [0.25, 0.75]
        """
        size = np.abs(self.weights)
        total = size.sum(axis=1, keepdims=True)
        share = np.where(total > 0, size / np.where(total > 0, total, 1), 1 / len(self.axis))
        rest = values[..., len(self.weights) :].sum(axis=-1, keepdims=True) / len(self.axis)
        return np.asarray(values[..., : len(self.weights)] @ share + rest)

    def check(self) -> None:
        """Refuse parts that do not belong together.

        Raises
        ------
        InputError
            Another dtype or shape, or a descriptor that is not known.
        """
        arrays = (self.axis, self.weights, self.offset)
        kinds = all(isinstance(one, np.ndarray) and one.dtype == np.float64 for one in arrays)
        fits = kinds and [one.ndim for one in arrays] == [1, 2, 1]
        fits = fits and self.weights.shape == (len(self.offset), len(self.axis))
        if not fits or len(self.kinds) != len(self.offset) or not set(self.descriptors) <= set(DESCRIPTORS):
            raise InputError("a damaged map of features", "weights over the axis", "train the model again")


@dataclass(frozen=True, eq=False)
class FeatureRows:
    """What a learner reads of many spectra, made of some of them at a time: all at once would be several times their size.

    Parameters
    ----------
    spectra
        `(sample, energy)`.
    features
        What is read of them.

    Examples
    --------
    >>> twice = FeatureMap(np.arange(2.0), 2 * np.eye(2), np.zeros(2), ["spectrum"] * 2, [])
    >>> table = FeatureRows(np.ones((3, 2), "f4"), twice)
    >>> table.shape, table[1:].tolist(), np.asarray(table).shape
    ((3, 2), [[2.0, 2.0], [2.0, 2.0]], (3, 2))
    """

    spectra: Singles
    features: FeatureMap

    @property
    def shape(self) -> tuple[int, int]:
        """Samples and features."""
        return len(self.spectra), self.features.count

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.spectra)

    def __getitem__(self, rows: Any) -> Singles:
        """Features `(row, feature)` of some samples, which stand feature by feature in memory."""
        return self.features(np.ascontiguousarray(self.spectra[rows].T)).T

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The features of all, for learners that have to hold them."""
        return self[:].astype(dtype or np.float32, copy=False)
