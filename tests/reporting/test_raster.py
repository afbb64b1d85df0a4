"""Images of maps as PNG: what a reader of the file gets is what was put in."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from xafsflow.reporting.color_scales import color_index, color_steps
from xafsflow.reporting.raster import Raster
from xafsflow.reporting.scalar_maps import with_nothing


def decoded(raster: Raster) -> Image.Image:
    image = Image.open(io.BytesIO(raster.png()))
    image.load()
    return image


def test_png__of_a_palette_has_one_byte_a_pixel_and_every_color() -> None:
    random = np.random.default_rng(0)
    palette = random.integers(0, 256, (256, 4), np.uint8)
    raster = Raster(random.integers(0, 256, (7, 300), np.uint8), palette)
    image = decoded(raster)
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), palette[raster.pixels])


def test_png__without_palette_has_every_color_and_opacity() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (5, 3, 4), np.uint8)
    np.testing.assert_array_equal(np.asarray(decoded(Raster(pixels))), pixels)


@pytest.mark.parametrize("name", ["viridis", "cividis", "RdBu_r"])
def test_color_steps__look_like_the_scale_of_that_name(name) -> None:
    wanted = 255 * colormaps[name].resampled(255)(np.arange(255))[:, :3]
    assert np.abs(color_steps(name) - wanted).max() < 6


def test_values__have_the_color_of_their_place_in_the_scale() -> None:
    values = np.array([[7110.0, 7115.0, 7120.0], [np.nan, 7000.0, 7200.0]])
    colors = color_steps("viridis")
    raster = Raster(color_index(values, 7110.0, 7120.0), with_nothing(colors))
    image = np.asarray(decoded(raster).convert("RGBA"))
    for place, step in (((0, 0), 0), ((0, 1), 127), ((0, 2), 254), ((1, 1), 0), ((1, 2), 254)):
        assert image[place].tolist() == [*colors[step].tolist(), 255]
    assert image[1, 0, 3] == 0
