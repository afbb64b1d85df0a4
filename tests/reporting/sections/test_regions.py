"""Regions that were found without references, as the report shows them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from xafsflow.reporting.figure_style import category_colors
from xafsflow.reporting.map_frame import Frame
from xafsflow.reporting.panel import Panel
from xafsflow.reporting.sections.regions import branches, cluster_picture


def test_cluster_picture__has_a_color_for_each_region_and_none_for_none() -> None:
    index = np.array([[0, 0, 1], [-1, 2, 0]], np.int16)
    picture = cluster_picture(
        xr.Dataset({"cluster_index": (("y", "x"), index)}), Frame((2, 3), (0, 0), (1, 1), None)
    )
    image = picture.figure.raster.colors()
    colors = [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in category_colors(3)]
    for (y, x), region in np.ndenumerate(index):
        assert image[y, x, 3] == (0 if region < 0 else 255)
        assert region < 0 or image[y, x, :3].tolist() == colors[region]
    assert "region 0 60.0 %, region 1 20.0 % and region 2 20.0 %" in picture.alt


def test_cluster_picture__works_where_no_pixel_has_a_region() -> None:
    maps = xr.Dataset({"cluster_index": (("y", "x"), np.full((2, 3), np.nan))})
    figure = cluster_picture(maps, Frame((2, 3), (0, 0), (1, 1), None)).figure
    assert figure.legend == [("no region", None)]


def test_sizes__are_shown_with_how_their_number_was_chosen(judged, shown, html) -> None:
    text = html(*shown("regions", judged.entries["derive.clusters"]))
    for part in (
        "60.0 %",
        "10.0 %",
        "1,000 pixels",
        "the silhouette (larger is better): 0.4 for 2 and 0.55 for 3.",
    ):
        assert part in text, part


def test_means__have_the_colors_of_the_map(judged, shown) -> None:
    found = judged.entries["derive.clusters"]
    means, _, panel = shown("regions", found)
    curves = means.figure.plots[0].curves
    assert [curve.color for curve in curves] == category_colors(3)
    np.testing.assert_array_equal(curves[2].y, found.mean_norm[2])
    assert isinstance(panel, Panel)


def test_dendrogram__joins_regions_at_their_distance(judged, shown) -> None:
    _, dendrogram, _ = shown("regions", judged.entries["derive.clusters"])
    (plot,) = dendrogram.figure.plots
    first, last = plot.curves[:2]
    assert first.x.tolist() == [0, 4, 4, 0]
    assert first.y.tolist() == [1, 1, 2, 2]
    assert last.x.tolist() == [0, 25, 25, 4]
    assert last.y.tolist() == [0, 0, 1.5, 1.5]
    assert plot.rows == ["region 0", "region 1", "region 2"]
    assert "joined at 25 at last" in dendrogram.alt


def test_dendrogram__is_the_one_that_scipy_draws() -> None:
    from scipy.cluster.hierarchy import dendrogram, leaves_list, ward

    linkage = ward(np.random.default_rng(3).normal(size=(7, 4)))
    wanted = dendrogram(linkage, no_plot=True)
    # scipy's leaves stand at 5, 15, 25 ...
    corners = [
        (d, [(i - 5) / 10 for i in at]) for d, at in zip(wanted["dcoord"], wanted["icoord"], strict=True)
    ]
    found = branches(linkage, leaves_list(linkage).tolist())

    def plain(lines: list[tuple[list[float], list[float]]]) -> list[list[float]]:
        return sorted([*np.round(across, 9), *np.round(down, 9)] for across, down in lines)

    assert plain(found) == plain(corners)


def test_a_region_without_sampled_pixels__has_no_mean(judged, shown) -> None:
    found = judged.entries["derive.clusters"]
    found = replace(found, sizes=np.array([600, 0, 300, 100]), shares=np.array([0.6, 0, 0.3, 0.1]))
    means, dendrogram, _ = shown("regions", found)
    names = [curve.name for curve in means.figure.plots[0].named]
    assert names == ["region 0", "region 2", "region 3"]
    assert dendrogram.figure.plots[0].rows[1] == "region 2"


def test_one_region__has_no_dendrogram(judged, shown) -> None:
    found = judged.entries["derive.clusters"]
    one = replace(
        found,
        sizes=np.array([9]),
        shares=np.array([1.0]),
        mean_norm=found.mean_norm[:1],
        linkage=np.zeros((0, 4)),
        leaves=np.array([0]),
    )
    assert [block.title for block in shown("regions", one)] == ["Mean spectra of the regions", "Sizes"]
