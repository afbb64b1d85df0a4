"""The report's section on what the normalization found: edge energy, edge step, white line, noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from xafsflow.reporting.downsample import block_mean
from xafsflow.reporting.map_frame import of_blocks
from xafsflow.reporting.map_layers import Layer
from xafsflow.reporting.map_views import MapView
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.raster import Raster
from xafsflow.reporting.scalar_maps import MapStyle, scalar_figure, small
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import number

MAPS = {
    "edge_step": MapStyle("Edge step"),
    "e0": MapStyle("Edge energy E0"),
    "white_line": MapStyle("White line height"),
    "white_line_energy": MapStyle("White line energy"),
    "noise": MapStyle("Noise", "cividis"),
}


@section(
    "edge",
    title="Edge",
    intro="What the normalization found: where the edge is, and how much of the element there is.",
    order=80,
    maps=MAPS,
)
def edge(part: Part) -> Iterator[Block]:
    """The maps, and E0 where there is a sample."""
    yield from part.map_pictures()
    found = {layer.name: layer for layer in part.maps.layers}
    if {"e0", "edge_step"} <= set(found) and "e0" in part.maps.variables:
        yield _edge_picture(part.maps, found["e0"], found["edge_step"])


def _edge_picture(maps: MapView, energy: Layer, height: Layer) -> Picture:
    """E0 as color, the edge step as opacity: the energy counts where there is something to measure it on."""
    frame, e0, step = small(maps.frame), maps.values(energy), maps.values(height)
    thickness = maps.spread(height)
    thick = max(thickness.limits[1], 0.0) if thickness else 0.0
    figure = scalar_figure(e0, frame, MAPS["e0"], maps.spread(energy), "eV")
    colors = figure.raster.colors()
    opacity = np.clip(np.nan_to_num(block_mean(step, frame.block)) / thick, 0, 1) if thick > 0 else 0.0
    colors[..., 3] = np.round(colors[..., 3] * opacity)
    figure = replace(figure, raster=Raster(colors), ground="#ffffff")
    text = f"Color is E0, opacity the edge step: full at {number(thick, 3)}, white where there is none."
    title, alt = "E0 where the sample is", "Map of E0, faded where the edge step is small."
    return Picture("e0_by_edge_step", title, text + of_blocks(frame), alt, figure)
