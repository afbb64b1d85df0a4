"""Plots of curves: what is drawn stands where its values are."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.reporting.curve_axis import Axis
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Band, Bars, Curve, Rule
from xafsflow.reporting.matrix_figure import MatrixFigure
from xafsflow.reporting.picture import Picture, to_svg
from xafsflow.reporting.scene import Area, Image, Label, Line

X = np.array([0.0, 5.0, 10.0])


def test_curve__goes_through_its_points() -> None:
    made = CurveFigure(4, 3, [Plot([Curve(X, np.array([0.0, 1.0, 4.0]), "#0072b2")])], limits=(0, 10))
    marks = made.scene().marks
    (curve,) = (mark for mark in marks if isinstance(mark, Line) and mark.color == "#0072b2")
    box = curve.clip
    assert [x for x, _ in curve.places] == pytest.approx([box.left, box.left + box.width / 2, box.right])
    # With a margin of 5 % at each end the axis goes from -0.2 to 4.2.
    wanted = [box.bottom - box.height * (y + 0.2) / 4.4 for y in (0, 1, 4)]
    assert [y for _, y in curve.places] == pytest.approx(wanted)
    # Those of the other axis stand with their middle at their place.
    numbers = {mark.text: mark for mark in marks if isinstance(mark, Label) and mark.anchor == "end"}
    assert numbers["2"].y - 0.35 * 8 == pytest.approx(box.bottom - box.height * 2.2 / 4.4)


def test_curve__is_interrupted_where_it_has_no_value() -> None:
    plot = Plot([Curve(np.arange(5.0), np.array([0, 1, np.nan, 1, 0]), "#0072b2")])
    text, _ = to_svg(Picture("a", "A", "", "", CurveFigure(4, 3, [plot])), "p")
    path = next(line for line in text.splitlines() if "#0072b2" in line)
    assert path.count("M") == 2
    assert "nan" not in text


def test_band__in_steps_changes_halfway_between_its_points() -> None:
    band = Band(X, np.array([1.0, 2.0, 1.0]), np.zeros(3), "#0072b2", steps=True)
    marks = CurveFigure(4, 3, [Plot([band], limits=(0, None))], limits=(0, 10)).scene().marks
    (area,) = (mark for mark in marks if isinstance(mark, Area))
    box = area.clip
    upper = area.places[:6]
    across = [(x - box.left) / box.width for x, _ in upper]
    assert across == pytest.approx([0, 0.25, 0.25, 0.75, 0.75, 1])
    assert upper[2][1] < upper[0][1] == pytest.approx(upper[5][1])


def test_log_axis__has_equal_distances_for_equal_factors() -> None:
    axis = Axis(1.0, 100.0, log=True)
    np.testing.assert_allclose(axis.place(np.array([1.0, 10.0, 100.0])), [0, 0.5, 1])
    assert np.isnan(axis.place(np.array([0.0, -1.0]))).all()


@pytest.mark.parametrize("values", [[], [np.nan], [3.0, 3.0], [0.0], [-1.0, 0.0]])
@pytest.mark.parametrize("log", [False, True])
def test_axis__is_never_empty(values: list[float], log: bool) -> None:
    axis = Axis.around([np.array(values)], (None, None), log=log)
    assert axis.high > axis.low
    assert axis.low > 0 or not log


def test_legend__names_what_has_a_name() -> None:
    marks = [
        Curve(X, X, name="measured"),
        Band(X, X + 1, X - 1, "#0072b2", 0.3, name="noise"),
        Bars(X, X, X + 1, "#000000", 1),
        Rule(3.0),
    ]
    made = CurveFigure(4, 3, [Plot(marks, legend="upper left")], "energy (eV)")
    texts = [mark.text for mark in made.scene().marks if isinstance(mark, Label)]
    assert {"measured", "noise", "energy (eV)"} <= set(texts)


def test_rows__stand_below_each_other_at_their_names() -> None:
    ends = [Curve(np.array([1.0]), np.array([float(i)]), "#0072b2", 0, marker="s") for i in range(3)]
    marks = CurveFigure(4, 2, [Plot(ends, rows=["a", "b", "c"])]).scene().marks
    squares = [np.mean([y for _, y in mark.places]) for mark in marks if isinstance(mark, Area)]
    names = [mark.y - 0.35 * 8 for mark in marks if isinstance(mark, Label) and mark.text in ("a", "b", "c")]
    assert squares == pytest.approx(names)
    assert squares == sorted(squares)


def test_matrix__has_its_numbers_in_their_places() -> None:
    shares = np.array([[0.9, 0.1], [0.25, 0.75]])
    marks = MatrixFigure(4, shares, ["a", "b"], np.arange(2.0)).scene().marks
    image = next(mark for mark in marks if isinstance(mark, Image))
    number = next(mark for mark in marks if isinstance(mark, Label) and mark.text == "0.25")
    assert number.x == pytest.approx(image.box.left + image.box.width / 4)
    assert number.y - 0.35 * 8 == pytest.approx(image.box.top + 0.75 * image.box.height)
    assert image.raster.pixels.tolist() == [[229, 25], [63, 191]]
