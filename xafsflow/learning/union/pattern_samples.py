"""Patterns to learn from, and which of them are learnt from, which choose, and which are kept for the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Indices, Mask, Singles
from xafsflow.learning.samples.group_split import places_of

# Shares of the groups (species tuples) that networks learn from, that end their training, and on which scores, sets and
# limits are learnt; the rest is for the check alone. Of background types: the same, by type.
ENDS = (0.65, 0.72, 0.86)
TRAIN, STOP, LEARN, CHECK = range(4)
# What is no known type.
BACKGROUND = -1


@dataclass(frozen=True, eq=False)
class PatternSamples:
    """Patterns as networks read them, with their types.

    Parameters
    ----------
    sequences
        `(sample, place)` over ln(1/d).
    types
        `(class,)` names.
    labels
        `(sample,)`: the type, or `BACKGROUND`.
    part
        `(sample,)`: `TRAIN`, `STOP`, `LEARN` or `CHECK`.
    kind
        `(sample,)` names of the types, those of the background, too.
    """

    sequences: Singles
    types: list[str]
    labels: Indices
    part: Indices
    kind: NDArray[np.str_]

    def rows(self, part: int, known: bool | None = True) -> Indices:
        """Places of the samples of a part: of known types, of the background, or all (None)."""
        wanted = self.part == part
        if known is not None:
            wanted &= (self.labels != BACKGROUND) == known
        return np.flatnonzero(wanted)

    def of_types(self, types: list[str]) -> PatternSamples:
        """The same samples with these types as the known ones, in this order; all others are background."""
        number = {name: place for place, name in enumerate(types)}
        labels = np.array([number.get(name, BACKGROUND) for name in self.kind.tolist()], np.int64)
        return PatternSamples(self.sequences, types, labels, self.part, self.kind)


def parts_of(group: NDArray[np.str_], kind: NDArray[np.str_], background: Mask, seed: int) -> Indices:
    """The part of each sample `(sample,)`: by its species tuple, or by its type where that is background.

    The same tuple, or type, is in the same part in every library: a later training does not learn from what an earlier one
    was checked on.

    Examples
    --------
    >>> group, kind = np.array(["Na Cl", "Na Cl", "K Cl"]), np.array(["rocksalt", "CsCl", "rocksalt"])
    >>> parts = parts_of(group, kind, np.zeros(3, bool), 0)
    >>> bool(parts[0] == parts[1])
    True
    """
    places = np.where(background, places_of(kind, seed + 1), places_of(group, seed))
    return np.searchsorted(ENDS, places, side="right").astype(np.int64)
