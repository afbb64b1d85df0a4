"""Stacks read by rows agree with what tifffile, an independent reader, finds in the whole files."""

import pickle
import resource
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError
from xafsflow.io.readers.tiff_stack import TiffStack, find_files, open_stack

DATA = Path(__file__).parents[4] / "shared" / "data"
with_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the shared measurements are not in {DATA}")

ROWS, COLUMNS = 37, 53
LAYOUTS = {
    "one_strip": {},
    "strips": {"rowsperstrip": 5},
    "tiles": {"tile": (16, 32)},
    "tiles_as_wide": {"tile": (16, 64)},
    "deflate": {"compression": "zlib", "rowsperstrip": 5},
    "deflate_predictor": {"compression": "zlib", "predictor": True, "rowsperstrip": 5},
    "deflate_tiles_predictor": {"compression": "zlib", "predictor": True, "tile": (16, 32)},
    "lzw_predictor": {"compression": "lzw", "predictor": True, "rowsperstrip": 8},
    "packbits": {"compression": "packbits", "rowsperstrip": 8},
    "lzma": {"compression": "lzma"},
    "zstd_tiles": {"compression": "zstd", "tile": (32, 16)},
}


def images(count: int, dtype: str = "uint16", rows: int = ROWS, columns: int = COLUMNS) -> np.ndarray:
    noise = np.random.default_rng(7).integers(0, 60_000, (count, rows, columns))
    if np.dtype(dtype).kind == "f":
        return (noise / 7 - 4000).astype(dtype)
    return noise.astype(dtype)


def swap_strips(path: Path, first: int, second: int) -> None:
    """Exchange the places of two strips of equal length, so that the strips no longer follow each other."""
    with tifffile.TiffFile(path, mode="r+") as file:
        page = file.pages.first
        table, size = list(page.dataoffsets), page.databytecounts[first]
        table[first], table[second] = table[second], table[first]
        page.tags[273].overwrite(table)
    data = bytearray(path.read_bytes())
    a, b = (slice(table[k], table[k] + size) for k in (first, second))
    data[a], data[b] = data[b], data[a]
    path.write_bytes(data)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_open_stack__reads_what_was_written(tmp_path, layout, dtype, order):
    wanted = images(2, dtype)
    for k, image in enumerate(wanted):
        tifffile.imwrite(tmp_path / f"{k}.tif", image, byteorder=order, **LAYOUTS[layout])
    stack = open_stack(find_files(tmp_path, "*.tif"))
    assert stack.shape == wanted.shape
    assert stack.dtype == wanted.dtype
    assert stack.dtype.isnative
    found = stack.read_rows(0, ROWS)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(stack.read_rows(11, 20, columns=slice(9, 40)), wanted[:, 11:20, 9:40])


@pytest.mark.parametrize("order", "<>")
def test_differences_of_floating_point_numbers_as_integers__are_undone(tmp_path, order):
    wanted = images(1, "float32")[0]
    tifffile.imwrite(
        tmp_path / "a.tif", wanted.view(np.int32), byteorder=order, compression="zlib", predictor=2
    )
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages.first.tags[339].overwrite(3)
    np.testing.assert_array_equal(open_stack([tmp_path / "a.tif"]).read_rows(0, ROWS)[0], wanted)


@pytest.fixture(scope="module")
def stacks():
    """A stack of each layout, and one of pages in several files, with the truth that all of them share."""
    wanted = images(5)
    with tempfile.TemporaryDirectory() as name:
        found = {}
        for layout, options in LAYOUTS.items():
            folder = Path(name, layout)
            folder.mkdir()
            gray = {"photometric": "minisblack", **options}
            tifffile.imwrite(folder / "a.tif", wanted[:3], bigtiff=True, byteorder=">", **gray)
            tifffile.imwrite(folder / "b.tif", wanted[3:], metadata=None, **gray)
            found[layout] = open_stack([folder / "a.tif", folder / "b.tif"])
        yield found, wanted


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_read_rows__equals_a_slice_of_the_whole(stacks, data):
    found, wanted = stacks
    stack = found[data.draw(st.sampled_from(sorted(found)))]
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, ROWS)] * 2)))
    left = data.draw(st.integers(0, COLUMNS - 1))
    columns = data.draw(
        st.sampled_from([None, slice(left, None), slice(left, left + 9), slice(None, left + 1)])
    )
    order = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=6))
    rows = stack.take(order).read_rows(start, stop, columns=columns, threads=data.draw(st.integers(1, 3)))
    np.testing.assert_array_equal(rows, wanted[order][:, start:stop, columns or slice(None)])


def test_read_rows__fills_the_array_that_is_given(stacks):
    found, wanted = stacks
    for stack in found.values():
        whole = np.zeros((5, ROWS, 2 * COLUMNS), np.uint16)
        out = whole[:, 2:9, ::2]  # neither rows nor pixels follow each other in memory
        assert stack.read_rows(2, 9, out=out) is out
        np.testing.assert_array_equal(out, wanted[:, 2:9])
        assert not whole[:, :, 1::2].any()


def test_read_rows__refuses_an_array_of_another_form(stacks):
    stack = stacks[0]["strips"]
    for out in (np.zeros((5, 3, COLUMNS), np.uint16), np.zeros((5, 2, COLUMNS), np.float32)):
        with pytest.raises(ValueError, match="out is"):
            stack.read_rows(0, 2, out=out)


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (0, ROWS + 1)])
def test_read_rows__refuses_rows_outside(stacks, start, stop):
    with pytest.raises(InputError, match=f"images with {ROWS} rows"):
        stacks[0]["strips"].read_rows(start, stop)


@pytest.mark.parametrize("columns", [slice(5, 5), slice(60, 70), slice(0, 9, 2)])
def test_read_rows__refuses_columns_outside(stacks, columns):
    with pytest.raises(InputError, match="columns inside the images"):
        stacks[0]["strips"].read_rows(0, 2, columns=columns)


def test_row_quantum__is_the_height_of_what_must_be_decoded_at_once(stacks):
    wanted = {
        "one_strip": 1,
        "strips": 1,
        "tiles": 16,
        "tiles_as_wide": 16,
        "deflate": 5,
        "lzma": ROWS,
        "zstd_tiles": 32,
    }
    assert {layout: stacks[0][layout].row_quantum for layout in wanted} == wanted


def test_tiles_of_the_images_width__are_plain_rows(tmp_path):
    wanted = images(1, columns=64)[0]
    tifffile.imwrite(tmp_path / "a.tif", wanted, tile=(16, 64))
    stack = open_stack([tmp_path / "a.tif"])
    assert stack.row_quantum == 1
    np.testing.assert_array_equal(stack.read_rows(15, 37)[0], wanted[15:37])


def test_strips_out_of_order__are_put_in_order(tmp_path):
    wanted = images(1)[0]
    tifffile.imwrite(tmp_path / "a.tif", wanted, rowsperstrip=5, byteorder="<")
    swap_strips(tmp_path / "a.tif", 1, 4)
    stack = open_stack([tmp_path / "a.tif"])
    assert stack.row_quantum == 5
    np.testing.assert_array_equal(stack.read_rows(0, ROWS)[0], wanted)
    np.testing.assert_array_equal(stack.read_rows(4, 23)[0], wanted[4:23])


def test_take__orders_and_refuses_what_is_not_there(stacks):
    stack, wanted = stacks[0]["strips"], stacks[1]
    np.testing.assert_array_equal(stack.take(np.array([4, 0])).read_rows(0, 3), wanted[[4, 0], :3])
    for order in ([5], [-1], []):
        with pytest.raises(InputError, match="of a stack of 5"):
            stack.take(order)


def test_stack__is_small_and_the_same_after_pickling(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", images(20, rows=2000), compression="zlib", rowsperstrip=1)
    stack = open_stack([tmp_path / "a.tif"])
    sent = pickle.dumps(stack)
    assert len(sent) < 4000  # 40,000 strips, whose places stay in the file
    copy = pickle.loads(sent)
    assert isinstance(copy, TiffStack)
    assert copy == stack
    np.testing.assert_array_equal(copy.read_rows(900, 903), images(20, rows=2000)[:, 900:903])


def test_stack__holds_no_file_open(tmp_path):
    paths = [tmp_path / f"{k}.tif" for k in range(200)]
    for k, path in enumerate(paths):
        tifffile.imwrite(path, np.full((2, 3), k, np.uint8))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, before[1]))
    try:
        found = open_stack(paths).read_rows(0, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    np.testing.assert_array_equal(found[:, 1, 2], np.arange(200))


@pytest.mark.parametrize("options", [{"imagej": True}, {"ome": True}, {"photometric": "minisblack"}])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_multi_page_dialects__are_their_pages(tmp_path, options, compression):
    wanted = images(4)
    tifffile.imwrite(tmp_path / "a.ome.tif", wanted, compression=compression, **options)
    stack = open_stack([tmp_path / "a.ome.tif"])
    np.testing.assert_array_equal(stack.read_rows(0, ROWS), wanted)
    assert [image.page for image in stack.images] == [1, 2, 3, 4]


@pytest.mark.parametrize("options", [{"imagej": True}, {"photometric": "minisblack"}])
def test_hyperstack_of_one_page__is_the_block_behind_it(tmp_path, options):
    wanted = images(6, "float32")
    tifffile.imwrite(tmp_path / "a.tif", wanted, truncate=True, **options)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert len(file.pages) == 1
        assert file.series[0].shape == wanted.shape
        at = file.series[0].dataoffset
    stack = open_stack([tmp_path / "a.tif"])
    assert stack.images[0].at == at
    np.testing.assert_array_equal(stack.read_rows(0, ROWS), wanted)
    np.testing.assert_array_equal(stack.take([5, 2]).read_rows(7, 9), wanted[[5, 2], 7:9])


def test_hyperstack__as_imagej_lays_it_out(tmp_path):
    """Written byte by byte after ImageJ's TiffEncoder: big endian, one header, description, images at 768."""
    wanted = images(3, ">u2")
    text = b"ImageJ=1.53t\nimages=3\nframes=3\nhyperstack=true\nmin=0.0\nmax=60000.0\n\0"
    tags = [
        (254, 4, 1, 0),
        (256, 4, 1, COLUMNS),
        (257, 4, 1, ROWS),
        (258, 3, 1, 16 << 16),
        (262, 3, 1, 1 << 16),
        (270, 2, len(text), 300),
        (273, 4, 1, 768),
        (277, 3, 1, 1 << 16),
        (278, 3, 1, ROWS << 16),
        (279, 4, 1, ROWS * COLUMNS * 2),
    ]
    head = b"MM\0*" + struct.pack(">IH", 8, len(tags)) + b"".join(struct.pack(">HHII", *tag) for tag in tags)
    path = tmp_path / "a.tif"
    path.write_bytes((head + bytes(4)).ljust(300, b"\0") + text.ljust(468, b"\0") + wanted.tobytes())
    np.testing.assert_array_equal(open_stack([path]).read_rows(0, ROWS), wanted)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="truncated: 2 of the 3 images"):
        open_stack([path])


def test_description_without_a_number__is_one_image(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", images(1)[0], description="ImageJ=1.53t\nunit=um\n", metadata=None)
    assert open_stack([tmp_path / "a.tif"]).shape == (1, ROWS, COLUMNS)


def test_thumbnails__are_left_out(tmp_path):
    wanted = images(2)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for image in wanted:
            writer.write(image, metadata=None)
            writer.write(image[::4, ::4], subfiletype=1, metadata=None)
    stack = open_stack([tmp_path / "a.tif"])
    np.testing.assert_array_equal(stack.read_rows(0, ROWS), wanted)
    assert [image.page for image in stack.images] == [1, 3]


def test_find_files__sorts_by_number(tmp_path):
    for k in (10, 9, 1, 100):
        (tmp_path / f"img_{k}.tif").touch()
    (tmp_path / "._img_1.tif").touch()
    names = [path.name for path in find_files(tmp_path, "*.tif")]
    assert names == ["img_1.tif", "img_9.tif", "img_10.tif", "img_100.tif"]


@pytest.mark.parametrize("pattern", ["*.tiff", "img_1.tiff", "sample/*.tif", "../*", "", "**x"])
def test_find_files__refuses_what_matches_nothing_or_leaves(tmp_path, pattern):
    (tmp_path / "img_1.tif").touch()
    with pytest.raises(InputError):
        find_files(tmp_path, pattern)


@with_data
def test_open_stack__reads_the_iron_scan():
    files = find_files(DATA / "scan_fe", "sample/*.tif")
    stack = open_stack(files)
    assert (stack.shape, stack.dtype, stack.row_quantum) == ((210, 128, 160), np.dtype("uint16"), 1)
    np.testing.assert_array_equal(stack.read_rows(60, 70), tifffile.imread(files)[:, 60:70])


@with_data
@pytest.mark.parametrize(
    ("name", "shape"),
    [("als_fe2p/transmitted_counts.tif", (123, 125, 125)), ("fe_library/chemical_map.tiff", (4, 155, 160))],
)
def test_open_stack__reads_measured_stacks(name, shape):
    stack = open_stack(find_files(DATA, name))
    assert (stack.shape, stack.dtype) == (shape, np.dtype("float32"))
    np.testing.assert_array_equal(stack.read_rows(0, shape[1]), tifffile.imread(DATA / name))
