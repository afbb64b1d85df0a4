"""Files that are not what they should be end in one error that names file and page; nothing hangs."""

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError
from xafsflow.io.readers.tiff_stack import open_stack

KINDS = {
    "pages": {"metadata": None},
    "big": {"metadata": None, "bigtiff": True, "byteorder": ">"},
    "imagej": {"imagej": True, "truncate": True},
    "deflate": {"compression": "zlib", "rowsperstrip": 3, "predictor": True},
    "lzw_tiles": {"compression": "lzw", "tile": (16, 16)},
    "tiles": {"tile": (16, 16)},
}
WANTED = np.random.default_rng(3).integers(0, 4000, (5, 20, 30), np.uint16)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    for kind, options in KINDS.items():
        tifffile.imwrite(folder / f"{kind}.tif", WANTED, **options)
    return {kind: (folder / f"{kind}.tif").read_bytes() for kind in KINDS}, folder


def headers(path: Path) -> list[int]:
    with tifffile.TiffFile(path) as file:
        return [page.offset for page in file.pages]


def set_tag(path: Path, code: int, value: int) -> None:
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags[code].overwrite(value)


def set_next(path: Path, page: int, at: int) -> None:
    """Let the header of a page of a classic, little endian file point to a place."""
    data, header = bytearray(path.read_bytes()), headers(path)[page]
    struct.pack_into("<I", data, header + 2 + 12 * struct.unpack_from("<H", data, header)[0], at)
    path.write_bytes(data)


def refused(path: Path, *words: str) -> str:
    """The message with which a file is refused; it names the file and the given words."""
    with pytest.raises(InputError) as caught:
        open_stack([path]).read_rows(0, 20)
    message = str(caught.value)
    for word in (path.name, "Expected", *words):
        assert word in message
    return message


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_truncated_file__is_refused_or_whole(files, kind, data):
    contents, folder = files
    whole = contents[kind]
    path = folder / "cut.tif"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    try:
        found = open_stack([path]).read_rows(0, 20)
    except InputError as error:
        message = str(error)
    else:
        np.testing.assert_array_equal(found, WANTED)
        return
    assert "cut.tif" in message


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_bytes__are_refused_or_read_but_never_crash(files, kind, data):
    contents, folder = files
    changed = bytearray(contents[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.one_of(st.integers(0, 300), st.integers(0, len(changed) - 1)))
        changed[at] = data.draw(st.integers(0, 255))
    path = folder / "changed.tif"
    path.write_bytes(changed)
    message = "changed.tif"
    try:
        stack = open_stack([path])
        stack.read_rows(0, min(4, stack.shape[1]))
    except InputError as error:
        message = str(error)
    assert "changed.tif" in message


@pytest.mark.parametrize(
    "data", [b"", b"I", b"II", b"II*\0", b"MM\0*\0\0\0\0", b"not a TIFF at all", b"II+\0\x08\0\0\0"]
)
def test_no_tiff__is_refused(tmp_path, data):
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    refused(path)


def test_missing_file_and_folder__are_refused(tmp_path):
    refused(tmp_path / "absent.tif", "no file")
    refused(tmp_path)
    with pytest.raises(InputError, match="no files for a stack"):
        open_stack([])


def test_truncated_multi_page__names_the_page(files, tmp_path):
    path = tmp_path / "a.tif"
    whole = files[0]["pages"]
    path.write_bytes(whole)
    third = headers(path)[2]
    path.write_bytes(whole[: third + 6])
    refused(path, "page 3", "truncated")


def test_truncated_data__names_page_and_sizes(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, WANTED[0])
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-10])
    refused(path, "page 1", f"ends at byte {size}, the file at byte {size - 10}")


@pytest.mark.parametrize("target", [0, 1, 3, 149])
def test_chain_that_closes__is_refused(tmp_path, target):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for _ in range(150):
            writer.write(np.zeros((2, 3), np.uint8), contiguous=False, metadata=None)
    set_next(path, 149, headers(path)[target])
    refused(path, "page 151", f"page {target + 1} again")


def test_chain_that_leaves_the_file__is_refused(files, tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(files[0]["pages"])
    set_next(path, 4, 10_000_000)
    refused(path, "page 6", "truncated or damaged")


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_color__is_refused(tmp_path, planar):
    shape = (20, 30, 3) if planar == "contig" else (3, 20, 30)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros(shape, np.uint8), photometric="rgb", planarconfig=planar)
    refused(path, "page 1", "RGB, 3 samples")


def test_channels__are_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((20, 30, 2), np.uint8), photometric="minisblack", planarconfig="contig")
    refused(path, "several channels, 2 samples")


def test_volume__is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, WANTED, volumetric=True, tile=(16, 16, 16))
    refused(path, "volume")


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint64", "complex64", "bool"])
def test_other_types__are_refused(tmp_path, dtype):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((20, 30), dtype))
    refused(path, "page 1", "one of uint8, uint16")


@pytest.mark.parametrize(
    ("code", "value", "word"), [(259, 7, "compression number 7"), (256, 0, "no image data")]
)
def test_other_forms__are_refused(tmp_path, code, value, word):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, WANTED[0])
    set_tag(path, code, value)
    refused(path, "page 1", word)


def test_reversed_bits__are_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, WANTED[0], byteorder="<")
    resolution_unit, fill_order = struct.pack("<HHIH", 296, 3, 1, 1), struct.pack("<HHIH", 266, 3, 1, 2)
    path.write_bytes(path.read_bytes().replace(resolution_unit, fill_order))
    refused(path, "FillOrder 2")


def test_other_predictor__is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, WANTED[0], compression="zlib", predictor=True)
    set_tag(path, 317, 3)
    refused(path, "predictor number 3")


@pytest.mark.parametrize("code", [273, 279])
def test_empty_strips__are_refused(tmp_path, code):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, WANTED[0], compression="zlib")
    set_tag(path, code, 0)
    refused(path, "no image data")


def test_missing_strips__are_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, WANTED[0], rowsperstrip=10)
    set_tag(path, 278, 4)
    refused(path, "2 strips or tiles of 5")


def test_sizes_no_code_can_reach__are_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, WANTED[0], compression="zlib")
    set_tag(path, 256, 2**30)
    refused(path, "pixels in")


@pytest.mark.parametrize("other", [WANTED[0, :19], WANTED[0, :, :29], WANTED[0].astype(np.float32)])
def test_another_form_than_the_first__is_named(tmp_path, other):
    tifffile.imwrite(tmp_path / "a.tif", WANTED[0])
    with tifffile.TiffWriter(tmp_path / "b.tif") as writer:
        writer.write(WANTED[0], metadata=None)
        writer.write(other, metadata=None)
    found = f"page 2: {other.shape[0]} x {other.shape[1]} {other.dtype.name}"
    with pytest.raises(InputError, match=f"b.tif, {found}.*20 x 30 uint16, as the first image.*a.tif"):
        open_stack([tmp_path / "a.tif", tmp_path / "b.tif"])


def test_broken_strip__is_named_when_it_is_read_and_not_before(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, WANTED, compression="zlib", rowsperstrip=5)
    with tifffile.TiffFile(path) as file:
        at, count = file.pages[3].dataoffsets[2], file.pages[3].databytecounts[2]
    data = bytearray(path.read_bytes())
    data[at + count // 2 : at + count] = bytes(count - count // 2)
    path.write_bytes(data)
    stack = open_stack([path])
    np.testing.assert_array_equal(stack.read_rows(0, 10), WANTED[:, :10])
    for threads in (1, 2):
        with pytest.raises(InputError, match=r"a\.tif, page 4: deflate data do not decode"):
            stack.read_rows(8, 12, threads=threads)


@pytest.mark.parametrize("codec", ["lzw", "lzma"])
def test_strip_that_decodes_to_too_little__is_refused(tmp_path, codec):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, WANTED[0], compression=codec)
    with tifffile.TiffFile(path) as file:
        count = file.pages[0].databytecounts[0]
    set_tag(path, 279, count // 2)
    refused(path, "page 1", f"{codec} data do not decode")


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}])
def test_file_that_changes_after_its_header_was_read__is_refused(tmp_path, options):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, WANTED, **options)
    stack = open_stack([path])
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(InputError, match=r"a.tif, page \d: its data reach to byte"):
        stack.read_rows(0, 20)
    path.unlink()
    with pytest.raises(InputError, match=r"a\.tif, page 1: No such file"):
        stack.read_rows(0, 20)


def test_compressed_page_that_counts_more_images__is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, WANTED[0], compression="zlib", description="ImageJ=1.53t\nimages=5\n", metadata=None
    )
    refused(path, "counts 5 images")
