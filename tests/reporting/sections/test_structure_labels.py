"""Labels and properties of a library's structures, as the report shows them; a page of a run without maps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import xafsflow as xf
from xafsflow.findings.derive_findings import StructureFindings
from xafsflow.findings.run_findings import RunFindings
from xafsflow.phantom import simulated_library
from xafsflow.reporting.page import build_page
from xafsflow.reporting.picture import Picture


@pytest.fixture(scope="module")
def found() -> StructureFindings:
    return xf.derive.structure(simulated_library(80, seed=3))[1]


def test_labels__are_counted_with_their_stable_share(found, shown, html) -> None:
    blocks = shown("structure_labels", found)
    text = html(*blocks)
    label = found.labels["coordination"]
    assert (
        f"<b>{100 * label.stable:.1f} %" in text or f"{100 * label.stable:.1f} % of the samples keep" in text
    )
    for kind, count in label.counts.items():
        assert kind in text
        assert f"{100 * count / 80:.1f} %" in text
    # The bar stands beside the share that it shows
    assert blocks[0].content.head == ["class", "samples", "share", "", "stable"]
    assert all(row[3].share == label.counts[row[0]] / 80 for row in blocks[0].content.rows)
    assert f"of {found.groups} materials" in text
    unknown = html(*shown("structure_labels", replace(found, grouped=False)))
    assert "whose material is not known" in unknown


def test_histograms__hold_every_value(found, shown) -> None:
    pictures = [one for one in shown("structure_labels", found) if isinstance(one, Picture)]
    assert [one.key for one in pictures] == [f"property_{name}" for name in found.properties]
    (band, mean) = pictures[0].figure.plots[0].marks
    np.testing.assert_array_equal(band.high, found.properties["shortest_distance"].counts)
    assert mean.at == found.properties["shortest_distance"].mean
    for name, one in found.properties.items():
        assert one.counts.sum() + found.missing[name] == 80


def test_missing_values__are_said(found, shown) -> None:
    some = replace(found, missing={**found.missing, "mean_angle": 3})
    texts = {one.key: one.text for one in shown("structure_labels", some) if isinstance(one, Picture)}
    assert "3 samples without a value" in texts["property_mean_angle"]
    assert "without a value" not in texts["property_mean_distance"]


def test_page__of_a_run_without_maps_shows_what_was_found(found, tmp_path: Path) -> None:
    path = build_page(None, {}, RunFindings({"derive.structure": found}), {}, tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    assert "This run has no image" in text
    assert "Structures of the library</h2>" in text
    assert "pixels, " not in text
