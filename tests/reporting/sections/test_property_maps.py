"""Maps of properties: the pixels' values beside those of the library that the model learnt from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from xafsflow.findings.run_findings import RunFindings
from xafsflow.findings.train_findings import RegressionFindings
from xafsflow.reporting.curve_marks import Band, Curve
from xafsflow.reporting.map_views import views_of
from xafsflow.reporting.page_parts import ReportInput, blocks_of, parts_of
from xafsflow.reporting.section_table import sections_in_order

EDGES = np.linspace(1.9, 2.5, 31)
FOUND = RegressionFindings(
    regressor="ridge",
    properties=("distance",),
    units=("Angstrom",),
    training_samples=80,
    held_out_samples=20,
    r_squared=np.array([0.9]),
    rmse=np.array([0.02]),
    mean_absolute_error=np.array([0.01]),
    spread=np.array([0.1]),
    importances=None,
    truth_edges=EDGES[None],
    truth_counts=np.arange(30)[None],
)


def maps(*, label: str = "") -> xr.Dataset:
    values = np.random.default_rng(0).normal(2.4, 0.05, (9, 12)).astype(np.float32)
    values[0, 0] = np.nan
    ends = {"": values, "_low": values - 0.1, "_high": values + 0.1}
    found = {}
    for end, one in ends.items():
        name = f"property_distance{end}"
        told = {"units": "Angstrom", "long_name": f"distance by the model{end}"}
        told |= {"variable": name, "label": label} if label else {}
        found[f"{name}_{label}" if label else name] = (("y", "x"), one, told)
    return xr.Dataset(found)


def blocks(section: str, given: ReportInput) -> list[Any]:
    (row,) = (one for one in sections_in_order() if one.name == section)
    return [block for part in parts_of(row, given) for block in row.show(part)]


def of(cube: xr.Dataset, run: Any = None, **entries: RegressionFindings) -> ReportInput:
    return ReportInput(views_of(cube), {}, RunFindings(entries), run or {})


def marks(picture: Any) -> list[Any]:
    return list(picture.figure.plots[0].marks)


def test_pixels__stand_beside_the_library() -> None:
    shown = blocks("property_maps", of(maps(), model=FOUND))
    assert [one.key for one in shown] == [
        "property_distance", "histogram_distance", "property_distance_low", "property_distance_high"
    ]  # fmt: skip
    pixels, library = marks(shown[1])
    assert isinstance(pixels, Band)
    assert isinstance(library, Curve)
    values = maps().property_distance.values
    known = values[np.isfinite(values)]
    assert pixels.high.sum() == pytest.approx(100 * np.mean(known <= pixels.x[-1] + 0.01), abs=1)
    assert pixels.x @ pixels.high / pixels.high.sum() == pytest.approx(known.mean(), abs=0.01)
    steps, heights = library.x[::2], library.y[::2]
    assert heights.sum() == pytest.approx(100)
    np.testing.assert_allclose(heights[:30], 100 * np.arange(30) / 435, atol=1e-9)
    assert steps[0] == pytest.approx(1.9)
    beyond = np.mean(known > 2.5)
    assert "107 pixels" in shown[1].text
    assert "(435 samples)" in shown[1].text
    assert f"{100 * beyond:.1f} % of the pixels lie beyond" in shown[1].text
    assert not blocks("further_results", of(maps(), model=FOUND))[:-1]


def test_findings__are_told_where_the_model_is_and_not_twice() -> None:
    (row,) = (one for one in sections_in_order() if one.name == "property_maps")
    (part,) = parts_of(row, of(maps(), model=FOUND))
    assert len(list(blocks_of(row, part))) == 4


def test_pixels__stand_alone_where_no_training_is_known() -> None:
    for found in ({}, {"model": FOUND, "other": FOUND}, {"model": replace(FOUND, truth_counts=None)}):
        shown = blocks("property_maps", of(maps(), **found))
        assert len(marks(shown[1])) == 1


def test_the_library__is_that_of_the_model_which_made_the_maps() -> None:
    step = {"entry": "far", "step": "classify.model", "settings": {}, "uses": {"model": "second"}}
    second = replace(FOUND, truth_counts=np.ones((1, 30), np.int64))
    shown = blocks("property_maps", of(maps(label="far"), {"steps": [step]}, first=FOUND, second=second))
    assert "(30 samples)" in shown[1].text


def test_a_map_without_a_value__has_no_histogram() -> None:
    shown = blocks("property_maps", of(maps() * np.nan))
    assert "histogram_distance" not in [one.key for one in shown]
