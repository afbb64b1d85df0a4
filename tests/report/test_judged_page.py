"""The page of a run whose references were judged: all of it together, and the numbers of its maps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from xafsflow.report.map_figures import map_pictures
from xafsflow.report.map_findings import findings_of
from xafsflow.report.map_statistics import gather
from xafsflow.report.page import build_page
from xafsflow.report.run_record import findings_sheets
from xafsflow.vocabulary import Flag


def trusted(maps: xr.Dataset) -> xr.Dataset:
    """Maps of the steps that judge: a quarter of the pixels unknown, distances twice what noise gives."""
    maps = maps[["fraction", "flags", "distance"]].copy(deep=True)
    score = np.full((9, 12), 0.5, np.float32)
    score[:, :3] = 4.0
    plane = ("y", "x")
    maps["flags"][:] = np.where(score > 1, int(Flag.UNKNOWN), 0)
    return maps.assign(
        unknown_score=(plane, score),
        confidence=(plane, np.where(score > 1, np.nan, np.float32(0.9))),
        disagreement=(plane, np.full((9, 12), 0.125, np.float32)),
        reduced_chi_square=(plane, np.where(score > 1, 9.0, 1.0).astype(np.float32)),
        component_residual=(plane, np.ones((9, 12), np.float32)),
        cluster_index=(plane, (np.arange(108).reshape(9, 12) % 3 - 1).astype(np.int16)),
        distance_expected=maps.distance / 2,
    )


def test_page__has_the_verdict_on_top_and_every_section(make, judged, tmp_path: Path) -> None:
    maps, view = make()
    judged["warnings"] = ["the lamp was off"]
    path = build_page(trusted(maps), view, json.loads(json.dumps(judged)), {}, tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    top = text[text.index("<header") : text.index("</header>")]
    assert top.index("the lamp was off") < top.index("Fe2O3 + Fe3O4 suffices") < top.index("This map has")
    assert "The control nearest class is better than random forest" in top
    for heading in (
        "Are the references the right ones?",
        "What is missing",
        "Which candidates can be in the sample at all",
        "How many components",
        "How sure it is",
        "Regions",
        "Which energies matter",
    ):
        assert f">{heading}</h" in text, heading
    assert 'id="references"' in text


def test_page__has_neither_verdict_nor_its_section_where_none_was_given(make, tmp_path: Path) -> None:
    maps, _ = make((3, 4))
    text = build_page(maps[["e0"]], None, {}, {}, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "blockquote" not in text
    assert 'id="references"' not in text


def test_maps__are_drawn_with_what_a_number_means(make) -> None:
    maps = trusted(make()[0])
    found = {picture.key: picture for picture in map_pictures(maps, gather(maps))}
    assert "Above 1 are 25.0 % of the pixels" in found["unknown_score"].text
    assert "0 where classifier and fit agree" in found["disagreement"].text
    assert found["component_residual"].group == "references-components"
    assert "the median ratio is 2." in found["distance_euclidean"].text
    assert not [key for key in found if key.startswith("distance_expected")]
    assert found["cluster_index"].group == "regions"


def test_expected_distances__are_drawn_where_they_stand_alone(make) -> None:
    maps = trusted(make()[0])[["distance_expected"]]
    keys = [picture.key for picture in map_pictures(maps, gather(maps))]
    assert keys == ["distance_expected_euclidean", "distance_expected_jensen_shannon"]


def test_findings_of__tells_how_sure_it_is(make) -> None:
    found = findings_of(trusted(make()[0]))
    assert found.unknown_share == 0.25
    assert found.median_reduced_chi_square == 1.0
    assert found.mean_confidence == pytest.approx(0.9)
    assert found.mean_disagreement == 0.125
    assert found.distance_over_expected == pytest.approx({"euclidean": 2.0, "jensen_shannon": 2.0})


def test_findings_of__leaves_out_what_no_map_tells(make) -> None:
    maps = trusted(make()[0])
    maps["confidence"][:] = np.nan
    maps["distance_expected"][:] = 0
    found = findings_of(maps[["confidence", "distance", "distance_expected"]])
    assert found.mean_confidence is None
    assert found.unknown_share is None
    assert found.distance_over_expected == {}


def test_findings_sheets__do_not_repeat_what_has_a_picture(judged) -> None:
    text = findings_sheets(
        judged | {"calibrate.foil": {"before": {"map": [[1.5]], "rms": 0.25}}, "warnings": ["w"]}
    )
    for gone in ("ranking", "eigenvalues", "linkage", "reliability", "1.5"):
        assert gone not in text
    for kept in ("train.fit", "calibration error", "number by noise", "0.25", "inflation"):
        assert kept in text, kept
    assert "judge.target" in text
    assert findings_sheets({"judge.target": {"candidates": [1]}}) == ""
