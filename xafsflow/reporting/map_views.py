"""The maps of a run by label: `fraction_linear` of an entry "linear" is its `fraction`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import xarray as xr

from xafsflow.reporting.map_frame import Frame, frame_of
from xafsflow.reporting.map_layers import Layer, layers
from xafsflow.reporting.map_statistics import Facts, gather

# What the maps of every label are counted and drawn with.
SHARED = ("flags", "edge_step")


@dataclass(frozen=True, eq=False)
class MapView:
    """Maps under the names of the vocabulary.

    Parameters
    ----------
    label
        Of the entries that made them; empty for those without.
    maps
        The maps of this label, and what they share with the others.
    variables
        Names of the maps of this label alone.
    """

    label: str
    maps: xr.Dataset
    variables: frozenset[str]

    @cached_property
    def facts(self) -> Facts:
        """What they say in numbers."""
        return gather(self.maps)

    @cached_property
    def frame(self) -> Frame:
        """Where they lie."""
        return frame_of(self.maps, self.facts.shape)

    @cached_property
    def layers(self) -> list[Layer]:
        """Their images, those shared with others too."""
        return layers(self.maps)


def views_of(maps: xr.Dataset) -> list[MapView]:
    """The maps without label first, then those of each label, in the order of the maps.

    Raises
    ------
    InputError
        If there is no map.

    Examples
    --------
    >>> import numpy as np
    >>> plane = (("y", "x"), np.zeros((2, 3)))
    >>> maps = xr.Dataset({"e0": plane, "confidence_linear": plane})
    >>> maps.confidence_linear.attrs.update(variable="confidence", label="linear")
    >>> [(view.label, sorted(view.variables)) for view in views_of(maps)]
    [('', ['e0']), ('linear', ['confidence'])]
    """
    layers(maps)  # refuses what holds no map
    names: dict[str, dict[str, str]] = {"": {}}
    for name, array in maps.data_vars.items():
        label = str(array.attrs.get("label", ""))
        names.setdefault(label, {})[str(name)] = str(array.attrs["variable"]) if label else str(name)
    views = []
    for label, given in names.items():
        shared = [name for name in SHARED if name in names[""] and name not in given.values()]
        renamed = {name: variable for name, variable in given.items() if name != variable}
        others = [name for name in maps.data_vars if name not in given and name not in shared]
        own = maps.drop_vars(others).rename(renamed)
        views.append(MapView(label, own, frozenset(given.values())))
    return views if names[""] else views[1:]
