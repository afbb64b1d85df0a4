"""The chain of headers in a TIFF file: its pages and their tags, checked against the file's size.

It is walked here rather than by tifffile, because a broken file must be named: tifffile (2026.3) drops the
pages behind a truncation with no more than a log entry, and does not come back from a chain that closes on a
page beyond its hundredth.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError


class Tag(IntEnum):
    """Tag numbers of TIFF 6.0, and the depth of volumes."""

    SUBFILE = 254
    COLUMNS = 256
    ROWS = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    DESCRIPTION = 270
    STRIP_OFFSETS = 273
    SAMPLES = 277
    ROWS_PER_STRIP = 278
    STRIP_COUNTS = 279
    PREDICTOR = 317
    TILE_COLUMNS = 322
    TILE_ROWS = 323
    TILE_OFFSETS = 324
    TILE_COUNTS = 325
    SAMPLE_FORMAT = 339
    DEPTH = 32997


TEXT = 2
NUMBERS = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
SIZES = {TEXT: 1, **{kind: np.dtype(code).itemsize for kind, code in NUMBERS.items()}}
KNOWN = frozenset(int(tag) for tag in Tag)


class Entry(NamedTuple):
    """A tag of a page: the type and number of its items, and where the first lies."""

    kind: int
    items: int
    at: int


class Source:
    """An open TIFF file: its size, byte order, kind, and the place of the first header.

    Raises
    ------
    InputError
        The file is empty or no TIFF.
    """

    def __init__(self, path: str, stream: io.BufferedReader) -> None:
        self.path, self.stream, self.size = path, stream, os.fstat(stream.fileno()).st_size
        start = stream.read(16)
        again = "copy the file again, or leave it and its energy out"
        if not start:
            raise InputError(f"{path}, which is empty", "a TIFF file", again)
        self.order = {b"II": "<", b"MM": ">"}.get(start[:2], "")
        magic = int.from_bytes(start[2:4], "little" if self.order == "<" else "big")
        if not self.order or magic not in (42, 43):
            raise InputError(
                f"{path}, which is no TIFF: it starts with {start[:4]!r}", "a TIFF file", "check the path"
            )
        self.big = magic == 43
        if len(start) < (16 if self.big else 8):
            raise InputError(f"{path}: truncated, {len(start)} bytes in all", "a whole TIFF file", again)
        self.first = int(
            struct.unpack_from(self.order + ("Q" if self.big else "I"), start, 8 if self.big else 4)[0]
        )
        if not self.first:
            raise InputError(f"{path} without a page", "a TIFF file with images", again)


@dataclass(frozen=True)
class Page:
    """One page of a file, counted from 1, and its tags."""

    source: Source
    number: int
    tags: dict[int, Entry]

    def error(self, found: str, wanted: str, do: str) -> InputError:
        """An error that names file and page."""
        return InputError(f"{self.source.path}, page {self.number}: {found}", wanted, do)

    def damaged(self, found: str) -> InputError:
        """An error for a page that contradicts itself."""
        return self.error(
            found, "a readable TIFF page", "write or copy the file again, or leave it and its energy out"
        )

    def check_end(self, end: int, what: str) -> None:
        """Raise InputError where something ends behind the end of the file."""
        if end > self.source.size:
            raise self.error(
                f"truncated or damaged: {what} ends at byte {end}, the file at byte {self.source.size}",
                "a whole file",
                "copy the file again from where it was written, or leave it and its energy out",
            )

    def read(self, at: int, count: int, what: str) -> bytes:
        """Bytes of the file, all of them or an InputError."""
        self.check_end(at + count, what)
        self.source.stream.seek(at)
        data = self.source.stream.read(count)
        if len(data) < count:  # the file shrank since it was opened
            raise self.damaged(f"{what} cannot be read")
        return data

    def values(self, tag: Tag, limit: int) -> NDArray[Any]:
        """The numbers of a tag, none where it is absent."""
        entry = self.tags.get(tag)
        if entry is None:
            return np.zeros(0, np.uint64)
        if entry.kind not in NUMBERS or entry.items > limit:
            raise self.damaged(f"tag {tag.name} holds {entry.items} items of type {entry.kind}")
        data = self.read(entry.at, entry.items * SIZES[entry.kind], f"tag {tag.name}")
        return np.frombuffer(data, self.source.order + NUMBERS[entry.kind])

    def number_of(self, tag: Tag, default: int) -> int:
        """The one number of a tag, or of several that agree."""
        values = set(self.values(tag, limit=64).tolist())
        if len(values) > 1:
            raise self.damaged(f"tag {tag.name} holds the numbers {sorted(values)}, which should be one")
        return int(values.pop()) if values else default


def pages(source: Source) -> Iterator[Page]:
    """Follow the chain of headers.

    Raises
    ------
    InputError
        A header lies outside the file, is none, or was met before.
    """
    count, entry, pointer = (
        source.order + code for code in (("Q", "HHQ", "Q") if source.big else ("H", "HHI", "I"))
    )
    count_size, slot = (8, 8) if source.big else (2, 4)
    entry_size = struct.calcsize(entry) + slot
    seen: dict[int, int] = {}
    at = source.first
    while at:
        page = Page(source, len(seen) + 1, {})
        if at in seen:
            raise page.damaged(f"the chain of pages closes: this is page {seen[at]} again")
        seen[at] = page.number
        items = int(struct.unpack(count, page.read(at, count_size, "the header"))[0])
        if not 0 < items <= 4096:
            raise page.damaged(f"a header of {items} tags")
        data = page.read(at + count_size, items * entry_size + slot, "the header")
        for k in range(items):
            code, kind, length = struct.unpack_from(entry, data, k * entry_size)
            if code in KNOWN:
                place = (k + 1) * entry_size - slot
                inline = length * SIZES.get(kind, 0) <= slot
                first = at + count_size + place if inline else struct.unpack_from(pointer, data, place)[0]
                page.tags.setdefault(code, Entry(kind, length, first))
        yield page
        at = struct.unpack_from(pointer, data, items * entry_size)[0]
