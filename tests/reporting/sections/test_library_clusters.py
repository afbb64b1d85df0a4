"""Groups of similar spectra, as the report shows them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import xafsflow as xf
from xafsflow.findings.hierarchy_findings import HierarchyFindings
from xafsflow.phantom import simulated_library
from xafsflow.reporting.figure_style import QUIET, category_colors


@pytest.fixture(scope="module")
def found() -> HierarchyFindings:
    library, _ = xf.derive.structure(simulated_library(150, seed=1))
    return xf.derive.hierarchy(library, clusters=3, rules=4)[1]


def test_dendrogram__shows_clusters_in_their_colors_and_the_cut(found, shown) -> None:
    plot = shown("library_clusters", found)[0].figure.plots[0]
    rule, *curves = plot.marks
    assert rule.at == found.height
    joins = curves[: len(found.dendrogram.linkage)]
    # What is joined beyond the cut is of several clusters, below it of one
    for join in joins:
        assert (join.color == QUIET) == (join.x.max() > found.height)
    assert {join.color for join in joins} <= {QUIET, *category_colors(3)}
    sizes = [int(name.split()[0].replace(",", "")) for name in plot.rows]
    assert sum(sizes) == 150


def test_means__hold_the_spectra_with_their_spread(found, shown) -> None:
    band, curve = shown("library_clusters", found)[1].figure.plots[0].marks[-2:]
    np.testing.assert_array_equal(curve.y, found.mean[2])
    np.testing.assert_allclose(band.high - band.low, 2 * found.spread[2])


def test_rules__stand_with_their_counts_and_score(found, shown, html) -> None:
    text = html(*shown("library_clusters", found))
    explained = found.explanation
    assert f"{100 * explained.accuracy:.1f} % of the spectra of materials" in text
    assert "better than naming always the largest cluster" in text
    for rule in explained.rules:
        assert rule.words[10:].replace("_", " ").split(" and ")[0] in text
        assert f">{rule.samples}<" in text
    worse = replace(found, explanation=replace(explained, accuracy=0.1))
    assert "no better than naming" in html(*shown("library_clusters", worse))


def test_materials__are_not_spoken_of_where_none_is_known(found, shown, html) -> None:
    explained = replace(found.explanation, groups=found.explanation.samples)
    text = html(*shown("library_clusters", replace(found, explanation=explained)))
    assert "of the spectra that they were not made of" in text
    assert "material" not in text


def test_random_part__is_said(found, shown) -> None:
    part = replace(found, linked=100)
    assert "It is of 100 spectra drawn at random" in shown("library_clusters", part)[0].text
    assert "at random" not in shown("library_clusters", found)[0].text


def test_without_structures__there_are_no_rules(found, shown) -> None:
    alone = replace(found, explanation=None, by_label={})
    assert [one.title for one in shown("library_clusters", alone)][-1].startswith("Clusters")
