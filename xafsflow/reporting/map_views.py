"""The maps of a run by label: `fraction_linear` of an entry "linear" is its `fraction`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import xarray as xr

from xafsflow.kernels.array_types import Singles
from xafsflow.reporting.map_frame import Frame, frame_of
from xafsflow.reporting.map_layers import Layer, layers, stacked
from xafsflow.reporting.map_spread import Spread, spread_of
from xafsflow.reporting.map_statistics import Facts, gather

# What the maps of every label are counted and drawn with.
SHARED = ("flags", "edge_step")
# The images of this many variables are held at a time, where one variable does not take more bytes than this.
HELD, HELD_BYTES = 2, 2**27


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
    _held: dict[str, dict[str, Singles]] = field(default_factory=dict, repr=False)
    _spreads: dict[str, Spread | None] = field(default_factory=dict, repr=False)

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

    def values(self, layer: Layer) -> Singles:
        """Load an image, shape (y, x); those of the same variable, which share its chunks, are read with it."""
        name = layer.variable
        if self.maps[name].nbytes > HELD_BYTES:
            return layer.values()
        if name not in self._held:
            while len(self._held) >= HELD:
                del self._held[next(iter(self._held))]
            own = [one for one in self.layers if one.variable == name]
            self._held[name] = dict(zip((one.name for one in own), stacked(self.maps[name]), strict=True))
        return self._held[name][layer.name]

    def spread(self, layer: Layer) -> Spread | None:
        """How the values of an image are distributed; None where there are none."""
        if layer.name not in self._spreads:
            self._spreads[layer.name] = spread_of(self.values(layer))
        return self._spreads[layer.name]


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
