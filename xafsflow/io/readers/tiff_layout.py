"""The images of TIFF files, described from the headers: form, compression, and where their bytes lie."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xafsflow.io.readers.tiff_header import Page, pages, tiff_file

DTYPES = ("uint8", "uint16", "uint32", "int16", "int32", "float32", "float64")
NO_PREDICTOR, HORIZONTAL, FLOATING_POINT = 1, 2, 3
# Compression numbers and their names; only what brings back the very counts.
CODECS = {1: "", 5: "lzw", 8: "deflate", 32946: "deflate", 32773: "packbits", 34925: "lzma", 50000: "zstd"}
# The densest code, a run of one value in Zstandard, is 4 bytes for a block of 128 KiB.
DENSEST = 2**15
LARGEST = 2**31  # pixels of a side; keeps products of two sides and a number of bytes exact
REDUCED_OR_MASK = 0b101
RGB = 2
GRAY = "gray images, one sample a pixel"
# What a gray image has one of, by tifffile's names.
SINGLE = (
    "imagelength", "imagewidth", "samplesperpixel", "photometric", "imagedepth", "tilelength", "tilewidth",
    "rowsperstrip", "compression", "predictor", "fillorder",
)  # fmt: skip
# Tags of the tables of strips or tiles, and the types that their numbers have.
STRIP_TABLES, TILE_TABLES = (273, 279), (324, 325)
NUMBERS = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}


class Table(NamedTuple):
    """A list of numbers in a file: its first byte and the type of its items."""

    at: int
    dtype: str


@dataclass(frozen=True)
class Layout:
    """The form of an image: shape, type in the file's byte order, compression, size of strips or tiles."""

    rows: int
    columns: int
    dtype: str
    codec: str
    predictor: int
    segment_rows: int
    segment_columns: int

    @property
    def itemsize(self) -> int:
        """Bytes of a pixel."""
        return np.dtype(self.dtype).itemsize

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of the image."""
        return self.columns * self.itemsize

    @property
    def segment_bytes(self) -> int:
        """Bytes of a full segment, decoded."""
        return self.segment_rows * self.segment_columns * self.itemsize

    @property
    def across(self) -> int:
        """Segments side by side."""
        return -(-self.columns // self.segment_columns)

    @property
    def segments(self) -> int:
        """Segments of the image."""
        return self.across * -(-self.rows // self.segment_rows)


class Image(NamedTuple):
    """One image. `at` is its first byte if it lies there whole and plain, else there are tables of segments.

    The tables stay in the file: thousands of strips an image would make a stack too large to send to workers. `header`
    is the place of the page's header.
    """

    path: str
    page: int
    layout: Layout
    at: int | None
    header: int
    offsets: Table
    counts: Table | None


def read_images(path: Path) -> list[Image]:
    """Describe every image of a TIFF file.

    Pages that call themselves a reduced version or a mask of another page are left out. A file with one page
    whose description tells of more images (ImageJ beyond 4 GB, tifffile with `truncate`) holds that many.

    Raises
    ------
    InputError
        The file is missing, empty, no TIFF, truncated or damaged, or holds what is not one gray image a page.
    """
    name = os.path.abspath(path)
    with tiff_file(name) as file:
        found = list(pages(name, file))
        if len(found) == 1:
            return _unfold(found[0], _locate(found[0], _layout(found[0])))
        layouts: dict[Layout, Layout] = {}  # one object for all the pages that share it
        images = []
        for page in [one for one in found if not one.tags.subfiletype & REDUCED_OR_MASK] or found:
            layout = _layout(page)
            images.append(_locate(page, layouts.setdefault(layout, layout)))
        return images


def _layout(page: Page) -> Layout:
    """The form of a page; refuses what is not one gray image of numbers."""
    tags = page.tags
    if several := [name for name in SINGLE if not isinstance(getattr(tags, name), int)]:
        raise page.damaged(f"no single number as {several[0]}")
    if not tags.imagelength or not tags.imagewidth or not tags.dataoffsets:
        raise page.damaged("no image data")
    samples, photometric = tags.samplesperpixel, tags.photometric
    if samples != 1 or photometric == RGB:
        found = f"{'RGB' if photometric == RGB else 'several channels'}, {samples} samples a pixel"
        raise page.error(found, GRAY, "export the detector's counts, not a colored picture")
    if tags.imagedepth != 1:
        raise page.error("a volume in one page", GRAY, "write one page an image")
    dtype = _dtype(page)
    sizes = (
        tags.imagelength,
        tags.imagewidth,
        tags.tilelength if tags.is_tiled else tags.rowsperstrip,
        tags.tilewidth if tags.is_tiled else tags.imagewidth,
    )
    if not all(0 < size < LARGEST for size in sizes):
        raise page.damaged(f"{sizes[0]} x {sizes[1]} pixels in pieces of {sizes[2]} x {sizes[3]}")
    rows, columns, height, width = sizes
    return Layout(rows, columns, dtype, _codec(page, dtype), int(tags.predictor), height, width)


def _dtype(page: Page) -> str:
    tags = page.tags
    if tags.dtype is None or tags.dtype.name not in DTYPES or tags.bitspersample != 8 * tags.dtype.itemsize:
        found = f"pixels of sample format {int(tags.sampleformat)} and {tags.bitspersample} bits"
        raise page.error(found, f"one of {', '.join(DTYPES)}", "convert the images to one of these")
    return tags.dtype.newbyteorder(tags.parent.byteorder).str


def _codec(page: Page, dtype: str) -> str:
    """The name of the decoder; refuses what cannot be undone exactly."""
    compression, predictor = int(page.tags.compression), int(page.tags.predictor)
    codec, plain = CODECS.get(compression), "write the images without compression"
    if codec is None:
        known = ", ".join(sorted({name for name in CODECS.values() if name}))
        raise page.error(f"compression number {compression}", f"none, or one of {known}", plain)
    allowed = {NO_PREDICTOR}
    if codec:
        allowed |= {HORIZONTAL}
    if codec and np.dtype(dtype).kind == "f":
        allowed |= {FLOATING_POINT}
    if predictor not in allowed:
        raise page.error(f"predictor number {predictor}", f"one of {sorted(allowed)} for this page", plain)
    if page.tags.fillorder != 1:
        raise page.error("bytes with their bits reversed (FillOrder 2)", "FillOrder 1", plain)
    return codec


def _locate(page: Page, layout: Layout) -> Image:
    """Find the bytes of a page, and check that the file holds all of them."""
    try:
        offsets = np.array(tuple(page.tags.dataoffsets), np.uint64)
        counts = np.array(tuple(page.tags.databytecounts), np.uint64)
    except (TypeError, ValueError, OverflowError) as error:  # a negative number, a text
        raise page.damaged(f"strips or tiles whose places cannot be read ({error})") from None
    # Old programs leave out or miscount the bytes of strips; uncompressed, they follow from the shape.
    held = min(len(offsets), len(counts)) if layout.codec else len(offsets)
    if held < layout.segments:
        raise page.damaged(f"{held} strips or tiles of {layout.segments}")
    offsets, counts = offsets[: layout.segments], counts[: layout.segments]
    if not offsets.all() or not counts.all():
        raise page.damaged("no image data in some strips or tiles")
    page.check_end(int(offsets.max()), "its data")
    starts = offsets.astype(np.int64)  # safe: all are within the file
    places, sizes = (_table(page, code) for code in (TILE_TABLES if page.tags.is_tiled else STRIP_TABLES))
    if places is None or (layout.codec and sizes is None):
        raise page.damaged("strips or tiles without a table of their places and sizes")
    if layout.codec:
        _check_compressed(page, layout, starts, counts)
        return Image(page.path, page.number, layout, None, page.tags.offset, places, sizes)
    at = _check_plain(page, layout, starts)
    return Image(page.path, page.number, layout, at, page.tags.offset, places, None)


def _table(page: Page, code: int) -> Table | None:
    tag = page.tags.tags.get(code)
    kind = None if tag is None else NUMBERS.get(int(tag.dtype))
    return None if kind is None else Table(tag.valueoffset, page.tags.parent.byteorder + kind)


def _check_compressed(
    page: Page, layout: Layout, starts: NDArray[np.int64], counts: NDArray[np.uint64]
) -> None:
    page.check_end(int(counts.max()), "its data")
    ends = starts + counts.astype(np.int64)
    page.check_end(int(ends.max()), "its data")
    stored = int(counts.sum(dtype=np.int64))
    if layout.segments * layout.segment_bytes > DENSEST * stored:
        raise page.damaged(f"{layout.rows} x {layout.columns} pixels in {stored} bytes")


def _check_plain(page: Page, layout: Layout, starts: NDArray[np.int64]) -> int | None:
    """The first byte, where the segments of an image follow each other and are as wide as the image."""
    first, height = int(starts[0]), min(layout.rows, layout.segment_rows)
    line = layout.segment_columns * layout.itemsize
    page.check_end(first + height * line, "its data")
    number = np.arange(layout.segments)
    if layout.segment_columns == layout.columns and np.array_equal(starts, first + height * line * number):
        page.check_end(first + layout.rows * line, "its data")
        return first
    ends = starts + line * np.minimum(height, layout.rows - height * (number // layout.across))
    page.check_end(int(ends.max()), "its data")
    return None


def _unfold(page: Page, image: Image) -> list[Image]:
    """The images of a file with one page, whose description may count more than that page."""
    count, size = _described(page, image.layout), image.layout.rows * image.layout.row_bytes
    if count == 1:
        return [image]
    if image.at is None:
        raise page.damaged(f"one page in pieces or compressed, whose description counts {count} images")
    held = (page.size - image.at) // size
    if held < count:
        raise page.error(
            f"truncated: {held} of the {count} images that its description counts",
            "a whole file",
            "copy the file again, or correct the number in its description",
        )
    return [image._replace(page=k + 1, at=image.at + k * size) for k in range(count)]


def _described(page: Page, layout: Layout) -> int:
    """How many images the description counts: `images=` of ImageJ, or the shape that tifffile writes."""
    text = str(page.tags.description)[:4096]
    if text.startswith("ImageJ="):
        found = re.search(r"^images=([0-9]+)", text, re.MULTILINE)
        return max(1, int(found[1])) if found else 1
    if shaped := re.match(r'\{"shape": (\[[0-9, ]+\]).*"truncated": true', text):
        return max(1, math.prod(json.loads(shaped[1])) // (layout.rows * layout.columns))
    return 1
