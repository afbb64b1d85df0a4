"""A union of networks: each knows some structure types and says "other" to the rest; together they answer for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Singles, Uint8s
from xafsflow.kernels.diffraction.log_places import best_cosines, log_edges, onto_places
from xafsflow.kernels.diffraction.prepared_pattern import angles_of_means, prepared
from xafsflow.learning.models.kernel_machine import softmax
from xafsflow.learning.network.folded_network import FoldedNetwork
from xafsflow.learning.network.network_file import network_from_bytes
from xafsflow.learning.union.log_spacing import PLACES, template_lengths

# Points of a measured pattern that a prepared one has the mean of.
FACTOR = 4
# A confidence or likeness below counts as this, as its logarithm is taken.
LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class Parts:
    """What the parts of a union say of patterns.

    Parameters
    ----------
    confidence
        `(sample, class)`: the softmax of the network that knows the type, "other" included. The local part.
    other
        `(sample, class)`: "other" of that network.
    likeness
        `(sample, class)`: largest cosine with the mean pattern of the type, over sizes of the cell. The global part.
    later
        `(sample, class)`: "other" of the networks that were added later, which saw the type while its own network has not
        seen theirs; 1 where there is none.
    """

    confidence: Doubles
    other: Doubles
    likeness: Doubles
    later: Doubles

    def __getitem__(self, rows: Any) -> Parts:
        """Of some samples."""
        return Parts(self.confidence[rows], self.other[rows], self.likeness[rows], self.later[rows])


@dataclass(frozen=True, eq=False)
class Member:
    """A network of a union: the classes of its outputs but for the last one, and the classes that it saw as "other"."""

    network: FoldedNetwork
    own: list[int]
    others: frozenset[int]

    def came_after(self, before: Member) -> bool:
        """Whether it has seen the types of the other network, which has not seen its own."""
        return self.others >= set(before.own) and not before.others & set(self.own)


@dataclass(frozen=True, eq=False)
class UnionOfNetworks:
    """Networks that were trained apart, each for a group of types, and mean patterns of all types.

    Parameters
    ----------
    two_theta
        `(point,)` degrees, even: the patterns that it reads.
    types, ratios
        `(class,)` names of the structure types, and their ratios of elements, such as `AB2`.
    twins
        `(class,)`: for each type those that it is badly told from.
    files, lengths
        The networks' files (safetensors) one behind the other, and how long each is.
    templates
        `(class, place)`: mean patterns over ln(1/d), reaching further than patterns by the shifts that are tried.
    score
        `(4,)`: weights of the logarithms of confidence, likeness, "other" of the type's network, and of later ones.
    classes
        `(class,)`.

    Notes
    -----
    The vote for type t is `softmax_t(w_1 ln p_t + w_2 ln c_t - w_3 ln o_t + w_4 ln l_t)` of the confidence p of its network,
    its likeness c, "other" o of that network, over which the confidence stands against networks that saw other types, and
    "other" l of networks that were added later: they have seen type t, while the network of t takes their types for its own.
    The weights are those of the largest likelihood on validation patterns (`xafsflow.learning.union.score_weights`).
    """

    two_theta: Doubles
    types: list[str]
    ratios: list[str]
    twins: list[list[int]]
    files: Uint8s
    lengths: Indices
    templates: Singles
    score: Doubles
    classes: Indices

    @property
    def n_features(self) -> int:
        """How many points of a pattern it reads."""
        return len(self.two_theta)

    @cached_property
    def members(self) -> list[Member]:
        """The networks."""
        number = {name: place for place, name in enumerate(self.types)}
        found = []
        for content in self.contents:
            network, about = network_from_bytes(content)
            own, others = (
                [number.get(name, -1) for name in about.get(one, [])] for one in ("types", "others")
            )
            found.append(Member(network, own, frozenset(others)))
        return found

    @property
    def contents(self) -> list[bytes]:
        """The file of each network."""
        ends = np.cumsum(self.lengths)
        return [self.files[end - size : end].tobytes() for end, size in zip(ends, self.lengths, strict=True)]

    @cached_property
    def _lengths(self) -> Singles:
        return template_lengths(self.templates, PLACES)

    @cached_property
    def _edges(self) -> Doubles:
        return log_edges(angles_of_means(self.two_theta, FACTOR), PLACES)

    def sequences(self, patterns: Floats) -> Singles:
        """What networks read of patterns `(sample, point)`: `(sample, place)` over ln(1/d)."""
        return onto_places(prepared(self.two_theta, patterns, FACTOR), self._edges)

    def parts(self, sequences: Singles) -> Parts:
        """What networks and mean patterns say of sequences `(sample, place)`."""
        confidence = np.zeros((len(sequences), len(self.types)))
        other, later = np.zeros(confidence.shape), np.ones(confidence.shape)
        for one in self.members:
            told = one.network.predict(sequences.T)
            confidence[:, one.own], other[:, one.own] = told[:, :-1], told[:, -1:]
            for before in self.members:
                if one.came_after(before):
                    later[:, before.own] *= told[:, -1:]
        return Parts(confidence, other, self.likeness(sequences), later)

    def likeness(self, sequences: Singles) -> Doubles:
        """`(sample, class)`: the largest cosine with each mean pattern, over sizes of the cell."""
        return best_cosines(sequences, self.templates, self._lengths).astype(np.float64)

    def predict(self, features: Singles) -> Doubles:
        """Votes `(pixel, class)` for patterns `(point, pixel)`."""
        parts = self.parts(self.sequences(np.ascontiguousarray(features.T)))
        return votes_of(parts, self.score)

    def check(self) -> None:
        """Refuse parts that do not belong together.

        Raises
        ------
        InputError
            A network is damaged, or a type is known to none or to several.
        """
        arrays: Sequence[tuple[np.ndarray, str, int]] = (
            (self.two_theta, "f8", 1),
            (self.files, "u1", 1),
            (self.lengths, "i8", 1),
            (self.templates, "f4", 2),
            (self.score, "f8", 1),
            (self.classes, "i8", 1),
        )
        fits = all(isinstance(a, np.ndarray) and a.dtype == kind and a.ndim == n for a, kind, n in arrays)
        fits = fits and len(self.ratios) == len(self.twins) == len(self.types)
        fits = fits and self.lengths.sum() == len(self.files) and len(self.templates) == len(self.types)
        fits = fits and len(self.classes) == len(self.types) and self.score.shape == (4,)
        fits = fits and self.templates.shape[1] >= PLACES
        members = self.members if fits else []
        fits = fits and all(
            one.network.probabilities
            and one.network.n_features == PLACES
            and len(one.network.classes) == len(one.own) + 1
            for one in members
        )
        known = sorted(place for one in members for place in one.own)
        if not fits or known != list(range(len(self.types))):
            raise InputError("a damaged union of networks", "each type in one network", "train it again")


def votes_of(parts: Parts, score: Floats) -> Doubles:
    """Votes `(sample, class)` from what the parts say.

    Examples
    --------
    >>> parts = Parts(np.array([[0.9, 0.05]]), np.array([[0.05, 0.05]]), np.array([[0.8, 0.8]]), np.ones((1, 2)))
    >>> votes_of(parts, np.array([1.0, 2.0, 0.5, 1.0])).round(2).tolist()
    [[0.95, 0.05]]
    """
    return softmax(sum(weight * one for weight, one in zip(score, logarithms(parts), strict=True)))


def logarithms(parts: Parts) -> list[Doubles]:
    """What the weights of a score go with, each `(sample, class)`."""
    sure, alike, other, later = (
        np.log(np.maximum(one, LEAST)) for one in (parts.confidence, parts.likeness, parts.other, parts.later)
    )
    return [sure, alike, -other, later]
