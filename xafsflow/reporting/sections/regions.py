"""The report's section on regions found without references (clusters): where they are, how large, how similar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from xafsflow.findings.derive_findings import ClusterFindings
from xafsflow.findings.record import Doubles
from xafsflow.reporting.category_maps import category_figure
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Curve
from xafsflow.reporting.figure_style import category_colors
from xafsflow.reporting.map_frame import Frame, of_blocks
from xafsflow.reporting.map_statistics import axis_label
from xafsflow.reporting.panel import Cell, Panel, Table
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.scalar_maps import MapStyle, small
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import counted, listed, number, percent

WIDTH = 4.2
OPEN_ROWS = 20
QUALITIES = {"silhouette": "the silhouette (larger is better)", "bic": "BIC (smaller is better)"}


@section(
    "regions",
    title="Regions",
    intro="Pixels with similar spectra (clusters), found without any reference.",
    order=70,
    maps={"cluster_index": MapStyle("Regions", drawn=False)},
    drawn=(
        "sizes",
        "shares",
        "axis",
        "energy",
        "mean_norm",
        "linkage",
        "leaves",
        "quality",
        "quality_by_number",
    ),
)
def regions(part: Part) -> Iterator[Block]:
    """Where the regions are, their mean spectra, how similar these are, and their sizes."""
    if "cluster_index" in part.variables:
        yield cluster_picture(part.maps.maps, small(part.maps.frame))
    found = part.finding
    if isinstance(found, ClusterFindings):
        # A region that no sampled pixel fell into has no mean.
        seen = np.flatnonzero(found.sizes > 0).tolist()
        colors = category_colors(found.sizes.size)
        yield _mean_picture(found, seen, colors)
        if len(seen) > 1:
            yield _dendrogram(found.linkage, found.leaves.tolist(), seen, colors)
        yield _size_panel(found)


def cluster_picture(maps: xr.Dataset, frame: Frame) -> Picture:
    """Draw `cluster_index`, each region with a color of its own.

    Parameters
    ----------
    maps
        `cluster_index` over y, x, -1 where there is none.
    frame
        Of the same maps.
    """
    values = maps["cluster_index"].transpose("y", "x").values
    codes = np.where(np.isfinite(values), values, -1).astype(np.int16)
    counts = np.bincount(codes[codes >= 0], minlength=1).tolist()
    entries = [
        (f"region {i}", c, n)
        for i, (c, n) in enumerate(zip(category_colors(len(counts)), counts, strict=True))
    ]
    figure = category_figure(codes, replace(frame, width=WIDTH), entries, sum(counts), "no region")
    found = listed([f"{name} {percent(n, sum(counts))}" for name, _, n in entries])
    text = f"Pixels with similar spectra, found without references.{of_blocks(frame, 'the most frequent region')}"
    return Picture("cluster_index", "Regions", text, f"Map of the regions: {found}.", figure)


def _size_panel(found: ClusterFindings) -> Panel:
    colors = category_colors(found.sizes.size)
    rows = [
        (Cell(f"region {i}", color=color), f"{size:,}", percent(share), Cell(share=share, color=color))
        for i, (size, share, color) in enumerate(
            zip(found.sizes.tolist(), found.shares.tolist(), colors, strict=True)
        )
    ]
    notes = [f"Counted on the {counted(found.pixels, 'pixel')} from which the regions were found."]
    if found.quality_by_number:
        tried = listed(
            [f"{number(value, 3)} for {count}" for count, value in found.quality_by_number.items()]
        )
        notes.append(f"Their number was chosen by {QUALITIES[found.quality]}: {tried}.")
    content = Table(["", "pixels", "share", ""], rows, numeric=[1, 2], open_rows=OPEN_ROWS)
    return Panel("Sizes", content=content, notes=notes)


def _mean_picture(found: ClusterFindings, seen: Sequence[int], colors: Sequence[str]) -> Picture:
    curves = [
        Curve(found.energy, mean, colors[region], name=f"region {region}")
        for region, mean in zip(seen, found.mean_norm, strict=True)
    ]
    plot = Plot(curves, "normalized spectrum", legend="lower right", columns=1 + len(seen) // 7)
    figure = CurveFigure(WIDTH, 3.5, [plot], axis_label(found.axis))
    text = "Mean normalized absorption of the pixels of each region."
    alt = f"Mean spectra of {counted(len(seen), 'region')}."
    return Picture("region_means", "Mean spectra of the regions", text, alt, figure)


def branches(linkage: Doubles, leaves: Sequence[int]) -> list[tuple[list[float], list[float]]]:
    """The lines of a dendrogram: for each join the distances and places of its four corners.

    Parameters
    ----------
    linkage
        Shape (leaf - 1, 4), as scipy gives it: two that are joined, their distance, number of leaves.
    leaves
        The leaves in the order in which they stand.

    Examples
    --------
    >>> branches(np.array([[0.0, 2.0, 1.5, 2.0]]), [2, 0])
    [([0.0, 1.5, 1.5, 0.0], [1.0, 1.0, 0.0, 0.0])]
    """
    ends = {leaf: (0.0, float(place)) for place, leaf in enumerate(leaves)}
    lines = []
    for join_number, (first, second, distance, _) in enumerate(linkage.tolist()):
        (left, upper), (right, lower) = ends[int(first)], ends[int(second)]
        lines.append(([left, distance, distance, right], [upper, upper, lower, lower]))
        ends[len(leaves) + join_number] = (distance, (upper + lower) / 2)
    return lines


def _dendrogram(
    linkage: Doubles, leaves: Sequence[int], seen: Sequence[int], colors: Sequence[str]
) -> Picture:
    joins = [Curve(np.array(x), np.array(y), width=1.2) for x, y in branches(linkage, leaves)]
    ends = [
        Curve(np.zeros(1), np.array([float(place)]), colors[seen[leaf]], 0, marker="s", size=8)
        for place, leaf in enumerate(leaves)
    ]
    plot = Plot([*joins, *ends], rows=[f"region {seen[leaf]}" for leaf in leaves])
    height, longest = 1.0 + 0.28 * max(len(leaves), 4), 1.05 * float(linkage[:, 2].max())
    figure = CurveFigure(WIDTH, height, [plot], "distance (units of the noise)", (0, longest))
    first = linkage[0]
    nearest = f" Nearest to each other are two at {number(float(first[2]), 3)}." if len(linkage) > 1 else ""
    text = f"Regions whose mean spectra are alike are joined far left (Ward's linkage).{nearest}"
    alt = f"Dendrogram of {counted(len(leaves), 'region')}, joined at {number(float(linkage[-1, 2]), 3)} at last."
    return Picture("dendrogram", "How alike the regions are", text, alt, figure)
