"""Regions that were found without references: where they are, how large, how alike."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.report.category_maps import kinds_figure
from xafsflow.report.figure_style import INK, category_colors, styled
from xafsflow.report.findings_values import Array, array_in, number_in, of_step
from xafsflow.report.map_frame import Frame
from xafsflow.report.markup import Html, bar, el, folded_table, join
from xafsflow.report.picture import Picture
from xafsflow.report.wording import counted, listed, number, of_blocks, percent

STEP = "derive.clusters"
GROUP = "regions"
WIDTH = 4.2
SHOWN = 20
QUALITIES = {"silhouette": "the silhouette (larger is better)", "bic": "BIC (smaller is better)"}


@styled
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
    figure = kinds_figure(codes, replace(frame, width=WIDTH), entries, sum(counts), "no region")
    found = listed([f"{name} {percent(n, sum(counts))}" for name, _, n in entries])
    text = f"Pixels of alike spectra, found without references.{of_blocks(frame, 'the commonest kind')}"
    return Picture("cluster_index", GROUP, "Regions", text, f"Map of the regions: {found}.", figure)


def region_sheets(findings: Mapping[str, Any]) -> Iterator[tuple[str, Html]]:
    """Group and content: how large the regions are, and how well other numbers of them would do.

    Parameters
    ----------
    findings
        By step: `sizes`, `quality` and `quality_by_number` of derive.clusters are read.
    """
    found = of_step(findings, STEP)
    sizes = array_in(found, "sizes")
    if sizes is None:
        return
    total = float(np.nansum(sizes))
    rows = []
    for i, (size, color) in enumerate(zip(sizes.tolist(), category_colors(sizes.size), strict=True)):
        name = join([el("span", class_="swatch", style=f"background:{color}"), f"region {i}"])
        share = size / total if total > 0 else math.nan
        rows.append((name, f"{size:,.0f}", percent(share), bar(share if math.isfinite(share) else 0, color)))
    content = folded_table(["", "pixels", "share", ""], rows, SHOWN, numeric=[1, 2], class_="wide")
    notes = [f"Counted on the {counted(int(total), 'pixel')} that the regions were found on.", _tried(found)]
    paragraphs = [el("p", text, class_="quiet") for text in notes if text]
    yield GROUP, el("div", el("h3", "Sizes"), content, *paragraphs, class_="sheet")


def _tried(found: Mapping[str, Any]) -> str:
    """The numbers of regions that were tried."""
    tried = of_step(found, "quality_by_number")
    if not tried:
        return ""
    told = listed([f"{number(number_in(tried, key), 3)} for {key}" for key in tried])
    rule = QUALITIES.get(str(found.get("quality")), str(found.get("quality")))
    return f"Their number was chosen by {rule}: {told}."


def region_pictures(findings: Mapping[str, Any]) -> Iterator[Picture]:
    """The mean spectra of the regions, and the dendrogram of how alike they are.

    Parameters
    ----------
    findings
        By step: `energy`, `mean_norm`, `sizes`, `linkage` and `leaves` of derive.clusters are read.
    """
    found = of_step(findings, STEP)
    sizes = array_in(found, "sizes")
    if sizes is None:
        return
    # A region that no sampled pixel fell into has no mean.
    seen = np.flatnonzero(sizes > 0).tolist()
    colors = category_colors(sizes.size)
    energy, means = array_in(found, "energy"), array_in(found, "mean_norm", dims=2)
    if energy is not None and means is not None and means.shape == (len(seen), energy.size):
        yield _mean_picture(energy, means, seen, colors)
    linkage, leaves = array_in(found, "linkage", dims=2), array_in(found, "leaves")
    if linkage is None or leaves is None or linkage.shape != (len(seen) - 1, 4):
        return
    if sorted(leaves.tolist()) == list(range(len(seen))):
        yield _dendrogram(linkage, leaves.astype(int).tolist(), seen, colors)


@styled
def _mean_picture(energy: Array, means: Array, seen: Sequence[int], colors: Sequence[str]) -> Picture:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
    axes = figure.add_subplot()
    for region, mean in zip(seen, means, strict=True):
        axes.plot(energy, mean, color=colors[region], label=f"region {region}")
    axes.set(xlabel="energy (eV)", ylabel="normalized absorption")
    axes.legend(loc="lower right", ncols=1 + len(seen) // 7)
    axes.spines[["top", "right"]].set_visible(False)
    text = "Mean normalized absorption of the pixels of each region."
    alt = f"Mean spectra of {counted(len(seen), 'region')}."
    return Picture("region_means", GROUP, "Mean spectra of the regions", text, alt, figure)


def branches(linkage: Array, leaves: Sequence[int]) -> list[tuple[list[float], list[float]]]:
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


@styled
def _dendrogram(linkage: Array, leaves: Sequence[int], seen: Sequence[int], colors: Sequence[str]) -> Picture:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 1.0 + 0.28 * max(len(leaves), 4)), layout="constrained")
    axes = figure.add_subplot()
    for distances, places in branches(linkage, leaves):
        axes.plot(distances, places, color=INK, linewidth=1.2, solid_joinstyle="miter")
    for place, leaf in enumerate(leaves):
        axes.plot(0, place, marker="s", color=colors[seen[leaf]], markersize=8, clip_on=False)
    axes.set_yticks(range(len(leaves)), [f"region {seen[leaf]}" for leaf in leaves])
    axes.set(xlabel="distance (units of the noise)", ylim=(len(leaves) - 0.5, -0.5))
    axes.set_xlim(0, 1.05 * float(linkage[:, 2].max()))
    axes.tick_params(axis="y", length=0, pad=7)
    axes.spines[["top", "right", "left"]].set_visible(False)
    first = linkage[0]
    nearest = f" Nearest to each other are two at {number(float(first[2]), 3)}." if len(linkage) > 1 else ""
    text = f"Regions whose mean spectra are alike are joined far left (Ward's linkage).{nearest}"
    alt = f"Dendrogram of {counted(len(leaves), 'region')}, joined at {number(float(linkage[-1, 2]), 3)} at last."
    return Picture("dendrogram", GROUP, "How alike the regions are", text, alt, figure)
