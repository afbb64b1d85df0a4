"""What stands around a map, and where."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from PIL import Image as PngImage

from xafsflow.reporting.category_maps import paint_codes
from xafsflow.reporting.color_scales import color_steps
from xafsflow.reporting.map_figure import ColorBar, MapFigure, legend_marks
from xafsflow.reporting.map_frame import Frame
from xafsflow.reporting.map_pictures import map_pictures
from xafsflow.reporting.picture import Picture, save_png, to_svg
from xafsflow.reporting.scene import HATCHED, Area, Image, Label, Line, Scene, text_width

CODES = np.zeros((120, 160), np.int16)


def figure(shape: tuple[int, int] = (120, 160), **more: object) -> MapFigure:
    frame = Frame(shape, (0.0, 0.0), (1.0, 1.0), None)
    return MapFigure(frame, paint_codes(np.zeros(shape, np.int16), ["#0072b2"]), **more)


def labels(scene: Scene, anchor: str = "start") -> dict[str, Label]:
    """The texts that begin, have their middle, or end at their place."""
    return {mark.text: mark for mark in scene.marks if isinstance(mark, Label) and mark.anchor == anchor}


def test_ticks__stand_at_the_middle_of_their_pixels() -> None:
    scene = figure().scene()
    image = next(mark for mark in scene.marks if isinstance(mark, Image))
    pixel = image.box.width / 160
    assert pixel == pytest.approx(image.box.height / 120)
    found = labels(scene, "middle")
    for tick in (50, 100, 150):
        assert found[str(tick)].x == pytest.approx(image.box.left + (tick + 0.5) * pixel)
    ends = [mark.places for mark in scene.marks if isinstance(mark, Line)]
    for tick in (0, 50, 100):
        y = image.box.top + (tick + 0.5) * pixel
        assert any(line[0] == pytest.approx((image.box.left, y)) for line in ends)


def test_scale_bar__is_as_long_as_it_says() -> None:
    scene = figure().scene()
    image = next(mark for mark in scene.marks if isinstance(mark, Image))
    (bar,) = (mark for mark in scene.marks if isinstance(mark, Line) and mark.width == 2.5)
    assert bar.places[1][0] - bar.places[0][0] == pytest.approx(50 * image.box.width / 160)
    assert "50 pixels" in labels(scene)


def test_color_bar__has_its_numbers_at_their_colors_and_arrows_where_values_lie_beyond() -> None:
    bar = ColorBar(color_steps("viridis"), 0.0, 10.0, "eV", above=True)
    scene = figure(bar=bar).scene()
    colors = [mark for mark in scene.marks if isinstance(mark, Image)][1]
    assert colors.raster.colors()[0, 0, :3].tolist() == color_steps("viridis")[-1].tolist()
    found = labels(scene)
    for tick in (0, 4, 10):
        middle = found[str(tick)].y - 0.35 * 8
        assert middle == pytest.approx(colors.box.bottom - colors.box.height * tick / 10)
    arrows = [mark for mark in scene.marks if isinstance(mark, Area) and len(mark.places) == 3]
    assert [arrow.fill for arrow in arrows] == ["#fde725"]
    assert "eV" in found


def test_color_bar__of_a_map_ends_at_the_percentiles_of_its_values() -> None:
    values = np.random.default_rng(0).normal(size=(40, 50)).astype(np.float32)
    values[3, 4] = np.nan
    (made,) = map_pictures(xr.Dataset({"my_map": (("y", "x"), values)}))
    low, high = np.nanquantile(values, [0.01, 0.99])
    bar = made.figure.bar
    assert (bar.low, bar.high, bar.below, bar.above) == (low, high, True, True)
    assert made.figure.ground == HATCHED
    assert made.figure.raster.colors()[3, 4, 3] == 0


@pytest.mark.parametrize("shape", [(1, 1), (2, 900), (900, 2), (300, 40), (4000, 1700)])
def test_everything__stands_on_the_sheet(shape: tuple[int, int]) -> None:
    frame = Frame(shape, (0.0, 0.0), (1.0, 1.0), None)
    bar = ColorBar(color_steps("viridis"), 7110.0, 7120.0, "eV")
    legend = [(f"a name of some length {i}", "#0072b2") for i in range(12)]
    scene = MapFigure(frame, paint_codes(CODES, ["#0072b2"]), bar=bar, legend=legend).scene()
    for mark in scene.marks:
        if isinstance(mark, Label):
            reach = {"start": (0, 1), "middle": (0.5, 0.5), "end": (1, 0)}[mark.anchor]
            width = text_width(mark.text, mark.size)
            assert -1 <= mark.x - reach[0] * width <= mark.x + reach[1] * width <= scene.width + 12
            assert 0 <= mark.y <= scene.height


def test_legend__has_no_texts_above_each_other() -> None:
    marks, height = legend_marks([(f"{'name ' * 4}{i}", "#000000") for i in range(7)], 288.0, 10.0)
    texts = [mark for mark in marks if isinstance(mark, Label)]
    assert len({(text.x, text.y) for text in texts}) == 7
    rows = sorted({text.y for text in texts})
    assert all(second - first >= 9 for first, second in pairwise(rows))
    assert rows[-1] < 10 + height


def test_svg__has_selectable_text_in_the_color_of_the_page() -> None:
    text, (width, height) = to_svg(Picture("a", "A", "", "A map.", figure()), "p")
    assert re.search(r'<text [^>]*fill="currentColor"[^>]*>100</text>', text)
    assert 'fill="url(#p-hatched)"' in text
    assert f'viewBox="0 0 {width:g} ' in text
    assert height > 200


def test_file__shows_the_map_in_its_colors(tmp_path: Path) -> None:
    made = Picture("a", "A", "Words.", "A map.", figure())
    save_png(made, tmp_path / "a.png", dpi=72)
    with PngImage.open(tmp_path / "a.png") as image:
        assert image.convert("RGB").getpixel((image.width // 2, image.height // 2)) == (0, 114, 178)
        assert image.info["Description"] == "Words."


def test_pictures__read_each_chunk_of_a_variable_once(make) -> None:
    maps, _ = make((8, 10))
    read: list[int] = []

    def counted(block: np.ndarray) -> np.ndarray:
        read.append(block.size)
        return block

    def watched(array: xr.DataArray) -> tuple[tuple[str, ...], da.Array]:
        chunks = (2, 4, 10)
        lazy = da.from_array(array.values, chunks=chunks)
        return ("metric", "y", "x"), lazy.map_blocks(counted, dtype=lazy.dtype, meta=np.zeros((0, 0, 0)))

    maps["distance_expected"] = watched(maps.distance / 2)
    maps["distance"] = watched(maps.distance)
    with dask.config.set(scheduler="sync"):
        keys = [one.key for one in map_pictures(maps)]
    assert {"distance_euclidean", "distance_jensen_shannon"} <= set(keys)
    assert len(read) == 4  # two chunks each


@pytest.mark.long
def test_a_page__is_written_without_matplotlib(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import numpy as np, xarray as xr\n"
        "from xafsflow.findings.run_findings import RunFindings\n"
        "from xafsflow.reporting.page import build_page\n"
        "maps = xr.Dataset({'fraction': (('reference', 'y', 'x'), np.full((2, 4, 5), 0.5)),\n"
        "  'mean_norm': (('reference', 'energy'), np.ones((2, 3)))},\n"
        "  {'reference': ['Fe', 'FeO'], 'energy': [7000.0, 7100.0, 7200.0]})\n"
        "path = build_page(maps, {}, RunFindings(), {}, Path(sys.argv[1]))\n"
        "print(path.read_text(encoding='utf-8').count('role=\"img\"'), 'matplotlib' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "report.html")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["6", "False"]
