"""The images of TIFF files, described from the headers: form, compression, and where their bytes lie."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.io.readers.tiff_header import NUMBERS, TEXT, Page, Source, Tag, pages

DTYPES = ("uint8", "uint16", "uint32", "int16", "int32", "float32", "float64")
KINDS = {1: "uint", 2: "int", 3: "float", 4: "uint"}  # 4 is "undefined", which old cameras write for counts
FLOAT = 3
NO_PREDICTOR, HORIZONTAL, FLOATING_POINT = 1, 2, 3
# Compression numbers, and the name of the decoder in imagecodecs; only what brings back the very counts.
CODECS = {1: "", 5: "lzw", 8: "deflate", 32946: "deflate", 32773: "packbits", 34925: "lzma", 50000: "zstd"}
# The densest code, a run of one value in Zstandard, is 4 bytes for a block of 128 KiB.
DENSEST = 2**15
LARGEST = 2**31  # pixels of a side; keeps products of two sides and a number of bytes exact
REDUCED_OR_MASK = 0b101
RGB = 2
GRAY = "gray images, one sample a pixel"


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

    The tables stay in the file: thousands of strips an image would make a stack too large to send to workers.
    """

    path: str
    page: int
    layout: Layout
    at: int | None
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
    try:
        with open(path, "rb") as stream:
            found = list(pages(Source(name, stream)))
            if len(found) == 1:
                return _unfold(found[0], _locate(found[0], _layout(found[0])))
            layouts: dict[Layout, Layout] = {}  # one object for all the pages that share it
            images = []
            for page in [p for p in found if not p.number_of(Tag.SUBFILE, 0) & REDUCED_OR_MASK] or found:
                layout = _layout(page)
                images.append(_locate(page, layouts.setdefault(layout, layout)))
            return images
    except FileNotFoundError:
        raise InputError(f"no file {name}", "a TIFF file", "check the path and its spelling") from None
    except OSError as error:
        what = error.strerror or str(error)
        raise InputError(f"{name}: {what}", "a readable TIFF file", "check the path and its rights") from None


def _layout(page: Page) -> Layout:
    """The form of a page; refuses what is not one gray image of numbers."""
    rows, columns = page.number_of(Tag.ROWS, 0), page.number_of(Tag.COLUMNS, 0)
    tiled = Tag.TILE_OFFSETS in page.tags
    if not rows or not columns or not (tiled or Tag.STRIP_OFFSETS in page.tags):
        raise page.damaged("no image data")
    samples, photometric = page.number_of(Tag.SAMPLES, 1), page.number_of(Tag.PHOTOMETRIC, 1)
    if samples != 1 or photometric == RGB:
        found = f"{'RGB' if photometric == RGB else 'several channels'}, {samples} samples a pixel"
        raise page.error(found, GRAY, "export the detector's counts, not a colored picture")
    if page.number_of(Tag.DEPTH, 1) != 1:
        raise page.error("a volume in one page", GRAY, "write one page an image")
    strip = page.number_of(Tag.ROWS_PER_STRIP, rows)
    layout = Layout(
        rows=rows,
        columns=columns,
        dtype=_dtype(page),
        codec=_codec(page),
        predictor=page.number_of(Tag.PREDICTOR, NO_PREDICTOR),
        segment_rows=page.number_of(Tag.TILE_ROWS, 0) if tiled else min(rows, strip),
        segment_columns=page.number_of(Tag.TILE_COLUMNS, 0) if tiled else columns,
    )
    sizes = (layout.rows, layout.columns, layout.segment_rows, layout.segment_columns)
    if not all(0 < size < LARGEST for size in sizes):
        raise page.damaged(f"{rows} x {columns} pixels in pieces of {sizes[2]} x {sizes[3]}")
    return layout


def _dtype(page: Page) -> str:
    form, bits = page.number_of(Tag.SAMPLE_FORMAT, 1), page.number_of(Tag.BITS, 1)
    name = f"{KINDS.get(form, f'format {form}, bits ')}{bits}"
    if name not in DTYPES:
        raise page.error(
            f"pixels of {name}", f"one of {', '.join(DTYPES)}", "convert the images to one of these"
        )
    return np.dtype(f"{page.source.order}{np.dtype(name).str[1:]}").str


def _codec(page: Page) -> str:
    """The name of the decoder; refuses what cannot be undone exactly."""
    compression, predictor = page.number_of(Tag.COMPRESSION, 1), page.number_of(Tag.PREDICTOR, NO_PREDICTOR)
    codec, plain = CODECS.get(compression), "write the images without compression"
    if codec is None:
        known = ", ".join(sorted({name for name in CODECS.values() if name}))
        raise page.error(f"compression number {compression}", f"none, or one of {known}", plain)
    allowed = {NO_PREDICTOR}
    if codec:
        allowed |= {HORIZONTAL}
    if codec and page.number_of(Tag.SAMPLE_FORMAT, 1) == FLOAT:
        allowed |= {FLOATING_POINT}
    if predictor not in allowed:
        raise page.error(f"predictor number {predictor}", f"one of {sorted(allowed)} for this page", plain)
    if page.number_of(Tag.FILL_ORDER, 1) != 1:
        raise page.error("bytes with their bits reversed (FillOrder 2)", "FillOrder 1", plain)
    return codec


def _locate(page: Page, layout: Layout) -> Image:
    """Find the bytes of a page, and check that the file holds all of them."""
    tiled = Tag.TILE_OFFSETS in page.tags
    codes = (Tag.TILE_OFFSETS, Tag.TILE_COUNTS) if tiled else (Tag.STRIP_OFFSETS, Tag.STRIP_COUNTS)
    offsets, counts = (page.values(code, limit=page.source.size) for code in codes)
    # Old programs leave out or miscount the bytes of strips; uncompressed, they follow from the shape.
    held = min(len(offsets), len(counts)) if layout.codec else len(offsets)
    if held < layout.segments:
        raise page.damaged(f"{held} strips or tiles of {layout.segments}")
    offsets, counts = offsets[: layout.segments], counts[: layout.segments]
    if not offsets.all() or not counts.all():
        raise page.damaged("no image data in some strips or tiles")
    page.check_end(int(offsets.max()), "its data")
    starts = offsets.astype(np.int64)  # safe: all are within the file
    tables = [
        Table(tag.at, page.source.order + NUMBERS[tag.kind]) for code in codes if (tag := page.tags.get(code))
    ]
    if layout.codec:
        _check_compressed(page, layout, starts, counts)
        return Image(page.source.path, page.number, layout, None, tables[0], tables[1])
    at = _check_plain(page, layout, starts)
    return Image(page.source.path, page.number, layout, at, tables[0], None)


def _check_compressed(page: Page, layout: Layout, starts: NDArray[np.int64], counts: NDArray[Any]) -> None:
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
    held = (page.source.size - image.at) // size
    if held < count:
        raise page.error(
            f"truncated: {held} of the {count} images that its description counts",
            "a whole file",
            "copy the file again, or correct the number in its description",
        )
    return [image._replace(page=k + 1, at=image.at + k * size) for k in range(count)]


def _described(page: Page, layout: Layout) -> int:
    """How many images the description counts: `images=` of ImageJ, or the shape that tifffile writes."""
    tag = page.tags.get(Tag.DESCRIPTION)
    if tag is None or tag.kind != TEXT:
        return 1
    text = page.read(tag.at, min(tag.items, 4096), "the description").decode("latin-1")
    if text.startswith("ImageJ="):
        found = re.search(r"^images=([0-9]+)", text, re.MULTILINE)
        return max(1, int(found[1])) if found else 1
    if shaped := re.match(r'\{"shape": \[([0-9, ]+)\].*"truncated": true', text):
        pixels = math.prod(int(n) for n in re.findall("[0-9]+", shaped[1]))
        return max(1, pixels // (layout.rows * layout.columns))
    return 1
