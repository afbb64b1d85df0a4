"""The numbers of the maps that go to `findings.json`."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from xafsflow.findings.record import to_json
from xafsflow.reporting.map_findings import findings_of


def test_findings_of__tells_how_sure_it_is(make, trusted) -> None:
    found = findings_of(trusted(make()[0]))
    assert found.unknown_share == 0.25
    assert found.median_reduced_chi_square == 1.0
    assert found.mean_confidence == pytest.approx(0.9)
    assert found.mean_disagreement == 0.125
    assert found.distance_over_expected == pytest.approx({"euclidean": 2.0, "jensen_shannon": 2.0})
    json.dumps(to_json(found))


def test_findings_of__leaves_out_what_no_map_tells(make, trusted) -> None:
    maps = trusted(make()[0])
    maps["confidence"][:] = np.nan
    maps["distance_expected"][:] = 0
    found = findings_of(maps[["confidence", "distance", "distance_expected"]])
    assert found.mean_confidence is found.unknown_share is None
    assert not found.distance_over_expected


def test_findings_of__leaves_the_maps_as_they_are(make, trusted) -> None:
    maps = trusted(make()[0])
    before = maps.copy(deep=True)
    findings_of(maps)
    xr.testing.assert_identical(maps, before)


def test_findings_of__tells_both_errors_of_the_shares_and_that_of_the_classifier(make) -> None:
    maps = make()[0]
    place, names = maps.fraction, [str(name) for name in maps.reference.values]
    known = np.isfinite(place)
    maps = maps.assign(
        lcf_error=xr.where(known, 0.25, np.nan).transpose(*place.dims),
        lcf_systematic_error=place * np.nan,
        fraction_error_forest=xr.where(known, 0.5, np.nan).transpose(*place.dims),
    )
    found = findings_of(maps).share_errors
    assert list(found) == names
    for one in found.values():
        assert (one.fit_noise, one.fit_systematic, one.classifier_noise) == (0.25, None, 0.5)
    assert not findings_of(make()[0]).share_errors


def test_findings_of__tells_how_many_pixels_are_no_known_structure_type_or_two() -> None:
    plane = ("y", "x")
    maps = xr.Dataset(
        {
            "class_index": (plane, np.array([[0, 1, 1, -1, 0]], np.int16)),
            "outside": (plane, np.array([[1.0, 0, 0, np.nan, 0]])),
            "mixed": (plane, np.array([[0.0, 1, 1, np.nan, 0]])),
        }
    )
    found = findings_of(maps)
    assert (found.unlike_types_share, found.mixed_types_share) == (0.25, 0.5)
    # Of spectra the map of what is outside means another thing.
    assert findings_of(maps.drop_vars("mixed")).unlike_types_share is None
