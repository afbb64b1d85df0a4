"""What the sections draw of maps."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from xafsflow.errors import InputError
from xafsflow.findings.run_findings import RunFindings
from xafsflow.reporting.figure_style import DOUBT, FLAG_COLORS, category_colors
from xafsflow.reporting.map_frame import frame_of, scale_length
from xafsflow.reporting.map_layers import file_names, layers
from xafsflow.reporting.map_pictures import map_pictures
from xafsflow.reporting.map_statistics import gather
from xafsflow.reporting.map_views import views_of
from xafsflow.reporting.page_parts import ReportInput, parts_of
from xafsflow.reporting.panel import Panel
from xafsflow.reporting.picture import Picture, to_svg
from xafsflow.reporting.section_table import sections_in_order
from xafsflow.vocabulary import Flag


def picture(maps: xr.Dataset, key: str, view=None) -> Picture:
    """The picture with that key; those after it are not drawn."""
    return next(one for one in map_pictures(maps, {} if view is None else {"fit": view}) if one.key == key)


def image_of(made: Picture) -> np.ndarray:
    """The colors of a map, shape (y, x, 4)."""
    return made.figure.raster.colors()


def rgb(color: str) -> list[int]:
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


def test_chemical_state__has_the_color_of_the_largest_fraction_and_nothing_where_there_is_none(make) -> None:
    maps, view = make((6, 7))
    image = image_of(picture(maps, "chemical_state", view))
    colors = category_colors(3)
    dominant = maps.fraction.values.argmax(axis=0)
    for (y, x), i in np.ndenumerate(dominant):
        if (y, x) == (0, 0):
            assert image[y, x, 3] == 0
        else:
            assert image[y, x].tolist() == [*rgb(colors[i]), 255]


def test_class_map__marks_patterns_of_none_of_the_structure_types() -> None:
    plane = ("y", "x")
    maps = xr.Dataset(
        {
            "class_index": (plane, np.array([[0, 1], [1, -1]], np.int16)),
            "outside": (plane, np.array([[0.0, 1], [0, np.nan]])),
            "mixed": (plane, np.array([[0.0, 0], [1, np.nan]])),
        }
    )
    made = picture(maps, "chemical_state")
    colors, image = [rgb(color) for color in (*category_colors(2), DOUBT)], image_of(made)
    assert image[..., :3].reshape(4, 3)[:3].tolist() == [colors[0], colors[2], colors[1]]
    assert image[1, 1, 3] == 0
    assert "none of these" in to_svg(made, "a")[0]
    # Of a library of spectra, what is outside is no class of the map.
    alone = picture(maps.drop_vars("mixed"), "chemical_state")
    assert image_of(alone)[0, 1, :3].tolist() == colors[1]


def test_chemical_state__marks_what_the_classes_do_not_explain(make) -> None:
    maps, view = make((6, 7))
    maps["flags"][2, 3] = int(Flag.UNKNOWN)
    made = picture(maps, "chemical_state", view)
    assert image_of(made)[2, 3, :3].tolist() not in [rgb(color) for color in category_colors(3)]
    assert "in doubt" in made.alt


def test_rgb__has_fractions_as_red_green_and_blue(make) -> None:
    maps, view = make((6, 7))
    image = image_of(picture(maps, "rgb", view))
    wanted = 255 * np.moveaxis(maps.fraction.values, 0, -1)
    np.testing.assert_allclose(image[1:, :, :3], wanted[1:], atol=0.51)
    assert image[0, 0, 3] == 0


def test_classes__have_the_mixed_color_of_their_composition(make) -> None:
    maps, view = make((6, 7))
    image = image_of(picture(maps, "classes", view))
    mixed = view.compositions @ np.array([rgb(color) for color in category_colors(3)])
    np.testing.assert_allclose(image[1:, :, :3], mixed[maps.class_index.values][1:], atol=0.51)


def test_flags__show_the_first_of_several(make) -> None:
    maps, _ = make((6, 7))
    maps["flags"][2, 2] = int(Flag.UNKNOWN | Flag.DEAD)
    image = image_of(picture(maps, "flags"))
    assert image[2, 2].tolist() == [*rgb(FLAG_COLORS[Flag.DEAD]), 255]
    assert image[3, 3, 3] == 0


def test_e0_by_edge_step__fades_where_the_edge_step_is_small() -> None:
    step = np.array([[1.0, 0.5, 0.0, -0.1, np.nan]])
    maps = xr.Dataset({"e0": (("y", "x"), np.arange(5.0)[None]), "edge_step": (("y", "x"), step)})
    image = image_of(picture(maps, "e0_by_edge_step"))
    np.testing.assert_allclose(image[0, :, 3] / 255, [1, 0.5, 0, 0, 0], atol=0.01)


def test_mean_spectrum__has_no_residual_from_the_mixture_it_is_made_of(make) -> None:
    maps, view = make((40, 50))
    facts = gather(maps)
    maps["mean_norm"] = (("reference", "energy"), facts.mixture @ view.reference_norm)
    top, low = picture(maps, "mean_FeO", view).figure.plots
    residual = next(curve for curve in low.curves if curve.color == top.curves[0].color)
    np.testing.assert_allclose(residual.y, 0, atol=1e-6)


def test_mean_spectrum__is_not_compared_beyond_the_reference(make) -> None:
    maps, view = make((4, 5))
    short = replace(
        view, reference_energy=view.reference_energy[5:30], reference_norm=view.reference_norm[:, 5:30]
    )
    _, low = picture(maps, "mean_Fe", short).figure.plots
    residual = low.curves[0].y
    assert np.isfinite(residual).tolist() == [5 <= i < 30 for i in range(41)]


def test_confusion__of_the_dominant_reference_adds_up_all_classes(make) -> None:
    maps, view = make(step=0.25)
    shares = picture(maps, "confusion_dominant", view).figure.shares
    dominant = np.where(view.dominant < 0, 3, view.dominant)
    counts = np.zeros((4, 4))
    np.add.at(counts, (dominant[:, None].repeat(15, 1), dominant[None].repeat(15, 0)), view.confusion)
    np.testing.assert_allclose(shares, counts / counts.sum(axis=1, keepdims=True))


def test_svg__holds_the_very_pixels_of_the_map() -> None:
    maps = xr.Dataset({"my_map": (("y", "x"), np.array([[0.0, 1.0, np.nan], [1.0, 0.0, 1.0]]))})
    text, _ = to_svg(picture(maps, "my_map"), "p")
    found = re.search(r'<image href="data:image/png;base64,([^"]+)"[^>]*width="3" height="2"', text)
    assert found is not None
    image = Image.open(io.BytesIO(base64.b64decode(found[1])))
    assert image.mode == "P"
    pixels = np.asarray(image.convert("RGBA"))
    assert pixels[0, 2, 3] == 0
    assert (pixels[0, 0] == pixels[1, 1]).all()
    assert (pixels[0, 1] == pixels[1, 0]).all()
    assert (pixels[0, 0] != pixels[0, 1]).any()


@pytest.mark.parametrize("count", range(1, 20))
def test_category_colors__are_all_different(count: int) -> None:
    assert len(set(category_colors(count))) == count


@pytest.mark.parametrize("pixel_um", [None, 1e-3, 0.325, 7.0, 5000.0])
@pytest.mark.parametrize("columns", [1, 2, 3, 160, 4000])
def test_scale_length__is_round_and_fits(columns: int, pixel_um: float | None) -> None:
    pixels, text = scale_length(columns, pixel_um)
    assert re.fullmatch(r"[125]0*(\.0)? .*|0\.0*[125] .*|\d,000 pixels", text), text
    assert 0 < pixels <= max(1, columns / 3 * (1 + 1e-9))


def test_frame__counts_in_the_coordinates_of_the_maps() -> None:
    maps = xr.Dataset(coords={"y": np.arange(100, 110, 2), "x": [7]})
    assert frame_of(maps, (5, 1)).extent == (6.5, 7.5, 109, 99)


def test_frame__counts_from_zero_where_coordinates_are_uneven() -> None:
    assert frame_of(xr.Dataset(coords={"x": [0, 1, 5]}), (2, 3)).extent == (-0.5, 2.5, 1.5, -0.5)


def test_layers__know_what_the_vocabulary_does_not() -> None:
    maps = xr.Dataset(
        {
            "extra": (("y", "x"), np.ones((2, 3)), {"units": "nm", "long_name": "extra thing"}),
            "mu": (("energy", "y", "x"), np.ones((4, 2, 3))),
            "e0": (("x", "y"), np.ones((3, 2))),
            "words": (("y", "x"), np.full((2, 3), "a")),
        }
    )
    found = layers(maps)
    assert [(layer.name, layer.unit, layer.data.shape) for layer in found] == [
        ("e0", "eV", (2, 3)),
        ("extra", "nm", (2, 3)),
    ]


def test_file_names__are_safe_and_different_where_case_does_not_count() -> None:
    names = ["a/b", "A\\b", "a:b", "..", "", "日本", "x" * 500]
    safe = file_names(names)
    assert len({name.casefold() for name in safe}) == len(names)
    assert all(re.fullmatch(r"[\w.+-]{1,64}", name) and not name.startswith(".") for name in safe)


def test_model_view__names_the_array_whose_shape_is_wrong(make) -> None:
    _, view = make()
    with pytest.raises(InputError, match=r"importances of shape \(3,\). Expected shape \(41,\)"):
        replace(view, importances=np.ones(3))


def test_maps__are_drawn_with_what_a_number_means(make, trusted) -> None:
    maps = trusted(make()[0])
    found = {one.key: one for one in map_pictures(maps)}
    assert "Above 1 are 25.0 % of the pixels" in found["unknown_score"].text
    assert "0 where they agree" in found["disagreement"].text
    assert "the median ratio to it is 2." in found["distance_euclidean"].text
    assert not [key for key in found if key.startswith("distance_expected")]


def test_expected_distances__are_drawn_where_they_stand_alone(make, trusted) -> None:
    maps = trusted(make()[0])[["distance_expected"]]
    keys = [one.key for one in map_pictures(maps)]
    assert keys == ["distance_expected_euclidean", "distance_expected_jensen_shannon"]


def test_mean_spectra__are_over_whatever_axis_the_maps_have(make) -> None:
    maps, _ = make((4, 5))
    maps = maps.rename(energy="two_theta")
    assert picture(maps, "mean_Fe").figure.name == "2θ (degree)"


def test_lcf__tells_the_errors_by_noise_and_the_systematic_ones(make) -> None:
    maps = make()[0]
    flat = xr.ones_like(maps.fraction).where(np.isfinite(maps.fraction))
    maps = maps.assign(lcf_fraction=maps.fraction, lcf_error=0.0125 * flat, lcf_systematic_error=0.004 * flat)
    given = ReportInput(views_of(maps), {}, RunFindings(), {})
    found = [
        block
        for section in sections_in_order()
        if section.name == "lcf"
        for part in parts_of(section, given)
        for block in section.show(part)
    ]
    panel = next(block for block in found if isinstance(block, Panel))
    assert [row[1:] for row in panel.content.rows] == [("0.0125", "0.0040")] * maps.sizes["reference"]


@pytest.mark.parametrize("known", [True, False])
def test_composition__leaves_out_errors_that_the_model_does_not_know(make, known: bool) -> None:
    maps, view = make((6, 7))
    maps["fraction_error"] = xr.full_like(maps.fraction, 0.01 if known else np.nan)
    titles = [one.title for one in map_pictures(maps, {"fit": view})]
    assert any(title.startswith("Fraction:") for title in titles)
    assert any(title.startswith("Standard deviation of the fraction") for title in titles) == known
