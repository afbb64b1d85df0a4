"""The report's section on how far the answer of a pixel can be trusted: confidence, unknown score, votes, distances."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xafsflow.reporting.map_layers import Layer, file_names
from xafsflow.reporting.map_statistics import middle, ratio
from xafsflow.reporting.map_views import MapView
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.scalar_maps import (
    SHARE,
    MapStyle,
    scalar_picture,
    share_above,
    small,
)
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import number

MAPS = {
    "confidence": MapStyle("Confidence", "cividis", SHARE),
    # The limit is in the middle of the scale: blue is explained, red is not.
    "unknown_score": MapStyle("Unknown score", "RdBu_r", (0.0, 2.0), "Above 1: flagged unknown."),
    "disagreement": MapStyle(
        "Disagreement of classifier and LCF",
        "cividis",
        hint="0 where they agree, 1 where they have nothing in common.",
    ),
    "class_vote": MapStyle("Share of votes", "cividis", SHARE),
    "distance": MapStyle("Distance", "cividis"),
    "distance_expected": MapStyle("Distance expected from noise", "cividis"),
}


@section(
    "trust",
    title="Trust",
    intro="How sure the answer of each pixel is, and where nothing that the model knows explains the spectrum.",
    order=60,
    maps=MAPS,
)
def trust(part: Part) -> Iterator[Block]:
    """The maps; beside a distance stands what noise alone would give."""
    named = {layer.name: layer for layer in part.maps.layers}
    for variable in part.variables:
        # An expected distance is a map of its own only where there is no distance to compare it with.
        if variable != "distance_expected" or "distance" not in part.variables:
            for layer in named.values():
                if layer.variable == variable:
                    yield _picture(layer, named.get(f"distance_expected_{layer.label}"), part)


def _picture(layer: Layer, expected: Layer | None, part: Part) -> Picture:
    remark = ""
    if layer.variable == "unknown_score":
        values = part.maps.values(layer)
        if np.isfinite(values).any():
            remark = f"Above 1 are {share_above(values, 1)} of the pixels with a score."
    elif layer.variable == "distance" and expected is not None:
        remark = _beside_expected(part.maps, layer, expected)
    (key,) = file_names([layer.name])
    return scalar_picture(part.maps, layer, key, small(part.maps.frame), MAPS[layer.variable], remark)


def _beside_expected(maps: MapView, layer: Layer, expected: Layer) -> str:
    over, spread = middle(ratio(maps.values(layer), maps.values(expected))), maps.spread(expected)
    if spread is None or not np.isfinite(over):
        return ""
    alone = number(spread.quantiles[2], 3)
    return f"Noise alone would give a median of {alone}; the median ratio to it is {number(over, 3)}."
