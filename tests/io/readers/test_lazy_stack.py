"""Lazy stacks are the files, whatever the blocks, and decode no more than they must."""

from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import tifffile
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.blocks import field as fields
from xafsflow.blocks.field import values_over_field
from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.blocks.scan_numbers import values_at
from xafsflow.blocks.where import computing_on
from xafsflow.errors import InputError
from xafsflow.io.readers import lazy_stack as lazy
from xafsflow.io.readers import tiff_pixels
from xafsflow.io.readers.lazy_stack import lazy_stack
from xafsflow.io.readers.tiff_stack import TiffStack, open_stack
from xafsflow.steps.ingest.image_stacks import mean_image
from xafsflow.vocabulary import MAP, cube_dims

IMAGES, ROWS, COLUMNS = 3, 37, 21
LAYOUTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "plain_strips": {"rowsperstrip": 5},
    "deflate_strips": {"compression": "zlib", "rowsperstrip": 5},
    "deflate_one_strip": {"compression": "zlib", "rowsperstrip": ROWS},
    "lzw_predictor": {"compression": "lzw", "predictor": True, "rowsperstrip": 8},
    "tiles": {"tile": (16, 16)},
    "deflate_tiles": {"compression": "zlib", "tile": (16, 16)},
}


def images(dtype: Any = np.uint16) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 60_000, (IMAGES, ROWS, COLUMNS)).astype(dtype)


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TiffStack]:
    """The same images in each layout, one file an image."""
    found = {}
    for layout, options in LAYOUTS.items():
        folder = tmp_path_factory.mktemp(layout)
        for k, image in enumerate(images()):
            tifffile.imwrite(folder / f"{k}.tif", image, photometric="minisblack", **options)
        found[layout] = open_stack(sorted(folder.iterdir()))
    return found


@pytest.mark.long
@settings(max_examples=80, deadline=None)
@given(st.data())
def test_lazy_stack__is_the_files(stacks, data):
    stack = stacks[data.draw(st.sampled_from(sorted(stacks)))]
    block = data.draw(st.tuples(st.integers(1, ROWS + 5), st.integers(1, COLUMNS + 5)))
    order = data.draw(st.lists(st.integers(0, IMAGES - 1), min_size=1, max_size=5))
    read_bytes = data.draw(st.sampled_from([1, 2000, 10**9]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lazy, "READ_BYTES", read_bytes)
        counts = lazy_stack(stack.take(order), block)
        assert counts.dtype == np.uint16
        # All energies of a block in one chunk, and blocks as they were asked for.
        assert counts.chunksize == (len(order), min(block[0], ROWS), min(block[1], COLUMNS))
        np.testing.assert_array_equal(counts.compute(), images()[order])
        y, x = data.draw(st.integers(0, ROWS - 1)), data.draw(st.integers(0, COLUMNS - 1))
        np.testing.assert_array_equal(counts[:, y, x].compute(), images()[order][:, y, x])


@settings(max_examples=30, deadline=None)
@given(st.data())
def testmean_image__is_the_mean_of_the_files(stacks, data):
    stack = stacks[data.draw(st.sampled_from(sorted(stacks)))]
    rows = data.draw(st.integers(1, ROWS + 5))
    found = mean_image(stack, rows).data
    assert found.chunksize == (min(rows, ROWS), COLUMNS)
    assert found.dtype == found.compute().dtype == np.float32
    np.testing.assert_allclose(found, images().mean(axis=0), rtol=1e-6)


def testmean_image__of_floats_with_nan_is_nan_there(tmp_path):
    frames = images(np.float32)
    frames[1, 5, 6] = np.nan
    tifffile.imwrite(tmp_path / "dark.tif", frames, photometric="minisblack")
    found = mean_image(open_stack([tmp_path / "dark.tif"]), 8).values
    assert np.isnan(found[5, 6])
    assert np.isfinite(found).sum() == found.size - 1


def test_opening__reads_no_pixel(stacks, nothing_computes, monkeypatch):
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a pixel was read")

    monkeypatch.setattr(TiffStack, "read_rows", refuse)
    for stack in stacks.values():
        lazy_stack(stack, (8, 9))
        mean_image(stack, 8)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, int]]:
    """How often each compressed strip was decoded, by file and first bytes."""
    counts: Counter[tuple[str, int]] = Counter()
    original = tiff_pixels._decode

    def count(image: Any, data: Any, number: int, size: int) -> Any:
        counts[image.path, hash(data.tobytes())] += 1
        return original(image, data, number, size)

    monkeypatch.setattr(tiff_pixels, "_decode", count)
    return counts


@pytest.mark.parametrize("block", [(1, 21), (4, 7), (5, 21), (6, 21), (10, 21), (16, 5), (37, 21), (50, 50)])
@pytest.mark.parametrize("layout", ["deflate_strips", "deflate_one_strip", "lzw_predictor", "deflate_tiles"])
def test_a_whole_computation__decodes_each_strip_once(stacks, decoded, layout, block):
    stack = stacks[layout]
    with dask.config.set(scheduler="threads"):
        np.testing.assert_array_equal(lazy_stack(stack, block).compute(), images())
        assert set(decoded.values()) == {1}
        decoded.clear()
        mean_image(stack, block[0]).data.compute()
        assert set(decoded.values()) == {1}


def test_a_strip_too_large_for_the_memory__is_decoded_once_for_what_may_be_read(stacks, decoded, monkeypatch):
    stack, row_bytes = stacks["deflate_one_strip"], IMAGES * COLUMNS * 2
    monkeypatch.setattr(lazy, "READ_BYTES", 13 * row_bytes)
    lazy_stack(stack, (4, COLUMNS)).compute()
    # Twelve rows, three blocks, a reading: four readings of 37 rows.
    assert set(decoded.values()) == {4}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_readings__are_whole_strips_and_within_the_memory(stacks, layout, monkeypatch):
    stack, row_bytes = stacks[layout], IMAGES * COLUMNS * 2
    for most in (1, 8, 20, 1000):
        monkeypatch.setattr(lazy, "READ_BYTES", most * row_bytes)
        for height in (1, 3, 5, 9, 37):
            found = lazy._readings(stack, height, row_bytes, lazy.SHARED_BYTES)
            assert sum(found) == ROWS
            assert max(found) <= max(most, height)
            if stack.row_quantum <= max(most, height):
                # Whole strips, and no more of them than hold a block.
                assert found[0] in (ROWS, height) or found[0] % stack.row_quantum == 0
                assert stack.row_quantum == 1 or found[0] < height + stack.row_quantum


@pytest.mark.parametrize(("shared", "rows"), [(0, (16, 24)), (16 * IMAGES * COLUMNS * 2, (16, 32))])
def test_one_block__reads_its_own_rows_and_those_of_few_others(stacks, monkeypatch, shared, rows):
    read: list[tuple[int, int]] = []
    original = TiffStack.read_rows

    def note(self: TiffStack, start: int, stop: int, *rest: Any, **more: Any) -> Any:
        read.append((start, stop))
        return original(self, start, stop, *rest, **more)

    monkeypatch.setattr(TiffStack, "read_rows", note)
    lazy_stack(stacks["plain"], (8, 9), shared)[:, 20, 4].compute(scheduler="synchronous")
    assert read == [rows]


def test_a_lazy_stack__travels_to_another_process_and_keeps_its_name(stacks):
    for stack in stacks.values():
        counts = lazy_stack(stack, (8, 9))
        there = pickle.loads(pickle.dumps(counts))
        np.testing.assert_array_equal(there.compute(scheduler="synchronous"), images())
        assert lazy_stack(stack, (8, 9)).name == counts.name
        assert lazy_stack(stack.take([1, 0]), (8, 9)).name != counts.name


def test_a_file_that_goes_away__is_named(tmp_path):
    tifffile.imwrite(tmp_path / "gone.tif", images()[0])
    counts = lazy_stack(open_stack([tmp_path / "gone.tif"]), (8, 9))
    Path(tmp_path / "gone.tif").unlink()
    with pytest.raises(InputError, match=r"gone\.tif"):
        counts.compute()


@pytest.mark.parametrize("layout", ["deflate_strips", "deflate_one_strip", "lzw_predictor", "deflate_tiles"])
def test_bands_and_samples__decode_a_strip_at_most_for_its_neighbors_too(
    stacks, decoded, layout, monkeypatch
):
    stack = stacks[layout]
    cube = xr.DataArray(lazy_stack(stack, (4, COLUMNS)), dims=cube_dims())
    top = over_blocks(
        lambda block: block[:, 1:-1, 1:-1].max(axis=0), [cube], [Output("top", MAP)], halo=1, rim=0
    )
    monkeypatch.setattr(fields, "BAND_BYTES", 1)
    with computing_on(None, threads=1):
        whole = values_over_field(top)["top"]
        assert max(decoded.values()) <= 3
        decoded.clear()
        rows = np.array([1, 5, 9, 30])
        np.testing.assert_array_equal(values_at(top, rows)["top"], whole[rows])
        assert set(decoded.values()) == {1}
