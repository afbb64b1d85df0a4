"""The judgement of the references, as the report shows it."""

from __future__ import annotations

from dataclasses import replace

from xafsflow.reporting.figure_style import INK, QUIET, SIGNAL, category_colors


def test_sets__have_what_each_costs_and_which_is_chosen(judged, shown, html) -> None:
    text = html(*shown("reference_choice", judged.entries["judge.reference_sets"]))
    assert "<b>Fe2O3 + Fe3O4</b>" in text
    assert text.count("<b>chosen</b>") == 1
    for part in (">0<", "+50,000", "1.02", "0.93 to 1.12", "1.25", "3e-05", ">as good<"):
        assert part in text, part
    assert "Near-duplicates, whose spectra are nearly the same: Fe3O4 and magnetite." in text


def test_verdict__says_what_it_rests_on(judged, shown, html) -> None:
    text = html(*shown("reference_choice", judged.entries["judge.reference_sets"]))
    for part in (
        "12 bins of neighboring pixels (108 pixels) at 41 energies from 7092 to 7192 eV",
        "Superfluous among the references used: FeO.",
        "Missing among them: Fe3O4.",
        "The scatter from energy to energy is 1.1 times the stated noise",
        "seen in a typical region from a share of 4.3 % on",
        "The scan is blunter than the references, as by a Gaussian of 0.2 eV",
        "do not cover these energies: short.",
    ):
        assert part in text, part


def test_headline__says_the_outcome(judged, shown, html) -> None:
    found = judged.entries["judge.reference_sets"]
    for outcome, told in (
        ("suffices", "The references suffice"),
        ("does not suffice", "The references do not suffice"),
        ("cannot be told", "Whether the references suffice cannot be told"),
    ):
        assert told in html(*shown("reference_choice", replace(found, outcome=outcome, unexplained=0.017)))
    assert "leaves up to 1.7 % of the edge step" in html(
        *shown("reference_choice", replace(found, unexplained=0.017))
    )


def test_regions__have_their_verdicts(judged, shown, html) -> None:
    text = html(*shown("reference_choice", judged.entries["judge.reference_sets"]))
    assert "in region 0 (9 bins) Fe2O3 suffices" in text
    assert "100 % Fe2O3" in text
    assert "in region 1 (3 bins) something is missing" in text


def test_dot_plot__has_each_set_at_its_error_with_its_interval(judged, shown) -> None:
    plot = shown("reference_choice", judged.entries["judge.reference_sets"])[1]
    (drawn,) = plot.figure.plots
    assert drawn.rows == ["1  Fe2O3 + Fe3O4", "2  Fe2O3 + Fe3O4 + FeO", "3  Fe + FeO + Fe2O3"]
    bars, points = drawn.curves[::2], drawn.curves[1::2]
    assert [bar.x.tolist() for bar in bars] == [[0.93, 1.12], [0.9, 1.11], [2.5, 4.3]]
    assert [point.x.tolist() for point in points] == [[1.02], [1.01], [3.4]]
    assert [point.color for point in points] == [SIGNAL, INK, QUIET]
    assert [point.marker for point in points] == ["D", "o", "o"]
    assert "Fe2O3 + Fe3O4 with 1.02 is chosen" in plot.alt


def test_dot_plot__shows_the_chosen_set_however_far_down_it_stands(judged, shown) -> None:
    found = judged.entries["judge.reference_sets"]
    plot = shown("reference_choice", replace(found, sets=(found.sets[2],) * 20 + found.sets[:1]))[1]
    # The table numbers them alike.
    names = plot.figure.plots[0].rows
    assert names[11:] == ["12  Fe + FeO + Fe2O3", "21  Fe2O3 + Fe3O4"]
    assert "is chosen" in plot.alt


def test_region_picture__grows_bins_to_pixels(judged, shown) -> None:
    picture = shown("reference_choice", judged.entries["judge.reference_sets"])[2]
    image = picture.figure.raster.colors()
    colors = [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in category_colors(2)]
    assert image[0, 0, :3].tolist() == colors[0]
    assert image[5, 6, :3].tolist() == colors[1]
    assert image[6, 3, 3] == 0
    assert "region 0 72.7 %" in picture.alt


def test_panels__escape_names(judged, shown, html) -> None:
    found = judged.entries["judge.reference_sets"]
    first = replace(found.sets[0], references=("<script>alert(1)</script>",))
    region = replace(found.regions[0], verdict="<img src=x>", shares={"<b>": 1.0})
    nasty = replace(found, sets=(first,), regions=(region,), verdict="<img src=x>")
    text = html(*shown("reference_choice", nasty))
    assert "<script" not in text
    assert "<img" not in text
    assert "100 % &lt;b&gt;" in text
