"""The entries of a recipe: their names, what they were given, and what they take from which entry before them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from xafsflow.pipeline.strict_yaml import Mark
from xafsflow.vocabulary import CUBE, VARIABLES

if TYPE_CHECKING:
    # Whoever only names entries must not wait for xarray
    from xafsflow.step_table import Step

# Beside the settings of an entry: its name, and the entries it uses
AS, USE = "as", "use"
NAME = re.compile(r"[a-z][a-z0-9_]*")


# Of the types that the step's signature names
Settings: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Sources:
    """What an entry takes from which entry before it.

    Attributes
    ----------
    products
        Kind of product to the name of the entry that made it; an optional one that nobody made is missing.
    labels
        Labels of the variables that it sees under their plain names.
    label
        The label of the maps that it makes: its own, or that of the maps that it uses.
    """

    products: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    label: str | None = None


@dataclass(frozen=True)
class PlannedStep:
    """An entry of a recipe: a step with all its settings, defaults filled in.

    Attributes
    ----------
    entry
        Its name: what stands at `as`, or the name of the step, with a number from its second entry on.
    label
        What stands at `as`.
    use
        The entries that stand at `use`.
    mark, marks
        The places of the step and of its settings in the recipe; not compared.
    sources
        What it takes from which entry; follows from the rest of the recipe.
    """

    step: Step
    settings: Settings
    entry: str
    label: str | None
    use: tuple[str, ...]
    mark: Mark = field(compare=False)
    marks: Mapping[str, Mark] = field(compare=False, repr=False)
    sources: Sources = field(default_factory=Sources, compare=False)

    @property
    def place(self) -> str:
        """Where it stands and what it is called, for messages."""
        return f"{self.mark}: {self.entry}"

    @property
    def written(self) -> dict[str, object]:
        """The settings, with `as` and `use` where they are given, as they stand in a recipe."""
        named = {} if self.label is None else {AS: self.label}
        used = {USE: self.use[0] if len(self.use) == 1 else list(self.use)} if self.use else {}
        return {**self.settings, **named, **used}

    @property
    def maps(self) -> frozenset[str]:
        """The variables that the entry gives, if all of them are maps beside those of the cube that it takes.

        Only these can have a label. Who gives spectra makes another cube, and there are flags once for all entries.
        """
        step = self.step
        gives = step.filled(step.gives, self.settings)
        if "cube" not in step.takes or "cube" not in step.makes:
            return frozenset()
        if any(name not in VARIABLES or VARIABLES[name].dims == CUBE for name in gives):
            return frozenset()
        return frozenset(gives) - {"flags"}


def entry_names(items: Iterable[tuple[str, str | None]]) -> list[str]:
    """The names of entries, from the names of their steps and what stands at `as`.

    Examples
    --------
    >>> entry_names([("train.fit", None), ("train.fit", "linear"), ("train.fit", None)])
    ['train.fit', 'linear', 'train.fit_2']
    """
    count: Counter[str] = Counter()
    names = []
    for step, label in items:
        if label is None:
            count[step] += 1
        names.append(label or (step if count[step] == 1 else f"{step}_{count[step]}"))
    return names
