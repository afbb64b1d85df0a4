"""The inverse model and structures fitted by it, as the report shows them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xafsflow.findings.reconstruction_findings import (
    FittedStructure,
    ParameterFindings,
    ReconstructionFindings,
    ReconstructionScore,
)

ENERGY = np.linspace(7100.0, 7200.0, 51)
EDGE = 0.5 + np.arctan(ENERGY - 7112) / np.pi


@pytest.fixture
def found() -> ReconstructionFindings:
    effect = np.array([np.full(51, 0.01), np.exp(-(((ENERGY - 7120) / 5) ** 2))])
    slope = np.array([np.ones(51), -np.ones(51)])
    pair = np.array([EDGE, EDGE + 0.01])
    return ReconstructionFindings(
        parameters=("mean_angle", "mean_distance"),
        units=("degree", "Angstrom"),
        samples=100,
        groups=40,
        without_value=3,
        folds=5,
        row="radial",
        scores={
            "ridge": ReconstructionScore(0.5, 0.1, 0.4),
            "radial": ReconstructionScore(0.9, 0.04, 0.85),
            "mean": ReconstructionScore(0.0, 0.2, 0.0),
        },
        verdict="radial is chosen: its error is 60% smaller than that of ridge",
        energy=ENERGY,
        r_squared_by_energy=np.where(ENERGY < 7105, np.nan, 0.8),
        rmse_by_energy=np.full(51, 0.04),
        mean=EDGE,
        level=0.9,
        half_width=np.full(51, 0.07),
        coverage=0.88,
        examples={"best": pair, "median": pair, "worst": pair},
        effect=effect,
        slope=slope,
        explained=20,
        exact=True,
    )


@pytest.fixture
def fitted() -> ParameterFindings:
    one = FittedStructure(
        {"mean_distance": 2.05}, {"mean_distance": 0.02}, {"mean_distance": 2.03}, {"mean_distance": 2.07},
        (), 1.1, 1, (), EDGE, EDGE,
    )  # fmt: skip
    other = replace(
        one, not_determined=("mean_distance",), doubts=("2 different structures fit equally well",)
    )
    known = {"mean_distance": np.array([1, 2])}
    return ParameterFindings(
        ("mean_distance",), ("Angstrom",), "radial", ENERGY, 0.01, {0: one, 1: other}, known
    )


def test_scores__stand_by_their_error_with_the_verdict(found, shown, html) -> None:
    text = html(*shown("reconstruction_score", found))
    assert text.index("<b>radial</b>") < text.index("ridge<") < text.index(">mean<")
    assert "60% smaller than that of ridge" in text
    assert "hold 90.0 % of the spectra at each energy holds 88.0 %" in text
    assert "3 samples without one of the parameters" in text


def test_effects__are_signed_and_ordered_by_size(found, shown) -> None:
    figure = shown("reconstruction_score", found)[2].figure
    assert figure.names == ["mean distance", "mean angle"]
    assert figure.effects[0].min() == pytest.approx(-1)
    assert (figure.effects[1] == 0.01).all()
    images = [mark for mark in figure.scene().marks if hasattr(mark, "raster")]
    colors = images[0].raster.colors()
    peak = np.abs(np.linspace(7100, 7200, 102) - 7120).argmin()
    # Blue where a larger value lowers the absorption
    assert colors[0, peak, 2] > colors[0, peak, 0] + 50
    assert "exact" in shown("reconstruction_score", found)[2].text


def test_examples__lie_within_their_band(found, shown) -> None:
    band, truth, answer = shown("reconstruction_score", found)[0].figure.plots[0].marks[-3:]
    np.testing.assert_allclose(band.high - answer.y, 0.07)
    np.testing.assert_allclose(answer.y - truth.y, 0.01)


def test_fitted__parameters_stand_with_intervals_and_doubts(fitted, shown, html) -> None:
    text = html(*shown("fitted_parameters", fitted))
    assert "1 of 2 spectra fitted without doubt" in text
    assert "2.03 to 2.07" in text
    assert "not determined: 2.03 to 2.07" in text
    assert "2 different structures fit equally well" in text
    assert "Of 2 known values of mean distance, 1 lie within their interval" in text
    # The table comes first, for that gives it the width of the page
    table, picture = shown("fitted_parameters", fitted)
    assert table.title == "Parameters"
    curves = picture.figure.plots[0].curves
    assert [one.name for one in curves] == ["spectrum", "fit", "", ""]
